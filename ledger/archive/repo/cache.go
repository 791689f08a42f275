package repo

import (
	"bytes"
	"container/list"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/types"
)

// rangeCache keeps ranges of a far target's files on this node's disk, those used last, as
// they are stored: encrypted segments stay encrypted. A range that was altered on this disk
// is fetched anew. What it holds goes when the node starts.
type rangeCache struct {
	dir   string
	limit int64

	mu    sync.Mutex
	size  int64
	order *list.List // of *cachedRange, the one used last in front
	by    map[string]*list.Element
}

type cachedRange struct {
	name string
	size int64
	sum  crypto.Hash
}

func newRangeCache(dir string, limit int64) (*rangeCache, error) {
	err := os.RemoveAll(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return &rangeCache{dir: dir, limit: limit, order: list.New(), by: map[string]*list.Element{}}, nil
}

// get fills b from the cache; false if it is not there whole.
func (c *rangeCache) get(name string, b []byte) bool {
	c.mu.Lock()
	e, ok := c.by[name]
	if ok {
		c.order.MoveToFront(e)
	}
	c.mu.Unlock()
	if !ok {
		return false
	}
	raw, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil || len(raw) != len(b) || crypto.Sum(raw) != e.Value.(*cachedRange).sum {
		return false
	}
	copy(b, raw)
	return true
}

// put keeps a range. It is only a cache: what cannot be written is left out.
func (c *rangeCache) put(name string, b []byte) {
	if int64(len(b)) > c.limit/4 {
		return
	}
	if err := os.WriteFile(filepath.Join(c.dir, name), b, 0o600); err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.by[name]; ok {
		c.remove(e)
	}
	c.by[name] = c.order.PushFront(&cachedRange{name, int64(len(b)), crypto.Sum(b)})
	for c.size += int64(len(b)); c.size > c.limit; {
		last := c.order.Back()
		_ = os.Remove(filepath.Join(c.dir, last.Value.(*cachedRange).name)) // the next start removes it
		c.remove(last)
	}
}

func (c *rangeCache) remove(e *list.Element) {
	r := c.order.Remove(e).(*cachedRange)
	c.size -= r.size
	delete(c.by, r.name)
}

// cachedSource reads a file of a target through the cache.
type cachedSource struct {
	c    *rangeCache
	sum  crypto.Hash // of the file: its name in the cache
	from archive.Source
}

// Size implements archive.Source.
func (s *cachedSource) Size() int64 { return s.from.Size() }

// ReadRange implements archive.Source.
func (s *cachedSource) ReadRange(ctx context.Context, b []byte, offset int64) error {
	name := fmt.Sprintf("%s-%d-%d", hex.EncodeToString(s.sum[:8]), offset, len(b))
	if s.c.get(name, b) {
		return nil
	}
	if err := s.from.ReadRange(ctx, b, offset); err != nil {
		return err
	}
	s.c.put(name, bytes.Clone(b))
	return nil
}
