package state

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/proof"
)

// groundChange makes a change of n leaves whose key hashes share their first 40 bits, as
// an attacker may grind them; there are no such keys at hand, so it works on leaves.
func groundChange(s *Store, from, n int, ground bool) *Change {
	ch := &Change{base: s.hash, baseSeq: s.seq}
	for i := range n {
		kh := crypto.Sum([]byte{byte(from + i), byte((from + i) >> 8), byte((from + i) >> 16)})
		if ground {
			copy(kh[:5], []byte{1, 2, 3, 4, 5})
		}
		ch.updates = append(ch.updates, update{leaf: Leaf{Key: kh, Value: crypto.Sum(kh[:]), Height: 1}})
	}
	sortUpdates(ch.updates)
	for i := range ch.updates { // rows under keys of their own; the tree does not look at them
		ch.updates[i].rowKey = append([]byte{'x'}, ch.updates[i].leaf.Key[:]...)
	}
	return ch
}

// TestGroundKeysCostWhatOthersCost counts nodes and leaves touched by one update, and by
// a block of updates, among 10^5 leaves that were ground into one place, and among as many
// spread ones.
func TestGroundKeysCostWhatOthersCost(t *testing.T) {
	const block = 5000
	one, many := map[bool]int{}, map[bool]int{}
	for _, ground := range []bool{false, true} {
		db := openMem(t, vfs.NewMem())
		s, err := Open(db, Params{CacheBytes: 1 << 20, PageBytes: 64 << 20, PageDir: t.TempDir(), Keep: 8})
		require.NoError(t, err)
		o := oracle{}
		for from := 0; from < 100_000; from += 25_000 {
			ch := groundChange(s, from, 25_000, ground)
			require.NoError(t, s.apply(s.root, s.hash, ch))
			for i := range ch.updates {
				o[ch.updates[i].leaf.Key] = ch.updates[i].leaf.Value
			}
			require.NoError(t, s.Commit(ch, 1, func(driver.Batch) {}))
		}
		root := o.root()
		require.Equal(t, root, s.Root())
		for n, touched := range map[int]map[bool]int{1: one, block: many} {
			ch := groundChange(s, 100_000, n, ground)
			require.NoError(t, s.apply(s.root, s.hash, ch))
			for _, p := range ch.parts {
				touched[ground] += len(p.h.hashes) + 2*len(p.nodes)
			}
		}
		require.NoError(t, s.Close())
		again, err := Open(db, DefaultParams())
		require.NoError(t, err)
		require.Equal(t, root, again.Root())
		require.NoError(t, again.Close())
		require.NoError(t, db.Close())
	}
	t.Logf("nodes looked at by one update: %d spread, %d ground; by %d: %d spread, %d ground", one[false], one[true], block, many[false], many[true])
	// The ground ones lie 40 levels deeper, with nothing beside the way, which a block goes
	// once; no page grows.
	require.Less(t, one[true], one[false]+2*proof.MaxDepth/4)
	require.Less(t, float64(many[true]), 1.1*float64(many[false]))
}

// TestGroundTwins writes keys that were ground to differ in their last byte alone, one after
// the other, beside others: each is a leaf of its own, and what is written anew is the one
// meant.
func TestGroundTwins(t *testing.T) {
	db := openMem(t, vfs.NewMem())
	s, err := Open(db, Params{CacheBytes: 1 << 20, PageBytes: 1 << 20, PageDir: t.TempDir(), Keep: 8})
	require.NoError(t, err)
	o, written := oracle{}, map[crypto.Hash]uint64{}
	key := func(i, twin int) crypto.Hash {
		kh := crypto.Sum([]byte{byte(i), byte(i >> 8)})
		kh[crypto.HashSize-1] = byte(twin)
		return kh
	}
	const pairs = 300
	for height := uint64(1); height < 8; height++ {
		ch := &Change{base: s.hash, baseSeq: s.seq}
		for i := range pairs {
			if i%7 == int(height) {
				continue
			}
			kh := key(i, int(height)%2)
			value := crypto.Sum(append(kh[:], byte(height)))
			ch.updates = append(ch.updates, update{leaf: Leaf{Key: kh, Value: value, Height: height}, rowKey: append([]byte{'x'}, kh[:]...)})
			o[kh] = value
		}
		sortUpdates(ch.updates)
		require.NoError(t, s.apply(s.root, s.hash, ch))
		for i := range ch.updates {
			u := &ch.updates[i]
			before, had := written[u.leaf.Key]
			require.Equal(t, had, u.hadOld)
			require.Equal(t, before, u.old.height)
			written[u.leaf.Key] = height
		}
		require.NoError(t, s.Commit(ch, height, func(driver.Batch) {}))
		require.Equal(t, o.root(), s.Root())
		for i := range pairs {
			for twin := range 2 {
				kh := key(i, twin)
				leaf, found, err := s.leaf(&kh)
				require.NoError(t, err)
				_, want := o[kh]
				require.Equal(t, want, found)
				require.Equal(t, written[kh], leaf.height)
			}
		}
	}
	require.NoError(t, s.Close())
	require.NoError(t, db.Close())
}
