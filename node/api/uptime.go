package api

import (
	"bytes"
	"context"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// uptime reads the commits that blocks carry, as explorers of CometBFT chains do.
func (s *Server) uptime(_ context.Context, in *struct {
	ChainPath
	Blocks int `query:"blocks" minimum:"1" maximum:"200" default:"100"`
}) (*answer[rest.Uptime], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	blocks := uint64(in.Blocks)
	tip, base := c.Ledger.Height(), c.Ledger.Base()
	out := rest.Uptime{From: base + 1, Items: []rest.ValidatorUptime{}}
	if tip > base+2 {
		out.To = tip - 2
	}
	if out.To >= base+blocks {
		out.From = out.To - blocks + 1
	}
	index := map[crypto.PublicKey]int{}
	var marks [][]byte
	for h := out.To; h >= out.From; h-- {
		set, voted, err := c.Consensus.Voted(h)
		switch types.CodeOf(err) {
		case types.CodeOK:
		case types.CodeNotFound, types.CodeHeightUnknown:
			continue
		default:
			return nil, err
		}
		for i := range set {
			at, known := index[set[i].Key]
			if !known {
				at = len(out.Items)
				index[set[i].Key] = at
				out.Items = append(out.Items, rest.ValidatorUptime{Key: set[i].Key})
				marks = append(marks, bytes.Repeat([]byte{rest.MarkNone}, int(out.To-out.From)+1))
			}
			if voted[i] {
				out.Items[at].Voted++
				marks[at][h-out.From] = rest.MarkVoted
			} else {
				out.Items[at].Missed++
				marks[at][h-out.From] = rest.MarkMissed
			}
		}
	}
	for i := range out.Items {
		out.Items[i].Marks = string(marks[i])
	}
	return &answer[rest.Uptime]{out}, nil
}
