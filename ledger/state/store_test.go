package state

import (
	"bytes"
	"fmt"
	"math/rand"
	"slices"
	"sort"
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
	all := make([]kv, 0, len(o))
	for k, v := range o {
		all = append(all, kv{k, v})
	}
	slices.SortFunc(all, func(a, b kv) int { return bytes.Compare(a.k[:], b.k[:]) })
	var rec func(in []kv, level int) crypto.Hash
	rec = func(in []kv, level int) crypto.Hash {
		switch len(in) {
		case 0:
			return crypto.Hash{}
		case 1:
			return crypto.Sum([]byte{0}, in[0].k[:], in[0].v[:])
		}
		ones := sort.Search(len(in), func(i int) bool { return in[i].k[level/8]>>(7-level%8)&1 == 1 })
		a, b := rec(in[:ones], level+1), rec(in[ones:], level+1)
		return crypto.Sum([]byte{1}, a[:], b[:])
	}
	return rec(all, 0)
}

// covers: T.09
func TestRootEqualsOracle(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewMem()
		db := openMem(t, fs)
		p := DefaultParams()
		p.PageBytes, p.PageDir = rapid.SampledFrom([]int64{0, 1, 1 << 20}).Draw(t, "page bytes"), dir
		s, err := Open(db, p)
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

// TestLargeBlocks has blocks that are shared out among processors, and page files that
// hold everything, some, and nothing.
func TestLargeBlocks(t *testing.T) {
	for _, pageBytes := range []int64{0, 1, 16 << 20} {
		db := openMem(t, vfs.NewMem())
		p := Params{PageBytes: pageBytes, PageDir: t.TempDir(), Keep: 3}
		s, err := Open(db, p)
		require.NoError(t, err)
		rng := rand.New(rand.NewSource(5))
		o := oracle{}
		for h := uint64(0); h < 8; h++ {
			if h == 5 { // from here on with pages that were read back
				require.NoError(t, s.Close())
				s, err = Open(db, p)
				require.NoError(t, err)
			}
			var ws []types.Write
			for k := range 20_000 {
				if rng.Intn(8) == 0 {
					ws = append(ws, types.Write{NS: "ns", Key: fmt.Appendf(nil, "%06d", k), Value: fmt.Append(nil, h), Delete: rng.Intn(9) == 0})
				}
			}
			ch, recs, err := s.Prepare(h, ws)
			require.NoError(t, err)
			for i := range recs {
				_, had := o[recs[i].KeyHash]
				require.Equal(t, had, recs[i].HasPrevious)
				o[recs[i].KeyHash] = recs[i].ValueHash
			}
			require.NoError(t, s.Commit(ch, h, func(driver.Batch) {}))
			require.Equal(t, o.root(), s.Root())
			require.Equal(t, uint64(len(o)), s.Leaves())
		}
		require.NoError(t, s.Close())
		require.NoError(t, db.Close())
	}
}

// TestGrowingPagesAreNotReadAgain: pages stay cached while they grow and split, so that
// neither writing new keys nor finding keys absent reads leaf rows.
func TestGrowingPagesAreNotReadAgain(t *testing.T) {
	db := &countingDB{DB: openMem(t, vfs.NewMem())}
	s, err := Open(db, Params{CacheBytes: 1 << 20, PageBytes: 4 << 20, PageDir: t.TempDir(), Keep: 2})
	require.NoError(t, err)
	db.iters = 0
	key := func(h, k int) []byte { return fmt.Appendf(nil, "%06d/%06d", h, k) }
	for h := range 40 {
		var ws []types.Write
		for k := range 100 {
			_, found, err := s.Get("ns", key(h, k))
			require.NoError(t, err)
			require.False(t, found)
			ws = append(ws, types.Write{NS: "ns", Key: key(h, k), Value: []byte("v")})
		}
		ch, _, err := s.Prepare(uint64(h), ws)
		require.NoError(t, err)
		require.NoError(t, s.Commit(ch, uint64(h), func(driver.Batch) {}))
	}
	require.Equal(t, uint64(4000), s.Leaves())
	require.Zero(t, db.iters)
	require.NoError(t, s.Close())
	require.NoError(t, db.Close())
}

// TestLeafRowsAreCheckedWhenRead alters, removes and exchanges leaf rows under a running
// store, as a failing disk or an intruder would, with checksums that fit.
func TestLeafRowsAreCheckedWhenRead(t *testing.T) {
	var ws []types.Write
	for k := range 2_000 {
		ws = append(ws, types.Write{NS: "ns", Key: fmt.Appendf(nil, "%06d", k), Value: []byte("v")})
	}
	victim := Leaf{Key: proof.StateKeyHash("ns", ws[700].Key), Value: proof.ValueHash(0, 0, []byte("forged"))}
	later := Leaf{Key: victim.Key, Value: proof.ValueHash(0, 0, []byte("v")), Height: 9} // not under the hash of a page, but compared with the row
	for name, harm := range map[string]func(b driver.Batch){
		"altered": func(b driver.Batch) { b.Set(victim.Row()) },
		"removed": func(b driver.Batch) { b.Delete(LeafKey(victim.Key)) },
		"exchanged": func(b driver.Batch) {
			other := victim
			other.Key[31] ^= 1
			b.Delete(LeafKey(victim.Key))
			b.Set(other.Row())
		},
		"another height": func(b driver.Batch) { b.Set(later.Row()) },
	} {
		db := openMem(t, vfs.NewMem())
		s, err := Open(db, Params{Keep: 3}) // without a cache: pages are read when they are needed
		require.NoError(t, err)
		ch, _, err := s.Prepare(0, ws)
		require.NoError(t, err)
		require.NoError(t, s.Commit(ch, 0, func(driver.Batch) {}))
		b := db.Batch()
		harm(b)
		require.NoError(t, b.Commit(true))
		_, _, err = s.Get("ns", ws[700].Key)
		require.Equal(t, types.CodeLedgerCorrupt, types.CodeOf(err), name)
		if name != "another height" {
			_, _, err = s.Prepare(1, ws[700:701])
			require.Equal(t, types.CodeLedgerCorrupt, types.CodeOf(err), name)
		}
		_, _, err = s.Get("ns", ws[3].Key)
		require.NoError(t, err, name)
		require.NoError(t, s.Close())
		require.NoError(t, db.Close())
	}
}

// TestAbsentKeysCostNoRow counts reads: the tree knows what does not exist.
func TestAbsentKeysCostNoRow(t *testing.T) {
	db := &countingDB{DB: openMem(t, vfs.NewMem())}
	s, err := Open(db, Params{CacheBytes: 1 << 20, PageBytes: 1 << 20, PageDir: t.TempDir(), Keep: 2})
	require.NoError(t, err)
	var ws []types.Write
	for k := range 2_000 {
		ws = append(ws, types.Write{NS: "ns", Key: fmt.Appendf(nil, "%06d", k), Value: []byte("v")})
	}
	ch, _, err := s.Prepare(0, ws)
	require.NoError(t, err)
	require.NoError(t, s.Commit(ch, 0, func(driver.Batch) {}))
	db.gets, db.iters = 0, 0
	for k := range 2_000 {
		_, found, err := s.Get("other", fmt.Appendf(nil, "%06d", k))
		require.NoError(t, err)
		require.False(t, found)
	}
	require.Zero(t, db.gets+db.iters)
	_, found, err := s.Get("ns", ws[0].Key)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, 1, db.gets)
	for _, ns := range []string{"other", "ns"} { // absent, and in the cache of rows
		require.Zero(t, testing.AllocsPerRun(100, func() { _, _, _ = s.Get(ns, ws[0].Key) }), ns)
	}
	require.NoError(t, s.Close())
	require.NoError(t, db.Close())
}

// countingDB counts reads.
type countingDB struct {
	driver.DB
	gets, iters int
}

func (c *countingDB) Get(key []byte) ([]byte, bool, error) {
	c.gets++
	return c.DB.Get(key)
}

func (c *countingDB) Iter(lower, upper []byte) (driver.Iterator, error) {
	c.iters++
	return c.DB.Iter(lower, upper)
}
