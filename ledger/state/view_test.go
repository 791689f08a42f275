package state

import (
	"fmt"
	"math/rand"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// TestConcurrentReadersOfAFullPageFile: rows and proofs are right while blocks are committed
// and readers put pages into a file that is too small for all, beside each other.
//
// covers: T.09
func TestConcurrentReadersOfAFullPageFile(t *testing.T) {
	db := openMem(t, vfs.NewMem())
	s, err := Open(db, Params{PageBytes: 1, PageDir: t.TempDir(), Keep: 4})
	require.NoError(t, err)
	rng, o := rand.New(rand.NewSource(6)), oracle{}
	change(t, s, o, rng, 0, 2_000)
	var done atomic.Bool
	var readers sync.WaitGroup
	for i := range 2 {
		readers.Go(func() {
			rng := rand.New(rand.NewSource(int64(i)))
			for !done.Load() {
				key := fmt.Appendf(nil, "%06d", rng.Intn(30_000))
				v := s.Newest()
				if v == nil {
					continue
				}
				row, found, err := v.Get("ns", key)
				if err != nil || found && row.Height > v.Height() {
					t.Errorf("%s at %d: row of %d, %v", key, v.Height(), row.Height, err)
				}
				p, root, err := s.Prove(v.Height(), "ns", key)
				v.Release()
				if types.CodeOf(err) == types.CodeHeightUnknown {
					continue // it was the newest
				}
				if err != nil {
					t.Errorf("%s: %v", key, err)
					continue
				}
				res, err := p.Verify(root, "ns", key)
				if err != nil || found && !row.Deleted && !res.Found {
					t.Errorf("%s: found %v, %v", key, res.Found, err)
				}
			}
		})
	}
	for height := uint64(1); height < 25; height++ {
		change(t, s, o, rng, height, 1+rng.Intn(300))
		require.Equal(t, o.root(), s.Root())
	}
	done.Store(true)
	readers.Wait()
	require.NoError(t, s.Close())
	require.NoError(t, db.Close())
}

// TestProofsFromPages compares proofs and rows at all kept heights between a store that has
// its leaves in a page file and one that reads their rows.
//
// covers: T.09
func TestProofsFromPages(t *testing.T) {
	var stores [2]*Store
	for i, pageBytes := range []int64{0, 8 << 20} {
		db := openMem(t, vfs.NewMem())
		s, err := Open(db, Params{PageBytes: pageBytes, PageDir: t.TempDir(), Keep: 4})
		require.NoError(t, err)
		o, rng := oracle{}, rand.New(rand.NewSource(4))
		for height, n := range []int{2_000, 300, 1, 300, 2_000} {
			change(t, s, o, rng, uint64(height), n)
		}
		stores[i] = s
		defer func() {
			require.NoError(t, s.Close())
			require.NoError(t, db.Close())
		}()
	}
	for height := uint64(1); height < 5; height++ {
		for k := 0; k < 30_000; k += 29 {
			key := fmt.Appendf(nil, "%06d", k)
			want, root, err := stores[0].Prove(height, "ns", key)
			require.NoError(t, err)
			got, again, err := stores[1].Prove(height, "ns", key)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, root, again)
			_, err = got.Verify(root, "ns", key)
			require.NoError(t, err)
		}
	}
}
