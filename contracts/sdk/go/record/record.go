package record

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/internal/rows"
)

// Type is a kind of record: a V, with its [Meta], under each K.
type Type[K, V any] struct{ t table }

// Option alters a Type.
type Option func(t *table)

// Open lets every caller whom a method admits change records: ownership decides about
// grants and transfer alone.
func Open() Option { return func(t *table) { t.open = true } }

// Private lets only the owner and holders of a read grant see records through the
// contract.
func Private() Option { return func(t *table) { t.private = true } }

// Flow makes records of the type follow a workflow from its first state on.
func Flow(w *Workflow) Option { return func(t *table) { t.flow = w } }

// New declares a kind of record; the name is camelCase, singular and unique in the
// contract. key tells under which key a record stands; it never changes.
func New[K, V any](name string, key func(v *V) K, options ...Option) *Type[K, V] {
	rows.PrepareKey(new(K))
	x := &Type[K, V]{table{
		name: rows.Name(name + "/"), past: rows.Name(name + "~/"),
		make: func() any { return new(V) }, form: contract.FormOf[V](),
	}}
	x.t.row = func(v any) []byte {
		k := key(v.(*V))
		return x.t.name.Row(nil, &k)
	}
	x.t.learn(new(V))
	for _, o := range options {
		o(&x.t)
	}
	return x
}

// Create adds a record whose key was never used. The caller owns it, unless v names an
// owner. Errors: ErrExists, ErrDuplicate.
func (x *Type[K, V]) Create(ctx *contract.Ctx, v V) (V, error) {
	err := x.t.create(ctx, &v)
	return result(v, err)
}

// Put adds a record, or changes the content of the one under v's key; v's Meta counts
// for its owner in the first case alone. Errors: those of Create but ErrExists, and of
// Update.
func (x *Type[K, V]) Put(ctx *contract.Ctx, v V) (V, error) {
	err := x.t.put(ctx, &v)
	return result(v, err)
}

// Update reads a record, lets f change its content, and stores it as a new version. An
// error of f is returned and nothing stored. Errors: ErrNotFound, ErrForbidden,
// ErrWrongState if a workflow has no move edit from here, ErrDuplicate.
func (x *Type[K, V]) Update(ctx *contract.Ctx, k K, f func(v *V) error) (V, error) {
	return x.change(ctx, k, change{op: opUpdate}, f)
}

// Move makes a move of the workflow, with a change of content where f is not nil.
// Errors: ErrNotFound, ErrForbidden if the move's rule does not permit the caller,
// ErrWrongState, ErrDuplicate, and those of f.
func (x *Type[K, V]) Move(ctx *contract.Ctx, k K, move string, f func(v *V) error) (V, error) {
	return x.change(ctx, k, change{move: move}, f)
}

// Delete leaves a tombstone: the record is found no more, its key stays used, and its
// history stays readable. The owner may, of an [Open] type any caller, and with a
// workflow whom its move delete permits. Errors: ErrNotFound, ErrForbidden,
// ErrWrongState, ErrInUse.
func (x *Type[K, V]) Delete(ctx *contract.Ctx, k K) (V, error) {
	return x.change(ctx, k, change{op: opDelete}, nil)
}

// Transfer gives a record to another owner; grants to others stay. The owner alone may.
// Where the record has encrypted fields, reseal brings the new keys. Errors:
// ErrNotFound, ErrForbidden.
func (x *Type[K, V]) Transfer(ctx *contract.Ctx, k K, to Party, reseal ...func(v *V) error) (V, error) {
	return x.change(ctx, k, change{op: opTransfer, party: to}, first(reseal))
}

// Grant gives a party rights, in the place of those it was granted before. The owner
// may; others who hold share may grant what they hold, for as long as they hold it, to
// parties without a grant. Where the record has encrypted fields and g gives Read,
// reseal adds the key wrapped to the grantee. Errors: ErrNotFound, ErrForbidden,
// ErrBadGrant.
func (x *Type[K, V]) Grant(ctx *contract.Ctx, k K, g Grant, reseal ...func(v *V) error) (V, error) {
	return x.change(ctx, k, change{op: opGrant, grant: g}, first(reseal))
}

// Revoke takes all rights from a party. The owner may, whoever granted them, and the
// party itself. Where the record has encrypted fields, reseal brings them sealed under
// a fresh key. Errors: ErrNotFound (also if there is no grant), ErrForbidden, ErrRekey.
func (x *Type[K, V]) Revoke(ctx *contract.Ctx, k K, party Party, reseal ...func(v *V) error) (V, error) {
	return x.change(ctx, k, change{op: opRevoke, party: party}, first(reseal))
}

func first[V any](reseal []func(v *V) error) func(v *V) error {
	if len(reseal) == 0 {
		return nil
	}
	return reseal[0]
}

func (x *Type[K, V]) change(ctx *contract.Ctx, k K, c change, f func(v *V) error) (V, error) {
	v := new(V)
	if f != nil {
		c.edit = func(p any) error { return f(p.(*V)) }
	}
	err := x.t.change(ctx, x.t.name.Row(nil, &k), v, c)
	return result(*v, err)
}

// Get returns a record. Errors: ErrNotFound, ErrForbidden.
func (x *Type[K, V]) Get(r contract.Reader, k K) (V, error) {
	v := new(V)
	err := x.t.get(r, x.t.name.Row(nil, &k), v)
	return result(*v, err)
}

// Find returns a record, or false if there is none that the caller may see.
func (x *Type[K, V]) Find(r contract.Reader, k K) (V, bool) {
	v, err := x.Get(r, k)
	return v, err == nil
}

// Has reports whether there is a record, whoever may see it.
func (x *Type[K, V]) Has(_ contract.Reader, k K) bool { return x.t.exists(x.t.name.Row(nil, &k)) }

// List returns a page of the records the caller may see, ascending by key. A page may
// hold fewer than asked for: it ends where next is empty.
func (x *Type[K, V]) List(r contract.Reader, p contract.Paging) contract.Page[V] {
	var out contract.Page[V]
	out.Next = x.t.list(r, p, func(v any) { out.Items = append(out.Items, *v.(*V)) })
	return out
}

func result[V any](v V, err error) (V, error) {
	if err != nil {
		return *new(V), err
	}
	return v, nil
}
