package state

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/huchain/huchain/crypto"
)

// part is a share of a Change: what one goroutine makes of the updates whose key hashes
// share their first bits. It keeps its memory for the next change.
type part struct {
	no       int // among the change's parts
	h        *hasher
	nodes    []node
	above    []kidOf     // by node: whose kid it is
	levels   [][]int32   // by depth: nodes, all of which are to be hashed
	waiting  []waiting   // for the hashes of pages
	root     crypto.Hash // of the node that is no kid
	jobs     []crypto.Node
	replaced []ref // nodes of the tree that the new root no longer needs
	pages    []newPage
	leaves   []entry // of the new pages
	at       []int32 // by leaf: its place in the hasher
	checks   []check
	tops     []top // that changed
	added    int   // leaves that are new
}

// newPage is a page of the change: leaves[from:to].
type newPage struct{ from, to int32 }

// newPlace, set in a place, makes the rest of it the number of a new page of the part.
const newPlace place = 1 << 31

// kidOf is a side of a node of the part: node << 1 | side; -1: of none.
type kidOf int32

// waiting is a kid whose hash is that of a page in the hasher.
type waiting struct {
	kid kidOf
	at  int32
}

// sub is a subtree in work: one that did not change, a new page, or a new node of the part.
type sub struct {
	ref    ref
	page   place        // if ref is a page
	prints prints       // of a page that did not change
	at     int32        // of a new page in the hasher
	hash   *crypto.Hash // of what did not change
}

// check is a page that was read from rows: its hash must come out as the tree holds it.
type check struct {
	node int32
	want crypto.Hash
}

func newPart() *part { return &part{h: newHasher()} }

func (p *part) reset(no int) {
	p.no, p.added = no, 0
	p.h.reset()
	p.nodes, p.above, p.waiting, p.replaced = p.nodes[:0], p.above[:0], p.waiting[:0], p.replaced[:0]
	for i := range p.levels {
		p.levels[i] = p.levels[i][:0]
	}
	p.pages, p.leaves, p.at, p.checks = p.pages[:0], p.leaves[:0], p.at[:0], p.checks[:0]
	p.tops = p.tops[:0]
}

// finish computes the hashes of the part and checks the pages that were read.
func (p *part) finish() error {
	p.h.run()
	for _, w := range p.waiting {
		*p.place(w.kid) = p.h.hashes[w.at]
	}
	for level := len(p.levels) - 1; level >= 0; level-- {
		p.jobs = p.jobs[:0]
		for _, i := range p.levels[level] {
			n := &p.nodes[i]
			p.jobs = append(p.jobs, crypto.Node{Left: &n.hash[0], Right: &n.hash[1], To: p.place(p.above[i])})
		}
		crypto.SumNodes(tagInner, p.jobs)
	}
	for i := range p.leaves {
		p.leaves[i].hash = p.h.hashes[p.at[i]]
	}
	for i := range p.checks {
		if c := &p.checks[i]; p.h.hashes[c.node] != c.want {
			return Corrupt("leaf rows do not have the hash that the state tree holds of them")
		}
	}
	return nil
}

// place is where the hash of a kid goes.
func (p *part) place(k kidOf) *crypto.Hash {
	if k < 0 {
		return &p.root
	}
	return &p.nodes[k>>1].hash[k&1]
}

// hashOf is the hash of what the part made, once it is finished.
func (p *part) hashOf(s sub) *crypto.Hash {
	switch {
	case s.hash != nil:
		return s.hash
	case s.ref&localBit != 0:
		return &p.root
	}
	return &p.h.hashes[s.at]
}

// updater fills a part: it walks the tree down to the pages that the updates touch, takes
// their leaves, and builds new nodes above them.
type updater struct {
	*part
	tree     *slab
	topLevel int // level of the tops; 0: there are none
	rows     *rowLeaves
	have     *pageFile

	touched byte // what touch read, so that the compiler leaves it in
}

// run applies the sorted updates to a subtree and returns the new one.
func (u *updater) run(t subtree, level int) (subtree, error) {
	n, err := u.subtree(t, level, false)
	if err == nil {
		err = u.finish()
	}
	return subtree{root: n.ref, hash: u.hashOf(n)}, err
}

// subtree updates a subtree at a level; touched says whether touch was here.
func (u *updater) subtree(t subtree, level int, touched bool) (sub, error) {
	if len(t.ups) == 0 {
		return sub{ref: t.root, page: t.page, prints: t.prints, hash: t.hash}, nil
	}
	if !touched && len(t.ups) <= touchUpdates {
		u.touch(t, level)
		touched = true
	}
	if !t.root.inTree() {
		n, err := u.page(t, level)
		return u.noteTop(n, &t, level), err
	}
	u.replaced = append(u.replaced, t.root)
	l, r := u.tree.at(t.root).kids(t.ups, level)
	left, err := u.subtree(l, level+1, touched)
	if err != nil {
		return sub{}, err
	}
	right, err := u.subtree(r, level+1, touched)
	if err != nil {
		return sub{}, err
	}
	return u.noteTop(u.join(level, left, right), &t, level), nil
}

// noteTop remembers what became of a subtree if it is one of the tops.
func (u *updater) noteTop(n sub, was *subtree, level int) sub {
	if level == u.topLevel && level > 0 {
		u.tops = append(u.tops, top{prefixOf(&was.ups[0].leaf.Key, level), n.ref})
	}
	return n
}

// touchUpdates is how many updates touch takes at a time: enough to wait for memory once
// for all of them, few enough for what they lead to to stay in the processor's cache.
const touchUpdates = 32

// touch reads the nodes that the updates of a subtree lead to, all side by side.
func (u *updater) touch(t subtree, level int) {
	var nodes [touchUpdates]ref
	for i := range t.ups {
		nodes[i] = t.root
	}
	for more := true; more; level++ {
		more = false
		for i := range t.ups {
			if nodes[i].inTree() {
				n, side := u.tree.at(nodes[i]), bit(&t.ups[i].leaf.Key, level)
				u.touched ^= n.hash[0][0]
				nodes[i] = n.kid[side]
				more = true
			}
		}
	}
}

// kids are the subtrees of a node with their updates.
func (n *node) kids(ups []update, level int) (left, right subtree) {
	mid := splitUpdates(ups, level)
	return subtree{n.kid[0], n.atPage(0), n.atPrints(0), &n.hash[0], ups[:mid]},
		subtree{n.kid[1], n.atPage(1), n.atPrints(1), &n.hash[1], ups[mid:]}
}

// join makes the inner node of two subtrees; one that holds a single leaf, or none, takes
// its place itself. (Only removal, in views of older heights, leads there.)
func (u *updater) join(level int, left, right sub) sub {
	switch {
	case left.ref == 0 && (right.ref == 0 || right.ref == pageOf(1)):
		return right
	case right.ref == 0 && left.ref == pageOf(1):
		return left
	}
	at := len(u.nodes)
	u.nodes = append(u.nodes, node{
		kid: [2]ref{left.ref, right.ref}, page: [2]place{left.page, right.page}, prints: [2]prints{left.prints, right.prints},
	})
	u.above = append(u.above, -1)
	for len(u.levels) <= level {
		u.levels = append(u.levels, nil)
	}
	u.levels[level] = append(u.levels[level], int32(at))
	u.hang(left, kidOf(at<<1))
	u.hang(right, kidOf(at<<1|1))
	return sub{ref: localRef(u.no, at)}
}

// hang sees to it that the hash of a subtree comes to where it is a kid.
func (p *part) hang(s sub, as kidOf) {
	switch {
	case s.hash != nil:
		*p.place(as) = *s.hash
	case s.ref&localBit != 0:
		_, i := s.ref.local()
		p.above[i] = as
	case s.ref != 0:
		p.waiting = append(p.waiting, waiting{as, s.at})
	}
}

// page merges updates into the leaves of a page and splits what became too large.
func (u *updater) page(t subtree, level int) (sub, error) {
	from := len(u.leaves)
	if err := u.load(t, level); err != nil {
		return sub{}, err
	}
	i := from
	for k := range t.ups {
		up := &t.ups[k]
		for i < len(u.leaves) && bytes.Compare(u.leaves[i].key[:], up.leaf.Key[:]) < 0 {
			i++
		}
		known := i < len(u.leaves) && u.leaves[i].key == up.leaf.Key
		if known {
			up.old, up.hadOld = u.leaves[i].written, true
		} else {
			u.added++
		}
		switch {
		case up.removed && known:
			u.leaves, u.at = slices.Delete(u.leaves, i, i+1), slices.Delete(u.at, i, i+1)
		case up.removed:
		case known:
			u.leaves[i].written = written{up.leaf.Height, up.leaf.TxIndex}
			u.at[i] = u.h.leaf(&up.leaf.Key, &up.leaf.Value)
			i++
		default: // at most the leaves of one page lie behind it
			u.leaves = slices.Insert(u.leaves, i, entry{key: up.leaf.Key, written: written{up.leaf.Height, up.leaf.TxIndex}})
			u.at = slices.Insert(u.at, i, u.h.leaf(&up.leaf.Key, &up.leaf.Value))
			i++
		}
	}
	return u.build(from, len(u.leaves), level), nil
}

// load appends the leaves of a page and their places in the hasher.
func (u *updater) load(t subtree, level int) error {
	if t.root == 0 {
		return nil
	}
	from := len(u.leaves)
	kh, n := &t.ups[0].leaf.Key, t.root.leaves()
	var held bool
	if u.leaves, held = u.have.get(u.leaves, t.page, t.hash, n); held {
		for i := range u.leaves[from:] {
			u.at = append(u.at, u.h.known(u.leaves[from+i].hash))
		}
		return nil
	}
	var room [pageLeaves]Leaf
	rows, err := u.rows.leavesUnder(room[:0], *kh, level, n)
	if err != nil {
		return err
	}
	if len(rows) != n {
		return Corrupt("%d leaf rows under %x/%d, the tree counts %d", len(rows), *kh, level, n)
	}
	for i := range rows {
		u.addLeaf(&rows[i])
	}
	u.checks = append(u.checks, check{u.h.page(u.leaves[from:], u.at[from:], level), *t.hash})
	return nil
}

// addLeaf appends a leaf that was read from its row.
func (p *part) addLeaf(l *Leaf) {
	p.leaves = append(p.leaves, entry{key: l.Key, written: written{l.Height, l.TxIndex}})
	p.at = append(p.at, p.h.leaf(&l.Key, &l.Value))
}

// build makes pages, and nodes above them, of leaves[from:to], which share their first
// level bits.
func (u *updater) build(from, to, level int) sub {
	if from == to {
		return sub{}
	}
	leaves := u.leaves[from:to]
	if len(leaves) <= pageLeaves {
		u.pages = append(u.pages, newPage{int32(from), int32(to)})
		return sub{ref: pageOf(len(leaves)), page: newPlace | place(len(u.pages)-1), at: u.h.page(leaves, u.at[from:to], level)}
	}
	mid := from + split(leaves, level)
	left := u.build(from, mid, level+1)
	return u.join(level, left, u.build(mid, to, level+1))
}

func splitUpdates(ups []update, level int) int {
	lo, hi := 0, len(ups)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if bit(&ups[mid].leaf.Key, level) == 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// hashOrder returns the places of hashes in ascending order. Hashes spread evenly, so they
// are dealt out by their first bits, into a few each, before anything is compared; those
// that were ground to agree there are sorted among themselves.
func hashOrder(hashes []crypto.Hash) []int32 {
	dealt := max(bits.Len(uint(len(hashes)))-2, 1) // bits
	pile := func(h *crypto.Hash) uint64 { return binary.BigEndian.Uint64(h[:]) >> (64 - dealt) }
	ends := make([]int32, 1<<dealt+1) // of piles, shifted by one: where each begins
	for i := range hashes {
		ends[pile(&hashes[i])+1]++
	}
	for i := range ends[1:] {
		ends[i+1] += ends[i]
	}
	order := make([]int32, len(hashes))
	for i := range hashes {
		p := pile(&hashes[i])
		order[ends[p]] = int32(i)
		ends[p]++
	}
	from := int32(0)
	for _, end := range ends[:1<<dealt] {
		slices.SortFunc(order[from:end], func(a, b int32) int { return bytes.Compare(hashes[a][:], hashes[b][:]) })
		from = end
	}
	return order
}

// sortUpdates sorts updates by their key hashes.
func sortUpdates(ups []update) {
	slices.SortFunc(ups, func(a, b update) int { return bytes.Compare(a.leaf.Key[:], b.leaf.Key[:]) })
}
