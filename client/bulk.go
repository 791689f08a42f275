package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// SubmitBatch hands up to types.MaxBatch signed transactions to a node's pool and
// returns, for each, nil or why it was not taken. Being taken says nothing about its
// commit: follow Outcomes, or ask by id.
func (c *Client) SubmitBatch(ctx context.Context, raws [][]byte) ([]*types.Error, error) {
	ctx, cancel := context.WithTimeout(ctx, c.p.Timeout)
	defer cancel()
	var out rest.Batch
	body := types.EncodeList(raws)
	if err := c.do(ctx, http.MethodPost, c.path(nil, "batches"), "application/octet-stream", body, &out); err != nil {
		return nil, err
	}
	if len(out.Items) != len(raws) {
		return nil, types.Errorf(types.CodeUnreachable, "node answered for %d of %d transactions", len(out.Items), len(raws))
	}
	results := make([]*types.Error, len(raws))
	for i, it := range out.Items {
		if it.Code != types.CodeOK.String() {
			results[i] = &types.Error{Code: rest.ParseCode(it.Code), Detail: it.Detail, RetryAfterMs: it.RetryAfterMs}
		}
	}
	return results, nil
}

// Outcomes tells what became of the transactions of a block, waiting up to wait for the
// block to be committed (10 s at most). HC-4104 if it is not.
func (c *Client) Outcomes(ctx context.Context, height uint64, wait time.Duration) (*rest.Outcomes, error) {
	ctx, cancel := context.WithTimeout(ctx, c.p.Timeout+wait)
	defer cancel()
	q := url.Values{"waitMs": {strconv.FormatInt(wait.Milliseconds(), 10)}}
	var out rest.Outcomes
	return &out, c.do(ctx, http.MethodGet, c.path(q, "blocks", strconv.FormatUint(height, 10), "outcomes"), "", nil, &out)
}
