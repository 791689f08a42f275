package state

import (
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
)

// pageLeaves is the most leaves a page stands for. More leaves per page save memory and
// cost hashing: at 16, about 8 bytes of memory per key and 11 leaves rehashed per update.
const pageLeaves = 16

// ref names a node: 0 is the empty subtree, with localBit one of a Change, else one of the tree.
type ref uint32

const localBit ref = 1 << 31

// pageMark in right makes a node a page; left is then its number of leaves.
const pageMark ref = 1<<32 - 1

// node is a kept node: an inner node or a page. Nodes hold no pointers, so that the
// garbage collector need not look at them.
type node struct {
	hash        crypto.Hash
	left, right ref
}

func (n *node) isPage() bool { return n.right == pageMark }

const (
	chunkBits = 14
	chunkSize = 1 << chunkBits
)

// slab holds the nodes of all kept roots.
type slab struct {
	chunks []*[chunkSize]node
	used   ref // nodes ever taken, counting the unused node 0
	free   []ref
}

func newSlab() *slab { return &slab{used: 1} }

func (s *slab) at(r ref) *node { return &s.chunks[r>>chunkBits][r&(chunkSize-1)] }

// take returns an unused node.
func (s *slab) take() ref {
	if n := len(s.free); n > 0 {
		r := s.free[n-1]
		s.free = s.free[:n-1]
		return r
	}
	r := s.used
	s.used++
	if int(r>>chunkBits) >= len(s.chunks) {
		s.chunks = append(s.chunks, new([chunkSize]node))
	}
	return r
}

func (s *slab) release(refs []ref) { s.free = append(s.free, refs...) }

// bytes is the memory the slab takes.
func (s *slab) bytes() int { return len(s.chunks)*chunkSize*40 + cap(s.free)*4 }

// Change is what a block does to the state, computed but not applied.
type Change struct {
	Root crypto.Hash // state root after the change

	base     crypto.Hash // root it was computed on
	baseSeq  uint64      // and the number of commits before it
	root     ref
	nodes    []node // referred to with localBit
	replaced []ref  // nodes of the tree that the new root no longer needs
	updates  []update
	added    int // leaves that are new
}

// update is one changed leaf with its row.
type update struct {
	leaf    Leaf
	order   int // position among the block's writes
	rowKey  []byte
	row     []byte
	old     Leaf
	hadOld  bool
	removed bool // only in views of older heights: the leaf did not exist then
}

// records returns the write records of the change in the order of its writes.
func (c *Change) records() []proof.WriteRecord {
	out := make([]proof.WriteRecord, len(c.updates))
	for i := range c.updates {
		u := &c.updates[i]
		r := proof.WriteRecord{KeyHash: u.leaf.Key, ValueHash: u.leaf.Value, TxIndex: u.leaf.TxIndex}
		if u.hadOld {
			r.HasPrevious, r.PrevHeight, r.PrevTx = true, u.old.Height, u.old.TxIndex
		}
		out[u.order] = r
	}
	return out
}

// Added is the number of keys that were never written before.
func (c *Change) Added() int { return c.added }
