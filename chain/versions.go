package chain

import (
	"strings"
	"sync"

	"github.com/tidwall/btree"
)

// versions holds what the transactions of a block under parallel execution have written,
// by key and transaction, over the state before the block. Methods are safe for
// concurrent use.
type versions struct {
	base State

	mu   sync.RWMutex
	keys btree.Map[string, []version] // key as in overlay; ascending by transaction
}

// version is what one transaction leaves in one row.
type version struct {
	tx      uint32
	attempt uint32 // counts the executions of the transaction
	entry   entry
}

// writtenRow is a row as a transaction leaves it.
type writtenRow struct {
	key   string
	entry entry
}

// publish replaces what a transaction has written by the outcome of an attempt.
func (v *versions) publish(tx, attempt uint32, before, now []writtenRow) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, w := range before {
		list, _ := v.keys.Get(w.key)
		if i, found := place(list, tx); found {
			rest := append(append(make([]version, 0, len(list)-1), list[:i]...), list[i+1:]...)
			if len(rest) == 0 {
				v.keys.Delete(w.key)
			} else {
				v.keys.Set(w.key, rest)
			}
		}
	}
	for _, w := range now {
		list, _ := v.keys.Get(w.key)
		i, _ := place(list, tx)
		list = append(list, version{})
		copy(list[i+1:], list[i:])
		list[i] = version{tx, attempt, w.entry}
		v.keys.Set(w.key, list)
	}
}

// place is where a transaction's version stands in a list, or would.
func place(list []version, tx uint32) (i int, found bool) {
	for i = len(list); i > 0 && list[i-1].tx >= tx; i-- {
	}
	return i, i < len(list) && list[i].tx == tx
}

// latest is the version of a row that a transaction sees; false: that of the base.
func (v *versions) latest(key string, tx uint32) (version, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	list, _ := v.keys.Get(key)
	i, _ := place(list, tx)
	if i == 0 {
		return version{}, false
	}
	return list[i-1], true
}

// get reads a row as a transaction sees it, and says which version that is.
func (v *versions) get(ns string, key []byte, tx uint32) (value []byte, found bool, from seenVersion, err error) {
	if w, ok := v.latest(joinKey(ns, key), tx); ok {
		return w.entry.value, !w.entry.deleted, seenVersion{true, w.tx, w.attempt}, nil
	}
	value, found, err = v.base.Get(ns, key)
	return value, found, seenVersion{}, err
}

// scan walks rows as a transaction sees them.
func (v *versions) scan(ns string, start, end []byte, tx uint32, fn func(key, value []byte) bool) error {
	o := newOverlay(v.base)
	prefix := ns + "\x00"
	v.mu.RLock()
	v.keys.Ascend(prefix+string(start), func(k string, list []version) bool {
		if !strings.HasPrefix(k, prefix) || end != nil && k[len(prefix):] >= string(end) {
			return false
		}
		if i, _ := place(list, tx); i > 0 {
			o.lay(o.place(ns, k), list[i-1].entry)
		}
		return true
	})
	v.mu.RUnlock()
	return o.Scan(ns, start, end, fn)
}

// seenVersion names the version that a read has met; the zero value is the base's.
type seenVersion struct {
	inBlock     bool
	tx, attempt uint32
}

// view is the state before one transaction, as far as the transactions before it are
// known. It notes what is read, so that holds can tell whether that was right. It serves
// one goroutine.
type view struct {
	v     *versions
	tx    uint32
	reads []readRow
	scans []readRange
}

type readRow struct {
	ns    string
	key   []byte
	from  seenVersion
	value []byte
	found bool
}

// readRange is a walk over a range: the rows it met and whether it went to the end.
type readRange struct {
	ns         string
	start, end []byte
	rows       []rangeRow
	stopped    bool // by the reader, at the last of rows
}

type rangeRow struct{ key, value []byte }

// Get implements State.
func (w *view) Get(ns string, key []byte) ([]byte, bool, error) {
	value, found, from, err := w.v.get(ns, key, w.tx)
	w.reads = append(w.reads, readRow{ns, append([]byte(nil), key...), from, value, found})
	return value, found, err
}

// Scan implements State.
func (w *view) Scan(ns string, start, end []byte, fn func(key, value []byte) bool) error {
	r := readRange{ns: ns, start: append([]byte(nil), start...)}
	if end != nil {
		r.end = append([]byte{}, end...)
	}
	err := w.v.scan(ns, start, end, w.tx, func(key, value []byte) bool {
		r.rows = append(r.rows, rangeRow{append([]byte(nil), key...), append([]byte(nil), value...)})
		r.stopped = !fn(key, value)
		return !r.stopped
	})
	w.scans = append(w.scans, r)
	return err
}

// holds reports whether every read would give the same now. A row that was written anew
// with the same value is the same.
func (w *view) holds() (bool, error) {
	for i := range w.reads {
		r := &w.reads[i]
		now, ok := w.v.latest(joinKey(r.ns, r.key), w.tx)
		from := seenVersion{ok, now.tx, now.attempt}
		if from == r.from {
			continue
		}
		value, found := now.entry.value, !now.entry.deleted
		if !ok {
			var err error
			if value, found, err = w.v.base.Get(r.ns, r.key); err != nil {
				return false, err
			}
		}
		if found != r.found || found && !sameBytes(value, r.value) {
			return false, nil
		}
	}
	for i := range w.scans {
		if ok, err := w.rangeHolds(&w.scans[i]); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (w *view) rangeHolds(r *readRange) (bool, error) {
	n, same := 0, true
	err := w.v.scan(r.ns, r.start, r.end, w.tx, func(key, value []byte) bool {
		same = n < len(r.rows) && sameBytes(key, r.rows[n].key) && sameBytes(value, r.rows[n].value)
		n++
		return same && !(r.stopped && n == len(r.rows))
	})
	return same && n == len(r.rows), err
}
