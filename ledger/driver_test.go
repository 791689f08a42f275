package ledger

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/boltdb"
	"github.com/huchain/huchain/ledger/driver/drivertest"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/driver/pgdriver"
	"github.com/huchain/huchain/ledger/driver/pgdriver/pgtest"
	"github.com/huchain/huchain/ledger/fsck"
	"github.com/huchain/huchain/types"
)

func drivers(t *testing.T) map[string]driver.Opener {
	return map[string]driver.Opener{
		"pebble":   pebbledb.Opener{FS: vfs.NewMem()},
		"bbolt":    boltdb.Opener{MaxBytes: 1 << 30},
		"postgres": pgdriver.Opener{URL: pgtest.Start(t).URL, Schema: "ledger"},
	}
}

// TestSameHeadersOnEveryDriver commits the same blocks on all drivers, closing and opening
// the ledger on the way.
//
// covers: T.13
func TestSameHeadersOnEveryDriver(t *testing.T) {
	r := record(t, 12)
	for name, d := range drivers(t) {
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

// TestCopyBetweenDrivers moves a ledger from driver to driver and back, with an
// interruption; it goes on alike, and every copy passes fsck.
//
// covers: T.13
func TestCopyBetweenDrivers(t *testing.T) {
	ctx := context.Background()
	r := record(t, 12)
	all := drivers(t)
	src := filepath.Join(t.TempDir(), "chain")
	p := DefaultParams()
	p.Driver = all["pebble"]
	l, err := Open(src, genesisHash, p)
	require.NoError(t, err)
	commit := func(from, to int) {
		for _, b := range r.blocks[from:to] {
			c, err := l.Prepare(b)
			require.NoError(t, err)
			require.NoError(t, l.Commit(c))
		}
	}
	commit(0, 6)
	require.NoError(t, l.Close())
	at := 6
	from, dir := all["pebble"], src
	for _, name := range []string{"bbolt", "postgres", "pebble"} {
		to, toDir := all[name], filepath.Join(t.TempDir(), "copy")
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		require.NoError(t, os.MkdirAll(toDir, 0o755))
		if err := Copy(stopped, from, dir, to, toDir, nil); err == nil { // small ledgers fit into one batch
			require.Equal(t, types.CodeAlreadyExists, types.CodeOf(Copy(ctx, from, dir, to, toDir, nil)))
		} else {
			require.NoError(t, Copy(ctx, from, dir, to, toDir, nil))
		}
		report, err := fsck.Check(ctx, to, toDir, nil)
		require.NoError(t, err)
		require.True(t, report.OK(), "%v", report.Findings)
		p.Driver = to
		l, err = Open(toDir, genesisHash, p)
		require.NoError(t, err)
		require.Equal(t, r.roots[at-1], l.ContentRoot())
		commit(at, at+2)
		require.Equal(t, r.roots[at+1], l.ContentRoot())
		require.NoError(t, l.Close())
		at, from, dir = at+2, to, toDir
	}
	require.Equal(t, types.CodeNotFound, types.CodeOf(Copy(ctx, from, filepath.Join(t.TempDir(), "none"), all["bbolt"], filepath.Join(t.TempDir(), "copy"), nil)))

	// A driver that loses writes is found out when the copy is checked.
	lost := filepath.Join(t.TempDir(), "copy")
	liar := drivertest.Liar{Opener: boltdb.Opener{MaxBytes: 1 << 30}, Every: 50}
	require.NoError(t, Copy(ctx, from, dir, liar, lost, nil))
	report, err := fsck.Check(ctx, boltdb.Opener{MaxBytes: 1 << 30}, lost, nil)
	require.NoError(t, err)
	require.False(t, report.OK())
}
