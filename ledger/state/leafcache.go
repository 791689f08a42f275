package state

import (
	"sync"
	"unsafe"

	"github.com/huchain/huchain/crypto"
)

// entry is a leaf as it is cached: checked against the tree, with its hash, so that it need
// not be hashed again.
type entry struct {
	key, hash crypto.Hash // kh and the leaf's hash
	written
}

// leafCache holds the leaves of pages of the committed tree in a ring of fixed size, which
// takes memory as it is first used. What was put in longest ago is overwritten first; a
// page that is written moves to the front, so this is least-recently-written.
//
// Nodes say where their pages lie, and nothing needs to tell them when a page is gone: a
// page is overwritten from its first leaf on, by leaves of another place in the tree.
type leafCache struct {
	mu   sync.Mutex
	ring memory[entry]
	head int // where the next page goes
}

// place is where a page lies in the ring, counted from 1; 0 is nowhere.
type place uint32

func newLeafCache(maxBytes int) *leafCache {
	n := maxBytes / int(unsafe.Sizeof(entry{}))
	if n < 4*pageLeaves {
		return &leafCache{}
	}
	return &leafCache{ring: newMemory[entry](n)}
}

// get appends the n leaves of the page that agrees with kh in the first level bits, if
// they are still there.
func (c *leafCache) get(dst []entry, at place, kh *crypto.Hash, level, n int) ([]entry, bool) {
	if at == 0 {
		return dst, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	leaves := c.ring.items[at-1:][:n]
	if leaves[0].hash.IsZero() || !underPrefix(leaves[0].key[:], kh[:], level) {
		return dst, false
	}
	return append(dst, leaves...), true
}

// put holds the leaves of a page from now on.
func (c *leafCache) put(leaves []entry) place {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ring.items) == 0 {
		return 0
	}
	if c.head+len(leaves) > len(c.ring.items) {
		clear(c.ring.items[c.head:]) // pages that begin here lose their first leaf
		c.head = 0
	}
	at := c.head
	c.head += copy(c.ring.items[at:], leaves)
	return place(at + 1)
}

func (c *leafCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ring.free()
}
