package ledger

import (
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/boltdb"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
)

// TestSameHeadersOnEveryDriver commits the same blocks on all drivers, closing and opening
// the ledger on the way.
//
// covers: T.13
func TestSameHeadersOnEveryDriver(t *testing.T) {
	r := record(t, 12)
	for name, d := range map[string]driver.Opener{
		"pebble": pebbledb.Opener{FS: vfs.NewMem()},
		"bbolt":  boltdb.Opener{MaxBytes: 1 << 30},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "chain")
			p := DefaultParams()
			p.Driver = d
			for i, b := range r.blocks {
				l, err := Open(dir, genesisHash, p)
				require.NoError(t, err)
				c, err := l.Prepare(b)
				require.NoError(t, err)
				require.NoError(t, l.Commit(c))
				require.Equal(t, r.hashes[i], c.Header.Hash())
				if i > 2 { // the block carried the certificate of a height before the ledger was opened
					p, err := l.ProveState("evidence", []byte("record/1"))
					require.NoError(t, err)
					require.NoError(t, p.Verify(r.chain.trust()))
				}
				if i == len(r.blocks)-1 {
					r.chain.l = l
					r.chain.checkState()
				}
				require.NoError(t, l.Close())
			}
		})
	}
}
