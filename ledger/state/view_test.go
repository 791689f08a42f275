package state

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// TestProofsFromMemory compares proofs at all kept heights between a store that has its
// leaves in memory, some of them newer than the height, and one that reads their rows.
//
// covers: T.09
func TestProofsFromMemory(t *testing.T) {
	var stores [2]*Store
	for i, leafBytes := range []int{0, 1 << 20} {
		db := openMem(t, vfs.NewMem())
		s, err := Open(db, Params{LeafBytes: leafBytes, Keep: 4})
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
