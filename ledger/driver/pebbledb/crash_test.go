package pebbledb_test

import (
	"encoding/binary"
	"math/rand"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
)

// TestLargeValuesSurvivePowerCuts: values that lie beside the tables are all there after a cut
// that took everything which was not synced, at any moment of flushes and merges.
func TestLargeValuesSurvivePowerCuts(t *testing.T) {
	fs := vfs.NewCrashableMem()
	opener := func(fs vfs.FS) pebbledb.Opener { return pebbledb.Opener{FS: fs, MemTableBytes: 256 << 10} }
	db, err := opener(fs).Open("blocks", driver.ProfileBlocks)
	require.NoError(t, err)
	rng := rand.New(rand.NewSource(1))
	key := func(i uint32) []byte { return binary.BigEndian.AppendUint32(nil, i*2654435761) }
	var values [][]byte
	beside := false
	for n := range uint32(400) {
		value := make([]byte, 8<<10)
		rng.Read(value)
		values = append(values, value)
		b := db.Batch()
		b.Set(key(n), value)
		if n > 100 {
			b.Delete(key(n - 101))
		}
		require.NoError(t, b.Commit(true))
		if rng.Intn(20) > 0 {
			continue
		}
		after := fs.CrashClone(vfs.CrashCloneCfg{})
		names, err := after.List("blocks")
		require.NoError(t, err)
		for _, name := range names {
			beside = beside || strings.HasSuffix(name, ".blob")
		}
		again, err := opener(after).Open("blocks", driver.ProfileBlocks)
		require.NoError(t, err)
		for i := range n + 1 {
			got, ok, err := again.Get(key(i))
			require.NoError(t, err)
			require.Equal(t, i+100 >= n, ok, "value %d of %d", i, n)
			if ok {
				require.Equal(t, values[i], got)
			}
		}
		require.NoError(t, again.Close())
	}
	require.True(t, beside, "no value lies beside the tables")
	require.NoError(t, db.Close())
}
