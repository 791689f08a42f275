package pebbledb_test

import (
	"encoding/binary"
	"io/fs"
	"math/rand"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
)

// TestSpaceComesBackWhileIdle: what a range deletion removed from a store of blocks leaves the
// disk though nothing is written afterwards.
func TestSpaceComesBackWhileIdle(t *testing.T) {
	dir := t.TempDir()
	db, err := pebbledb.Opener{MemTableBytes: 256 << 10}.Open(dir, driver.ProfileBlocks)
	require.NoError(t, err)
	rng := rand.New(rand.NewSource(1))
	value := make([]byte, 64<<10)
	key := func(i uint32) []byte { return binary.BigEndian.AppendUint32(nil, i) }
	const rows = 64
	for i := range uint32(rows) {
		b := db.Batch()
		rng.Read(value)
		b.Set(key(i), value)
		require.NoError(t, b.Commit(true))
	}
	size := func() (n int64) {
		require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && pebbledb.Unchanging(path) {
				if info, ierr := d.Info(); ierr == nil { // else it was merged away meanwhile
					n += info.Size()
				}
			}
			return nil
		}))
		return n
	}
	require.Eventually(t, func() bool { return size() > rows/2*int64(len(value)) }, 2*time.Minute, 10*time.Millisecond)
	b := db.Batch()
	b.DeleteRange(key(0), key(rows))
	require.NoError(t, b.Commit(true))
	require.Eventually(t, func() bool { return size() < int64(len(value)) }, 2*time.Minute, 50*time.Millisecond, "%d bytes stay", size())
	require.NoError(t, db.Close())
}
