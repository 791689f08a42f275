package record

import (
	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/codec"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/internal/rows"
)

// Counter is numbers under keys that are added to alone. Adding tells nothing about
// the number, so that additions in one block are free to happen in any order: an
// executor may gather them as deltas and add them up once.
type Counter[K any] struct{ c counts }

// NewCounter declares counters; the name is camelCase and unique in the contract.
func NewCounter[K any](name string) *Counter[K] {
	rows.PrepareKey(new(K))
	return &Counter[K]{counts{rows.Name(name + "/")}}
}

// Add adds delta to the number under k. Errors: ErrOverflow.
func (c *Counter[K]) Add(_ *contract.Ctx, k K, delta int64) error {
	return c.c.add(rows.AppendKey(nil, &k), delta)
}

// Get returns the number under k, 0 if nothing was added.
func (c *Counter[K]) Get(_ contract.Reader, k K) int64 { return c.c.get(rows.AppendKey(nil, &k)) }

var numbers = contract.FormOf[int64]()

// counts is a Counter without type parameters. A row "case/KEY" holds a signed 64-bit
// integer as a JSON string.
type counts struct{ name rows.Name }

func (c counts) get(key []byte) (n int64) {
	rows.Get(numbers, c.name.Of(key), &n)
	return n
}

func (c counts) add(key []byte, delta int64) error {
	if delta == 0 {
		return nil
	}
	sum, ok := plus(c.get(key), delta)
	if !ok {
		return ErrOverflow.With(string(c.name[:len(c.name)-1]))
	}
	rows.Put(numbers, c.name.Of(key), &sum)
	return nil
}

func plus(a, b int64) (int64, bool) {
	sum := a + b
	return sum, (a^sum)&(b^sum) >= 0
}

// Tally adds up records as they change, by a value computed from each: how many there
// are in a state, how much they are worth by owner.
type Tally[P any] struct{ c counts }

// NewTally declares a tally of the live records of t: by tells to which sum a record
// belongs, amount what it adds, One for a count. The name is camelCase and unique in
// the contract.
func NewTally[K, V, P any](t *Type[K, V], name string, by func(v *V) P, amount func(v *V) int64) *Tally[P] {
	rows.PrepareKey(new(P))
	c := counts{rows.Name(name + "/")}
	t.t.tallies = append(t.t.tallies, &tally{c, func(b []byte, v any) ([]byte, int64) {
		p := by(v.(*V))
		return rows.AppendKey(b, &p), amount(v.(*V))
	}})
	return &Tally[P]{c}
}

// One makes a tally count.
func One[V any](*V) int64 { return 1 }

// Get returns the sum for a value, 0 if no record belongs to it.
func (t *Tally[P]) Get(_ contract.Reader, p P) int64 { return t.c.get(rows.AppendKey(nil, &p)) }

// Sum is one line of a tally.
type Sum struct {
	Of    string `json:"of"` // text of the value, see package state
	Total int64  `json:"total"`
}

// List returns a page of all sums, ascending by value.
func (t *Tally[P]) List(_ contract.Reader, p contract.Paging) contract.Page[Sum] {
	found, next := rows.Page([]byte(t.c.name), p)
	out := contract.Page[Sum]{Next: next}
	for _, r := range found {
		s := Sum{Of: string(r.Key[len(t.c.name):])}
		rows.Decode(numbers, r.Value, &s.Total)
		out.Items = append(out.Items, s)
	}
	return out
}

// AppendJSON appends {"of":…,"total":…}.
func (s *Sum) AppendJSON(b []byte) []byte {
	b = codec.AppendString(codec.AppendRaw(b, `{"of":`), s.Of)
	return append(codec.AppendInt64(codec.AppendRaw(b, `,"total":`), s.Total), '}')
}

var sumFields = codec.Fields{Names: []string{"of", "total"}, Required: 3}

// DecodeJSON reads what AppendJSON wrote.
func (s *Sum) DecodeJSON(r *codec.Reader) {
	var seen uint64
	r.Object()
	for {
		switch r.Field(&sumFields, &seen) {
		case 0:
			s.Of = r.String()
		case 1:
			s.Total = r.Int64()
		default:
			return
		}
	}
}

// tally is a Tally without type parameters.
type tally struct {
	c  counts
	of func(b []byte, v any) (with []byte, amount int64) // appends the text of the value
}

// share is what one record adds to a tally; a nil part adds nothing.
type share struct {
	part   []byte
	amount int64
}

// count brings the tallies up to date. A sum beyond 64 bits ends the call, since rows
// are written by then.
func (t *table) count(before, after []share) {
	for i, x := range t.tallies {
		was, is := before[i], after[i]
		if was.part != nil && is.part != nil && string(was.part) == string(is.part) {
			delta, ok := plus(is.amount, -was.amount)
			x.bump(is.part, delta, ok)
			continue
		}
		if was.part != nil {
			x.bump(was.part, -was.amount, true)
		}
		if is.part != nil {
			x.bump(is.part, is.amount, true)
		}
	}
}

func (x *tally) bump(part []byte, delta int64, ok bool) {
	err := error(ErrOverflow)
	if ok {
		err = x.c.add(part, delta)
	}
	if err != nil {
		abi.Fail(contract.Split(err))
	}
}
