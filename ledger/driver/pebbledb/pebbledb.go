// Package pebbledb is the default storage driver, on Pebble v2.
package pebbledb

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/huchain/huchain/ledger/driver"
)

// Opener opens Pebble stores. The zero value is ready for use.
type Opener struct {
	FS         vfs.FS       // nil: the operating system's
	CacheBytes int64        // block cache of the state store; 0: 64 MiB. Blocks get an eighth.
	Log        *slog.Logger // nil: discards
}

const (
	defaultCacheBytes = 64 << 20
	memTableBytes     = 32 << 20
)

// Open implements driver.Opener.
func (o Opener) Open(dir string, p driver.Profile) (driver.DB, error) {
	cache := o.CacheBytes
	if cache == 0 {
		cache = defaultCacheBytes
	}
	if p == driver.ProfileBlocks {
		cache /= 8
	}
	opts := &pebble.Options{
		FS:                          o.FS,
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                memTableBytes,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		MaxOpenFiles:                512,
		CacheSize:                   cache,
		Logger:                      logger{o.Log},
	}
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		opts.Levels[i].BlockSize = 8 << 10
		opts.Levels[i].Compression = func() *sstable.CompressionProfile { return block.SnappyCompression }
	}
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, wrap("open "+dir, err)
	}
	return &store{db: db}, nil
}

// wrap names what failed and marks damage.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", doing, err)
	if pebble.IsCorruptionError(err) {
		return &driver.ErrCorrupt{Err: err}
	}
	return err
}

type reader struct{ r pebble.Reader }

func (s reader) Get(key []byte) ([]byte, bool, error) {
	v, closer, err := s.r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, wrap("read", err)
	}
	out := append(make([]byte, 0, len(v)), v...)
	return out, true, wrap("read", closer.Close())
}

func (s reader) Iter(lower, upper []byte) (driver.Iterator, error) {
	it, err := s.r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, wrap("iterate", err)
	}
	return iterator{it}, nil
}

type iterator struct{ *pebble.Iterator }

func (i iterator) Error() error { return wrap("iterate", i.Iterator.Error()) }
func (i iterator) Close() error { return wrap("iterate", i.Iterator.Close()) }

type store struct{ db *pebble.DB }

func (s *store) Get(key []byte) ([]byte, bool, error) { return reader{s.db}.Get(key) }
func (s *store) Iter(lower, upper []byte) (driver.Iterator, error) {
	return reader{s.db}.Iter(lower, upper)
}
func (s *store) Batch() driver.Batch { return &batch{b: s.db.NewBatch()} }
func (s *store) Snapshot() (driver.Snapshot, error) {
	snap := s.db.NewSnapshot()
	return snapshot{reader{snap}, snap}, nil
}
func (s *store) Close() error { return wrap("close", s.db.Close()) }

type snapshot struct {
	reader
	s *pebble.Snapshot
}

func (s snapshot) Close() error { return wrap("close snapshot", s.s.Close()) }

type batch struct {
	b   *pebble.Batch
	err error // first fault; Commit reports it
}

func (b *batch) keep(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *batch) Set(key, value []byte)     { b.keep(b.b.Set(key, value, nil)) }
func (b *batch) Delete(key []byte)         { b.keep(b.b.Delete(key, nil)) }
func (b *batch) DeleteRange(lo, hi []byte) { b.keep(b.b.DeleteRange(lo, hi, nil)) }
func (b *batch) Discard() {
	if b.b != nil {
		_ = b.b.Close() // nothing was applied, so nothing can be lost
		b.b = nil
	}
}

func (b *batch) Commit(sync bool) error {
	if b.err != nil {
		return wrap("write", b.err)
	}
	wo := pebble.NoSync
	if sync {
		wo = pebble.Sync
	}
	err := b.b.Commit(wo)
	if err == nil {
		err = b.b.Close()
	}
	b.b = nil
	return wrap("write", err)
}

// logger passes Pebble's complaints on.
type logger struct{ log *slog.Logger }

func (l logger) Infof(string, ...any) {}
func (l logger) Errorf(format string, args ...any) {
	if l.log != nil {
		l.log.Error("storage", "text", fmt.Sprintf(format, args...))
	}
}

// Fatalf is called by Pebble when its log cannot be written: going on could lose what
// was promised. The panic ends the process; the next start repairs.
func (l logger) Fatalf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if l.log != nil {
		l.log.Error("storage failed", "text", text)
	}
	panic("storage failed: " + text)
}
