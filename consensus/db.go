package consensus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	dbm "github.com/cometbft/cometbft-db"

	"github.com/huchain/huchain/ledger/driver/pebbledb"
)

var (
	errKeyEmpty    = errors.New("key is empty")
	errValueNil    = errors.New("value is nil")
	errStoreClosed = errors.New("store is closed")
	errBatchClosed = errors.New("batch has been written or closed")
)

// store is CometBFT's key-value interface over Pebble v2. cometbft-db's own Pebble is
// v1 with 4 MiB memtables, which stalls under blocks of several MiB.
//
// CometBFT's gossip goroutines outlive its reactors by up to two seconds and go on
// reading; an error makes them panic, and the process with them. So a closed store
// answers reads as if it were empty. Writes are refused: who writes has stopped by then.
type store struct {
	db   *pebble.DB
	name string // of its folder

	mu     sync.RWMutex // held for reading by every call
	closed bool
}

var _ dbm.DB = (*store)(nil)

// openStore opens or creates the store in dir. Writes without Sync reach the disk with
// the next synced one.
func openStore(dir string, memTableBytes uint64, log *slog.Logger) (*store, error) {
	opts := &pebble.Options{
		FS:                          pebbledb.InPieces(vfs.Default),
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                memTableBytes,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		CacheSize:                   16 << 20,
		MaxOpenFiles:                256,
		Logger:                      storeLogger{log},
	}
	pebbledb.SeparateValues(opts)
	// Damage found is returned to whoever reads; Pebble's default ends the process.
	opts.EventListener = &pebble.EventListener{DataCorruption: func(info pebble.DataCorruptionInfo) {
		log.Error("consensus store is damaged", "detail", info.String())
	}}
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	return &store{db: db, name: filepath.Base(dir)}, nil
}

// Get returns a copy of the value, nil if the key is absent.
func (s *store) Get(key []byte) ([]byte, error) {
	if len(key) == 0 {
		return nil, errKeyEmpty
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, nil
	}
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, len(v)), v...) // an empty value is not nil
	return out, closer.Close()
}

// Has reports whether the key is present.
func (s *store) Has(key []byte) (bool, error) {
	if len(key) == 0 {
		return false, errKeyEmpty
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return false, nil
	}
	_, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, closer.Close()
}

// Set writes without waiting for the disk.
func (s *store) Set(key, value []byte) error { return s.set(key, value, pebble.NoSync) }

// SetSync returns once the write is durable.
func (s *store) SetSync(key, value []byte) error { return s.set(key, value, pebble.Sync) }

func (s *store) set(key, value []byte, o *pebble.WriteOptions) error {
	if err := checkPair(key, value); err != nil {
		return err
	}
	return s.write(func() error { return s.db.Set(key, value, o) })
}

func (s *store) write(f func() error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return errStoreClosed
	}
	return f()
}

func checkPair(key, value []byte) error {
	if len(key) == 0 {
		return errKeyEmpty
	}
	if value == nil {
		return errValueNil
	}
	return nil
}

// Delete removes without waiting for the disk.
func (s *store) Delete(key []byte) error { return s.delete(key, pebble.NoSync) }

// DeleteSync returns once the removal is durable.
func (s *store) DeleteSync(key []byte) error { return s.delete(key, pebble.Sync) }

func (s *store) delete(key []byte, o *pebble.WriteOptions) error {
	if len(key) == 0 {
		return errKeyEmpty
	}
	return s.write(func() error { return s.db.Delete(key, o) })
}

// Iterator walks [start, end) upwards; nil bounds are open.
func (s *store) Iterator(start, end []byte) (dbm.Iterator, error) {
	return s.iterate(start, end, false)
}

// ReverseIterator walks [start, end) downwards; nil bounds are open.
func (s *store) ReverseIterator(start, end []byte) (dbm.Iterator, error) {
	return s.iterate(start, end, true)
}

func (s *store) iterate(start, end []byte, reverse bool) (dbm.Iterator, error) {
	if start != nil && len(start) == 0 || end != nil && len(end) == 0 {
		return nil, errKeyEmpty
	}
	it := &storeIterator{start: start, end: end, reverse: reverse}
	if start != nil && end != nil && bytes.Compare(start, end) >= 0 {
		return it, nil // Pebble leaves the behaviour of inverted bounds open
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return it, nil
	}
	src, err := s.db.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: end})
	if err != nil {
		return nil, err
	}
	it.src = src
	if reverse {
		it.valid = src.Last()
	} else {
		it.valid = src.First()
	}
	return it, nil
}

// Close closes the store. Calling it again does nothing.
func (s *store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.db.Close()
}

// NewBatch returns an empty atomic batch.
func (s *store) NewBatch() dbm.Batch {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return &storeBatch{s: s} // as one that was written
	}
	return &storeBatch{s: s, batch: s.db.NewBatch()}
}

// Print writes every pair to standard output, as CometBFT's interface asks.
func (s *store) Print() error {
	it, err := s.Iterator(nil, nil)
	if err != nil {
		return err
	}
	defer it.Close() //nolint:errcheck // it was only read
	for ; it.Valid(); it.Next() {
		fmt.Fprintf(os.Stdout, "[%X]:\t[%X]\n", it.Key(), it.Value())
	}
	return it.Error()
}

// Stats returns sizes of the store.
func (s *store) Stats() map[string]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return map[string]string{}
	}
	m := s.db.Metrics()
	return map[string]string{
		"disk_bytes":     strconv.FormatUint(m.DiskSpaceUsage(), 10),
		"memtable_bytes": strconv.FormatUint(m.MemTable.Size, 10),
		"compactions":    strconv.FormatInt(m.Compact.Count, 10),
	}
}

// Compact compacts [start, end); nil bounds are open.
func (s *store) Compact(start, end []byte) error {
	return s.write(func() error { return s.compact(start, end) })
}

func (s *store) compact(start, end []byte) error {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return err
	}
	if start == nil && it.First() {
		start = bytes.Clone(it.Key())
	}
	if end == nil && it.Last() {
		end = append(bytes.Clone(it.Key()), 0)
	}
	if err := it.Close(); err != nil {
		return err
	}
	if start == nil || bytes.Compare(start, end) >= 0 {
		return nil // nothing there
	}
	return s.db.Compact(context.Background(), start, end, true)
}

type storeBatch struct {
	s     *store
	batch *pebble.Batch
}

func (b *storeBatch) Set(key, value []byte) error {
	if err := checkPair(key, value); err != nil {
		return err
	}
	if b.batch == nil {
		return errBatchClosed
	}
	return b.batch.Set(key, value, nil)
}

func (b *storeBatch) Delete(key []byte) error {
	if len(key) == 0 {
		return errKeyEmpty
	}
	if b.batch == nil {
		return errBatchClosed
	}
	return b.batch.Delete(key, nil)
}

func (b *storeBatch) Write() error     { return b.commit(pebble.NoSync) }
func (b *storeBatch) WriteSync() error { return b.commit(pebble.Sync) }

func (b *storeBatch) commit(o *pebble.WriteOptions) error {
	if b.batch == nil {
		return errBatchClosed
	}
	if err := b.s.write(func() error { return b.batch.Commit(o) }); err != nil {
		return err
	}
	return b.Close()
}

func (b *storeBatch) Close() error {
	if b.batch == nil {
		return nil
	}
	err := b.batch.Close()
	b.batch = nil
	return err
}

type storeIterator struct {
	src        *pebble.Iterator // nil for an empty range
	start, end []byte
	reverse    bool
	valid      bool
}

func (it *storeIterator) Domain() (start, end []byte) { return it.start, it.end }

// Valid turns false for good at the end of the range or on the first error.
func (it *storeIterator) Valid() bool { return it.valid }

func (it *storeIterator) Next() {
	must(it.valid, "next on an iterator past its end")
	if it.reverse {
		it.valid = it.src.Prev()
	} else {
		it.valid = it.src.Next()
	}
}

func (it *storeIterator) Key() []byte {
	must(it.valid, "key of an iterator past its end")
	return it.src.Key()
}

func (it *storeIterator) Value() []byte {
	must(it.valid, "value of an iterator past its end")
	return it.src.Value()
}

func (it *storeIterator) Error() error {
	if it.src == nil {
		return nil
	}
	return it.src.Error()
}

func (it *storeIterator) Close() error {
	it.valid = false
	if it.src == nil {
		return nil
	}
	src := it.src
	it.src = nil
	return src.Close()
}

// storeLogger passes what Pebble has to say to slog. Its Fatalf must not return: the
// store is then beyond use.
type storeLogger struct{ log *slog.Logger }

func (l storeLogger) Infof(string, ...any) {}
func (l storeLogger) Errorf(format string, args ...any) {
	l.log.Error("store", "detail", fmt.Sprintf(format, args...))
}
func (l storeLogger) Fatalf(format string, args ...any) {
	panic("store: " + fmt.Sprintf(format, args...))
}
