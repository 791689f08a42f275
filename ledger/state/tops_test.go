package state

import (
	"math/rand"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver"
)

// TestTops grows a tree through several levels of tops, with keys that spread and such that
// were ground: every top is the inner node that lies there, and a key is found below its top
// where it is found from the root.
func TestTops(t *testing.T) {
	db := openMem(t, vfs.NewMem())
	s, err := Open(db, Params{Keep: 2, PageBytes: 64 << 20, PageDir: t.TempDir()})
	require.NoError(t, err)
	rng, levels := rand.New(rand.NewSource(9)), map[int]bool{}
	check := func() {
		levels[s.tops.level] = true
		for range 1000 {
			var kh crypto.Hash
			rng.Read(kh[:])
			if rng.Intn(3) == 0 {
				copy(kh[:5], []byte{1, 2, 3, 4, 5})
			}
			found := s.page(&kh)
			had := s.tops
			s.tops = tops{}
			want := s.page(&kh)
			s.tops = had
			require.Equal(t, want, found)
		}
		missing := 0
		for prefix, n := range s.tops.nodes.Items {
			r, level := s.root, 0
			for r.inTree() && level < s.tops.level {
				r = s.tree.at(r).kid[prefix>>(s.tops.level-1-level)&1]
				level++
			}
			switch {
			case n != 0:
				require.Equal(t, r, n)
			case level == s.tops.level && r.inTree():
				missing++
			}
		}
		require.Zero(t, missing)
	}
	for height := range uint64(20) {
		for _, ground := range []bool{false, true} {
			n := 12_000
			if ground {
				n = 300
			}
			ch := groundChange(s, int(height)*n, n, ground)
			require.NoError(t, s.apply(s.root, s.hash, ch))
			require.NoError(t, s.Commit(ch, height, func(driver.Batch) {}))
			check()
		}
	}
	require.Equal(t, map[int]bool{0: true, 10: true, 12: true}, levels)
	root := s.Root()
	require.NoError(t, s.Close())
	s, err = Open(db, Params{Keep: 2, PageBytes: 64 << 20, PageDir: t.TempDir()})
	require.NoError(t, err)
	require.Equal(t, root, s.Root())
	check()
	require.NoError(t, s.Close())
	require.NoError(t, db.Close())
}
