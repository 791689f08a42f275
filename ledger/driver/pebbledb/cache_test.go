package pebbledb

import (
	"crypto/rand"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver"
)

// Pebble reserves the memory of its tables in the block cache: a cache smaller than those
// holds nothing, and every read goes to the disk.
func TestCacheHoldsBlocksBesideMemTables(t *testing.T) {
	opener := Opener{FS: vfs.NewMem(), CacheBytes: 1 << 20, MemTableBytes: 1 << 20}
	db, err := opener.Open("state", driver.ProfileState)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()

	keys := make([][]byte, 20_000)
	for i := range keys {
		keys[i] = make([]byte, 32)
		_, _ = rand.Read(keys[i])
	}
	for len(keys) > 0 {
		b := db.Batch()
		for _, key := range keys[:1000] {
			b.Set(key, make([]byte, 300))
		}
		require.NoError(t, b.Commit(false))
		for _, key := range keys[:1000] {
			_, found, err := db.Get(key)
			require.NoError(t, err)
			require.True(t, found)
			_, found, err = db.Get(append(key[:31:31], key[31]+1))
			require.NoError(t, err)
			require.False(t, found)
		}
		keys = keys[1000:]
	}
	m := db.(*store).db.Metrics()
	require.Positive(t, m.BlockCache.Size)
	require.Greater(t, m.BlockCache.Hits, 2*m.BlockCache.Misses)
}
