package ledger

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"slices"
	"sort"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/fsck"
)

func check(t *testing.T, fs vfs.FS) *fsck.Report {
	r, err := fsck.Check(context.Background(), pebbledb.Opener{FS: fs}, "chain", nil)
	require.NoError(t, err)
	return r
}

// TestFsckFindsEveryFlippedByte flips a byte in rows of every kind, indexes too, which the
// ledger itself serves unchecked.
//
// covers: T.05
func TestFsckFindsEveryFlippedByte(t *testing.T) {
	fs := vfs.NewMem()
	c := newChain(t, fs)
	for i := range 12 {
		c.commit(1 + i%4 + i/9%2*300) // some blocks have several sections
	}
	root := c.l.StateRoot()
	require.NoError(t, c.l.Close())
	r := check(t, fs)
	require.True(t, r.OK(), "%v", r.Findings)
	require.Equal(t, root, r.StateRoot)
	require.Equal(t, uint64(11), r.Height)
	require.Equal(t, uint64(12), r.Blocks)
	require.Equal(t, uint64(9), r.Certificates)
	require.NotZero(t, r.Txs)

	rows := rawRows(t, fs)
	var kinds []string
	for k := range rows {
		kinds = append(kinds, k)
	}
	sort.Strings(kinds)
	require.Len(t, kinds, 20)
	rng := rand.New(rand.NewSource(11))
	for _, kind := range kinds {
		for n := range 4 {
			old := rows[kind][rng.Intn(len(rows[kind]))]
			bad := rawRow{old.store, bytes.Clone(old.key), bytes.Clone(old.value)}
			if n%2 == 0 || len(bad.value) == 0 {
				bad.key[rng.Intn(len(bad.key))] ^= 1 << rng.Intn(8)
			} else {
				bad.value[rng.Intn(len(bad.value))] ^= 1 << rng.Intn(8)
			}
			if slices.ContainsFunc(rows[kind], func(r rawRow) bool { return !bytes.Equal(old.key, r.key) && bytes.Equal(r.key, bad.key) }) {
				continue // it would replace another row
			}
			tamper(t, fs, old, bad)
			require.False(t, check(t, fs).OK(), "%s row %.80q → %.80q", kind, fmt.Sprint(old), fmt.Sprint(bad))
			tamper(t, fs, bad, old)
		}
		for _, missing := range rows[kind][:1] {
			tamper(t, fs, missing, rawRow{missing.store, []byte("mformat"), rows["state/m"][0].value})
			if missing.store == "state" && string(missing.key) != "mformat" && kind != "state/h" && kind != "state/S" {
				require.False(t, check(t, fs).OK(), "missing %s row", kind)
			}
			if missing.store == "blocks" {
				tamper(t, fs, rawRow{missing.store, []byte("mformat"), nil}, missing)
			} else {
				tamper(t, fs, missing, missing)
			}
		}
	}
	require.True(t, check(t, fs).OK())
}
