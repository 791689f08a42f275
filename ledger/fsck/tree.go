package fsck

import (
	"bytes"
	"slices"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
)

// runBits is how many first bits the leaves of a run share: what is in memory at a time.
const runBits = 12

// treeHasher computes the root of the state tree from leaves that arrive in order,
// straight from the tree's definition.
type treeHasher struct {
	n    uint64
	run  []leaf
	runs [1 << runBits]subtree
}

type leaf struct{ kh, vh crypto.Hash }

// subtree is the hash of a subtree and how many leaves it holds.
type subtree struct {
	hash crypto.Hash
	n    int
}

func runOf(kh *crypto.Hash) int { return int(kh[0])<<4 | int(kh[1])>>4 }

func (t *treeHasher) add(kh, vh crypto.Hash) {
	if len(t.run) > 0 && runOf(&t.run[0].kh) != runOf(&kh) {
		t.flush()
	}
	t.run = append(t.run, leaf{kh, vh})
	t.n++
}

func (t *treeHasher) flush() {
	if len(t.run) > 0 {
		t.runs[runOf(&t.run[0].kh)] = over(t.run, runBits)
		t.run = t.run[:0]
	}
}

func (t *treeHasher) root() crypto.Hash {
	t.flush()
	level := t.runs[:]
	for len(level) > 1 {
		up := make([]subtree, len(level)/2)
		for i := range up {
			up[i] = join(level[2*i], level[2*i+1])
		}
		level = up
	}
	return level[0].hash
}

// over is the subtree of leaves that share their first bits up to level.
func over(in []leaf, level int) subtree {
	switch len(in) {
	case 0:
		return subtree{}
	case 1:
		return subtree{proof.StateLeaf(in[0].kh, in[0].vh), 1}
	}
	mid := 0
	for mid < len(in) && proof.Bit(&in[mid].kh, level) == 0 {
		mid++
	}
	return join(over(in[:mid], level+1), over(in[mid:], level+1))
}

func join(l, r subtree) subtree {
	switch {
	case l.n+r.n == 0:
		return subtree{}
	case l.n+r.n == 1 && l.n == 1:
		return l
	case l.n+r.n == 1:
		return r
	}
	return subtree{proof.Inner(l.hash, r.hash), l.n + r.n}
}

// treeOf is the tree over leaves in any order.
func treeOf(in []leaf) *treeHasher {
	slices.SortFunc(in, func(a, b leaf) int { return bytes.Compare(a.kh[:], b.kh[:]) })
	t := &treeHasher{}
	for i := range in {
		t.add(in[i].kh, in[i].vh)
	}
	return t
}
