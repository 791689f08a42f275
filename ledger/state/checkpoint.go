package state

import (
	"encoding/binary"
	"errors"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver"
)

// A checkpoint is the tree down to its pages, kept in rows when the store is closed, so
// that the next Open need not read every leaf. It is a stream of inner nodes, each in front
// of its left and then its right subtree:
//
//	u8 left kid << 4 | right kid ‖ hash of the left kid, if it is a page ‖ of the right one
//
// where a kid is 0 for nothing, 1 to pageLeaves for a page of so many leaves, and kidNode
// for an inner node. Every hash above the pages is computed anew from it, so that only a
// checkpoint that leads to the wanted root is ever used.

const (
	kidNode = 15

	// checkpointRow is about how much of a checkpoint a row holds.
	checkpointRow = 256 << 10
	// checkpointBatch is the number of rows written at a time.
	checkpointBatch = 16
)

// checkpointKey is the key of a row of a checkpoint, or, without a number, of its end: the
// row that is written last and says that it is whole.
func checkpointKey(number ...uint32) []byte {
	k := []byte{PrefixCheckpoint}
	for _, n := range number {
		k = binary.BigEndian.AppendUint32(k, n)
	}
	return k
}

// Checkpoint keeps the tree for the next Open. It is durable when it returns, and it may be
// interrupted at any time. An older one is given up first.
func (s *Store) Checkpoint() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.checkpoint == s.hash || !s.root.inTree() {
		return nil
	}
	w := &checkpointWriter{s: s, b: s.db.Batch()}
	w.b.DeleteRange([]byte{PrefixCheckpoint}, []byte{PrefixCheckpoint + 1})
	if err := errors.Join(w.node(s.root), w.row()); err != nil {
		w.b.Discard()
		return err
	}
	key := checkpointKey()
	end := binary.BigEndian.AppendUint64(s.hash[:len(s.hash):len(s.hash)], s.leaves)
	w.b.Set(key, Seal(key, binary.BigEndian.AppendUint32(end, w.rows)))
	if err := w.b.Commit(true); err != nil {
		return ReadError(err)
	}
	s.checkpoint = s.hash
	return nil
}

// checkpointWriter writes the rows of a checkpoint.
type checkpointWriter struct {
	s    *Store
	b    driver.Batch
	buf  []byte
	rows uint32
}

func (w *checkpointWriter) node(r ref) error {
	n := w.s.tree.at(r)
	at := len(w.buf)
	w.buf = append(w.buf, 0)
	for side, kid := range n.kid {
		kind := byte(kidNode)
		if !kid.inTree() {
			kind = 0
			if kid != 0 {
				kind = byte(kid.leaves())
				w.buf = append(w.buf, n.hash[side][:]...)
			}
		}
		w.buf[at] = w.buf[at]<<4 | kind
	}
	if len(w.buf) >= checkpointRow {
		if err := w.row(); err != nil {
			return err
		}
	}
	for _, kid := range n.kid {
		if kid.inTree() {
			if err := w.node(kid); err != nil {
				return err
			}
		}
	}
	return nil
}

// row puts what was gathered into a row.
func (w *checkpointWriter) row() error {
	if len(w.buf) == 0 {
		return nil
	}
	key := checkpointKey(w.rows)
	w.b.Set(key, Seal(key, w.buf))
	w.buf = w.buf[:0]
	if w.rows++; w.rows%checkpointBatch != 0 {
		return nil
	}
	err := w.b.Commit(false)
	w.b = w.s.db.Batch()
	return ReadError(err)
}

// load makes the tree of a checkpoint with the root that Params want; false if there is
// none that is whole and undamaged, whatever the reason: the leaf rows hold all of it.
func (s *Store) load() bool {
	if s.p.Checkpoint.IsZero() {
		return false
	}
	err := s.loadCheckpoint()
	if err == nil && s.hash == s.p.Checkpoint {
		s.checkpoint = s.hash
		return true
	}
	s.tree.close()
	s.tree, s.root, s.hash, s.leaves = newSlab(), 0, crypto.Hash{}, 0
	return false
}

func (s *Store) loadCheckpoint() (err error) {
	key := checkpointKey()
	row, found, err := s.db.Get(key)
	if err != nil || !found {
		return errors.Join(ReadError(err), Corrupt("no checkpoint is kept"))
	}
	end, err := Unseal(key, row)
	if err != nil || len(end) != crypto.HashSize+8+4 || crypto.Hash(end[:crypto.HashSize]) != s.p.Checkpoint {
		return errors.Join(err, Corrupt("the checkpoint is of another root"))
	}
	leaves, rows := binary.BigEndian.Uint64(end[crypto.HashSize:]), binary.BigEndian.Uint32(end[crypto.HashSize+8:])
	it, err := s.db.Iter(checkpointKey(0), []byte{PrefixCheckpoint + 1})
	if err != nil {
		return ReadError(err)
	}
	defer func() { err = errors.Join(err, ReadError(it.Close())) }()
	r := &checkpointReader{it: it, rebuilder: rebuilder{s: s, level: runLevel(leaves), part: newPart()}}
	top, err := r.top(0)
	if err != nil {
		return err
	}
	if len(r.rest) > 0 || r.rows != rows || r.leaves != leaves {
		return Corrupt("the checkpoint is not whole")
	}
	s.root, s.hash, s.leaves = top.root, top.hash, leaves
	return nil
}

// checkpointReader makes the tree of a checkpoint, run by run like that of leaf rows.
type checkpointReader struct {
	rebuilder
	it   driver.Iterator
	rest []byte // of the row that was read last
	rows uint32
}

// kid is one side of a node as a checkpoint has it.
type kid struct {
	kind byte
	hash crypto.Hash // of a page
}

// kidRef is the subtree that a kind stands for, unless it is an inner node.
func kidRef(kind byte) ref {
	if kind == 0 {
		return 0
	}
	return pageOf(int(kind))
}

// take reads the next node.
func (r *checkpointReader) take() (kids [2]kid, err error) {
	if len(r.rest) == 0 {
		if ok := r.rows == 0 && r.it.First() || r.rows > 0 && r.it.Next(); !ok {
			return kids, errors.Join(ReadError(r.it.Error()), Corrupt("the checkpoint ends early"))
		}
		body, err := Unseal(r.it.Key(), r.it.Value())
		if err != nil {
			return kids, err
		}
		if string(r.it.Key()) != string(checkpointKey(r.rows)) || len(body) == 0 {
			return kids, Corrupt("the checkpoint has a gap")
		}
		r.rest = append(r.rest[:0], body...)
		r.rows++
	}
	kinds := r.rest[0]
	r.rest = r.rest[1:]
	for side := range kids {
		k := &kids[side]
		switch k.kind = kinds >> (4 - 4*side) & 15; {
		case k.kind == 0 || k.kind == kidNode:
		case k.kind > pageLeaves || len(r.rest) < crypto.HashSize:
			return kids, Corrupt("malformed checkpoint")
		default:
			r.rest = r.rest[copy(k.hash[:], r.rest):]
			r.leaves += uint64(k.kind)
		}
	}
	return kids, nil
}

// node reads an inner node at a level with all below it.
func (r *checkpointReader) node(u *updater, level int) (sub, error) {
	kids, err := r.take()
	if err != nil {
		return sub{}, err
	}
	var subs [2]sub
	for side, k := range kids {
		switch {
		case k.kind != kidNode:
			subs[side] = sub{ref: kidRef(k.kind), at: r.part.h.known(k.hash)}
		case level == crypto.HashSize*8-1:
			return sub{}, Corrupt("malformed checkpoint")
		default:
			if subs[side], err = r.node(u, level+1); err != nil {
				return sub{}, err
			}
		}
	}
	return u.join(level, subs[0], subs[1]), nil
}

// top reads an inner node above the runs with all below it.
func (r *checkpointReader) top(level int) (runRoot, error) {
	u := &updater{part: r.part}
	if level == r.level {
		n, err := r.node(u, level)
		if err != nil {
			return runRoot{}, err
		}
		return r.adopt(n), nil
	}
	kids, err := r.take()
	if err != nil {
		return runRoot{}, err
	}
	var below [2]runRoot
	for side, k := range kids {
		if k.kind != kidNode {
			below[side] = runRoot{root: kidRef(k.kind), hash: k.hash}
		} else if below[side], err = r.top(level + 1); err != nil {
			return runRoot{}, err
		}
	}
	return r.above(level, below[0], below[1]), nil
}
