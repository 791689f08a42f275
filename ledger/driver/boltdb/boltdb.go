// Package boltdb is a storage driver on bbolt: one file per store, a B+ tree, no
// background work. It suits small chains and places where few files matter; writes cost
// more than with Pebble, and every commit is synced whether asked for or not.
package boltdb

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"github.com/huchain/huchain/ledger/driver"
)

// Opener opens bbolt stores. The zero value is ready for use.
type Opener struct {
	// MaxBytes is the address space reserved for a store; 0: 64 GiB. It costs neither
	// memory nor disk. bbolt can only move to a larger map when no snapshot is open, and
	// a ledger always holds some, so a store MUST NOT grow beyond it.
	MaxBytes int
}

const (
	defaultMaxBytes = 64 << 30
	lockTimeout     = 5 * time.Second
	fileName        = "store.bolt"
)

var bucketName = []byte("rows")

// Open implements driver.Opener.
func (o Opener) Open(dir string, _ driver.Profile) (driver.DB, error) {
	size := o.MaxBytes
	if size == 0 {
		size = defaultMaxBytes
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	db, err := bbolt.Open(filepath.Join(dir, fileName), 0o600, &bbolt.Options{
		Timeout: lockTimeout, InitialMmapSize: size, FreelistType: bbolt.FreelistMapType,
	})
	if err != nil {
		return nil, wrap("open "+dir, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucketName)
		return err
	})
	if err != nil {
		return nil, errors.Join(wrap("open "+dir, err), db.Close())
	}
	return &store{db: db}, nil
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", doing, err)
	for _, damage := range []error{bbolterrors.ErrChecksum, bbolterrors.ErrInvalid, bbolterrors.ErrVersionMismatch} {
		if errors.Is(err, damage) {
			return &driver.ErrCorrupt{Err: err}
		}
	}
	return err
}

type store struct{ db *bbolt.DB }

func (s *store) Get(key []byte) (value []byte, found bool, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		value, found = get(tx, key)
		return nil
	})
	return value, found, wrap("read", err)
}

// get returns a copy, since bbolt's memory is gone after the transaction.
func get(tx *bbolt.Tx, key []byte) ([]byte, bool) {
	v := tx.Bucket(bucketName).Get(stored(key))
	return bytes.Clone(v), v != nil
}

// stored is the form of a key in the file: bbolt has no empty keys.
func stored(key []byte) []byte { return append([]byte{'k'}, key...) }

func (s *store) Iter(lower, upper []byte) (driver.Iterator, error) {
	tx, err := s.db.Begin(false)
	if err != nil {
		return nil, wrap("iterate", err)
	}
	return newIterator(tx, lower, upper, tx.Rollback), nil
}

func (s *store) Snapshot() (driver.Snapshot, error) {
	tx, err := s.db.Begin(false)
	if err != nil {
		return nil, wrap("snapshot", err)
	}
	return &snapshot{tx: tx}, nil
}

func (s *store) Batch() driver.Batch { return &batch{db: s.db} }

func (s *store) Close() error { return wrap("close", s.db.Close()) }

// snapshot is a read transaction.
type snapshot struct {
	mu sync.Mutex // a transaction counts its own statistics and is not safe for concurrent use
	tx *bbolt.Tx
}

func (s *snapshot) Get(key []byte) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := get(s.tx, key)
	return v, ok, nil
}

func (s *snapshot) Iter(lower, upper []byte) (driver.Iterator, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &lockedIterator{newIterator(s.tx, lower, upper, func() error { return nil }), &s.mu}, nil
}

func (s *snapshot) Close() error { return wrap("close snapshot", s.tx.Rollback()) }

// iterator is a cursor held within bounds.
type iterator struct {
	c            *bbolt.Cursor
	lower, upper []byte // in stored form; upper nil: open
	key, value   []byte
	end          int // where the cursor stands without a row: -1 before, 1 behind
	close        func() error
}

func newIterator(tx *bbolt.Tx, lower, upper []byte, close func() error) *iterator {
	it := &iterator{c: tx.Bucket(bucketName).Cursor(), lower: stored(lower), close: close}
	if upper != nil {
		it.upper = stored(upper)
	}
	return it
}

// at takes the cursor's row if it lies within the bounds.
func (i *iterator) at(key, value []byte) bool {
	i.key, i.value = nil, nil
	switch {
	case key == nil:
		return false
	case bytes.Compare(key, i.lower) < 0:
		i.end = -1
		return false
	case i.upper != nil && bytes.Compare(key, i.upper) >= 0:
		i.end = 1
		return false
	}
	i.key, i.value, i.end = key, value, 0
	return true
}

func (i *iterator) First() bool { return i.seek(i.lower) }

func (i *iterator) Last() bool {
	if i.upper == nil {
		return i.at(i.c.Last())
	}
	return i.before(i.upper)
}

func (i *iterator) SeekGE(key []byte) bool { return i.seek(stored(key)) }

func (i *iterator) seek(key []byte) bool {
	if bytes.Compare(key, i.lower) < 0 {
		key = i.lower
	}
	return i.at(i.c.Seek(key))
}

func (i *iterator) SeekLT(key []byte) bool {
	k := stored(key)
	if i.upper != nil && bytes.Compare(k, i.upper) > 0 {
		k = i.upper
	}
	return i.before(k)
}

// before moves to the last row below a stored key.
func (i *iterator) before(key []byte) bool {
	if k, _ := i.c.Seek(key); k == nil {
		return i.at(i.c.Last())
	}
	return i.at(i.c.Prev())
}

func (i *iterator) Next() bool { return i.at(i.c.Next()) }
func (i *iterator) Prev() bool { return i.at(i.c.Prev()) }

func (i *iterator) Key() []byte {
	if len(i.key) == 0 {
		return nil
	}
	return i.key[1:]
}

func (i *iterator) Value() []byte { return i.value }
func (i *iterator) Error() error  { return nil }
func (i *iterator) Close() error  { return wrap("iterate", i.close()) }

// lockedIterator shares its transaction with others.
type lockedIterator struct {
	*iterator
	mu *sync.Mutex
}

func (i *lockedIterator) locked(move func() bool) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return move()
}

func (i *lockedIterator) First() bool { return i.locked(i.iterator.First) }
func (i *lockedIterator) Last() bool  { return i.locked(i.iterator.Last) }
func (i *lockedIterator) Next() bool  { return i.locked(i.iterator.Next) }
func (i *lockedIterator) Prev() bool  { return i.locked(i.iterator.Prev) }
func (i *lockedIterator) SeekGE(key []byte) bool {
	return i.locked(func() bool { return i.iterator.SeekGE(key) })
}
func (i *lockedIterator) SeekLT(key []byte) bool {
	return i.locked(func() bool { return i.iterator.SeekLT(key) })
}

// batch gathers changes for one transaction.
type batch struct {
	db  *bbolt.DB
	ops []func(b *bbolt.Bucket) error
}

func (b *batch) Set(key, value []byte) {
	k, v := stored(key), append([]byte{}, value...)
	b.ops = append(b.ops, func(bk *bbolt.Bucket) error { return bk.Put(k, v) })
}

func (b *batch) Delete(key []byte) {
	k := stored(key)
	b.ops = append(b.ops, func(bk *bbolt.Bucket) error { return bk.Delete(k) })
}

func (b *batch) DeleteRange(lower, upper []byte) {
	lo, hi := stored(lower), stored(upper)
	b.ops = append(b.ops, func(bk *bbolt.Bucket) error {
		var keys [][]byte // a cursor must not be moved while its bucket changes
		c := bk.Cursor()
		for k, _ := c.Seek(lo); k != nil && bytes.Compare(k, hi) < 0; k, _ = c.Next() {
			keys = append(keys, bytes.Clone(k))
		}
		for _, k := range keys {
			if err := bk.Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *batch) Discard() { b.ops = nil }

// Commit always syncs: bbolt without syncing can lose more than the last writes.
func (b *batch) Commit(bool) error {
	err := b.db.Update(func(tx *bbolt.Tx) error {
		bk := tx.Bucket(bucketName)
		for _, op := range b.ops {
			if err := op(bk); err != nil {
				return err
			}
		}
		return nil
	})
	b.ops = nil
	return wrap("write", err)
}
