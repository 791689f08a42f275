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
	level, parts := runLevel(s.p.LeafHint), 1
	if level >= partBits {
		parts = 1 << partBits
	}
	done := make([]rebuilder, parts)
	var g errgroup.Group
	//lint:deterministic parts meet in their order below; only the places of nodes in memory differ
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range done {
		done[i] = rebuilder{s: s, level: level, part: newPart()}
		g.Go(func() error { return done[i].read(i, parts) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	top := rebuilder{s: s, level: level, part: newPart()}
	for i := range done {
		top.roots = append(top.roots, done[i].roots...)
		s.leaves += done[i].leaves
	}
	all := top.join(top.roots, 0)
	s.root, s.hash = all.root, all.hash
	return nil
}

// runLevel is the number of first bits that a run shares in a tree of about so many leaves.
func runLevel(leaves uint64) int {
	if leaves <= runLeaves {
		return 0
	}
	return min(bits.Len64(leaves/runLeaves), maxRunBits)
}

// rebuilder makes one part of the tree.
type rebuilder struct {
	s      *Store
	part   *part
	level  int
	leaves uint64
	roots  []runRoot
}

// runRoot is the subtree of one run at the rebuilder's level.
type runRoot struct {
	key  crypto.Hash // any key of the run
	hash crypto.Hash
	root ref
	page place // if root is a page
}

// read reads the leaves of part i of n, by their first byte.
func (b *rebuilder) read(i, n int) (err error) {
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
		if run := b.part.leaves; len(run) > 0 && !sharePrefix(&l.Key, &run[0].key, b.level) {
			b.flush()
		}
		b.part.addLeaf(&l)
		b.leaves++
	}
	b.flush()
	return ReadError(it.Error())
}

// flush builds the nodes of the run that was read.
func (b *rebuilder) flush() {
	n := len(b.part.leaves)
	if n == 0 {
		return
	}
	key := b.part.leaves[0].key
	b.s.have.settle()
	r := b.adopt((&updater{part: b.part}).build(0, n, b.level))
	r.key = key
	b.roots = append(b.roots, r)
}

// adopt finishes a subtree and moves its nodes into the tree, which all parts share.
func (b *rebuilder) adopt(n sub) runRoot {
	_ = b.part.finish() // cannot fail: no page was read whose hash was known before
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	r := runRoot{hash: *b.part.hashOf(n)}
	r.page = b.part.keep(n.page, &r.hash, b.s.have)
	r.root, _ = b.s.adopt(&Change{root: n.ref, parts: []*part{b.part}}, b.s.have)
	b.part.reset(0)
	return r
}

// join makes the nodes above the runs that share their first level bits.
func (b *rebuilder) join(runs []runRoot, level int) runRoot {
	if len(runs) == 0 {
		return runRoot{}
	}
	if level == b.level {
		return runs[0]
	}
	mid := 0
	for mid < len(runs) && bit(&runs[mid].key, level) == 0 {
		mid++
	}
	out := b.above(level, b.join(runs[:mid], level+1), b.join(runs[mid:], level+1))
	out.key = runs[0].key
	return out
}

// above makes the node at a level above two subtrees.
func (b *rebuilder) above(level int, left, right runRoot) runRoot {
	known := func(r runRoot) sub { return sub{ref: r.root, page: r.page, hash: &r.hash} }
	return b.adopt((&updater{part: b.part}).join(level, known(left), known(right)))
}
