package chain

import (
	"bytes"
	"sync/atomic"
	"unsafe"

	lru "github.com/hashicorp/golang-lru/v2"
)

// decodedRows remembers the decoded forms of rows by what they are rows of. A form is
// returned only for the very bytes it was decoded from, so it never depends on which
// state was read before. It is safe for concurrent use.
type decodedRows[K comparable, T any] struct {
	rows *lru.Cache[K, decodedRow[T]]
}

type decodedRow[T any] struct {
	raw   []byte
	value T
}

func newDecodedRows[K comparable, T any](entries int) (d decodedRows[K, T], err error) {
	d.rows, err = lru.New[K, decodedRow[T]](entries)
	return d, err
}

// get returns what raw, the row of k, decodes to. raw MUST NOT change any more.
func (d *decodedRows[K, T]) get(k K, raw []byte, decode func([]byte) (T, error)) (T, error) {
	// Peek: to note each use would cost more than now and then decoding a row anew.
	if row, ok := d.rows.Peek(k); ok && sameBytes(row.raw, raw) {
		return row.value, nil
	}
	v, err := decode(raw)
	if err == nil {
		d.rows.Add(k, decodedRow[T]{raw, v})
	}
	return v, err
}

// lastDecoded remembers the decoded form of the row last read, by its bytes.
type lastDecoded[T any] struct {
	p atomic.Pointer[decodedRow[T]]
}

// get returns what raw decodes to. raw MUST NOT change any more.
func (l *lastDecoded[T]) get(raw []byte, decode func([]byte) (T, error)) (T, error) {
	if d := l.p.Load(); d != nil && sameBytes(d.raw, raw) {
		return d.value, nil
	}
	v, err := decode(raw)
	if err == nil {
		l.p.Store(&decodedRow[T]{raw, v})
	}
	return v, err
}

// sameBytes is bytes.Equal that needs no look at rows which lie at the same place, as
// those do that come out of the state's cache.
func sameBytes(a, b []byte) bool {
	return len(a) == len(b) && (unsafe.SliceData(a) == unsafe.SliceData(b) || bytes.Equal(a, b))
}
