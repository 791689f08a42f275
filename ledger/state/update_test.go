package state

import (
	"bytes"
	"math/rand"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
)

// TestHashOrder sorts hashes that spread evenly, and such that were ground to begin alike.
func TestHashOrder(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for n := range 200 {
		for _, alike := range []int{0, 1, 31} {
			hashes := make([]crypto.Hash, n)
			for i := range hashes {
				rng.Read(hashes[i][alike:])
			}
			sorted := make([]crypto.Hash, 0, n)
			seen := map[int32]bool{}
			for _, i := range hashOrder(hashes) {
				sorted = append(sorted, hashes[i])
				seen[i] = true
			}
			require.Len(t, seen, n)
			require.True(t, slices.IsSortedFunc(sorted, func(a, b crypto.Hash) int { return bytes.Compare(a[:], b[:]) }))
		}
	}
}
