// Package driver is the storage a ledger is written on: an ordered key-value store with
// atomic batches, iterators and snapshots. Implementations live in the packages below it
// and pass the suite in drivertest.
package driver

// Reader reads one consistent store or snapshot. Implementations are safe for concurrent use.
type Reader interface {
	// Get returns a copy of the value of key.
	Get(key []byte) (value []byte, found bool, err error)
	// Iter iterates over [lower, upper); a nil bound is open. The iterator sees the store
	// as it was at the call and MUST be closed; it belongs to one goroutine.
	Iter(lower, upper []byte) (Iterator, error)
}

// Iterator walks keys in byte order. Positioning methods report whether they found a row;
// Key and Value are valid until the next move and MUST NOT be modified.
type Iterator interface {
	First() bool
	Last() bool
	SeekGE(key []byte) bool // first row ≥ key
	SeekLT(key []byte) bool // last row < key
	Next() bool
	Prev() bool
	Key() []byte
	Value() []byte
	Error() error // what stopped the walk before its end; MUST be asked after false
	Close() error
}

// Batch collects changes that become visible and durable together. It belongs to one goroutine.
type Batch interface {
	Set(key, value []byte)
	Delete(key []byte)
	DeleteRange(lower, upper []byte)
	// Commit applies the batch, after which it MUST NOT be used. With sync the changes,
	// and all earlier ones, MUST be durable when it returns without an error; without, a
	// crash may lose them, but only together with everything committed after them.
	Commit(sync bool) error
	// Discard gives the batch up; a no-op after Commit.
	Discard()
}

// Snapshot is an unchanging view of a store.
type Snapshot interface {
	Reader
	Close() error
}

// DB is an open store.
type DB interface {
	Reader
	Batch() Batch
	Snapshot() (Snapshot, error)
	// Close MUST follow the closing of all iterators and snapshots.
	Close() error
}

// Checkpointer is a DB that can be copied while it is written to.
type Checkpointer interface {
	// Checkpoint writes a copy of the store as it is now, durably, into a folder that MUST
	// NOT exist. It takes little time: files that never change are linked.
	Checkpoint(dir string) error
}

// Profile tells a driver what a store is for.
type Profile uint8

// What the two stores of a ledger are for.
const (
	ProfileState  Profile = iota // random reads and overwrites: deserves most of the cache
	ProfileBlocks                // appended, rarely read
)

// Opener opens or creates the store in a folder.
type Opener interface {
	Open(dir string, p Profile) (DB, error)
}

// ErrCorrupt marks errors of drivers that found their own files damaged.
type ErrCorrupt struct{ Err error }

func (e *ErrCorrupt) Error() string { return e.Err.Error() }

// Unwrap returns the driver's own error.
func (e *ErrCorrupt) Unwrap() error { return e.Err }
