package state

import "errors"

// errFilled ends the filling of the page file before all leaves were read.
var errFilled = errors.New("enough was read or the store closes")

// maxFilled is how many leaves are read at most, which takes a processor about a minute.
const maxFilled = 64 << 20

// startFill reads leaves beside everything else: into the page file as many as have room, and
// of the others the prints of their pages. A tree taken from a checkpoint has neither; read
// page by page when they are needed, leaves cost a search each, which is about thirty times
// as much.
func (s *Store) startFill() {
	if s.have == nil {
		return
	}
	s.filling.Add(1)
	//lint:deterministic what is cached decides what is read from rows, never what is computed
	go func() {
		defer s.filling.Done()
		f := filler{s: s, h: newHasher()}
		err := eachPrefix(s.db, PrefixLeaf, func(key, value []byte) error {
			l, err := DecodeLeaf(key, value)
			if err == nil && len(f.leaves) == runLeaves {
				s.have.settle()
				err = f.keep(false)
			}
			if f.read++; f.read > maxFilled {
				return errFilled
			}
			f.leaves = append(f.leaves, l)
			return err
		})
		if err == nil {
			_ = f.keep(true) // there is nothing left to end
		}
		// Damage and disk failures are told to whoever needs the row.
	}()
}

// filler puts pages into the page file in the order of their keys.
type filler struct {
	s       *Store
	h       *hasher
	read    int
	leaves  []Leaf // read and not kept yet, from the first leaf of a page on
	entries []entry
	at      []int32 // by leaf: its place in the hasher
	pages   []filledPage
}

// filledPage is a page whose leaves are those of rows, leaves[from:to] of the filler.
type filledPage struct {
	pageOfKey
	from, to int
	at       int32 // in the hasher
}

// keep puts the pages that were read whole into the page file. Those that a block changed after
// the rows were read do not have the hash of their rows, and the block put them there.
func (f *filler) keep(last bool) error {
	s := f.s
	if s.closing.Load() {
		return errFilled
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	f.h.reset()
	f.entries, f.at, f.pages = f.entries[:0], f.at[:0], f.pages[:0]
	for i := range f.leaves {
		l := &f.leaves[i]
		f.entries = append(f.entries, entry{key: l.Key, written: written{l.Height, l.TxIndex}})
		f.at = append(f.at, f.h.leaf(&l.Key, &l.Value))
	}
	from := 0
	for from < len(f.entries) {
		first := &f.entries[from].key
		p := s.page(first)
		to := from + 1
		for to < len(f.entries) && sharePrefix(&f.entries[to].key, first, p.level) {
			to++
		}
		if to == len(f.entries) && !last {
			break // the page may go on
		}
		if p.above != nil && p.root.leaves() == to-from {
			f.pages = append(f.pages, filledPage{p, from, to, f.h.page(f.entries[from:to], f.at[from:to], p.level)})
		}
		from = to
	}
	f.h.run()
	for i := range f.entries {
		f.entries[i].hash = f.h.hashes[f.at[i]]
	}
	for i := range f.pages {
		p, leaves := &f.pages[i], f.entries[f.pages[i].from:f.pages[i].to]
		switch {
		case f.h.hashes[p.at] != *p.hash:
		case !s.have.room():
			p.notePrints(leaves)
		case p.page == 0:
			p.note(s.have, leaves)
		}
	}
	f.leaves = append(f.leaves[:0], f.leaves[from:]...)
	return nil
}
