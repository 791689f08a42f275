package state

import (
	"slices"
	"sync"
	"unsafe"

	"github.com/huchain/huchain/crypto"
)

// entry is a leaf as it is worked on: checked against the tree, with its hash, so that it
// need not be hashed again.
type entry struct {
	key, hash crypto.Hash // kh and the leaf's hash
	written
}

// cell is an entry as it is cached. Its numbers are halved, so that it takes no padding.
type cell struct {
	key, hash crypto.Hash
	written   [2]uint32 // height << txBits | transaction, high half first
	next      place     // of the page's next leaf; 0 behind the last
}

const (
	txBits = 24

	// CachedLeafBytes is the memory that a leaf takes in the cache.
	CachedLeafBytes = int(unsafe.Sizeof(cell{}))
)

// leafCache holds the leaves of pages of the committed tree, each page as a chain of cells
// in the order of its keys. A page keeps its cells while it grows, takes one more for a new
// leaf, and shares them out to those it splits into. Once no cell is left that was never
// taken, the one taken longest ago is overwritten. Cells never taken need no memory.
//
// Nodes say where their pages begin, and nothing needs to tell them when a page is gone: a
// chain that lost a cell leads to a leaf of another place in the tree, or ends elsewhere.
type leafCache struct {
	mu    sync.RWMutex
	cells memory[cell]
	n     int
	head  int   // cells taken since the first was, in a circle
	free  place // cells that a split left over, chained; none of them is of a page
}

// place is the cell that a page begins in, counted from 1; 0 is nowhere.
type place uint32

// places are the cells of a page.
type places [pageLeaves]place

func newLeafCache(maxBytes int) *leafCache {
	n := maxBytes / CachedLeafBytes
	if n < 2*pageLeaves { // a page must not take its own cells for new leaves
		return &leafCache{}
	}
	return &leafCache{cells: newMemory[cell](n), n: n}
}

func (c *leafCache) at(p place) *cell { return &c.cells.items[p-1] }

// chain finds the cells of the page that begins at from, has n leaves and agrees with kh in
// the first level bits; false if it is no longer whole. The caller holds mu.
func (c *leafCache) chain(from place, kh *crypto.Hash, level, n int) (found places, whole bool) {
	for i := range n {
		if from == 0 {
			return found, false
		}
		l := c.at(from)
		if !underPrefix(l.key[:], kh[:], level) {
			return found, false
		}
		found[i], from = from, l.next
	}
	return found, from == 0
}

// get appends the n leaves of the page that agrees with kh in the first level bits, if
// they are still there.
func (c *leafCache) get(dst []entry, from place, kh *crypto.Hash, level, n int) ([]entry, bool) {
	if from == 0 {
		return dst, false
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	found, whole := c.chain(from, kh, level, n)
	if !whole {
		return dst, false
	}
	for _, p := range found[:n] {
		l := c.at(p)
		w := uint64(l.written[0])<<32 | uint64(l.written[1])
		dst = append(dst, entry{l.key, l.hash, written{w >> txBits, uint32(w & (1<<txBits - 1))}})
	}
	return dst, true
}

// holds reports whether the leaves of the page of kh are there.
func (c *leafCache) holds(p *pageOfKey, kh *crypto.Hash) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	_, whole := c.chain(p.page, kh, p.level, p.root.leaves())
	return whole
}

// room reports whether a page can be put without overwriting others.
func (c *leafCache) room() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.head+pageLeaves <= c.n
}

// put holds the leaves of a page from now on: in the cells of the page they were part of,
// if that is still there, and in others as far as these do not suffice.
func (c *leafCache) put(leaves []entry, was formerPage) place {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == 0 {
		return 0
	}
	for i := range leaves {
		if w := &leaves[i].written; w.height>>(64-txBits) != 0 || w.txIndex>>txBits != 0 {
			return 0
		}
	}
	cells, whole := c.chain(was.at, &leaves[0].key, int(was.level), int(was.leaves))
	have := int(was.leaves)
	if !whole {
		have = 0
	}
	for ; have < len(leaves); have++ {
		cells[have] = c.take(cells[:have])
	}
	for _, p := range cells[len(leaves):have] {
		c.at(p).next, c.free = c.free, p
	}
	var next place
	for i := len(leaves) - 1; i >= 0; i-- {
		l := &leaves[i]
		w := l.height<<txBits | uint64(l.txIndex)
		*c.at(cells[i]) = cell{l.key, l.hash, [2]uint32{uint32(w >> 32), uint32(w)}, next}
		next = cells[i]
	}
	return next
}

// take returns a cell for a page that has some already. The caller holds mu.
func (c *leafCache) take(had []place) place {
	if p := c.free; p != 0 {
		c.free = c.at(p).next
		return p
	}
	for {
		p := place(c.head%c.n + 1)
		c.head++
		if !slices.Contains(had, p) {
			return p
		}
	}
}

func (c *leafCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cells.free()
	c.n = 0
}
