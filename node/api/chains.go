package api

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func (s *Server) listChains(ctx context.Context, _ *struct{}) (*answer[rest.Chains], error) {
	starting, _ := s.others()
	out := rest.Chains{Items: []rest.Chain{}}
	out.Starting = slices.DeleteFunc(starting, func(name string) bool { return !visible(ctx, name) })
	s.each(func(c *Chain) {
		if visible(ctx, c.Name) {
			out.Items = append(out.Items, c.summary())
		}
	})
	if len(out.Items) == 0 && len(out.Starting) > 0 {
		return nil, &types.Error{Code: types.CodeStarting, Detail: "chains are being opened: " + strings.Join(out.Starting, ", "), RetryAfterMs: 500}
	}
	return &answer[rest.Chains]{out}, nil
}

func (c *Chain) summary() rest.Chain {
	return rest.Chain{Chain: c.Name, ChainID: c.Genesis.CometChainID(), Genesis: c.Genesis.Hash(), Height: c.Ledger.Height()}
}

func (s *Server) status(_ context.Context, in *ChainPath) (*answer[rest.Status], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	st := c.Consensus.Status()
	out := rest.Status{
		Chain: c.summary(), Node: s.node, Version: s.version, Protocol: c.Genesis.Protocol,
		CatchingUp: st.CatchingUp, Validator: st.Validator, Peers: st.Peers, PendingTxs: st.PoolTxs,
		UptimeSeconds: int64(time.Since(s.started).Seconds()), BlockTime: c.Genesis.Time.UTC(),
		CertifiedAt: c.Ledger.Certified(), ContentRoot: c.Ledger.ContentRoot(),
	}
	if out.Height > 0 {
		h, err := c.Ledger.Header(out.Height)
		if err != nil {
			return nil, err
		}
		out.HeaderHash, out.ContentRoot, out.Protocol, out.BlockTime = h.Hash(), h.Content, h.Protocol, rest.Time(h.Time)
		if ahead := time.Until(time.Unix(0, h.Time)); ahead > 0 {
			out.ClockAheadMs = ahead.Milliseconds()
		}
	}
	return &answer[rest.Status]{out}, nil
}

type rawJSON struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (s *Server) genesis(_ context.Context, in *ChainPath) (*rawJSON, error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	return &rawJSON{ContentType: "application/json", Body: c.GenesisFile}, nil
}

func (s *Server) validators(_ context.Context, in *struct {
	ChainPath
	Height uint64 `query:"height" doc:"Height whose header they sign; the newest if left out"`
}) (*answer[rest.Validators], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	h := in.Height
	if h == 0 {
		h = c.Ledger.Height()
	}
	set, err := c.Ledger.Signers(h)
	if err != nil {
		return nil, err
	}
	return &answer[rest.Validators]{rest.NewValidators(h, set)}, nil
}

// BlockPath names a block.
type BlockPath struct {
	ChainPath
	Block string `path:"block" maxLength:"64" example:"latest" doc:"Height, hash of the header, or latest"`
}

func (c *Chain) height(s string) (uint64, error) {
	if s == "latest" {
		if h := c.Ledger.Height(); h > 0 {
			return h, nil
		}
		return 0, types.Errorf(types.CodeHeightUnknown, "no block has been committed yet")
	}
	if hash, err := crypto.ParseHash(s); err == nil {
		return c.Ledger.HeightOf(hash)
	}
	h, err := strconv.ParseUint(s, 10, 63)
	if err != nil || h == 0 {
		return 0, types.Errorf(types.CodeUsage, "%q is neither a positive height, nor a hash of 64 hex digits, nor latest", s)
	}
	if tip := c.Ledger.Height(); h > tip {
		return 0, types.Errorf(types.CodeHeightUnknown, "height %d; the newest block is %d", h, tip)
	}
	return h, nil
}

func (s *Server) block(_ context.Context, in *BlockPath) (*answer[rest.Block], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	h, err := c.height(in.Block)
	if err != nil {
		return nil, err
	}
	out, err := c.readBlock(h)
	if err != nil {
		return nil, err
	}
	return &answer[rest.Block]{*out}, nil
}

func (c *Chain) readBlock(h uint64) (*rest.Block, error) {
	header, err := c.Ledger.Header(h)
	if err != nil {
		return nil, err
	}
	content, err := c.Ledger.Content(h)
	if err != nil {
		return nil, err
	}
	txs, receipts, err := c.Ledger.BlockReceipts(h)
	if err != nil {
		return nil, err
	}
	out := &rest.Block{Header: rest.NewHeader(&header), TxCount: len(txs), Txs: make([]rest.TxSummary, 0, len(txs)), EventCount: int(content.EventCount)}
	for i, raw := range txs {
		sum, err := summarise(raw, ledger.Ref{Height: h, Index: uint32(i)}, &receipts[i])
		if err != nil {
			return nil, err
		}
		out.Txs = append(out.Txs, sum)
	}
	if cert, err := c.Ledger.Certificate(h); err == nil && cert != nil {
		out.Certified, out.Signatures = true, len(cert.Signatures)
	}
	return out, nil
}

func summarise(raw []byte, at ledger.Ref, receipt *types.Receipt) (rest.TxSummary, error) {
	tx, err := types.DecodeTx(raw)
	if err != nil {
		return rest.TxSummary{}, types.Errorf(types.CodeLedgerCorrupt, "transaction %d of height %d: %w", at.Index, at.Height, err)
	}
	r := rest.NewReceipt(receipt)
	return rest.TxSummary{
		ID: receipt.TxID, Height: at.Height, Index: at.Index, Sender: tx.Body.Sender, Contract: tx.Body.Contract, Method: tx.Body.Method,
		Code: r.Code, GasUsed: r.GasUsed,
	}, nil
}

func (s *Server) blocks(_ context.Context, in *struct {
	ChainPath
	Before uint64 `query:"before" doc:"List blocks below this height"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"20"`
}) (*answer[rest.Headers], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	top := c.Ledger.Height()
	if in.Before > 0 && in.Before-1 < top {
		top = in.Before - 1
	}
	out := rest.Headers{Items: []rest.Header{}}
	for h := top; h > 0 && len(out.Items) < in.Limit; h-- {
		header, err := c.Ledger.Header(h)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, rest.NewHeader(&header))
	}
	if n := len(out.Items); n > 0 && out.Items[n-1].Height > 1 {
		out.Next = strconv.FormatUint(out.Items[n-1].Height, 10)
	}
	return &answer[rest.Headers]{out}, nil
}
