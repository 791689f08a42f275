package api

import (
	"context"
	"time"

	"github.com/huchain/huchain/types"
)

// maxContentsBytes bounds an answer of contents; one block is given whatever its size.
const maxContentsBytes = 4 << 20

// contents answers with what certified blocks hold, in order, for those who keep a copy of
// the chain: a list of types.EncodeList, each item as proof.Contents encodes it.
func (s *Server) contents(ctx context.Context, in *struct {
	ChainPath
	From   uint64 `query:"from" required:"true" minimum:"1" doc:"Height of the first block"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"100" doc:"How many blocks at most; fewer where they are large"`
	WaitMs int64  `query:"waitMs" minimum:"0" maximum:"10000" doc:"How long to wait for the first block and its finality certificate"`
}) (*rawJSON, error) {
	if err := copiesChain(ctx); err != nil {
		return nil, err
	}
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	if err := c.awaitCertified(ctx, in.From, min(time.Duration(in.WaitMs)*time.Millisecond, maxWait)); err != nil {
		return nil, err
	}
	var list []byte
	for h, top := in.From, c.Ledger.Certified(); h <= top && h-in.From < uint64(in.Limit); h++ {
		one, err := c.Ledger.Contents(h)
		if err != nil {
			return nil, err
		}
		b := one.Encode()
		if len(list) > 0 && len(list)+len(b) > maxContentsBytes {
			break
		}
		list = types.AppendListItem(list, b)
	}
	return &rawJSON{ContentType: "application/octet-stream", Body: list}, nil
}

// awaitCertified returns once the block at a height has a certificate: HC-4104 if it has
// none after the wait. Signatures of a block come with the next one.
func (c *Chain) awaitCertified(ctx context.Context, height uint64, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if c.Ledger.Certified() < height && wait > 0 {
		_ = c.Consensus.AwaitHeight(ctx, height+1) // what counts is judged below
	}
	for c.Ledger.Certified() < height {
		select {
		case <-ctx.Done():
			return types.Errorf(types.CodeHeightUnknown, "height %d; the newest with a finality certificate is %d", height, c.Ledger.Certified())
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}
