package state

import (
	"encoding/binary"
	"math/bits"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/internal/offheap"
)

// tops are the inner nodes of the committed tree at one level, a little above its pages, by
// the first bits of the keys below them. Whoever looks for one key begins there: from the
// root of a large tree he would wait for memory a dozen times.
type tops struct {
	level int // 0: the tree is too small for them
	nodes offheap.Array[ref]
}

// top is one of them; 0: there is no inner node with that prefix.
type top struct {
	prefix uint32
	node   ref
}

const (
	// topLeaves is about how many leaves lie below a top, or up to topGrowth times as many
	// until the level is chosen anew.
	topLeaves = 32
	topGrowth = 4
	// minTops is from how many on they are kept.
	minTops = 1 << 10
)

// prefixOf is what the keys of a subtree at a level, from 1 to 32, have in common.
func prefixOf(kh *crypto.Hash, level int) uint32 {
	return binary.BigEndian.Uint32(kh[:]) >> (32 - level)
}

// update takes over what a change, whose nodes are in the tree by now, made of them.
func (t *tops) update(ch *Change) {
	for _, p := range ch.parts {
		for i := range p.tops {
			t.set(p.tops[i])
		}
	}
}

func (t *tops) set(n top) {
	if !n.node.inTree() {
		n.node = 0
	}
	t.nodes.Items[n.prefix] = n.node
}

// findTops finds the tops anew if the tree has outgrown them; the caller holds mu.
func (s *Store) findTops() {
	if s.leaves < topLeaves*minTops || s.leaves < topGrowth*topLeaves<<s.tops.level && s.tops.level > 0 {
		return
	}
	s.tops.nodes.Free()
	level := min(bits.Len64(s.leaves/topLeaves)-1, 31)
	s.tops = tops{level, offheap.New[ref](1 << level)}
	s.findTopsBelow(s.root, 0, 0)
}

func (s *Store) findTopsBelow(r ref, level int, prefix uint32) {
	switch {
	case level == s.tops.level:
		s.tops.set(top{prefix, r})
	case r.inTree():
		for side, kid := range s.tree.at(r).kid {
			s.findTopsBelow(kid, level+1, prefix<<1|uint32(side))
		}
	}
}
