package proof

import (
	"errors"
	"math/bits"
	"slices"

	"github.com/huchain/huchain/crypto"
)

// RunNodes returns the nodes of a run, which is a stretch of a list that is kept together:
// the roots of the largest full subtrees of the list's tree that tile it, from left to
// right. first is the position of the run in the list. From the nodes of all runs the
// list's root follows without the items, see Runs.
func RunNodes(first uint64, items []crypto.Hash) []crypto.Hash {
	level := make([]crypto.Hash, len(items))
	crypto.SumItems(level, tagLeaf, items)
	var left, right []crypto.Hash // right from the end
	for ; len(level) > 0; first /= 2 {
		if first&1 == 1 {
			left, level, first = append(left, level[0]), level[1:], first+1
		}
		n := len(level) / 2
		if len(level)&1 == 1 {
			right = append(right, level[2*n])
		}
		crypto.SumPairs(level[:n], tagInner, level[:2*n])
		level = level[:n]
	}
	slices.Reverse(right)
	return append(left, right...)
}

// ListTree is the tree of a list with all its nodes, for whom the root alone does not do.
type ListTree struct {
	levels [][]crypto.Hash // from the leaves up; a node without sibling stands in the next level too
}

// NewListTree makes the tree of a list.
func NewListTree(items []crypto.Hash) *ListTree {
	t := &ListTree{}
	if len(items) == 0 {
		return t
	}
	level := make([]crypto.Hash, len(items))
	crypto.SumItems(level, tagLeaf, items)
	for t.levels = append(t.levels, level); len(level) > 1; t.levels = append(t.levels, level) {
		n := len(level) / 2
		next := make([]crypto.Hash, n, n+1)
		crypto.SumPairs(next, tagInner, level[:2*n])
		level = append(next, level[2*n:]...)
	}
	return t
}

// Root is ListRoot of the list.
func (t *ListTree) Root() crypto.Hash {
	if len(t.levels) == 0 {
		return crypto.Hash{}
	}
	return t.levels[len(t.levels)-1][0]
}

// Run returns RunNodes of the count items from first on, which MUST be in the list.
func (t *ListTree) Run(first, count uint64) (nodes []crypto.Hash) {
	for count > 0 {
		next, rest := runStep(first, count)
		k := bits.TrailingZeros64(next - first)
		nodes = append(nodes, t.levels[k][first>>k])
		first, count = next, rest
	}
	return nodes
}

// RunSize is the number of nodes of a run of count items from position first on.
func RunSize(first, count uint64) (n int) {
	for count > 0 {
		first, count = runStep(first, count)
		n++
	}
	return n
}

// runStep takes the largest full subtree off the front of a run.
func runStep(first, count uint64) (nextFirst, nextCount uint64) {
	size := uint64(1) << min(bits.TrailingZeros64(first), bits.Len64(count)-1)
	return first + size, count - size
}

// Runs puts a list together from the nodes of its runs, in order. The zero value is the
// empty list.
type Runs struct {
	count uint64
	peaks []crypto.Hash // one per set bit of count, the highest first
}

// Count is the number of items so far.
func (r *Runs) Count() uint64 { return r.count }

// Add adds the next run, of count items; it MUST have RunSize nodes.
func (r *Runs) Add(count uint64, nodes []crypto.Hash) error {
	if r.count > MaxListCount || count > MaxListCount || len(nodes) != RunSize(r.count, count) {
		return errors.New("a run has more or fewer nodes than its items make")
	}
	for _, node := range nodes {
		next, rest := runStep(r.count, count)
		for size := next - r.count; r.count&size != 0; size *= 2 {
			node = Inner(r.peaks[len(r.peaks)-1], node)
			r.peaks = r.peaks[:len(r.peaks)-1]
		}
		r.peaks = append(r.peaks, node)
		r.count, count = next, rest
	}
	return nil
}

// Root is the list's root (ListRoot).
func (r *Runs) Root() (root crypto.Hash) {
	for i := len(r.peaks) - 1; i >= 0; i-- {
		if i == len(r.peaks)-1 {
			root = r.peaks[i]
		} else {
			root = Inner(r.peaks[i], root)
		}
	}
	return root
}
