package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Head says how much is on record about a chain, and where it ends. It is a row of its
// own, so that what is recorded does not touch the rows that the chain takes rules from.
type Head struct {
	Data         uint32        `json:"data"`
	DataDigest   contract.Hash `json:"dataDigest"` // of the last
	Results      uint32        `json:"results"`
	ResultDigest contract.Hash `json:"resultDigest"` // of the last
}

// VerifyArgs ask for a part of what is linked: at most Limit items from position From on,
// by default 1,000 from the first.
type VerifyArgs struct {
	Chain string `json:"chain"`
	From  uint32 `json:"from,omitempty"`
	Limit uint32 `json:"limit,omitempty"`
}

// Verdict says whether links hold; if not, where they break and how: missing, previous or
// altered. Next is where to go on, 0 at the end.
type Verdict struct {
	Valid    bool   `json:"valid"`
	Length   uint32 `json:"length"` // of the whole chain
	Position uint32 `json:"position,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Next     uint32 `json:"next,omitempty"`
}

// itemKey is a chain and a position, from 1.
type itemKey = state.Pair[string, uint32]

var heads = state.NewMap[string, Head]("head")

// link is what links one item to the one before it; own is the digest recomputed.
type link struct {
	position              uint32
	previous, digest, own contract.Hash
}

// verify holds the items asked for against one another and, at the end, against the head.
func (in *VerifyArgs) verify(length uint32, head contract.Hash, item func(n uint32) (link, bool)) (Verdict, error) {
	from, size := max(in.From, 1), in.Limit
	if size == 0 || size > maxVerify {
		size = maxVerify
	}
	out := Verdict{Length: length}
	var last contract.Hash
	if from > 1 {
		before, ok := item(from - 1)
		if !ok {
			return Verdict{}, errNotFound
		}
		last = before.digest
	}
	for n := from; n <= length; n++ {
		if n-from == size {
			out.Valid, out.Next = true, n
			return out, nil
		}
		x, ok := item(n)
		switch {
		case !ok:
			out.Reason = "missing"
		case x.previous != last:
			out.Reason = "previous"
		case x.position != n || x.own != x.digest:
			out.Reason = "altered"
		}
		if out.Reason != "" {
			out.Position = n
			return out, nil
		}
		last = x.digest
	}
	if out.Valid = last == head; !out.Valid {
		out.Position, out.Reason = length, "altered"
	}
	return out, nil
}
