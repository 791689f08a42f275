package node

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// A place that never answers, as a share whose server is gone, costs the examination its time
// and no more.
func TestDoctorLeavesAPlaceThatHangs(t *testing.T) {
	d := &diagnosis{}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	hangs := make(chan struct{})
	defer close(hangs)
	d.store(ctx, "archive target", &ArchiveConfig{Folder: t.TempDir()}, ChainHome{}, func(context.Context) (string, error) {
		<-hangs
		return "", nil
	})
	require.Len(t, d.list, 1)
	require.False(t, d.list[0].OK)
	require.Contains(t, d.list[0].Detail, types.CodeArchiveTarget.String())
	require.NotEmpty(t, d.list[0].Fix.ZH)
}
