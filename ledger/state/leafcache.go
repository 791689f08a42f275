package state

import (
	"sync"
	"unsafe"

	"github.com/huchain/huchain/crypto"
)

// entry is a leaf as it is worked on: checked against the tree, with its hash, so that it
// need not be hashed again.
type entry struct {
	key, hash crypto.Hash // kh and the leaf's hash
	written
	held
}

// held says how the cache holds a leaf, so that whoever puts it back need not look.
type held struct {
	cell, next place // the leaf's cell and what follows there; a cell of 0: it has none
	changed    bool  // the leaf is not as its cell has it
}

// asCached reports whether the leaf is as the cache gave it.
func (e *entry) asCached() bool { return e.cell != 0 && !e.changed }

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
// in the order of its keys. A leaf keeps its cell while its page grows and splits; only
// where a chain leads changes then. Once no cell is left that was never taken, the one
// taken longest ago is overwritten. Cells never taken need no memory.
//
// Nodes say where their pages begin, and nothing needs to tell them when a page is gone: a
// chain that lost a cell leads to a leaf of another place in the tree, or ends elsewhere.
type leafCache struct {
	mu    sync.RWMutex
	cells memory[cell]
	n     int
	head  int // cells taken since the first was, in a circle
}

// place is the cell that a page begins in, counted from 1; 0 is nowhere.
type place uint32

func newLeafCache(maxBytes int) *leafCache {
	n := maxBytes / CachedLeafBytes
	if n < 2*pageLeaves { // a page must not take its own cells for new leaves
		return &leafCache{}
	}
	return &leafCache{cells: newMemory[cell](n), n: n}
}

func (c *leafCache) at(p place) *cell { return &c.cells.items[p-1] }

// get appends the n leaves of the page that begins at from and agrees with kh in the first
// level bits, if they are all still there.
func (c *leafCache) get(dst []entry, from place, kh *crypto.Hash, level, n int) ([]entry, bool) {
	had := len(dst)
	c.mu.RLock()
	defer c.mu.RUnlock()
	for ; n > 0; n-- {
		if from == 0 {
			return dst[:had], false
		}
		l := c.at(from)
		if !sharePrefix(&l.key, kh, level) {
			return dst[:had], false
		}
		dst = append(dst, l.entry(from))
		from = l.next
	}
	if from != 0 {
		return dst[:had], false
	}
	return dst, true
}

// find is get for those who want one leaf: that of kh, if the page has it. The whole page is
// looked at nonetheless, since only a whole one can be relied on.
func (c *leafCache) find(from place, kh *crypto.Hash, level, n int) (leaf entry, found, whole bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var is place
	for ; n > 0; n-- {
		if from == 0 {
			return entry{}, false, false
		}
		l := c.at(from)
		if !sharePrefix(&l.key, kh, level) {
			return entry{}, false, false
		}
		if l.key == *kh {
			is = from
		}
		from = l.next
	}
	if from != 0 {
		return entry{}, false, false
	}
	if is == 0 {
		return entry{}, false, true
	}
	return c.at(is).entry(is), true, true
}

// entry is the leaf that the cell at a place holds.
func (l *cell) entry(at place) entry {
	w := uint64(l.written[0])<<32 | uint64(l.written[1])
	return entry{l.key, l.hash, written{w >> txBits, uint32(w & (1<<txBits - 1))}, held{cell: at, next: l.next}}
}

// holds reports whether the leaves of the page of kh are there.
func (c *leafCache) holds(p *pageOfKey, kh *crypto.Hash) bool {
	var room [pageLeaves]entry
	_, whole := c.get(room[:0], p.page, kh, p.level, p.root.leaves())
	return whole
}

// touch reads the chains that begin at pages, which it uses up, all side by side: the
// processor then waits for their memory once instead of for one cell after the other.
func (c *leafCache) touch(pages []place) (touched byte) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for range pageLeaves {
		for i, p := range pages {
			if p != 0 {
				l := c.at(p)
				touched ^= l.key[0]
				pages[i] = l.next
			}
		}
	}
	return touched
}

// now is what put must be told of the leaves that get finds from now on.
func (c *leafCache) now() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.head
}

// room reports whether a page can be put without overwriting others.
func (c *leafCache) room() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.head+pageLeaves <= c.n
}

// put holds the leaves of a page from now on: those that get found since a moment in the
// cells they have, unless these were taken since, and the others in new ones.
func (c *leafCache) put(leaves []entry, since int) place {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == 0 {
		return 0
	}
	for i := range leaves {
		l := &leaves[i]
		if l.height>>(64-txBits) != 0 || l.txIndex>>txBits != 0 {
			return 0
		}
		if l.cell != 0 && c.taken(l.cell, since) {
			l.cell = 0
		}
	}
	var next place
	for i := len(leaves) - 1; i >= 0; i-- {
		l := &leaves[i]
		if !l.asCached() {
			if l.cell == 0 {
				l.cell = c.take(leaves)
			}
			w := l.height<<txBits | uint64(l.txIndex)
			*c.at(l.cell) = cell{l.key, l.hash, [2]uint32{uint32(w >> 32), uint32(w)}, next}
		} else if l.next != next {
			c.at(l.cell).next = next
		}
		next = l.cell
	}
	return next
}

// taken reports whether a cell was taken since a moment. The caller holds mu.
func (c *leafCache) taken(p place, since int) bool {
	if c.head <= c.n {
		return false // none was taken twice
	}
	ago := (int(p) - 1 - since%c.n + c.n) % c.n // how many are taken before p's turn
	return ago < c.head-since
}

// take returns a cell for a page, none that it has already. The caller holds mu.
func (c *leafCache) take(page []entry) place {
	for {
		p := place(c.head%c.n + 1)
		c.head++
		has := false
		for i := range page {
			has = has || page[i].cell == p
		}
		if !has {
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
