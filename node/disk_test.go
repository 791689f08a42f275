package node

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/huchain/huchain/types"
)

// A ledger on a disk of its own that is nearly full counts as the home's own disk does, and
// is named; a folder that only looks like a chain does not.
func TestDiskOfAMovedLedger(t *testing.T) {
	home, volume := Home{Dir: t.TempDir()}, t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", volume, "tmpfs", 0, "size=8m"), "this test mounts a file system: it needs root")
	t.Cleanup(func() { require.NoError(t, unix.Unmount(volume, 0)) })
	c := home.Chain("gov")
	require.NoError(t, os.MkdirAll(c.DataDir(), 0o700))
	require.NoError(t, os.WriteFile(c.GenesisFile(), []byte("{}"), 0o600))
	require.NoError(t, os.MkdirAll(home.Chain("other").LedgerDir(), 0o700))
	require.Equal(t, []string{home.Dir}, home.Volumes(), "no ledger yet")
	require.NoError(t, CheckDisks(home, 16))

	require.NoError(t, os.Symlink(volume, c.LedgerDir()))
	require.Equal(t, []string{home.Dir, c.LedgerDir()}, home.Volumes())
	err := CheckDisks(home, 16)
	require.Equal(t, types.CodeDiskLow, types.CodeOf(err))
	require.ErrorContains(t, err, filepath.Join("gov", "data", "ledger"))
	require.NoError(t, CheckDisks(home, 4))
	least, err := leastFreeMiB(home)
	require.NoError(t, err)
	require.LessOrEqual(t, least, int64(8))
}
