package state

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

func openMem(t require.TestingT, fs vfs.FS) driver.DB {
	db, err := pebbledb.Opener{FS: fs}.Open("state", driver.ProfileState)
	require.NoError(t, err)
	return db
}

// oracle is the naive definition of the tree: a recursive root over all leaves.
type oracle map[crypto.Hash]crypto.Hash

func (o oracle) root() crypto.Hash {
	type kv struct{ k, v crypto.Hash }
	var all []kv
	for k, v := range o {
		all = append(all, kv{k, v})
	}
	var rec func(in []kv, level int) crypto.Hash
	rec = func(in []kv, level int) crypto.Hash {
		switch len(in) {
		case 0:
			return crypto.Hash{}
		case 1:
			return crypto.Sum([]byte{0}, in[0].k[:], in[0].v[:])
		}
		var l, r []kv
		for _, e := range in {
			if e.k[level/8]>>(7-level%8)&1 == 0 {
				l = append(l, e)
			} else {
				r = append(r, e)
			}
		}
		a, b := rec(l, level+1), rec(r, level+1)
		return crypto.Sum([]byte{1}, a[:], b[:])
	}
	return rec(all, 0)
}

// covers: T.09
func TestRootEqualsOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewMem()
		db := openMem(t, fs)
		s, err := Open(db, DefaultParams())
		require.NoError(t, err)
		o := oracle{}
		rows := map[string]Row{}
		blocks := rapid.IntRange(1, 12).Draw(t, "blocks")
		keys := rapid.SampledFrom([]int{3, 40, 3000}).Draw(t, "keys")
		for h := uint64(0); h < uint64(blocks); h++ {
			set := map[int]types.Write{}
			n := rapid.IntRange(0, 120).Draw(t, "n")
			for range n {
				k := rapid.IntRange(0, keys).Draw(t, "k")
				set[k] = types.Write{NS: "ns", Key: fmt.Appendf(nil, "%06d", k), Value: []byte{byte(h), byte(k)},
					Delete: rapid.IntRange(0, 3).Draw(t, "del") == 0, TxIndex: uint32(k % 7)}
			}
			var ws []types.Write
			for k := 0; k <= keys; k++ {
				if w, ok := set[k]; ok {
					ws = append(ws, w)
				}
			}
			ch, recs, err := s.Prepare(h, ws)
			require.NoError(t, err)
			for i, w := range ws {
				kh := proof.StateKeyHash(w.NS, w.Key)
				old, had := rows[string(w.Key)]
				require.Equal(t, had, recs[i].HasPrevious)
				require.Equal(t, old.Height, recs[i].PrevHeight)
				require.Equal(t, old.TxIndex, recs[i].PrevTx)
				require.Equal(t, kh, recs[i].KeyHash)
				o[kh] = proof.ValueHash(h, w.TxIndex, w.Value)
				if w.Delete {
					o[kh] = proof.TombstoneHash(h, w.TxIndex)
				}
				require.Equal(t, o[kh], recs[i].ValueHash)
				rows[string(w.Key)] = Row{Height: h, TxIndex: w.TxIndex, Deleted: w.Delete, Value: w.Value}
			}
			require.Equal(t, o.root(), ch.Root)
			if rapid.Bool().Draw(t, "drop first") { // a dropped candidate leaves no trace
				ch, _, err = s.Prepare(h, ws)
				require.NoError(t, err)
			}
			require.NoError(t, s.Commit(ch, h, func(driver.Batch) {}))
			require.Equal(t, o.root(), s.Root())
			require.Equal(t, uint64(len(o)), s.Leaves())
			for range 5 {
				key := fmt.Appendf(nil, "%06d", rapid.IntRange(0, keys).Draw(t, "probe"))
				want, had := rows[string(key)]
				got, found, err := s.Get("ns", key)
				require.NoError(t, err)
				require.Equal(t, had, found)
				if had {
					require.Equal(t, want.Deleted, got.Deleted)
					require.Equal(t, want.Height, got.Height)
				}
				p, root, err := s.Prove(h, "ns", key)
				require.NoError(t, err)
				res, err := p.Verify(root, "ns", key)
				require.NoError(t, err)
				require.Equal(t, had && !want.Deleted, res.Found)
				require.Equal(t, had && want.Deleted, res.Deleted)
			}
		}
		again, err := Open(db, Params{CacheBytes: 1 << 20, Keep: 2, LeafHint: rapid.SampledFrom([]uint64{0, 10000, 1 << 30}).Draw(t, "hint")})
		require.NoError(t, err)
		require.Equal(t, o.root(), again.Root())
		require.NoError(t, s.Close())
		require.NoError(t, again.Close())
		require.NoError(t, db.Close())
	})
}
