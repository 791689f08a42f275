package state

import (
	"errors"
	"math/bits"

	"github.com/huchain/huchain/crypto"
)

// runLeaves is about how many leaves are read and hashed in one go when the tree is rebuilt.
const runLeaves = 4096

// maxRunBits bounds the number of runs to 2^maxRunBits.
const maxRunBits = 18

// rebuild makes the tree from all leaf rows, run by run: a run is what shares its first
// bits, and the runs' roots are joined at the end.
func (s *Store) rebuild() (err error) {
	level := 0
	if s.p.LeafHint > runLeaves {
		level = min(bits.Len64(s.p.LeafHint/runLeaves), maxRunBits)
	}
	src, err := newRowLeaves(s.db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.close()) }()
	b := &rebuilder{s: s, src: src, level: level, h: newHasher()}
	for ok := src.it.First(); ok; ok = src.it.Next() {
		l, err := DecodeLeaf(src.it.Key(), src.it.Value())
		if err != nil {
			return err
		}
		if len(b.run) > 0 && !underPrefix(l.Key[:], b.run[0].Key[:], level) {
			b.flush()
		}
		b.run = append(b.run, l)
		s.leaves++
	}
	if err := ReadError(src.it.Error()); err != nil {
		return err
	}
	b.flush()
	s.root, s.hash = b.join(b.roots, 0)
	return nil
}

// rebuilder collects the runs of one rebuild.
type rebuilder struct {
	s     *Store
	src   *rowLeaves
	h     *hasher
	level int
	run   []Leaf
	roots []runRoot
}

// runRoot is the subtree of one run at the rebuilder's level.
type runRoot struct {
	key  crypto.Hash // any key of the run
	root ref
	hash crypto.Hash
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
	root, _ := b.s.adopt(ch)
	b.roots = append(b.roots, runRoot{key: b.run[0].Key, root: root, hash: b.h.hashes[hn]})
	b.run = b.run[:0]
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
	root, _ := b.s.adopt(ch)
	return root, b.h.hashes[hn]
}
