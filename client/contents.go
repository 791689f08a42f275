package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// maxContents bounds the blocks of one answer.
const maxContents = 200

// Contents fetches what blocks hold from a height on, in order: those that have a finality
// certificate, as many as the node gives at once, checked against their headers. It waits up
// to wait (10 s at most) for the first; HC-4104 if it does not come. That the headers are of
// the chain is not checked here: see Follow. HC-4201 if a block is not what its header says.
func (c *Client) Contents(ctx context.Context, from uint64, wait time.Duration) ([]*proof.Contents, error) {
	ctx, cancel := context.WithTimeout(ctx, c.p.Timeout+wait)
	defer cancel()
	q := url.Values{"from": {strconv.FormatUint(from, 10)}, "waitMs": {strconv.FormatInt(wait.Milliseconds(), 10)}}
	var raw []byte
	if err := c.do(ctx, http.MethodGet, c.path(q, "contents"), "", nil, &raw); err != nil {
		return nil, err
	}
	items, err := types.DecodeList(raw, maxContents)
	if err != nil {
		return nil, types.Errorf(types.CodeProofInvalid, "contents of blocks: %w", err)
	}
	out := make([]*proof.Contents, len(items))
	for i, it := range items {
		if out[i], err = proof.DecodeContents(it); err != nil {
			return nil, err
		}
		if h := &out[i].Header; h.Height != from+uint64(i) || h.Genesis != c.genesis {
			return nil, types.Errorf(types.CodeProofInvalid, "asked for block %d, the node gave block %d of the chain with genesis %s", from+uint64(i), h.Height, h.Genesis)
		}
		if err := out[i].Verify(); err != nil {
			return nil, err
		}
	}
	return out, nil
}
