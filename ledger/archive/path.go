package archive

import (
	"errors"
	"math/bits"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
)

// Path proves a segment: its root stands under the archive root of a header.
type Path struct {
	Count uint64 // records below the header: its height less one
	// Siblings lead from the segment's root up its peak, then to the root: the peaks on the
	// right of its own, folded, if there are any, and those on the left from the right on.
	Siblings []crypto.Hash
}

// maxPath bounds the siblings: levels of a peak, and peaks.
const maxPath = 128

// peakOf is the level of the peak that a segment of a range of count records lies in, and
// the first segment of that peak; false if the segment is not complete.
func peakOf(segment, count uint64) (level int, first uint64, ok bool) {
	at := uint64(0)
	for level = 63; level >= segmentLevel; level-- {
		if count>>level&1 == 0 {
			continue
		}
		size := uint64(1) << (level - segmentLevel)
		if segment < at+size {
			return level, at, true
		}
		at += size
	}
	return 0, 0, false
}

// Prove makes the path of a segment. root gives the roots of complete segments; those that
// share a peak with the segment are asked for.
func (p *Peaks) Prove(segment uint64, root func(segment uint64) (crypto.Hash, error)) (*Path, error) {
	level, first, ok := peakOf(segment, p.Count)
	if !ok {
		return nil, errors.New("the segment is not complete")
	}
	nodes := make([]crypto.Hash, 1<<(level-segmentLevel))
	for i := range nodes {
		var err error
		if nodes[i], err = root(first + uint64(i)); err != nil {
			return nil, err
		}
	}
	path := &Path{Count: p.Count}
	for at := segment - first; len(nodes) > 1; at /= 2 {
		path.Siblings = append(path.Siblings, nodes[at^1])
		for i := range len(nodes) / 2 {
			nodes[i] = proof.Inner(nodes[2*i], nodes[2*i+1])
		}
		nodes = nodes[:len(nodes)/2]
	}
	peak := bits.OnesCount64(p.Count >> (level + 1)) // on the left of the segment's
	if right := p.nodes[peak+1:]; len(right) > 0 {
		rest := Peaks{nodes: right}
		path.Siblings = append(path.Siblings, rest.Root())
	}
	for i := peak - 1; i >= 0; i-- {
		path.Siblings = append(path.Siblings, p.nodes[i])
	}
	return path, nil
}

// Root folds the root of a segment up to the archive root.
func (p *Path) Root(segment uint64, root crypto.Hash) (crypto.Hash, error) {
	level, first, ok := peakOf(segment, p.Count)
	if !ok {
		return root, errors.New("no such segment is complete below that header")
	}
	peak := bits.OnesCount64(p.Count >> (level + 1))
	right := p.Count&(1<<level-1) != 0
	inside := level - segmentLevel
	want := inside + peak
	if right {
		want++
	}
	if len(p.Siblings) != want || want > maxPath {
		return root, errors.New("the path has another length than its place")
	}
	for i, sibling := range p.Siblings {
		left := i >= inside // peaks on the left
		switch {
		case i < inside:
			left = (segment-first)>>i&1 == 1
		case i == inside && right:
			left = false
		}
		if left {
			root = proof.Inner(sibling, root)
		} else {
			root = proof.Inner(root, sibling)
		}
	}
	return root, nil
}
