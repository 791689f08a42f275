package state

import (
	"bytes"
	"encoding/binary"
	"hash/maphash" //lint:deterministic tells keys of one beginning apart, so that nobody can choose them alike; not what is computed
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
	cell, next place  // the leaf's cell and what follows there; a cell of 0: it has none
	mark       uint32 // of its key
	partial    bool   // of its key the entry has the lead alone
	changed    bool   // the leaf is not as its cell has it
	fresh      bool   // the cell was taken for it and holds nothing yet
}

// asCached reports whether the leaf is as the cache gave it.
func (e *entry) asCached() bool { return e.cell != 0 && !e.changed }

// cell is an entry as it is cached: of its key the lead, which finds it and orders it in its
// page, and a mark that tells it from keys of the same lead. All are bytes, so that it takes
// no padding.
type cell struct {
	hash    crypto.Hash
	lead    [leadBytes]byte
	written [6]byte // height << txBits | transaction
	mark    [4]byte
	next    [4]byte // place of the page's next leaf, behind the last one the first; or freed and the next free cell
}

const (
	leadBytes  = 8
	heightBits = 31
	txBits     = 17

	// CachedLeafBytes is the memory that a leaf takes in the cache.
	CachedLeafBytes = int(unsafe.Sizeof(cell{}))
)

// leafCache holds the leaves of pages of the committed tree, each page as a circle of cells
// in the order of its keys. A leaf keeps its cell while its page grows and splits; only
// where a circle leads changes then. Once no cell is left, pages are given up whole, as a
// hand comes by that goes round all cells. Cells never taken need no memory.
//
// Nodes say where their pages begin, and nothing needs to tell them when a page is gone: what
// lies there then is free, or a circle of another place in the tree, or of other length.
//
// Of a key that is there, the whole is not kept. A key is taken for it that has its first 64
// bits and the same mark: 32 bits of a keyed hash, whose key is drawn anew by each process
// and never shown. Who grinds keys of one beginning cannot choose them of one mark; such as
// differ in their marks are read from rows.
type leafCache struct {
	mu    sync.RWMutex
	cells memory[cell]
	n     int
	seed  maphash.Seed
	used  int   // cells that were ever taken
	free  place // the first of them that is free; 0: none is
	hand  place
	given uint64 // pages given up
}

// place is the cell that a page begins in, counted from 1; 0 is nowhere.
type place uint32

// freed, set in a cell's next, says that the cell is free.
const freed place = 1 << 31

func newLeafCache(maxBytes int) *leafCache {
	n := maxBytes / CachedLeafBytes
	if n < 2*pageLeaves { // a page must not take its own cells for new leaves
		return &leafCache{}
	}
	return &leafCache{cells: newMemory[cell](n), n: n, seed: maphash.MakeSeed()}
}

func (c *leafCache) at(p place) *cell { return &c.cells.items[p-1] }

func (l *cell) following() place { return place(binary.LittleEndian.Uint32(l.next[:])) }

func (l *cell) follow(p place) { binary.LittleEndian.PutUint32(l.next[:], uint32(p)) }

// under reports whether the leaf's key agrees with kh in its first level bits, 64 at most.
func (l *cell) under(kh *crypto.Hash, level int) bool {
	return (binary.BigEndian.Uint64(l.lead[:])^leadOf(kh))>>(64-level) == 0
}

func leadOf(kh *crypto.Hash) uint64 { return binary.BigEndian.Uint64(kh[:]) }

func (c *leafCache) markOf(kh *crypto.Hash) uint32 {
	return uint32(maphash.Bytes(c.seed, kh[leadBytes:]))
}

// get appends the n leaves of the page that begins at from and agrees with kh in the first
// level bits, if they are all still there. Their keys are partial: see complete.
func (c *leafCache) get(dst []entry, from place, kh *crypto.Hash, level, n int) ([]entry, bool) {
	if from == 0 || level > 8*leadBytes {
		return dst, false
	}
	had := len(dst)
	c.mu.RLock()
	defer c.mu.RUnlock()
	last := uint64(0)
	for at, i := from, 0; ; {
		l := c.at(at)
		next, lead := l.following(), binary.BigEndian.Uint64(l.lead[:])
		if next&freed != 0 || !l.under(kh, level) || i > 0 && lead <= last {
			return dst[:had], false
		}
		dst = append(dst, l.entry(at))
		i++
		switch {
		case i == n && next == from:
			return dst, true
		case i == n || next == from:
			return dst[:had], false
		}
		at, last = next, lead
	}
}

// complete gives the leaf of kh its whole key, if it is among leaves that get found. False:
// whether it is cannot be told.
func (c *leafCache) complete(leaves []entry, kh *crypto.Hash) bool {
	for i := range leaves {
		if l := &leaves[i]; l.partial && leadOf(&l.key) == leadOf(kh) {
			if l.mark != c.markOf(kh) {
				return false
			}
			l.key, l.partial = *kh, false
		}
	}
	return true
}

// find is get for those who want one leaf: that of kh, if the page has it. The whole page is
// looked at nonetheless, since only a whole one can be relied on.
func (c *leafCache) find(from place, kh *crypto.Hash, level, n int) (leaf entry, found, whole bool) {
	if from == 0 || level > 8*leadBytes {
		return entry{}, false, false
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	var is place
	for at, i := from, 1; ; i++ {
		l := c.at(at)
		next := l.following()
		if next&freed != 0 || !l.under(kh, level) {
			return entry{}, false, false
		}
		if l.under(kh, 8*leadBytes) {
			is = at
		}
		if i == n && next == from {
			break
		}
		if i == n || next == from {
			return entry{}, false, false
		}
		at = next
	}
	if is == 0 {
		return entry{}, false, true
	}
	one := []entry{c.at(is).entry(is)}
	whole = c.complete(one, kh)
	return one[0], whole, whole
}

// entry is the leaf that the cell at a place holds.
func (l *cell) entry(at place) entry {
	e := entry{hash: l.hash, held: held{
		cell: at, next: l.following(), mark: binary.LittleEndian.Uint32(l.mark[:]), partial: true,
	}}
	copy(e.key[:], l.lead[:])
	w := uint64(binary.LittleEndian.Uint16(l.written[4:]))<<32 | uint64(binary.LittleEndian.Uint32(l.written[:]))
	e.written = written{w >> txBits, uint32(w & (1<<txBits - 1))}
	return e
}

// hold makes the cell that of a leaf.
func (l *cell) hold(e *entry, next place) {
	l.hash = e.hash
	copy(l.lead[:], e.key[:])
	w := e.height<<txBits | uint64(e.txIndex)
	binary.LittleEndian.PutUint32(l.written[:], uint32(w))
	binary.LittleEndian.PutUint16(l.written[4:], uint16(w>>32))
	binary.LittleEndian.PutUint32(l.mark[:], e.mark)
	l.follow(next)
}

// isOf reports whether the cell is that of a leaf still.
func (l *cell) isOf(e *entry) bool {
	return l.following()&freed == 0 && bytes.Equal(l.lead[:], e.key[:leadBytes]) && binary.LittleEndian.Uint32(l.mark[:]) == e.mark
}

// holds reports whether the leaves of the page of kh are there.
func (c *leafCache) holds(p *pageOfKey, kh *crypto.Hash) bool {
	var room [pageLeaves]entry
	_, whole := c.get(room[:0], p.page, kh, p.level, p.root.leaves())
	return whole
}

// touch reads the circles that begin at pages, which it uses up, all side by side: the
// processor then waits for their memory once instead of for one cell after the other.
func (c *leafCache) touch(pages []place) (touched byte) {
	var begun [touchUpdates]place
	copy(begun[:], pages)
	c.mu.RLock()
	defer c.mu.RUnlock()
	for range pageLeaves {
		for i, p := range pages {
			if p != 0 {
				l := c.at(p)
				touched ^= l.hash[0]
				if pages[i] = l.following(); pages[i] == begun[i] || pages[i]&freed != 0 {
					pages[i] = 0
				}
			}
		}
	}
	return touched
}

// now is what put must be told of the leaves that get finds from now on.
func (c *leafCache) now() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.given
}

// room reports whether a page can be put without giving up others.
func (c *leafCache) room() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.used+pageLeaves <= c.n
}

// put holds the leaves of a page from now on: those that get found since a moment in the
// cells they have, unless these were given up since, and the others in new ones.
func (c *leafCache) put(leaves []entry, since uint64) place {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == 0 || len(leaves) == 0 || !cacheable(leaves) {
		return 0
	}
	moved := c.given != since
	for i := range leaves {
		l := &leaves[i]
		if !l.partial {
			l.mark = c.markOf(&l.key)
		}
		if moved && l.cell != 0 && !c.at(l.cell).isOf(l) {
			l.cell = 0
		}
	}
	for i := range leaves {
		if l := &leaves[i]; l.cell == 0 {
			if l.cell = c.take(leaves); l.cell == 0 {
				c.release(leaves[:i])
				return 0
			}
			l.changed, l.fresh = true, true
		}
	}
	for i := range leaves {
		l, next, leads := &leaves[i], leaves[(i+1)%len(leaves)].cell, leaves[i].next
		if moved {
			leads = c.at(l.cell).following()
		}
		if l.changed {
			c.at(l.cell).hold(l, next)
			l.fresh = false
		} else if leads != next {
			c.at(l.cell).follow(next)
		}
	}
	return leaves[0].cell
}

// cacheable reports whether cells can hold what the leaves of a page are.
func cacheable(leaves []entry) bool {
	for i := range leaves {
		l := &leaves[i]
		if l.height>>heightBits != 0 || l.txIndex>>txBits != 0 || i > 0 && leadOf(&l.key) <= leadOf(&leaves[i-1].key) {
			return false
		}
	}
	return true
}

// take returns a free cell for a page, giving up others where there is none; 0: none was
// found. The caller holds mu.
func (c *leafCache) take(page []entry) place {
	for looked := 0; c.free == 0; looked++ {
		if c.used < c.n {
			c.used++
			return place(c.used)
		}
		if looked == c.n {
			return 0
		}
		c.hand = c.hand%place(c.n) + 1
		c.giveUp(c.hand, page)
	}
	p := c.free
	c.free = c.at(p).following() &^ freed
	return p
}

// release frees the cells that were taken for leaves and hold nothing yet. The caller holds mu.
func (c *leafCache) release(leaves []entry) {
	for i := range leaves {
		if l := &leaves[i]; l.fresh {
			c.at(l.cell).follow(freed | c.free)
			c.free, l.cell, l.fresh = l.cell, 0, false
		}
	}
}

// giveUp frees the cells of the page that has a cell, unless some belong to a page that cells
// are taken for. A cell in no whole circle is freed alone. The caller holds mu.
func (c *leafCache) giveUp(p place, page []entry) {
	var circle [pageLeaves]place
	n, whole, needed := 0, false, false
	for at := p; n < pageLeaves && !whole; n++ {
		next := c.at(at).following()
		if next == 0 || next&freed != 0 {
			break
		}
		circle[n] = at
		needed = needed || hasCell(page, at)
		at, whole = next, next == p
	}
	switch {
	case n == 0 || hasCell(page, p) || whole && needed:
		return
	case !whole:
		n = 1
	}
	for _, at := range circle[:n] {
		c.at(at).follow(freed | c.free)
		c.free = at
	}
	c.given++
}

func hasCell(page []entry, p place) bool {
	for i := range page {
		if page[i].cell == p {
			return true
		}
	}
	return false
}

func (c *leafCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cells.free()
	c.n = 0
}
