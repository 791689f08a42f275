package state

import (
	"bytes"
	"math/rand"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
)

// cachedPage is a page of a tree that a test keeps beside the cache.
type cachedPage struct {
	level  int
	at     place
	leaves []entry
}

// grow puts a leaf into the pages and into the cache, unless it belongs where no page is.
func grow(c *leafCache, pages []cachedPage, e entry) []cachedPage {
	i := slices.IndexFunc(pages, func(p cachedPage) bool { return underPrefix(e.key[:], p.leaves[0].key[:], p.level) })
	if i < 0 {
		return pages
	}
	p := &pages[i]
	was := formerPage{p.at, int32(p.level), int32(len(p.leaves))}
	k, found := slices.BinarySearchFunc(p.leaves, e, func(a, b entry) int { return bytes.Compare(a.key[:], b.key[:]) })
	if found {
		p.leaves[k] = e
	} else {
		p.leaves = slices.Insert(p.leaves, k, e)
	}
	if len(p.leaves) <= pageLeaves {
		p.at = c.put(p.leaves, was)
		return pages
	}
	level, mid := p.level, 0
	for mid == 0 || mid == len(p.leaves) {
		mid, level = split(p.leaves, level), level+1
	}
	right := cachedPage{level: level, leaves: slices.Clone(p.leaves[mid:])}
	p.level, p.leaves = level, p.leaves[:mid:mid]
	p.at = c.put(p.leaves, was)
	right.at = c.put(right.leaves, formerPage{})
	return slices.Insert(pages, i+1, right)
}

// TestLeafCache grows and rewrites pages in caches with room for all leaves, for some and
// for hardly any: what is found is what was put last, and nothing is lost while there is room.
func TestLeafCache(t *testing.T) {
	const leaves = 3000
	for _, cells := range []int{2 * pageLeaves, 200, leaves} {
		c := newLeafCache(cells * CachedLeafBytes)
		rng := rand.New(rand.NewSource(int64(cells)))
		keys := make([]crypto.Hash, leaves)
		for i := range keys {
			rng.Read(keys[i][:])
		}
		pages := []cachedPage{{leaves: []entry{{key: keys[0]}}}}
		pages[0].at = c.put(pages[0].leaves, formerPage{})
		hits := 0
		for i := 1; i < 3*leaves; i++ {
			e := entry{key: keys[i%leaves], written: written{uint64(i), uint32(i)}}
			rng.Read(e.hash[:])
			pages = grow(c, pages, e)
			p := &pages[rng.Intn(len(pages))]
			got, ok := c.get(nil, p.at, &p.leaves[0].key, p.level, len(p.leaves))
			if ok {
				hits++
				require.Equal(t, p.leaves, got)
			} else {
				require.Empty(t, got)
				p.at = c.put(p.leaves, formerPage{}) // as a reader puts it who read its rows
			}
		}
		if cells == leaves {
			total := 0
			for i := range pages {
				total += len(pages[i].leaves)
			}
			require.Equal(t, 3*leaves-1, hits)
			require.Equal(t, total, c.head)
		} else {
			require.Positive(t, hits)
		}
		c.close()
	}
	none := newLeafCache((2*pageLeaves - 1) * CachedLeafBytes)
	require.Zero(t, none.put([]entry{{}}, formerPage{}))
	full := newLeafCache(1 << 20)
	require.Zero(t, full.put([]entry{{written: written{height: 1 << (64 - txBits)}}}, formerPage{}))
	require.Zero(t, full.put([]entry{{written: written{txIndex: 1 << txBits}}}, formerPage{}))
	full.close()
}
