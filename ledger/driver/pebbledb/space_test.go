package pebbledb

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver"
)

// Space comes back when a range was deleted, though nothing more is written: Pebble keeps the
// deletion in memory otherwise until that is full.
func TestDeletedRangesGiveSpaceBack(t *testing.T) {
	t.Parallel()
	opener := Opener{FS: vfs.NewMem()}
	db, err := opener.Open("blocks", driver.ProfileBlocks)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	b := db.Batch()
	for i := range 100 {
		row := make([]byte, 10_000)
		_, _ = rand.Read(row)
		b.Set([]byte{1, byte(i)}, row)
	}
	require.NoError(t, b.Commit(true))
	require.NoError(t, db.(*store).db.Flush())
	tables := func() int64 { m := db.(*store).db.Metrics().Total(); return m.TablesSize }
	require.Greater(t, tables(), int64(900_000))

	b = db.Batch()
	b.DeleteRange([]byte{1}, []byte{2})
	require.NoError(t, b.Commit(true))
	require.Eventually(t, func() bool { return tables() < 10_000 }, 2*time.Minute, 50*time.Millisecond)
}
