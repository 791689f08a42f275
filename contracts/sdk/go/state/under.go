package state

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/internal/rows"
)

// ListUnder returns a page of the values whose keys have a as their first part, ascending
// by the second.
func ListUnder[A, B, V any](_ contract.Reader, m *Map[Pair[A, B], V], a A, p contract.Paging) contract.Page[V] {
	found, next := rows.Page(m.name.Row(&a, nil), p)
	out := contract.Page[V]{Next: next}
	for _, r := range found {
		v := new(V)
		rows.Decode(m.form, r.Value, v)
		out.Items = append(out.Items, *v)
	}
	return out
}
