// Package pebbledb is the default storage driver, on Pebble v2.
package pebbledb

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/huchain/huchain/ledger/driver"
)

// Opener opens Pebble stores. The zero value is ready for use.
type Opener struct {
	FS         vfs.FS // nil: the operating system's
	CacheBytes int64  // block cache of the state store; 0: 64 MiB. Blocks get an eighth.
	// MemTableBytes is the memory for rows not yet in a table, of which up to three may be
	// in use per store; 0: 16 MiB for state, 32 MiB for blocks.
	MemTableBytes uint64
	Log           *slog.Logger // nil: discards
}

const (
	defaultCacheBytes    = 64 << 20
	defaultMemTableBytes = 16 << 20
	memTables            = 3
	// openStateTables has room for the tables of some ten gigabytes, at half a kilobyte of
	// memory each: opening one that was closed costs several times what a search in it does.
	openStateTables = 4096
	// reclaimDelay is how long a range deletion may wait in memory: the space of what was
	// deleted comes back when it has reached a table, on an idle chain too.
	reclaimDelay = time.Second
	// batchBytes is the size up to which Pebble keeps a batch's memory for the next one.
	batchBytes = 16 << 20
)

// Open implements driver.Opener.
func (o Opener) Open(dir string, p driver.Profile) (db driver.DB, err error) {
	defer recoverFatal(&err)
	cache := o.CacheBytes
	if cache == 0 {
		cache = defaultCacheBytes
	}
	if p == driver.ProfileBlocks {
		cache /= 8
	}
	memTable := o.MemTableBytes
	if memTable == 0 {
		memTable = defaultMemTableBytes
		if p == driver.ProfileBlocks {
			memTable *= 2
		}
	}
	cache += 2 * int64(memTable) // Pebble takes the memory of its tables out of the cache; seldom are more in use
	fs := o.FS
	if fs == nil {
		fs = vfs.Default
	}
	opts := &pebble.Options{
		FS:                          InPieces(fs),
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                memTable,
		MemTableStopWritesThreshold: memTables,
		L0StopWritesThreshold:       48,
		MaxOpenFiles:                512,
		CacheSize:                   cache,
		Logger:                      logger{o.Log},
	}
	if p == driver.ProfileBlocks {
		blocksOptions(opts)
	} else {
		stateOptions(opts)
	}
	// Damage found is returned to whoever reads; Pebble's default ends the process.
	opts.EventListener = &pebble.EventListener{DataCorruption: func(info pebble.DataCorruptionInfo) {
		logger{o.Log}.Errorf("%s", info)
	}}
	if err := create(dir, opts); err != nil {
		return nil, wrap("create "+dir, err)
	}
	opened, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, wrap("open "+dir, err)
	}
	return &store{db: opened}, nil
}

// Checkpoint implements driver.Checkpointer.
func (s *store) Checkpoint(dir string) error {
	return wrap("checkpoint to "+dir, s.db.Checkpoint(dir, pebble.WithFlushedWAL()))
}

// stateOptions suits small rows at random places, most of which exist. Rewriting tables is
// what costs there, so there are few levels, and many flushes gather before the first
// merge. The state tree answers for keys that do not exist; filters therefore only spare
// reads of the upper levels, and the last one, which holds nearly all rows, has none.
func stateOptions(opts *pebble.Options) {
	opts.L0CompactionThreshold = 48 // twice the flushes that gather
	opts.L0StopWritesThreshold = 96
	opts.MaxOpenFiles = openStateTables
	opts.LBaseMaxBytes = 512 << 20
	for i := range opts.Levels {
		l := &opts.Levels[i]
		l.BlockSize = 8 << 10
		l.Compression = func() *sstable.CompressionProfile { return block.SnappyCompression }
		if i < len(opts.Levels)-1 {
			l.FilterPolicy = bloom.FilterPolicy(10)
		}
	}
}

// blocksOptions suits frames and index rows, which are written once and read seldom.
func blocksOptions(opts *pebble.Options) {
	opts.L0CompactionThreshold = 4
	opts.FlushDelayDeleteRange = reclaimDelay
	for i := range opts.Levels {
		l := &opts.Levels[i]
		l.BlockSize = 8 << 10
		l.FilterPolicy = bloom.FilterPolicy(10)
		l.Compression = func() *sstable.CompressionProfile { return block.SnappyCompression }
	}
	last := &opts.Levels[len(opts.Levels)-1]
	last.BlockSize = 32 << 10
	last.Compression = func() *sstable.CompressionProfile { return block.ZstdCompression }
	SeparateValues(opts)
}

// SeparateValues keeps values from 1 KiB on beside the tables: merging tables then rewrites
// keys alone. It suits values that are written once and go with those of their time.
func SeparateValues(opts *pebble.Options) {
	opts.Experimental.ValueSeparationPolicy = func() pebble.ValueSeparationPolicy {
		return pebble.ValueSeparationPolicy{
			Enabled:               true,
			MinimumSize:           1 << 10,
			MaxBlobReferenceDepth: 10,
			RewriteMinimumAge:     time.Minute,
			TargetGarbageRatio:    0.3,
		}
	}
}

// Unchanging reports whether a file of a store has one content under its name for as long
// as it is there: a table, or values beside one. Its other files grow or are rewritten.
func Unchanging(name string) bool {
	ext := filepath.Ext(name)
	return ext == ".sst" || ext == ".blob"
}

// create makes a new store under another name and moves it into place: a crash half-way
// through Pebble's own creation can leave a folder that it then refuses to open.
func create(dir string, opts *pebble.Options) error {
	fs := opts.FS
	if _, err := fs.Stat(dir); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	draft := dir + ".new"
	if err := fs.RemoveAll(draft); err != nil {
		return err
	}
	db, err := pebble.Open(draft, opts.Clone())
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	if err := fs.Rename(draft, dir); err != nil {
		return err
	}
	parent, err := fs.OpenDir(fs.PathDir(dir))
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
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
	return &iterator{Iterator: it}, nil
}

// iterator ends where a value cannot be read: Pebble fetches values from beside the tables
// when they are asked for, and would go on behind one that is damaged.
type iterator struct {
	*pebble.Iterator
	err error // of a value
}

func (i *iterator) First() bool            { return i.err == nil && i.Iterator.First() }
func (i *iterator) Last() bool             { return i.err == nil && i.Iterator.Last() }
func (i *iterator) SeekGE(key []byte) bool { return i.err == nil && i.Iterator.SeekGE(key) }
func (i *iterator) SeekLT(key []byte) bool { return i.err == nil && i.Iterator.SeekLT(key) }
func (i *iterator) Next() bool             { return i.err == nil && i.Iterator.Next() }
func (i *iterator) Prev() bool             { return i.err == nil && i.Iterator.Prev() }

func (i *iterator) Value() []byte {
	if i.err != nil {
		return nil
	}
	v, err := i.ValueAndErr()
	i.err = err
	return v
}

func (i *iterator) Error() error {
	if i.err != nil {
		return wrap("iterate", i.err)
	}
	return wrap("iterate", i.Iterator.Error())
}

func (i *iterator) Close() error { return wrap("iterate", i.Iterator.Close()) }

type store struct {
	db     *pebble.DB
	broken atomic.Bool // a write failed
}

func (s *store) Get(key []byte) ([]byte, bool, error) { return reader{s.db}.Get(key) }
func (s *store) Iter(lower, upper []byte) (driver.Iterator, error) {
	return reader{s.db}.Iter(lower, upper)
}
func (s *store) Batch() driver.Batch {
	return &batch{s: s, b: s.db.NewBatch(pebble.WithMaxRetainedSizeBytes(batchBytes))}
}
func (s *store) Snapshot() (driver.Snapshot, error) {
	snap := s.db.NewSnapshot()
	return snapshot{reader{snap}, snap}, nil
}

// Close closes the store. After a failed write Pebble holds locks it never gives up, so
// the store is left as a crash would leave it.
func (s *store) Close() error {
	if s.broken.Load() {
		return nil
	}
	return wrap("close", s.db.Close())
}

type snapshot struct {
	reader
	s *pebble.Snapshot
}

func (s snapshot) Close() error { return wrap("close snapshot", s.s.Close()) }

type batch struct {
	s   *store
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
	if b.err == nil {
		b.err = b.commit(sync)
	}
	if b.err != nil {
		b.s.broken.Store(true)
	}
	return wrap("write", b.err)
}

func (b *batch) commit(sync bool) (err error) {
	defer recoverFatal(&err)
	if b.s.broken.Load() {
		return errors.New("an earlier write failed")
	}
	wo := pebble.NoSync
	if sync {
		wo = pebble.Sync
	}
	if err := b.b.Commit(wo); err != nil {
		return err
	}
	err = b.b.Close()
	b.b = nil
	return err
}

// logger passes Pebble's complaints on.
type logger struct{ log *slog.Logger }

func (l logger) Infof(string, ...any) {}
func (l logger) Errorf(format string, args ...any) {
	if l.log != nil {
		l.log.Error("storage", "text", fmt.Sprintf(format, args...))
	}
}

// fatal is what Pebble's complaint becomes when it cannot go on.
type fatal string

func (f fatal) Error() string { return string(f) }

// Fatalf is called by Pebble when its log cannot be written: going on could lose what was
// promised. In a call of ours the panic becomes the call's error; in Pebble's background
// work it ends the process, and the next start repairs.
func (l logger) Fatalf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if l.log != nil {
		l.log.Error("storage failed", "text", text)
	}
	panic(fatal("storage failed: " + text))
}

// recoverFatal turns a panic over a failed disk (Fatalf's, or that of Pebble's markers,
// which panic with the file system's error) into an error; programming errors go on.
func recoverFatal(err *error) {
	switch r := recover().(type) {
	case nil:
	case runtime.Error:
		panic(r)
	case error:
		*err = r
	default:
		panic(r)
	}
}
