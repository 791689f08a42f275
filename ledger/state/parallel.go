package state

import (
	"errors"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/huchain/huchain/crypto"
)

const (
	// splitLevels is the number of levels at the top that are joined after the parts below
	// them were updated side by side; there are 2^splitLevels parts and one for the top.
	splitLevels = 3
	// manyUpdates is the number of updates from which that is worth while.
	manyUpdates = 512
)

// subtree is a subtree of the tree with the updates that are due to it, or what became of it.
type subtree struct {
	root   ref
	page   place // if root is a page: where it lies in the page file
	prints prints
	hash   *crypto.Hash
	ups    []update
}

// apply computes the change of a tree; the caller holds mu.
func (s *Store) apply(root ref, hash crypto.Hash, ch *Change) error {
	if len(ch.updates) == 0 {
		ch.root, ch.Root = root, hash
		return nil
	}
	t, err := subtree{root: root, hash: &hash, ups: ch.updates}, error(nil)
	if len(ch.updates) >= manyUpdates && s.splits(root, 0) {
		t, err = s.applyParts(t, ch)
	} else {
		ch.parts = []*part{s.spare.take(0)}
		t, err = s.applyPart(ch.parts[0], t, 0)
	}
	for _, p := range ch.parts {
		ch.added += p.added
	}
	ch.root, ch.Root = t.root, *t.hash
	return err
}

// splits reports whether all subtrees down to splitLevels are inner nodes.
func (s *Store) splits(r ref, level int) bool {
	if !r.inTree() {
		return false
	}
	if level == splitLevels {
		return true
	}
	n := s.tree.at(r)
	return s.splits(n.kid[0], level+1) && s.splits(n.kid[1], level+1)
}

func (s *Store) applyPart(p *part, t subtree, level int) (subtree, error) {
	u := &updater{part: p, tree: s.tree, topLevel: s.tops.level, rows: &rowLeaves{r: s.db}, have: s.have}
	t, err := u.run(t, level)
	return t, errors.Join(err, u.rows.close())
}

// applyParts updates the subtrees below the top side by side and joins them.
func (s *Store) applyParts(t subtree, ch *Change) (subtree, error) {
	below := s.cut(nil, t, 0)
	ch.parts = make([]*part, 0, len(below)+1)
	for i := range len(below) + 1 {
		ch.parts = append(ch.parts, s.spare.take(i))
	}
	var g errgroup.Group
	//lint:deterministic the parts meet in their order below; only the places of nodes in memory differ
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range below {
		g.Go(func() (err error) {
			below[i], err = s.applyPart(ch.parts[i], below[i], splitLevels)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return t, err
	}
	top := &updater{part: ch.parts[len(below)], tree: s.tree}
	n := top.top(t.root, 0, &below)
	err := top.finish()
	return subtree{root: n.ref, hash: top.hashOf(n)}, err
}

// cut appends the subtrees at splitLevels, in order, with their updates.
func (s *Store) cut(dst []subtree, t subtree, level int) []subtree {
	if level == splitLevels {
		return append(dst, t)
	}
	left, right := s.tree.at(t.root).kids(t.ups, level)
	return s.cut(s.cut(dst, left, level+1), right, level+1)
}

// top makes the nodes above the updated subtrees, which it takes in order.
func (u *updater) top(old ref, level int, below *[]subtree) sub {
	if level == splitLevels {
		t := (*below)[0]
		*below = (*below)[1:]
		return sub{ref: t.root, hash: t.hash}
	}
	u.replaced = append(u.replaced, old)
	n := u.tree.at(old)
	left := u.top(n.kid[0], level+1, below)
	return u.join(level, left, u.top(n.kid[1], level+1, below))
}

// adopt moves the nodes of a change into the tree, and its pages into a file; it returns
// the root there and the nodes.
func (s *Store) adopt(ch *Change, pages *pageFile) (root ref, nodes []ref) {
	n := 0
	for _, p := range ch.parts {
		n += len(p.nodes)
	}
	final := make([]ref, n)
	for i := range final {
		final[i] = s.tree.take()
	}
	first := make([]int, len(ch.parts)+1) // where each part begins in final
	for i, p := range ch.parts {
		first[i+1] = first[i] + len(p.nodes)
	}
	resolve := func(r ref) ref {
		if r&localBit == 0 {
			return r
		}
		part, place := r.local()
		return final[first[part]+place]
	}
	for i, p := range ch.parts {
		for k := range p.nodes {
			if k%touchNodes == 0 {
				s.touched ^= s.tree.touch(final[first[i]+k : first[i]+min(k+touchNodes, len(p.nodes))])
			}
			n := &p.nodes[k]
			for side := range n.kid {
				n.kid[side] = resolve(n.kid[side])
				if at := n.page[side]; at&newPlace != 0 {
					n.page[side], n.prints[side] = p.keep(at, &n.hash[side], pages), printsOf(p.newLeaves(at))
				}
			}
			*s.tree.at(final[first[i]+k]) = *n
		}
		for k := range p.tops {
			p.tops[k].node = resolve(p.tops[k].node)
		}
	}
	return resolve(ch.root), final
}

// keep puts a new page, which has a hash, into the file; others are left where they are.
func (p *part) keep(at place, hash *crypto.Hash, to *pageFile) place {
	if at&newPlace == 0 {
		return at
	}
	return to.put(p.newLeaves(at), hash)
}

// newLeaves are the leaves of a new page.
func (p *part) newLeaves(at place) []entry {
	page := p.pages[at&^newPlace]
	return p.leaves[page.from:page.to]
}

// replaced are the nodes of the tree that only older roots need once the change is made.
func (c *Change) replaced() []ref {
	var out []ref
	for _, p := range c.parts {
		out = append(out, p.replaced...)
	}
	return out
}
