package state

import (
	"sync/atomic"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/internal/offheap"
	"github.com/huchain/huchain/ledger/proof"
)

// pageLeaves is the most leaves a page stands for. More leaves per page save memory and
// cost reading and hashing: at 8, about 19 bytes of memory per key and 5.5 leaves read per
// update.
const pageLeaves = 8

// ref names a subtree: 0 is empty, with pageBit a page and its number of leaves, with
// localBit an inner node of a Change, else an inner node of the tree.
type ref uint32

const (
	localBit ref = 1 << 31
	pageBit  ref = 1 << 30

	// A local ref is localBit ‖ 4 bits part ‖ 26 bits place.
	placeBits = 26
	maxParts  = 1 << 4
)

func pageOf(leaves int) ref { return pageBit | ref(leaves) }

func localRef(part, place int) ref { return localBit | ref(part)<<placeBits | ref(place) }

func (r ref) isPage() bool { return r&(localBit|pageBit) == pageBit }

// inTree reports whether r is an inner node of the tree.
func (r ref) inTree() bool { return r != 0 && r&(localBit|pageBit) == 0 }

// leaves is the number of leaves of a page.
func (r ref) leaves() int { return int(r &^ pageBit) }

// part and place of a local ref.
func (r ref) local() (part, place int) {
	r &^= localBit
	return int(r >> placeBits), int(r & (1<<placeBits - 1))
}

// node is an inner node with the hashes of its two subtrees, so that one look at memory
// serves a level. It has more than pageLeaves leaves below it; what has fewer is a page,
// of which nothing but the hash and the number of leaves is kept.
type node struct {
	hash   [2]crypto.Hash
	kid    [2]ref
	page   [2]place  // where kids that are pages lie in the page file; see atPage
	prints [2]prints // of kids that are pages; see atPrints
}

// atPage reads where a page lies, which readers may note beside each other.
func (n *node) atPage(side byte) place {
	return place(atomic.LoadUint32((*uint32)(&n.page[side])))
}

func (n *node) notePage(side byte, at place) {
	atomic.StoreUint32((*uint32)(&n.page[side]), uint32(at))
}

// atPrints reads the prints of a page, which readers may note beside each other.
func (n *node) atPrints(side byte) prints {
	return prints(atomic.LoadUint64((*uint64)(&n.prints[side])))
}

func (n *node) notePrints(side byte, p prints) {
	atomic.StoreUint64((*uint64)(&n.prints[side]), uint64(p))
}

// prints are a byte each of the keys of a page, in their order, the first one lowest; 0:
// they are not known. They tell that a page does not have a key without its leaves, which
// may have to be read.
type prints uint64

// printByte is which byte of a key is its print: the last, further down than trees reach.
const printByte = crypto.HashSize - 1

var _ [8 - pageLeaves]struct{} // there is room for the prints of a page

func printsOf(leaves []entry) (p prints) {
	for i := range leaves {
		p |= prints(leaves[i].key[printByte]) << (8 * i)
	}
	return p
}

// lack reports whether none of n leaves has a key.
func (p prints) lack(kh *crypto.Hash, n int) bool {
	if p == 0 {
		return false
	}
	for ; n > 0; n-- {
		if byte(p) == kh[printByte] {
			return false
		}
		p >>= 8
	}
	return true
}

const (
	nodeSize  = 2*crypto.HashSize + 4*4 + 2*8
	chunkBits = 18
	chunkSize = 1 << chunkBits
)

// slab holds the nodes of all kept roots.
type slab struct {
	chunks []offheap.Array[node]
	used   ref // nodes ever taken, counting the unused node 0
	free   []ref
}

func newSlab() *slab { return &slab{used: 1} }

func (s *slab) at(r ref) *node { return &s.chunks[r>>chunkBits].Items[r&(chunkSize-1)] }

// touchNodes is how many nodes touch takes at a time: see touchUpdates.
const touchNodes = 16

// touch reads nodes that are about to be overwritten, all side by side: they lie far from
// each other, and writes wait for memory one after the other.
func (s *slab) touch(refs []ref) (touched byte) {
	for _, r := range refs {
		n := s.at(r)
		touched ^= n.hash[0][0] ^ byte(n.page[1])
	}
	return touched
}

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
		s.chunks = append(s.chunks, offheap.New[node](chunkSize))
	}
	return r
}

func (s *slab) release(refs []ref) { s.free = append(s.free, refs...) }

// bytes is the memory the slab takes.
func (s *slab) bytes() int { return int(s.used)*nodeSize + cap(s.free)*4 }

func (s *slab) close() {
	for i := range s.chunks {
		s.chunks[i].Free()
	}
	s.chunks = nil
}

// pageOfKey is the page that a key belongs to, or that it would.
type pageOfKey struct {
	subtree
	above *node // whose kid it is at side; nil: it is all of the tree
	side  byte
	level int
}

// page finds the page of a key in the committed tree; the caller holds mu.
func (s *Store) page(kh *crypto.Hash) pageOfKey {
	p := pageOfKey{subtree: subtree{root: s.root, hash: &s.hash}}
	if level := s.tops.level; level > 0 {
		if n := s.tops.nodes.Items[prefixOf(kh, level)]; n != 0 {
			p.root, p.level = n, level
		}
	}
	for p.root.inTree() {
		p.above, p.side = s.tree.at(p.root), bit(kh, p.level)
		p.root = p.above.kid[p.side]
		p.level++
	}
	if p.above != nil { // on the way nothing but kids was looked at, a line of memory per node
		p.page, p.prints, p.hash = p.above.atPage(p.side), p.above.atPrints(p.side), &p.above.hash[p.side]
	}
	return p
}

// note holds the leaves of the page, which were read from rows and checked.
func (p *pageOfKey) note(f *pageFile, leaves []entry) {
	if p.above != nil {
		p.above.notePage(p.side, f.put(leaves, p.hash))
		p.notePrints(leaves)
	}
}

// notePrints remembers the prints of the page's leaves, which were read from rows and checked.
func (p *pageOfKey) notePrints(leaves []entry) {
	if p.above != nil {
		p.above.notePrints(p.side, printsOf(leaves))
	}
}

// Change is what a block does to the state, computed but not applied.
type Change struct {
	Root crypto.Hash // state root after the change

	base    crypto.Hash // root it was computed on
	baseSeq uint64      // and the number of commits before it
	root    ref
	parts   []*part
	updates []update
	added   int // leaves that are new
}

// update is one changed leaf with its row.
type update struct {
	leaf    Leaf
	order   int // position among the block's writes
	rowKey  []byte
	row     []byte
	old     written
	hadOld  bool
	removed bool // only in views of older heights: the leaf did not exist then
}

// written says where a row was written.
type written struct {
	height  uint64
	txIndex uint32
}

// records returns the write records of the change in the order of its writes.
func (c *Change) records() []proof.WriteRecord {
	out := make([]proof.WriteRecord, len(c.updates))
	for i := range c.updates {
		u := &c.updates[i]
		r := proof.WriteRecord{KeyHash: u.leaf.Key, ValueHash: u.leaf.Value, TxIndex: u.leaf.TxIndex}
		if u.hadOld {
			r.HasPrevious, r.PrevHeight, r.PrevTx = true, u.old.height, u.old.txIndex
		}
		out[u.order] = r
	}
	return out
}

// Added is the number of keys that were never written before.
func (c *Change) Added() int { return c.added }
