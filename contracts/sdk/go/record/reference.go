package record

import (
	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/internal/rows"
)

// Reference is a checked reference without a way back.
type Reference struct{}

// NewReference declares that records of from point to records of to: a change that sets
// by to the key of no live record is refused with ErrUnknownRef; an empty key points
// nowhere. It keeps no rows: deleting the target is not refused, see NewBackIndex. The
// name is camelCase and unique in the contract.
func NewReference[K, V, T, W any](from *Type[K, V], name string, to *Type[T, W], by func(v *V) T) *Reference {
	newIndex[K, V, T](from, index{name: rows.Name(name + "/"), parts: pointing(by), to: &to.t, bare: true})
	return &Reference{}
}

// NewBackIndex declares a reference as NewReference does, and an index that finds the
// records pointing to a target. While there are any, deleting the target is refused
// with ErrInUse.
func NewBackIndex[K, V, T, W any](from *Type[K, V], name string, to *Type[T, W], by func(v *V) T) *Index[K, V, T] {
	x := newIndex[K, V, T](from, index{name: rows.Name(name + "/"), parts: pointing(by), to: &to.t})
	to.t.referrers = append(to.t.referrers, x.x)
	return x
}

// pointing leaves empty keys out.
func pointing[V, T any](by func(v *V) T) func(b []byte, v any) []byte {
	return func(b []byte, v any) []byte {
		p, n := by(v.(*V)), len(b)
		if b = rows.AppendKey(b, &p); len(b) > n {
			b = rows.Terminate(b, n)
		}
		return b
	}
}

// exists reports whether a row holds a live record.
func (t *table) exists(row []byte) bool {
	v := t.make()
	_, m, found := t.load(row, v)
	return found && !m.Deleted
}

// checkUnused refuses to delete what others point to.
func (t *table) checkUnused(key []byte) error {
	for _, x := range t.referrers {
		base := x.name.In(key, nil)
		if raw, _ := abi.Scan(base, rows.After(base), 1); len(raw) > 0 {
			return ErrInUse.With(x.title())
		}
	}
	return nil
}
