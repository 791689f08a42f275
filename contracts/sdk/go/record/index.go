package record

import (
	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/codec"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/internal/rows"
)

// index is an Index without type parameters.
type index struct {
	name   rows.Name
	unique bool
	many   bool // a record may have several values
	// parts appends the texts of the values that a record is found by, each as
	// rows.Terminate ends it.
	parts func(b []byte, v any) []byte
	to    *table // the values are keys of these records
	bare  bool   // has no rows: checks references only
}

// Index finds the records of a Type by a P computed from each.
type Index[K, V, P any] struct {
	x *index
	t *table
}

// NewIndex declares an index; the name is camelCase and unique in the contract. by
// tells under which value a record is found; state.Pair makes values of two parts.
func NewIndex[K, V, P any](t *Type[K, V], name string, by func(v *V) P) *Index[K, V, P] {
	return newIndex[K, V, P](t, index{name: rows.Name(name + "/"), parts: one(by)})
}

// NewUnique declares an index that holds each value for one record at most: a second
// is refused with ErrDuplicate.
func NewUnique[K, V, P any](t *Type[K, V], name string, by func(v *V) P) *Index[K, V, P] {
	return newIndex[K, V, P](t, index{name: rows.Name(name + "/"), unique: true, parts: one(by)})
}

// NewMultiIndex declares an index under which a record is found by any number of
// values, each once: none leaves it out.
func NewMultiIndex[K, V, P any](t *Type[K, V], name string, by func(v *V) []P) *Index[K, V, P] {
	return newIndex[K, V, P](t, index{name: rows.Name(name + "/"), many: true, parts: many(by)})
}

func many[V, P any](by func(v *V) []P) func(b []byte, v any) []byte {
	return func(b []byte, v any) []byte {
		start := len(b)
		for _, p := range by(v.(*V)) {
			n := len(b)
			if b = rows.Terminate(rows.AppendKey(b, &p), n); has(b[start:n], b[n:]) {
				b = b[:n]
			}
		}
		return b
	}
}

func one[V, P any](by func(v *V) P) func(b []byte, v any) []byte {
	return func(b []byte, v any) []byte {
		p := by(v.(*V))
		return rows.Terminate(rows.AppendKey(b, &p), len(b))
	}
}

func newIndex[K, V, P any](t *Type[K, V], x index) *Index[K, V, P] {
	rows.PrepareKey(new(P))
	t.t.indexes = append(t.t.indexes, &x)
	return &Index[K, V, P]{&x, &t.t}
}

// Get returns the first record with a value, the only one of a unique index.
// Errors: ErrNotFound, ErrForbidden.
func (x *Index[K, V, P]) Get(r contract.Reader, p P) (V, error) {
	page := x.List(r, p, contract.Paging{Limit: 1})
	if len(page.Items) == 0 {
		return *new(V), ErrNotFound
	}
	return page.Items[0], nil
}

// List returns a page of the records with a value, ascending by key. As with
// Type.List, a page may hold fewer than asked for.
func (x *Index[K, V, P]) List(r contract.Reader, p P, q contract.Paging) contract.Page[V] {
	base := x.x.name.In(rows.AppendKey(nil, &p), nil)
	return x.page(r, base, base, rows.After(base), q)
}

// Range returns a page of the records with values from ≤ value < to, ascending by
// value, then by key.
func (x *Index[K, V, P]) Range(r contract.Reader, from, to P, q contract.Paging) contract.Page[V] {
	start, end := x.x.name.In(rows.AppendKey(nil, &from), nil), x.x.name.In(rows.AppendKey(nil, &to), nil)
	return x.page(r, []byte(x.x.name), start, end, q)
}

// Prefix returns a page of the records whose value's text begins with prefix,
// ascending by value, then by key; see package state for the text of keys.
func (x *Index[K, V, P]) Prefix(r contract.Reader, prefix string, q contract.Paging) contract.Page[V] {
	start := x.x.name.Within([]byte(prefix))
	return x.page(r, []byte(x.x.name), start, rows.After(start), q)
}

func (x *Index[K, V, P]) page(r contract.Reader, base, start, end []byte, q contract.Paging) contract.Page[V] {
	var out contract.Page[V]
	out.Next = x.t.found(r, x.x, base, start, end, q, func(v any) { out.Items = append(out.Items, *v.(*V)) })
	return out
}

// found hands a page of the records that the index rows of [start,end) point to.
func (t *table) found(r contract.Reader, x *index, base, start, end []byte, q contract.Paging, f func(v any)) (next string) {
	if q.After != "" {
		if at := rows.Begin(base, q); string(at) > string(start) {
			start = at
		}
	}
	w := window{base: base, size: int(q.Size())}
	rows.Scan(start, end, func(row, value []byte) bool {
		if !w.more() {
			return false
		}
		v := t.make()
		if t.get(r, t.name.Of(x.key(row, value)), v) == nil {
			f(v)
			w.taken++
		}
		w.passed(row)
		return true
	})
	return w.next
}

var texts = contract.FormOf[string]()

// key returns the text of the key that an index row points to.
func (x *index) key(row, value []byte) []byte {
	if x.unique {
		var key string
		rows.Decode(texts, value, &key)
		return []byte(key)
	}
	_, key, ok := rows.Split(row[len(x.name):])
	if !ok {
		abi.Fail("internal", "malformed key in "+string(x.name))
	}
	return key
}

// has reports whether one of the texts in list is part; all are as rows.Terminate ends
// them.
func has(list, part []byte) bool {
	for len(list) > 0 {
		var p []byte
		if p, list = rows.Cut(list); string(p) == string(part) {
			return true
		}
	}
	return false
}

// added hands the values of after that before lacks to f, until it returns an error.
func (x *index) added(before, after []byte, f func(part []byte) error) error {
	if string(before) == string(after) {
		return nil
	}
	for len(after) > 0 {
		part := after
		if after = nil; x.many {
			part, after = rows.Cut(part)
		}
		if x.many && has(before, part) {
			continue
		}
		if err := f(part); err != nil {
			return err
		}
	}
	return nil
}

// checkIndexes refuses a value that a unique index holds for another record, and a
// reference to no record.
func (t *table) checkIndexes(before, after [][]byte) error {
	for i, x := range t.indexes {
		if x.unique || x.to != nil {
			if err := x.added(before[i], after[i], x.check); err != nil {
				return err
			}
		}
	}
	return nil
}

// check refuses a value, new for its record.
func (x *index) check(part []byte) error {
	if x.to != nil {
		key, _, _ := rows.Split(part)
		if !x.to.exists(x.to.name.Of(key)) {
			return ErrUnknownRef.With(x.title() + ": " + string(key))
		}
	}
	if x.unique {
		if _, taken := abi.Get(x.name.Entry(part, nil)); taken {
			return ErrDuplicate.With(x.title())
		}
	}
	return nil
}

func (x *index) title() string { return string(x.name[:len(x.name)-1]) }

var present = []byte("1")

// reindex writes the difference between the entries of a record.
func (t *table) reindex(key []byte, before, after [][]byte) {
	for i, x := range t.indexes {
		if x.bare {
			continue
		}
		_ = x.added(after[i], before[i], func(part []byte) error {
			abi.Delete(x.row(part, key))
			return nil
		})
		_ = x.added(before[i], after[i], func(part []byte) error {
			value := present
			if x.unique {
				value = codec.AppendString(nil, string(key))
			}
			abi.Put(x.row(part, key), value)
			return nil
		})
	}
}

// row is the key of the index's row for a value and a record.
func (x *index) row(part, key []byte) []byte {
	if x.unique {
		key = nil
	}
	return x.name.Entry(part, key)
}
