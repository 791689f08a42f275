package node

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// A place that never answers, as a share whose server is gone, costs the examination its time
// and no more. Should it answer later, nothing is written there any more.
func TestDoctorLeavesAPlaceThatHangs(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "archive")
	synctest.Test(t, func(t *testing.T) {
		d := &diagnosis{}
		hangs := make(chan struct{})
		d.store(t.Context(), "archive target", &ArchiveConfig{Folder: folder}, ChainHome{}, func(context.Context) (string, error) {
			<-hangs
			return "", nil
		})
		require.Len(t, d.list, 1)
		require.False(t, d.list[0].OK)
		require.Contains(t, d.list[0].Detail, types.CodeArchiveTarget.String())
		require.NotEmpty(t, d.list[0].Fix.ZH)

		close(hangs)
		synctest.Wait()
		require.NoDirExists(t, folder)
	})
}
