package state

import "sync"

// rowCache holds rows that were read and checked, in two generations: when the young one
// is full it becomes the old one, and what the old one still held is dropped.
type rowCache struct {
	mu         sync.Mutex
	young, old map[string][]byte
	bytes, max int // of young; half of the cache's memory
}

// rowOverhead is about what a cached row costs beside its bytes.
const rowOverhead = 96

func newRowCache(maxBytes int) *rowCache {
	return &rowCache{young: map[string][]byte{}, max: maxBytes / 2}
}

func (c *rowCache) get(key []byte) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if row, ok := c.young[string(key)]; ok {
		return row, true
	}
	row, ok := c.old[string(key)]
	if ok {
		c.insert(string(key), row)
	}
	return row, ok
}

// put adds a row of the committed state; no commit may come between reading and adding it.
func (c *rowCache) put(key, row []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.insert(string(key), row)
}

// insert adds a row; the caller holds mu.
func (c *rowCache) insert(key string, row []byte) {
	c.bytes += len(key) + len(row) + rowOverhead
	if c.bytes > c.max {
		c.old, c.young = c.young, map[string][]byte{}
		c.bytes = len(key) + len(row) + rowOverhead
	}
	c.young[key] = row
}

// replace brings the cache up to a commit: rows it holds take their new value.
func (c *rowCache) replace(updates []update) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range updates {
		u := &updates[i]
		_, young := c.young[string(u.rowKey)]
		_, old := c.old[string(u.rowKey)]
		if old {
			delete(c.old, string(u.rowKey))
		}
		if young || old {
			c.insert(string(u.rowKey), u.row)
		}
	}
}
