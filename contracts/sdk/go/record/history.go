package record

import (
	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/codec"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/internal/rows"
)

// Version returns a record as it was at a version, from 1. Errors: ErrNotFound,
// ErrForbidden.
func (x *Type[K, V]) Version(r contract.Reader, k K, version uint32) (V, error) {
	v, err := x.t.version(r, x.t.name.Row(nil, &k), version)
	if err != nil {
		return *new(V), err
	}
	return *v.(*V), nil
}

// History returns a page of all versions of a record, oldest first, a deleted one's
// too. Whoever may see the record as it is may see its history. Errors: ErrNotFound,
// ErrForbidden.
func (x *Type[K, V]) History(r contract.Reader, k K, p contract.Paging) (contract.Page[V], error) {
	var out contract.Page[V]
	var err error
	out.Next, err = x.t.history(r, x.t.name.Row(nil, &k), p, func(v any) { out.Items = append(out.Items, *v.(*V)) })
	return out, err
}

// newest returns the last version, a tombstone too, if the caller may see it.
func (t *table) newest(r contract.Reader, row []byte) (any, uint32, error) {
	v := t.make()
	_, m, found := t.load(row, v)
	switch {
	case !found:
		return nil, 0, ErrNotFound
	case !t.maySee(r, m):
		return nil, 0, ErrForbidden
	}
	return v, m.Version, nil
}

func (t *table) version(r contract.Reader, row []byte, n uint32) (any, error) {
	v, last, err := t.newest(r, row)
	switch {
	case err != nil:
		return nil, err
	case n == 0 || n > last:
		return nil, ErrNotFound.With("the record is at version " + decimal(last))
	case n == last:
		return v, nil
	}
	return t.older(t.key(row), n), nil
}

// older reads a version before the newest.
func (t *table) older(key []byte, n uint32) any {
	raw, found := abi.Get(t.past.In(key, versionText(n)))
	if !found {
		abi.Fail("internal", "version "+decimal(n)+" of a record of "+string(t.name)+" is missing")
	}
	v := t.make()
	rows.Decode(t.form, raw, v)
	return v
}

// history hands a page of versions to f; the cursor is the last one's key text in hex.
func (t *table) history(r contract.Reader, row []byte, p contract.Paging, f func(v any)) (next string, err error) {
	newest, last, err := t.newest(r, row)
	if err != nil {
		return "", err
	}
	first := uint32(0)
	if p.After != "" {
		var tail [8]byte
		if !codec.DecodeHex(tail[:], []byte(p.After)) || !rows.DecodeKey(&first, tail[:]) {
			abi.Fail("bad_arguments", "after: not a cursor of this list")
		}
	}
	for n, size := first, p.Size(); n < last; n++ {
		if n-first == size {
			return string(codec.AppendHexDigits(nil, versionText(n))), nil
		}
		if n+1 == last {
			f(newest)
			break
		}
		f(t.older(t.key(row), n+1))
	}
	return "", nil
}
