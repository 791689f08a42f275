package api

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func (s *Server) history(ctx context.Context, in *struct {
	ChainPath
	NS    string `path:"ns" maxLength:"32" example:"evidence" doc:"Namespace: the contract's name"`
	Key   string `path:"key" maxLength:"1024" doc:"Key: text, or 0x and hex digits"`
	From  uint64 `query:"from" doc:"Height of the writing to begin with; 0: the newest"`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Prove bool   `query:"prove" doc:"Add a proof of the writings"`
}) (*answer[rest.History], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	key, err := parseKey(in.Key)
	if err != nil {
		return nil, err
	}
	from, found := in.From, true
	if from == 0 {
		row, has, err := c.Ledger.GetRow(in.NS, key)
		if err != nil {
			return nil, err
		}
		from, found = row.Height, has
	}
	out := rest.History{NS: in.NS, Key: key, Text: rest.Printable(key), Items: []rest.Write{}}
	if !found {
		return &answer[rest.History]{out}, nil
	}
	if err := c.walk(&out, from, in.Limit); err != nil {
		return nil, err
	}
	v, err := s.sight(ctx, in.Chain)
	if err != nil {
		return nil, err
	}
	for i := range out.Items { // an earlier owner does not see what came later
		if err := v.showRow(in.NS, key, out.Items[i].Value); err != nil {
			return nil, err
		}
	}
	if in.Prove && from > 0 {
		c.waitCertified(ctx, func(certified uint64) bool { return certified >= from })
		h, err := c.Ledger.ProveHistory(in.NS, key, from, in.Limit)
		if err != nil {
			return nil, err
		}
		if out.Proof, err = h.Encode(); err != nil {
			return nil, err
		}
	}
	return &answer[rest.History]{out}, nil
}

// walk lists the writings of a key from the one at a height back.
func (c *Chain) walk(out *rest.History, height uint64, limit int) error {
	for more := true; more; {
		if len(out.Items) == limit {
			out.Next = height
			return nil
		}
		w, err := c.Ledger.ChangeAt(out.NS, out.Key, height)
		if types.CodeOf(err) == types.CodeHeightUnknown && len(out.Items) > 0 {
			return nil // older blocks are not kept here
		}
		if err != nil {
			return err
		}
		item := rest.Write{Height: height, TxIndex: w.TxIndex, Deleted: w.Delete}
		if !w.Delete {
			item.Value = bytes.Clone(w.Value)
			if json.Valid(w.Value) {
				item.JSON = json.RawMessage(item.Value)
			}
		}
		if height > 0 {
			h, err := c.Ledger.Header(height)
			if err != nil {
				return err
			}
			at := rest.Time(h.Time)
			item.BlockTime = &at
		}
		out.Items = append(out.Items, item)
		height, more = w.PrevHeight, w.HasPrevious
	}
	return nil
}
