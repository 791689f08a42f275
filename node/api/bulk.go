package api

import (
	"bytes"
	"context"
	"time"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// maxBatchBytes bounds the body of a batch.
const maxBatchBytes = 1 << 20

// maxWait bounds how long a request waits for a block.
const maxWait = 10 * time.Second

type batchInput struct {
	ChainPath
	RawBody []byte `contentType:"application/octet-stream"`
}

// submitBatch puts up to types.MaxBatch transactions into the pool. One that is refused
// does not stop the others.
func (s *Server) submitBatch(ctx context.Context, in *batchInput) (*answer[rest.Batch], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	raws, err := types.DecodeList(bytes.Clone(in.RawBody), types.MaxBatch) // huma uses the body's buffer again
	if err != nil {
		return nil, types.Errorf(types.CodeTxMalformed, "%w", err)
	}
	out := rest.Batch{Items: make([]rest.BatchItem, len(raws))}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ids, errs := c.Consensus.SubmitEach(raws)
	for i, err := range errs {
		item := rest.BatchItem{ID: ids[i], Code: types.CodeOK.String()}
		if err != nil {
			item.Code = types.CodeOf(err).String()
			if e, ok := rest.AsError(err); ok {
				item.Detail, item.RetryAfterMs = e.Detail, e.RetryAfterMs
			}
		}
		out.Items[i] = item
	}
	return &answer[rest.Batch]{out}, nil
}

// outcomes answers once the block is committed, or with HC-4104 after the wait.
func (s *Server) outcomes(ctx context.Context, in *struct {
	ChainPath
	Height uint64 `path:"height" minimum:"1"`
	WaitMs int64  `query:"waitMs" minimum:"0" maximum:"10000" doc:"How long to wait for a block that is not committed yet"`
}) (*answer[rest.Outcomes], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	if c.Ledger.Height() < in.Height {
		wait, cancel := context.WithTimeout(ctx, min(time.Duration(in.WaitMs)*time.Millisecond, maxWait))
		defer cancel()
		if err := c.Consensus.AwaitHeight(wait, in.Height); err != nil {
			return nil, err
		}
	}
	h, err := c.Ledger.Header(in.Height)
	if err != nil {
		return nil, err
	}
	receipts, err := c.Ledger.Receipts(in.Height)
	if err != nil {
		return nil, err
	}
	out := rest.Outcomes{Height: in.Height, Time: rest.Time(h.Time), Refused: []rest.RefusedInside{}}
	for i := range receipts {
		out.TxIDs = append(out.TxIDs, receipts[i].TxID)
		if !receipts[i].OK() {
			out.Refused = append(out.Refused, rest.RefusedInside{Index: uint32(i), Code: receipts[i].Code.String()})
		}
	}
	return &answer[rest.Outcomes]{out}, nil
}
