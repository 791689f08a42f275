package ledger

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/huchain/huchain/types"
)

// TestReadersBesideCommits reads, scans, proves and prepares while blocks are committed.
// Every block writes the same number to all keys, so that a scan that mixes two heights shows.
func TestReadersBesideCommits(t *testing.T) {
	c := newChain(t, vfs.NewMem())
	c.commit(1)
	const keys = 40
	numbered := func(b *Block, n int) *Block {
		b.Writes = nil
		for i := range keys {
			b.Writes = append(b.Writes, types.Write{NS: "evidence", Key: fmt.Appendf(nil, "number/%02d", i), Value: fmt.Append(nil, n)})
		}
		return b
	}
	commit := func(n int) error {
		cand, err := c.l.Prepare(numbered(c.block(1), n))
		if err != nil {
			return err
		}
		return c.l.Commit(cand)
	}
	for n := range 4 {
		require.NoError(t, commit(n))
	}
	var (
		g    errgroup.Group
		done atomic.Bool
		once sync.Once
	)
	reader := func(read func() error) {
		g.Go(func() error {
			for !done.Load() {
				if err := read(); err != nil {
					once.Do(func() { done.Store(true) })
					return err
				}
			}
			return nil
		})
	}
	reader(func() error {
		seen := map[string]int{}
		err := c.l.Scan("evidence", []byte("number/"), []byte("number0"), func(_, v []byte) bool {
			seen[string(v)]++
			return true
		})
		if err == nil && (len(seen) != 1 || seen[firstKey(seen)] != keys) {
			err = fmt.Errorf("a scan saw several heights: %v", seen)
		}
		return err
	})
	reader(func() error {
		v, err := c.l.View()
		if err != nil {
			return err
		}
		defer v.Release()
		seen := map[string]int{}
		for i := range keys {
			value, found, err := v.Get("evidence", fmt.Appendf(nil, "number/%02d", i))
			if err != nil || !found {
				return fmt.Errorf("row %d at height %d: found %v: %w", i, v.Height(), found, err)
			}
			seen[string(value)]++
			if i%8 == 0 { // blocks are committed in between
				runtime.Gosched()
			}
		}
		err = v.Scan("evidence", []byte("number/"), []byte("number0"), func(_, value []byte) bool {
			seen[string(value)]++
			return true
		})
		if err == nil && (len(seen) != 1 || v.Header.Height != v.Height()) {
			err = fmt.Errorf("a view of height %d saw several: %v", v.Height(), seen)
		}
		return err
	})
	reader(func() error {
		_, found, err := c.l.Get("evidence", []byte("number/07"))
		if err == nil && !found {
			err = fmt.Errorf("row lost")
		}
		return err
	})
	reader(func() error {
		p, err := c.l.ProveState("evidence", []byte("number/11"))
		if err != nil {
			return err
		}
		return p.Verify(c.trust())
	})
	reader(func() error {
		_, err := c.l.Header(c.l.Height())
		return err
	})
	for n := 4; n < 40 && !done.Load(); n++ {
		require.NoError(t, commit(n))
	}
	done.Store(true)
	require.NoError(t, g.Wait())
	require.NoError(t, c.l.Close())
}

func firstKey(m map[string]int) string {
	for k := range m {
		return k
	}
	return ""
}
