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
	leaves []entry // as they should be found, not held
}

// find takes the page's leaves from the cache; if they are gone, as their rows would give them.
func (p *cachedPage) find(t *testing.T, c *leafCache) (leaves []entry, hit bool) {
	leaves, hit = c.get(nil, p.at, &p.leaves[0].key, p.level, len(p.leaves))
	for i := range p.leaves {
		key := p.leaves[i].key
		leaf, found, whole := c.find(p.at, &key, p.level, len(p.leaves))
		if found != hit || whole != hit || hit && (leaf.key != key || leaf.hash != leaves[i].hash || leaf.written != leaves[i].written) {
			t.Fatalf("%v: found %v, whole %v, %v", hit, found, whole, leaf)
		}
		absent := key
		absent[leadBytes-1] ^= 1
		if _, found, whole = c.find(p.at, &absent, p.level, len(p.leaves)); found || whole != hit {
			t.Fatalf("%v: absent key found %v, whole %v", hit, found, whole)
		}
		absent = key
		absent[len(absent)-1] ^= 1 // as an attacker may grind it
		if _, found, whole = c.find(p.at, &absent, p.level, len(p.leaves)); found || whole || hit && c.complete(slices.Clone(leaves), &absent) {
			t.Fatalf("%v: key of the same lead found %v, whole %v", hit, found, whole)
		}
	}
	if !hit {
		require.Empty(t, leaves)
		return slices.Clone(p.leaves), false
	}
	bare := slices.Clone(leaves)
	for i := range bare {
		require.NotZero(t, bare[i].cell)
		require.True(t, c.complete(bare, &p.leaves[i].key))
		bare[i].held = held{}
	}
	require.Equal(t, p.leaves, bare)
	return leaves, true
}

// put puts leaves as those of the page, and keeps what must be found from now on.
func (p *cachedPage) put(c *leafCache, leaves []entry, since uint64) {
	p.at = c.put(leaves, since)
	known := p.leaves
	p.leaves = slices.Clone(leaves)
	for i := range p.leaves {
		for k := range known { // in the cache keys are not whole
			if p.leaves[i].partial && leadOf(&known[k].key) == leadOf(&p.leaves[i].key) {
				p.leaves[i].key = known[k].key
			}
		}
		p.leaves[i].held = held{}
	}
}

// grow writes a leaf into the pages and into the cache, unless it belongs where no page is.
// Meanwhile, between the page being found and put, others are put.
func grow(t *testing.T, c *leafCache, pages []cachedPage, e entry, meanwhile func()) []cachedPage {
	i := slices.IndexFunc(pages, func(p cachedPage) bool { return sharePrefix(&e.key, &p.leaves[0].key, p.level) })
	if i < 0 {
		return pages
	}
	p, since := &pages[i], c.now()
	leaves, _ := p.find(t, c)
	require.True(t, c.complete(leaves, &e.key))
	meanwhile()
	k, found := slices.BinarySearchFunc(leaves, e, func(a, b entry) int { return bytes.Compare(a.key[:], b.key[:]) })
	if found {
		e.held, e.changed = leaves[k].held, true
		leaves[k] = e
	} else {
		leaves = slices.Insert(leaves, k, e)
	}
	if len(leaves) <= pageLeaves {
		p.put(c, leaves, since)
		return pages
	}
	level, mid := p.level, 0
	for mid == 0 || mid == len(leaves) {
		mid, level = split(leaves, level), level+1
	}
	right := cachedPage{level: level, leaves: p.leaves}
	p.level = level
	p.put(c, leaves[:mid], since)
	right.put(c, leaves[mid:], since)
	return slices.Insert(pages, i+1, right)
}

// TestLeafCache grows and rewrites pages in caches with room for all leaves, for some and
// for hardly any: what is found is what was put last, and nothing is lost while there is room.
func TestLeafCache(t *testing.T) {
	const leaves = 3000
	for _, cells := range []int{2 * pageLeaves, 50, 200, leaves} {
		c := newLeafCache(cells * CachedLeafBytes)
		rng := rand.New(rand.NewSource(int64(cells)))
		keys := make([]crypto.Hash, leaves)
		for i := range keys {
			rng.Read(keys[i][:])
		}
		pages := []cachedPage{{}}
		pages[0].put(c, []entry{{key: keys[0]}}, c.now())
		hits := 0
		look := func() { // as a reader does, who puts what he had to read from rows
			p, since := &pages[rng.Intn(len(pages))], c.now()
			found, hit := p.find(t, c)
			if hit {
				hits++
			} else {
				p.put(c, found, since)
			}
		}
		for i := 1; i < 3*leaves; i++ {
			e := entry{key: keys[i%leaves], written: written{uint64(i), uint32(i)}}
			rng.Read(e.hash[:])
			pages = grow(t, c, pages, e, func() {
				for range rng.Intn(4) {
					look()
				}
			})
			look()
		}
		if cells == leaves {
			total := 0
			for i := range pages {
				total += len(pages[i].leaves)
				_, hit := pages[i].find(t, c)
				require.True(t, hit)
			}
			require.Equal(t, total, c.used)
		} else {
			require.Positive(t, hits)
			held := 0
			for i := range pages {
				if leaves, hit := pages[i].find(t, c); hit {
					held += len(leaves)
				}
			}
			require.Greater(t, held, cells*3/4, "pages are given up whole")
		}
		c.close()
	}
	none := newLeafCache((2*pageLeaves - 1) * CachedLeafBytes)
	require.Zero(t, none.put([]entry{{}}, 0))
	full := newLeafCache(1 << 20)
	require.Zero(t, full.put([]entry{{written: written{height: 1 << heightBits}}}, 0))
	require.Zero(t, full.put([]entry{{written: written{txIndex: 1 << txBits}}}, 0))
	full.close()
}

// TestHashOrder sorts hashes that spread evenly, and such that were ground to begin alike.
func TestHashOrder(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for n := range 200 {
		for _, alike := range []int{0, 1, 31} {
			hashes := make([]crypto.Hash, n)
			for i := range hashes {
				rng.Read(hashes[i][alike:])
			}
			sorted := make([]crypto.Hash, 0, n)
			seen := map[int32]bool{}
			for _, i := range hashOrder(hashes) {
				sorted = append(sorted, hashes[i])
				seen[i] = true
			}
			require.Len(t, seen, n)
			require.True(t, slices.IsSortedFunc(sorted, func(a, b crypto.Hash) int { return bytes.Compare(a[:], b[:]) }))
		}
	}
}
