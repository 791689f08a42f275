package api

import (
	"context"
	"slices"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// maxLinks bounds one answer; a client goes on from the last link.
const maxLinks = 64

func (s *Server) links(ctx context.Context, in *struct {
	ChainPath
	From uint64 `query:"from" doc:"Height of the header the client trusts; 0 is the genesis file"`
	To   uint64 `query:"to" doc:"Height of the header to lead to; left out: the newest with a finality certificate"`
}) (*answer[rest.Links], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	if in.To == 0 {
		in.To = c.Ledger.Certified()
	}
	if in.From >= in.To || in.To > c.Ledger.Height() {
		return nil, types.Errorf(types.CodeHeightUnknown, "from height %d to %d; the newest certified is %d", in.From, in.To, c.Ledger.Certified())
	}
	c.waitCertified(ctx, func(certified uint64) bool { return certified >= in.To })
	next, err := c.Ledger.NextSigners(in.From)
	if err != nil {
		return nil, err
	}
	changes, err := validatorChanges(c.Ledger, in.From, in.To)
	if err != nil {
		return nil, err
	}
	path, err := light.Path(c.Ledger, in.From, next, in.To, changes, maxLinks)
	if err != nil {
		return nil, err
	}
	out := rest.Links{Items: []rest.Link{}}
	for _, l := range path {
		out.Items = append(out.Items, rest.Link{Height: l.Header.Height, Hash: l.Header.Hash(), Link: l.Encode()})
	}
	return &answer[rest.Links]{out}, nil
}

// validatorChanges lists the heights in (from, to] whose block changed the validators,
// by the history of the row that holds them.
func validatorChanges(l *ledger.Ledger, from, to uint64) ([]uint64, error) {
	ns, key := chain.ValidatorsRow()
	row, found, err := l.GetRow(ns, key)
	if err != nil || !found {
		return nil, err
	}
	var out []uint64
	for h := row.Height; h > from; {
		if h <= to {
			out = append(out, h)
		}
		c, err := l.ChangeAt(ns, key, h)
		if err != nil {
			return nil, err
		}
		if !c.HasPrevious {
			break
		}
		h = c.PrevHeight
	}
	slices.Reverse(out)
	return out, nil
}
