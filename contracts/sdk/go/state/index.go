package state

import (
	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/internal/rows"
)

// Index holds sets of keys: under each partition P the Ks that belong to it, in
// ascending order, as the records of an owner by time.
type Index[P, K any] struct{ name rows.Name }

// NewIndex declares an index; the name is camelCase and unique in the contract.
func NewIndex[P, K any](n string) *Index[P, K] {
	rows.PrepareKey(new(P))
	rows.PrepareKey(new(K))
	return &Index[P, K]{rows.Name(n + "/")}
}

var present = []byte("1")

// Put adds k to partition p.
func (x *Index[P, K]) Put(_ *contract.Ctx, p P, k K) { abi.Put(x.name.Row(&p, &k), present) }

// Delete takes k out of partition p.
func (x *Index[P, K]) Delete(_ *contract.Ctx, p P, k K) { abi.Delete(x.name.Row(&p, &k)) }

// Has reports whether k is in partition p.
func (x *Index[P, K]) Has(_ contract.Reader, p P, k K) bool {
	_, ok := abi.Get(x.name.Row(&p, &k))
	return ok
}

// Each hands the keys of partition p to f in ascending order until it returns false.
func (x *Index[P, K]) Each(_ contract.Reader, p P, f func(k K) bool) {
	base := x.name.Row(&p, nil)
	rows.Scan(base, rows.After(base), func(key, _ []byte) bool { return f(x.decode(key[len(base):])) })
}

// Range hands the keys of partition p from k ≥ from to k < to to f in ascending order
// until it returns false.
func (x *Index[P, K]) Range(_ contract.Reader, p P, from, to K, f func(k K) bool) {
	n := len(x.name.Row(&p, nil))
	rows.Scan(x.name.Row(&p, &from), x.name.Row(&p, &to), func(key, _ []byte) bool { return f(x.decode(key[n:])) })
}

// Page returns one page of the keys of partition p and the cursor of the next.
func (x *Index[P, K]) Page(_ contract.Reader, p P, q contract.Paging) (keys []K, next string) {
	base := x.name.Row(&p, nil)
	found, next := rows.Page(base, q)
	for _, r := range found {
		keys = append(keys, x.decode(r.Key[len(base):]))
	}
	return keys, next
}

func (x *Index[P, K]) decode(b []byte) K {
	k := new(K)
	x.name.Decode(k, b)
	return *k
}
