package state

import "github.com/huchain/huchain/contracts/sdk/go/internal/rows"

// Key is implemented by pointers to types that serve as keys beside the plain ones:
// AppendKey writes text whose order is the order of the values.
type Key = rows.Key

// Pair is a key of two parts, ordered by A, then B.
type Pair[A, B any] struct {
	A A
	B B
}

// AppendKey writes A, 0x00 and B.
func (p *Pair[A, B]) AppendKey(b []byte) []byte {
	start := len(b)
	return rows.AppendKey(rows.Terminate(rows.AppendKey(b, &p.A), start), &p.B)
}

// DecodeKey reads what AppendKey wrote.
func (p *Pair[A, B]) DecodeKey(b []byte) bool {
	first, rest, ok := rows.Split(b)
	return ok && rows.DecodeKey(&p.A, first) && rows.DecodeKey(&p.B, rest)
}
