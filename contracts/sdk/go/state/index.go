package state

import (
	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
)

// Index holds sets of keys: under each partition P the Ks that belong to it, in
// ascending order, as the records of an owner by time.
type Index[P, K any] struct{ name name }

// NewIndex declares an index; the name is camelCase and unique in the contract.
func NewIndex[P, K any](n string) *Index[P, K] {
	prepareKey(new(P))
	prepareKey(new(K))
	return &Index[P, K]{name(n + "/")}
}

var present = []byte("1")

// Put adds k to partition p.
func (x *Index[P, K]) Put(_ *contract.Ctx, p P, k K) { abi.Put(x.name.row(&p, &k), present) }

// Delete takes k out of partition p.
func (x *Index[P, K]) Delete(_ *contract.Ctx, p P, k K) { abi.Delete(x.name.row(&p, &k)) }

// Has reports whether k is in partition p.
func (x *Index[P, K]) Has(_ contract.Reader, p P, k K) bool {
	_, ok := abi.Get(x.name.row(&p, &k))
	return ok
}

// Each hands the keys of partition p to f in ascending order until it returns false.
func (x *Index[P, K]) Each(_ contract.Reader, p P, f func(k K) bool) {
	base := x.name.row(&p, nil)
	scan(base, after(base), func(key, _ []byte) bool { return f(x.decode(key[len(base):])) })
}

// Range hands the keys of partition p from k ≥ from to k < to to f in ascending order
// until it returns false.
func (x *Index[P, K]) Range(_ contract.Reader, p P, from, to K, f func(k K) bool) {
	n := len(x.name.row(&p, nil))
	scan(x.name.row(&p, &from), x.name.row(&p, &to), func(key, _ []byte) bool { return f(x.decode(key[n:])) })
}

// Page returns one page of the keys of partition p and the cursor of the next.
func (x *Index[P, K]) Page(_ contract.Reader, p P, q contract.Paging) (keys []K, next string) {
	base := x.name.row(&p, nil)
	rows, next := page(base, q)
	for _, r := range rows {
		keys = append(keys, x.decode(r.key[len(base):]))
	}
	return keys, next
}

func (x *Index[P, K]) decode(b []byte) K {
	k := new(K)
	x.name.decode(k, b)
	return *k
}
