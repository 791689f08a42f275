package target

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// A probe of a folder leaves nothing, and tells a folder that is full from one that refuses and
// one that is gone.
//
// covers: T.11
func TestProbeOfAFolder(t *testing.T) {
	volume := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", volume, "tmpfs", 0, "size=256k"), "this test mounts a file system: it needs root")
	t.Cleanup(func() { require.NoError(t, unix.Unmount(volume, 0)) })
	dir := filepath.Join(volume, "cold")
	target, err := OpenFolder(dir)
	require.NoError(t, err)
	require.NoError(t, target.Probe(t.Context()))
	left := func() []os.DirEntry {
		list, err := os.ReadDir(dir)
		require.NoError(t, err)
		return list
	}
	require.Empty(t, left())

	filler := filepath.Join(volume, "filler")
	require.Error(t, os.WriteFile(filler, make([]byte, 512<<10), 0o600))
	err = target.Probe(t.Context())
	require.Equal(t, types.CodeTargetFull, types.CodeOf(err), "%v", err)
	err = target.Put(t.Context(), "gov/segment", 3, crypto.Sum([]byte("abc")), &endless{})
	require.Equal(t, types.CodeTargetFull, types.CodeOf(err), "%v", err)
	require.NoError(t, os.Remove(filler))
	require.NoError(t, target.Probe(t.Context()))
	require.Len(t, left(), 1, "the folder of the file that found no room")

	require.NoError(t, unix.Mount("", volume, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	err = target.Probe(t.Context())
	require.Equal(t, types.CodeTargetRefused, types.CodeOf(err), "%v", err)
	require.NoError(t, unix.Mount("", volume, "", unix.MS_REMOUNT, ""))
	require.NoError(t, os.RemoveAll(dir))
	err = target.Probe(t.Context())
	require.Equal(t, types.CodeArchiveTarget, types.CodeOf(err), "%v", err)
	_, err = OpenFolder(filepath.Join("/dev/null", "cold"))
	require.Equal(t, types.CodeArchiveTarget, types.CodeOf(err), "%v", err)
}

// endless is more than any disk holds.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }
