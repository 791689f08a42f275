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
	kids     [][2]int32 // by node: its subtrees in the hasher
	replaced []ref      // nodes of the tree that the new root no longer needs
	pages    []newPage
	leaves   []entry // of the new pages
	at       []int32 // by leaf: its place in the hasher
	since    int     // moment of the leaf cache before leaves were taken from it
	checks   []check
	added    int // leaves that are new
}

// newPage is a page of the change: leaves[from:to].
type newPage struct{ from, to int32 }

// newPlace, set in a place, makes the rest of it the number of a new page of the part.
const newPlace place = 1 << 31

// sub is a subtree in work.
type sub struct {
	ref  ref
	page place // if ref is a page
	at   int32 // in the hasher
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
	p.nodes, p.kids, p.replaced = p.nodes[:0], p.kids[:0], p.replaced[:0]
	p.pages, p.leaves, p.at, p.checks = p.pages[:0], p.leaves[:0], p.at[:0], p.checks[:0]
}

// finish computes the hashes of the part and checks the pages that were read.
func (p *part) finish() error {
	p.h.run()
	for i := range p.nodes {
		k := p.kids[i]
		p.nodes[i].hash = [2]crypto.Hash{p.h.hashes[k[0]], p.h.hashes[k[1]]}
	}
	for i := range p.leaves {
		if l := &p.leaves[i]; !l.asCached() {
			l.hash = p.h.hashes[p.at[i]]
		}
	}
	for i := range p.checks {
		if c := &p.checks[i]; p.h.hashes[c.node] != c.want {
			return Corrupt("leaf rows do not have the hash that the state tree holds of them")
		}
	}
	return nil
}

// updater fills a part: it walks the tree down to the pages that the updates touch, takes
// their leaves, and builds new nodes above them.
type updater struct {
	*part
	tree *slab
	rows *rowLeaves
	have *leafCache

	touched byte // what touch read, so that the compiler leaves it in
}

// run applies the sorted updates to a subtree and returns the new one.
func (u *updater) run(t subtree, level int) (subtree, error) {
	n, err := u.subtree(t, level, false)
	if err == nil {
		err = u.finish()
	}
	return subtree{root: n.ref, hash: u.h.hashes[n.at]}, err
}

// subtree updates a subtree at a level; touched says whether touch was here.
func (u *updater) subtree(t subtree, level int, touched bool) (sub, error) {
	if len(t.ups) == 0 {
		return sub{t.root, t.page, u.h.known(t.hash)}, nil
	}
	if !touched && len(t.ups) <= touchUpdates {
		u.touch(t, level)
		touched = true
	}
	if !t.root.inTree() {
		return u.page(t, level)
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
	return u.join(level, left, right), nil
}

// touchUpdates is how many updates touch takes at a time: enough to wait for memory once
// for all of them, few enough for what they lead to to stay in the processor's cache.
const touchUpdates = 32

// touch reads the nodes and cells that the updates of a subtree lead to, all side by side.
func (u *updater) touch(t subtree, level int) {
	var nodes [touchUpdates]ref
	var pages [touchUpdates]place
	for i := range t.ups {
		nodes[i], pages[i] = t.root, t.page
	}
	for more := true; more; level++ {
		more = false
		for i := range t.ups {
			if nodes[i].inTree() {
				n, side := u.tree.at(nodes[i]), bit(&t.ups[i].leaf.Key, level)
				u.touched ^= n.hash[0][0]
				nodes[i], pages[i] = n.kid[side], n.atPage(side)
				more = true
			}
		}
	}
	u.touched ^= u.have.touch(pages[:len(t.ups)])
}

// kids are the subtrees of a node with their updates.
func (n *node) kids(ups []update, level int) (left, right subtree) {
	mid := splitUpdates(ups, level)
	return subtree{n.kid[0], n.atPage(0), n.hash[0], ups[:mid]}, subtree{n.kid[1], n.atPage(1), n.hash[1], ups[mid:]}
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
	at := u.h.inner(level, left.at, right.at)
	u.nodes = append(u.nodes, node{kid: [2]ref{left.ref, right.ref}, page: [2]place{left.page, right.page}})
	u.kids = append(u.kids, [2]int32{left.at, right.at})
	return sub{ref: localRef(u.no, len(u.nodes)-1), at: at}
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
			u.leaves[i].written, u.leaves[i].changed = written{up.leaf.Height, up.leaf.TxIndex}, true
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
	var hit bool
	if u.leaves, hit = u.have.get(u.leaves, t.page, kh, level, n); hit {
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
	u.checks = append(u.checks, check{u.h.page(u.leaves[from:], u.at[from:], level), t.hash})
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
		return sub{pageOf(len(leaves)), newPlace | place(len(u.pages)-1), u.h.page(leaves, u.at[from:to], level)}
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
