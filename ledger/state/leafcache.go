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
}

// cell is an entry as it is cached.
type cell struct {
	key, hash crypto.Hash
	written   uint64 // height << txBits | transaction
}

const (
	txBits = 24
	// minCells is the least number of leaves there is room for.
	minCells = 1 << 14
)

// leafCache holds the leaves of pages of the committed tree in a ring. A page that is
// written stays where it is while its keys are the same; others are put where the oldest
// are. The ring is used up to a length that grows with the state, and takes no memory
// beyond it.
//
// Nodes say where their pages lie, and nothing needs to tell them when a page is gone: a
// page is overwritten from its first leaf on, by leaves of another place in the tree.
type leafCache struct {
	mu   sync.Mutex
	ring memory[cell]
	used int // length in use
	head int // where the next page goes
}

// place is where a page lies in the ring, counted from 1; 0 is nowhere.
type place uint32

func newLeafCache(maxBytes int) *leafCache {
	n := maxBytes / int(unsafe.Sizeof(cell{}))
	if n < 4*pageLeaves {
		return &leafCache{}
	}
	return &leafCache{ring: newMemory[cell](n), used: min(n, minCells)}
}

// fit makes room for a state of so many leaves, and for a quarter more: what pages leave
// behind when they grow.
func (c *leafCache) fit(leaves uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := uint64(len(c.ring.items)); leaves < n {
		c.used = max(c.used, int(min(leaves+leaves/4, n)))
	} else {
		c.used = len(c.ring.items)
	}
}

// get appends the n leaves of the page that agrees with kh in the first level bits, if
// they are still there.
func (c *leafCache) get(dst []entry, at place, kh *crypto.Hash, level, n int) ([]entry, bool) {
	if at == 0 {
		return dst, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	cells := c.ring.items[at-1:][:n]
	if cells[0].hash.IsZero() || !underPrefix(cells[0].key[:], kh[:], level) {
		return dst, false
	}
	for i := range cells {
		l := &cells[i]
		dst = append(dst, entry{l.key, l.hash, written{l.written >> txBits, uint32(l.written & (1<<txBits - 1))}})
	}
	return dst, true
}

// put holds the leaves of a page from now on, where they were if they are of the same keys.
func (c *leafCache) put(leaves []entry, was place) place {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ring.items) == 0 {
		return 0
	}
	for i := range leaves {
		if w := &leaves[i].written; w.height>>(64-txBits) != 0 || w.txIndex>>txBits != 0 {
			return 0
		}
	}
	at := int(was) - 1
	if !c.holds(at, leaves) {
		if c.head+len(leaves) > c.used {
			clear(c.ring.items[c.head:c.used]) // pages that begin here lose their first leaf
			c.head = 0
		}
		at = c.head
		c.head += len(leaves)
	}
	for i := range leaves {
		l := &leaves[i]
		c.ring.items[at+i] = cell{l.key, l.hash, l.height<<txBits | uint64(l.txIndex)}
	}
	return place(at + 1)
}

// holds reports whether leaves of these keys lie at a place. The caller holds mu.
func (c *leafCache) holds(at int, leaves []entry) bool {
	if at < 0 {
		return false
	}
	for i := range leaves {
		if l := &c.ring.items[at+i]; l.hash.IsZero() || l.key != leaves[i].key {
			return false
		}
	}
	return true
}

func (c *leafCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ring.free()
}
