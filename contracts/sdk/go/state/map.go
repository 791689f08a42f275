package state

import (
	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/internal/rows"
)

// Item is a single value.
type Item[V any] struct {
	key  []byte
	form *contract.Form
}

// NewItem declares an item; the name is camelCase and unique in the contract.
func NewItem[V any](name string) *Item[V] {
	return &Item[V]{[]byte(name), contract.FormOf[V]()}
}

// Get returns the value, or the zero V and false if there is none.
func (i *Item[V]) Get(contract.Reader) (v V, found bool) {
	found = rows.Get(i.form, i.key, &v)
	return v, found
}

// Put sets the value.
func (i *Item[V]) Put(_ *contract.Ctx, v V) { rows.Put(i.form, i.key, &v) }

// Delete removes the value.
func (i *Item[V]) Delete(*contract.Ctx) { abi.Delete(i.key) }

// Map holds a V under each K.
type Map[K, V any] struct {
	name rows.Name
	form *contract.Form
}

// NewMap declares a map; the name is camelCase, singular and unique in the contract.
func NewMap[K, V any](n string) *Map[K, V] {
	rows.PrepareKey(new(K))
	return &Map[K, V]{rows.Name(n + "/"), contract.FormOf[V]()}
}

// Get returns the value under k, or the zero V and false.
func (m *Map[K, V]) Get(_ contract.Reader, k K) (v V, found bool) {
	found = rows.Get(m.form, m.name.Row(nil, &k), &v)
	return v, found
}

// Has reports whether there is a value under k.
func (m *Map[K, V]) Has(_ contract.Reader, k K) bool {
	_, ok := abi.Get(m.name.Row(nil, &k))
	return ok
}

// Put sets the value under k.
func (m *Map[K, V]) Put(_ *contract.Ctx, k K, v V) { rows.Put(m.form, m.name.Row(nil, &k), &v) }

// Delete removes the value under k.
func (m *Map[K, V]) Delete(_ *contract.Ctx, k K) { abi.Delete(m.name.Row(nil, &k)) }

// Range hands the rows from k ≥ from to k < to to f in ascending order, until f
// returns false. Each row read costs gas: bound what f accepts.
func (m *Map[K, V]) Range(_ contract.Reader, from, to K, f func(k K, v V) bool) {
	m.scan(m.name.Row(nil, &from), m.name.Row(nil, &to), f)
}

// Prefix hands the rows whose key text begins with prefix to f, see the package
// documentation for the text of keys; an empty prefix stands for all rows.
func (m *Map[K, V]) Prefix(_ contract.Reader, prefix string, f func(k K, v V) bool) {
	start := m.name.Row(nil, &prefix)
	m.scan(start, rows.After(start), f)
}

// List returns a page of all values in ascending order of keys.
func (m *Map[K, V]) List(_ contract.Reader, p contract.Paging) contract.Page[V] {
	found, next := rows.Page([]byte(m.name), p)
	out := contract.Page[V]{Next: next}
	for _, r := range found {
		v := new(V)
		rows.Decode(m.form, r.Value, v)
		out.Items = append(out.Items, *v)
	}
	return out
}

func (m *Map[K, V]) scan(start, end []byte, f func(k K, v V) bool) {
	rows.Scan(start, end, func(key, value []byte) bool {
		k, v := new(K), new(V)
		m.name.Decode(k, key[len(m.name):])
		rows.Decode(m.form, value, v)
		return f(*k, *v)
	})
}
