package state

import (
	"bytes"
	"slices"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
)

// hasher computes the hashes of a changed tree level by level, deepest first, so that
// independent hashes come in long runs.
type hasher struct {
	nodes  []hnode
	leaves []int32   // nodes that are leaves to be hashed
	levels [][]int32 // by depth: nodes that are inner nodes to be hashed
	msgs   []byte
	out    []crypto.Hash
}

// hnode is a node whose hash is known or will be.
type hnode struct {
	hash        crypto.Hash
	left, right int32 // hnodes below, of an inner node
	leaf        *Leaf // of a leaf
}

const msgSize = 1 + 2*crypto.HashSize

// emptyNode is the index of the empty subtree.
const emptyNode int32 = 0

func newHasher() *hasher { return &hasher{nodes: make([]hnode, 1, 1024)} }

func (h *hasher) reset() {
	h.nodes, h.leaves = h.nodes[:1], h.leaves[:0]
	for i := range h.levels {
		h.levels[i] = h.levels[i][:0]
	}
}

func (h *hasher) add(n hnode) int32 {
	h.nodes = append(h.nodes, n)
	return int32(len(h.nodes) - 1)
}

// known adds a node whose hash is at hand.
func (h *hasher) known(hash crypto.Hash) int32 {
	if hash.IsZero() {
		return emptyNode
	}
	return h.add(hnode{hash: hash})
}

func (h *hasher) leaf(l *Leaf) int32 {
	i := h.add(hnode{leaf: l})
	h.leaves = append(h.leaves, i)
	return i
}

func (h *hasher) inner(level int, left, right int32) int32 {
	i := h.add(hnode{left: left, right: right})
	for len(h.levels) <= level {
		h.levels = append(h.levels, nil)
	}
	h.levels[level] = append(h.levels[level], i)
	return i
}

// page adds the subtree of sorted leaves that share their first level bits.
func (h *hasher) page(leaves []Leaf, level int) int32 {
	switch len(leaves) {
	case 0:
		return emptyNode
	case 1:
		return h.leaf(&leaves[0])
	}
	mid := split(leaves, level)
	left := h.page(leaves[:mid], level+1)
	return h.inner(level, left, h.page(leaves[mid:], level+1))
}

// split returns where the leaves with a set bit at level begin.
func split(leaves []Leaf, level int) int {
	lo, hi := 0, len(leaves)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if bit(&leaves[mid].Key, level) == 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// run computes every hash.
func (h *hasher) run() {
	h.msgs = h.msgs[:0]
	for _, i := range h.leaves {
		l := h.nodes[i].leaf
		h.msgs = append(append(append(h.msgs, 0), l.Key[:]...), l.Value[:]...)
	}
	h.flush(h.leaves)
	for level := len(h.levels) - 1; level >= 0; level-- {
		h.msgs = h.msgs[:0]
		for _, i := range h.levels[level] {
			n := &h.nodes[i]
			h.msgs = append(append(append(h.msgs, 1), h.nodes[n.left].hash[:]...), h.nodes[n.right].hash[:]...)
		}
		h.flush(h.levels[level])
	}
}

func (h *hasher) flush(targets []int32) {
	if cap(h.out) < len(targets) {
		h.out = make([]crypto.Hash, len(targets)*2)
	}
	sumMany(h.out[:len(targets)], h.msgs)
	for k, i := range targets {
		h.nodes[i].hash = h.out[k]
	}
}

// sumMany hashes messages of msgSize bytes that stand back to back.
func sumMany(out []crypto.Hash, msgs []byte) {
	for i := range out {
		out[i] = crypto.Sum(msgs[i*msgSize : (i+1)*msgSize])
	}
}

// bit returns bit i of a key hash, most significant first.
func bit(h *crypto.Hash, i int) byte { return proof.Bit(h, i) }

// RootOf is the root of a state that holds exactly these leaves, which are sorted in place.
func RootOf(leaves []Leaf) crypto.Hash {
	slices.SortFunc(leaves, func(a, b Leaf) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	h := newHasher()
	root := h.page(leaves, 0)
	h.run()
	return h.nodes[root].hash
}
