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

const txBits = 24

// leafCache holds the leaves of pages of the committed tree, in slots that each have room
// for the largest page: a page stays in its slot while it grows, and passes it on to one
// of those it splits into. New pages take the slots behind, and once there are no more,
// those of the oldest. Slots never taken need no memory.
//
// Nodes say where their pages lie, and nothing needs to tell them when a page is gone: a
// slot is overwritten from its first leaf on, by leaves of another place in the tree.
type leafCache struct {
	mu    sync.Mutex
	cells memory[cell]
	slots int
	head  int // the next slot to give
}

// place is the slot that a page lies in, counted from 1; 0 is nowhere.
type place uint32

// slotBytes is the memory of a slot: on the average 105 bytes for each leaf in it.
const slotBytes = pageLeaves * int(unsafe.Sizeof(cell{}))

func newLeafCache(maxBytes int) *leafCache {
	n := maxBytes / slotBytes
	if n == 0 {
		return &leafCache{}
	}
	return &leafCache{cells: newMemory[cell](n * pageLeaves), slots: n}
}

// slot is the memory of a place. The caller holds mu.
func (c *leafCache) slot(at place) []cell {
	return c.cells.items[(int(at)-1)*pageLeaves:][:pageLeaves]
}

// under reports whether a slot holds a page whose leaves share the first level bits of kh.
func under(slot []cell, kh *crypto.Hash, level int) bool {
	return !slot[0].hash.IsZero() && underPrefix(slot[0].key[:], kh[:], level)
}

// get appends the n leaves of the page that agrees with kh in the first level bits, if
// they are still there.
func (c *leafCache) get(dst []entry, at place, kh *crypto.Hash, level, n int) ([]entry, bool) {
	if at == 0 {
		return dst, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	cells := c.slot(at)
	if !under(cells, kh, level) {
		return dst, false
	}
	for i := range cells[:n] {
		l := &cells[i]
		dst = append(dst, entry{l.key, l.hash, written{l.written >> txBits, uint32(l.written & (1<<txBits - 1))}})
	}
	return dst, true
}

// put holds the leaves of a page from now on: in the slot of the page they were part of,
// whose leaves share their first level bits, if that is still there.
func (c *leafCache) put(leaves []entry, was place, level int) place {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slots == 0 {
		return 0
	}
	for i := range leaves {
		if w := &leaves[i].written; w.height>>(64-txBits) != 0 || w.txIndex>>txBits != 0 {
			return 0
		}
	}
	if was == 0 || !under(c.slot(was), &leaves[0].key, level) {
		c.head = c.head%c.slots + 1
		was = place(c.head)
	}
	cells := c.slot(was)
	for i := range leaves {
		l := &leaves[i]
		cells[i] = cell{l.key, l.hash, l.height<<txBits | uint64(l.txIndex)}
	}
	return was
}

func (c *leafCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cells.free()
	c.slots = 0
}
