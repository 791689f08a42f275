package state

import (
	"bytes"
	"slices"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
)

// hasher computes the hashes of leaves, and of pages over them, level by level, deepest
// first, so that independent hashes come in long runs, which crypto.SumNodes takes eight at
// a time.
type hasher struct {
	hashes []crypto.Hash // by node; known ones, and room for the others
	kids   [][2]int32    // by node: what an inner node is over
	leaves []int32       // nodes that are leaves to be hashed
	of     []crypto.Hash // key and value hash of each of them
	levels [][]int32     // by depth: nodes that are inner nodes to be hashed
	out    []crypto.Hash
	nodes  []crypto.Node
}

const (
	tagLeaf  = 0x00
	tagInner = 0x01
)

// emptyNode is the index of the empty subtree.
const emptyNode int32 = 0

func newHasher() *hasher {
	return &hasher{hashes: make([]crypto.Hash, 1, 256), kids: make([][2]int32, 1, 256)}
}

func (h *hasher) reset() {
	h.hashes, h.kids = h.hashes[:1], h.kids[:1]
	h.leaves, h.of = h.leaves[:0], h.of[:0]
	for i := range h.levels {
		h.levels[i] = h.levels[i][:0]
	}
}

func (h *hasher) add(hash crypto.Hash, left, right int32) int32 {
	h.hashes = append(h.hashes, hash)
	h.kids = append(h.kids, [2]int32{left, right})
	return int32(len(h.hashes) - 1)
}

// known adds a node whose hash is at hand.
func (h *hasher) known(hash crypto.Hash) int32 {
	if hash.IsZero() {
		return emptyNode
	}
	return h.add(hash, 0, 0)
}

// leaf adds a leaf from its key and value hash.
func (h *hasher) leaf(key, value *crypto.Hash) int32 {
	i := h.add(crypto.Hash{}, 0, 0)
	h.leaves = append(h.leaves, i)
	h.of = append(h.of, *key, *value)
	return i
}

func (h *hasher) inner(level int, left, right int32) int32 {
	i := h.add(crypto.Hash{}, left, right)
	for len(h.levels) <= level {
		h.levels = append(h.levels, nil)
	}
	h.levels[level] = append(h.levels[level], i)
	return i
}

// page adds the subtree of leaves that share their first level bits, ascending by key; at
// holds the leaves' nodes.
func (h *hasher) page(leaves []entry, at []int32, level int) int32 {
	switch len(leaves) {
	case 0:
		return emptyNode
	case 1:
		return at[0]
	}
	mid := split(leaves, level)
	left := h.page(leaves[:mid], at[:mid], level+1)
	return h.inner(level, left, h.page(leaves[mid:], at[mid:], level+1))
}

// split returns where the leaves with a set bit at level begin.
func split(leaves []entry, level int) int {
	lo, hi := 0, len(leaves)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if bit(&leaves[mid].key, level) == 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// run computes every hash.
func (h *hasher) run() {
	h.out = slices.Grow(h.out[:0], len(h.leaves))[:len(h.leaves)]
	crypto.SumPairs(h.out, tagLeaf, h.of)
	for k, i := range h.leaves {
		h.hashes[i] = h.out[k]
	}
	for level := len(h.levels) - 1; level >= 0; level-- {
		h.nodes = h.nodes[:0]
		for _, i := range h.levels[level] {
			k := h.kids[i]
			h.nodes = append(h.nodes, crypto.Node{Left: &h.hashes[k[0]], Right: &h.hashes[k[1]], To: &h.hashes[i]})
		}
		crypto.SumNodes(tagInner, h.nodes)
	}
}

// bit returns bit i of a key hash, most significant first.
func bit(h *crypto.Hash, i int) byte { return proof.Bit(h, i) }

// RootOf is the root of a state that holds exactly these leaves, which are sorted in place.
func RootOf(leaves []Leaf) crypto.Hash {
	slices.SortFunc(leaves, func(a, b Leaf) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	h := newHasher()
	entries, at := make([]entry, len(leaves)), make([]int32, len(leaves))
	for i := range leaves {
		entries[i].key, at[i] = leaves[i].Key, h.leaf(&leaves[i].Key, &leaves[i].Value)
	}
	root := h.page(entries, at, 0)
	h.run()
	return h.hashes[root]
}
