package client

import (
	"bytes"
	"context"
	"strconv"

	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// History lists who wrote a row before, the newest writing first: up to limit writings from
// the one at height from back, or from the newest if it is 0.
func (c *Client) History(ctx context.Context, ns string, key []byte, from uint64, limit int, prove bool) (*rest.History, error) {
	q := Page{Limit: limit}.query()
	if from > 0 {
		q.Set("from", strconv.FormatUint(from, 10))
	}
	if prove {
		q.Set("prove", "true")
	}
	var out rest.History
	return &out, c.get(ctx, c.path(q, "history", ns, "0x"+rest.Hex(key).String()), &out)
}

// CheckHistory checks the proof in a history: each writing under a header that t leads to,
// and that each is the one before the next, so that none is left out between them. complete
// tells that nothing came before but perhaps the genesis state. The error is HC-4201.
func (c *Client) CheckHistory(ctx context.Context, h *rest.History, t *Trust) (complete bool, err error) {
	links, err := proof.DecodeHistory(h.Proof)
	if err != nil {
		return false, proofError(err)
	}
	for i := len(links) - 1; i >= 0; i-- { // trust goes upwards
		err := t.CheckProof(links[i])
		if types.CodeOf(err) == types.CodeTrustGap {
			if t, _, err = c.Follow(ctx, t, links[i].Header.Height); err == nil {
				err = t.CheckProof(links[i])
			}
		}
		if err != nil {
			return false, err
		}
	}
	if complete, err = links.Linked(); err != nil {
		return false, err
	}
	items := h.Items
	if n := len(items); n > 0 && items[n-1].Height == 0 {
		items = items[:n-1]
	}
	if len(items) != len(links) {
		return false, types.Errorf(types.CodeProofInvalid, "%d writings, %d are proven", len(items), len(links))
	}
	for i := range items {
		it, w := &items[i], links[i].Write
		if w.NS != h.NS || !bytes.Equal(w.Key, h.Key) || it.Height != links[i].Header.Height || it.TxIndex != w.TxIndex ||
			it.Deleted != w.Deleted || !bytes.Equal(it.Value, w.Value) {
			return false, types.Errorf(types.CodeProofInvalid, "the node's answer differs from what its proof shows: writing %d", i)
		}
	}
	return complete, nil
}
