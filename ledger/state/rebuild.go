package state

import (
	"errors"
	"math/bits"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/huchain/huchain/crypto"
)

const (
	// runLeaves is about how many leaves are read and hashed in one go when the tree is rebuilt.
	runLeaves = 4096
	// maxRunBits bounds the number of runs to 2^maxRunBits.
	maxRunBits = 18
	// partBits makes 2^partBits parts of the key hashes, which are rebuilt side by side.
	partBits = 4
)

// rebuild makes the tree from all leaf rows, run by run: a run is what shares its first
// bits, and the runs' roots are joined at the end.
func (s *Store) rebuild() error {
	level, parts := 0, 1
	if s.p.LeafHint > runLeaves {
		level = min(bits.Len64(s.p.LeafHint/runLeaves), maxRunBits)
	}
	if level >= partBits {
		parts = 1 << partBits
	}
	done := make([]rebuilder, parts)
	var g errgroup.Group
	//lint:deterministic parts meet in their order below; only the places of nodes in memory differ
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range done {
		done[i] = rebuilder{s: s, level: level, h: newHasher()}
		g.Go(func() error { return done[i].part(i, parts) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	top := rebuilder{s: s, level: level, h: newHasher()}
	for i := range done {
		top.roots = append(top.roots, done[i].roots...)
		s.leaves += done[i].leaves
	}
	s.root, s.hash = top.join(top.roots, 0)
	return nil
}

// rebuilder makes one part of the tree.
type rebuilder struct {
	s      *Store
	h      *hasher
	level  int
	leaves uint64
	run    []Leaf
	roots  []runRoot
}

// runRoot is the subtree of one run at the rebuilder's level.
type runRoot struct {
	key  crypto.Hash // any key of the run
	root ref
	hash crypto.Hash
}

// part reads the leaves of part i of n, by their first byte.
func (b *rebuilder) part(i, n int) (err error) {
	lower, upper := []byte{PrefixLeaf, byte(i * 256 / n)}, []byte{PrefixLeaf + 1}
	if i+1 < n {
		upper = []byte{PrefixLeaf, byte((i + 1) * 256 / n)}
	}
	it, err := b.s.db.Iter(lower, upper)
	if err != nil {
		return ReadError(err)
	}
	defer func() { err = errors.Join(err, ReadError(it.Close())) }()
	for ok := it.First(); ok; ok = it.Next() {
		l, err := DecodeLeaf(it.Key(), it.Value())
		if err != nil {
			return err
		}
		if len(b.run) > 0 && !underPrefix(l.Key[:], b.run[0].Key[:], b.level) {
			b.flush()
		}
		b.run = append(b.run, l)
		b.leaves++
	}
	b.flush()
	return ReadError(it.Error())
}

// flush builds the nodes of the run that was read.
func (b *rebuilder) flush() {
	if len(b.run) == 0 {
		return
	}
	b.h.reset()
	ch := &Change{}
	u := &updater{tree: b.s.tree, h: b.h, ch: ch}
	r, hn := u.build(b.run, b.level)
	b.h.run()
	for i, hn := range u.at {
		ch.nodes[i].hash = b.h.hashes[hn]
	}
	ch.root = r
	b.roots = append(b.roots, runRoot{key: b.run[0].Key, root: b.adopt(ch), hash: b.h.hashes[hn]})
	b.run = b.run[:0]
}

// adopt moves new nodes into the tree, which all parts share.
func (b *rebuilder) adopt(ch *Change) ref {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	root, _ := b.s.adopt(ch)
	return root
}

// join makes the nodes above the runs that share their first level bits.
func (b *rebuilder) join(runs []runRoot, level int) (ref, crypto.Hash) {
	if len(runs) == 0 {
		return 0, crypto.Hash{}
	}
	if level == b.level {
		return runs[0].root, runs[0].hash
	}
	mid := 0
	for mid < len(runs) && bit(&runs[mid].key, level) == 0 {
		mid++
	}
	left, lh := b.join(runs[:mid], level+1)
	right, rh := b.join(runs[mid:], level+1)
	ch := &Change{}
	u := &updater{tree: b.s.tree, h: b.h, ch: ch}
	b.h.reset()
	r, hn, _ := u.join(level, left, right, b.h.known(lh), b.h.known(rh))
	b.h.run()
	if len(ch.nodes) > 0 {
		ch.nodes[0].hash = b.h.hashes[hn]
	}
	ch.root = r
	return b.adopt(ch), b.h.hashes[hn]
}
