package state

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver"
)

// updater computes a Change: it walks the tree down to the pages that the updates touch,
// reads their leaves, and builds new nodes above them.
type updater struct {
	tree   *slab
	leaves leafSource
	h      *hasher
	ch     *Change
	at     []int32 // by local node: its place in the hasher
	// Leaves of the page in work; once built, only their messages in the hasher remain.
	old, merged []Leaf
}

// leafSource yields the leaves below a path, in order.
type leafSource interface {
	// leavesUnder appends the leaves whose keys agree with prefix in their first level bits.
	leavesUnder(dst []Leaf, prefix crypto.Hash, level int) ([]Leaf, error)
}

// run applies the sorted updates to the subtree of root.
func (u *updater) run(root ref) error {
	u.h.reset()
	r, hn, err := u.node(root, 0, u.ch.updates)
	if err != nil {
		return err
	}
	u.h.run()
	for i, hn := range u.at {
		u.ch.nodes[i].hash = u.h.hashes[hn]
	}
	u.ch.root, u.ch.Root = r, u.h.hashes[hn]
	return nil
}

// keep adds a new node whose hash will be that of hn.
func (u *updater) keep(n node, hn int32) ref {
	u.ch.nodes = append(u.ch.nodes, n)
	u.at = append(u.at, hn)
	return ref(len(u.ch.nodes)-1) | localBit
}

// node updates the subtree of old at a level and returns its new node and hnode.
func (u *updater) node(old ref, level int, ups []update) (ref, int32, error) {
	if len(ups) == 0 {
		if old == 0 {
			return 0, emptyNode, nil
		}
		return old, u.h.known(u.tree.at(old).hash), nil
	}
	if old == 0 {
		return u.page(nil, level, ups)
	}
	n := *u.tree.at(old)
	u.ch.replaced = append(u.ch.replaced, old)
	if n.isPage() {
		leaves, err := u.leaves.leavesUnder(u.old[:0], ups[0].leaf.Key, level)
		if err != nil {
			return 0, 0, err
		}
		u.old = leaves
		if len(leaves) != int(n.left) {
			return 0, 0, Corrupt("%d leaf rows under %x/%d, the tree counts %d", len(leaves), ups[0].leaf.Key, level, n.left)
		}
		return u.page(leaves, level, ups)
	}
	mid := splitUpdates(ups, level)
	left, lh, err := u.node(n.left, level+1, ups[:mid])
	if err != nil {
		return 0, 0, err
	}
	right, rh, err := u.node(n.right, level+1, ups[mid:])
	if err != nil {
		return 0, 0, err
	}
	return u.join(level, left, right, lh, rh)
}

// join makes the inner node of two subtrees; one that holds a single leaf, or none, takes
// its place itself. (Only removal, in views of older heights, leads there.)
func (u *updater) join(level int, left, right ref, lh, rh int32) (ref, int32, error) {
	switch l, r := u.count(left), u.count(right); {
	case l+r == 0:
		return 0, emptyNode, nil
	case l+r == 1 && l == 1:
		return left, lh, nil
	case l+r == 1:
		return right, rh, nil
	}
	hn := u.h.inner(level, lh, rh)
	return u.keep(node{left: left, right: right}, hn), hn, nil
}

// count is the number of leaves of an empty subtree or page, 2 for any inner node.
func (u *updater) count(r ref) int {
	if r == 0 {
		return 0
	}
	var n *node
	if r&localBit != 0 {
		n = &u.ch.nodes[r&^localBit]
	} else {
		n = u.tree.at(r)
	}
	if n.isPage() {
		return int(n.left)
	}
	return 2
}

// page merges updates into the leaves of a page and splits what became too large.
func (u *updater) page(old []Leaf, level int, ups []update) (ref, int32, error) {
	merged := u.merged[:0]
	for i := range ups {
		up := &ups[i]
		for len(old) > 0 && bytes.Compare(old[0].Key[:], up.leaf.Key[:]) < 0 {
			merged, old = append(merged, old[0]), old[1:]
		}
		if len(old) > 0 && old[0].Key == up.leaf.Key {
			up.old, up.hadOld = old[0], true
			old = old[1:]
		} else {
			u.ch.added++
		}
		if !up.removed {
			merged = append(merged, up.leaf)
		}
	}
	u.merged = append(merged, old...)
	r, hn := u.build(u.merged, level)
	return r, hn, nil
}

// build makes the nodes over sorted leaves that share their first level bits.
func (u *updater) build(leaves []Leaf, level int) (ref, int32) {
	if len(leaves) == 0 {
		return 0, emptyNode
	}
	if len(leaves) <= pageLeaves {
		hn := u.h.page(leaves, level)
		return u.keep(node{left: ref(len(leaves)), right: pageMark}, hn), hn
	}
	mid := split(leaves, level)
	left, lh := u.build(leaves[:mid], level+1)
	right, rh := u.build(leaves[mid:], level+1)
	hn := u.h.inner(level, lh, rh)
	return u.keep(node{left: left, right: right}, hn), hn
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

// sortUpdates returns the updates in the order of their key hashes. Updates are large, so
// their beginnings are sorted and each update is moved once.
func sortUpdates(ups []update) []update {
	type item struct {
		head uint64
		at   int32
	}
	items := make([]item, len(ups))
	for i := range ups {
		items[i] = item{binary.BigEndian.Uint64(ups[i].leaf.Key[:]), int32(i)}
	}
	slices.SortFunc(items, func(a, b item) int {
		if c := cmp.Compare(a.head, b.head); c != 0 {
			return c
		}
		return bytes.Compare(ups[a.at].leaf.Key[:], ups[b.at].leaf.Key[:])
	})
	out := make([]update, len(ups))
	for i := range items {
		out[i] = ups[items[i].at]
	}
	return out
}

// rowLeaves reads leaves from their rows through one iterator.
type rowLeaves struct{ it driver.Iterator }

func newRowLeaves(r driver.Reader) (*rowLeaves, error) {
	it, err := r.Iter([]byte{PrefixLeaf}, []byte{PrefixLeaf + 1})
	if err != nil {
		return nil, ReadError(err)
	}
	return &rowLeaves{it}, nil
}

func (s *rowLeaves) close() error { return ReadError(s.it.Close()) }

func (s *rowLeaves) leavesUnder(dst []Leaf, prefix crypto.Hash, level int) ([]Leaf, error) {
	var from [leafKeySize]byte
	from[0] = PrefixLeaf
	copy(from[1:], prefix[:level>>3])
	if rest := level & 7; rest != 0 {
		from[1+level>>3] = prefix[level>>3] & (0xff << (8 - rest))
	}
	for ok := s.it.SeekGE(from[:]); ok; ok = s.it.Next() {
		key := s.it.Key()
		if !underPrefix(key[1:], prefix[:], level) {
			break
		}
		l, err := DecodeLeaf(key, s.it.Value())
		if err != nil {
			return nil, err
		}
		dst = append(dst, l)
	}
	return dst, ReadError(s.it.Error())
}

// underPrefix reports whether key agrees with prefix in its first bits bits.
func underPrefix(key, prefix []byte, bits int) bool {
	n := bits >> 3
	if len(key) < crypto.HashSize || !bytes.Equal(key[:n], prefix[:n]) {
		return false
	}
	rest := bits & 7
	return rest == 0 || (key[n]^prefix[n])>>(8-rest) == 0
}
