package proof

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/huchain/huchain/crypto"
)

// TestRuns cuts lists into runs anywhere: their nodes lead to the list's root, and no
// altered item or node does.
//
// covers: T.09
func TestRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var items []crypto.Hash
		for i := range rapid.IntRange(0, 150).Draw(t, "items") {
			items = append(items, crypto.Sum([]byte{byte(i)}))
		}
		var r, altered Runs
		tree := NewListTree(items)
		require.Equal(t, ListRoot(items), tree.Root())
		spoil := rapid.IntRange(0, max(len(items)-1, 0)).Draw(t, "spoil")
		for from := 0; from < len(items); {
			to := from + rapid.IntRange(0, len(items)-from).Draw(t, "run")
			run := append([]crypto.Hash{}, items[from:to]...)
			nodes := RunNodes(uint64(from), run)
			require.Len(t, nodes, RunSize(uint64(from), uint64(to-from)))
			require.Equal(t, append([]crypto.Hash{}, nodes...), append([]crypto.Hash{}, tree.Run(uint64(from), uint64(to-from))...))
			require.Equal(t, items[from:to], run, "the items are left alone")
			require.Error(t, r.Add(uint64(to-from), append(nodes, crypto.Hash{})))
			require.NoError(t, r.Add(uint64(to-from), nodes))
			if from <= spoil && spoil < to {
				run[spoil-from][0] ^= 1
			}
			require.NoError(t, altered.Add(uint64(to-from), RunNodes(uint64(from), run)))
			from = to
		}
		require.Equal(t, ListRoot(items), r.Root())
		require.Equal(t, uint64(len(items)), r.Count())
		if len(items) > 0 {
			require.NotEqual(t, r.Root(), altered.Root())
		}
	})
}
