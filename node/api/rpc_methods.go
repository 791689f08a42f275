package api

import (
	"context"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// rpcBlockVersion is the version of CometBFT's block form that tools are to expect.
const rpcBlockVersion = 11

func newRPCBlockID(hash crypto.Hash) (id rpcBlockID) {
	id.Hash, id.Parts.Total, id.Parts.Hash = hash[:], 1, hash[:]
	return id
}

// rpcHeader shows our header in CometBFT's form.
func (c *Chain) rpcHeader(height uint64) (out rpcHeader, hash, previous crypto.Hash, err error) {
	h, err := c.Ledger.Header(height)
	if err != nil {
		return out, hash, previous, err
	}
	content, err := c.Ledger.Content(height)
	if err != nil {
		return out, hash, previous, err
	}
	out.Version.Block, out.Version.App = rpcBlockVersion, uint64(h.Protocol)
	out.ChainID, out.Height, out.Time = c.Genesis.CometChainID(), h.Height, rest.Time(h.Time)
	if !h.Previous.IsZero() {
		out.LastBlockID = newRPCBlockID(h.Previous)
	}
	out.DataHash, out.ValidatorsHash, out.NextValidatorsHash = content.Txs[:], h.Signers[:], h.NextSigners[:]
	out.ConsensusHash, out.AppHash, out.LastResultsHash = content.Config[:], h.Content[:], content.Receipts[:]
	return out, h.Hash(), h.Previous, nil
}

// rpcCertificate shows the finality certificate of a height as a commit; without
// signatures where there is none yet.
func (c *Chain) rpcCertificate(height uint64, hash crypto.Hash) (rpcCommit, error) {
	out := rpcCommit{Height: height, Signatures: []rpcCommitSig{}}
	if height == 0 {
		return out, nil
	}
	out.BlockID = newRPCBlockID(hash)
	cert, err := c.Ledger.Certificate(height)
	if err != nil {
		if types.CodeOf(err) == types.CodeNotFound {
			err = nil
		}
		return out, err
	}
	set, err := c.Ledger.Signers(height)
	if err != nil {
		return out, err
	}
	h, err := c.Ledger.Header(height)
	if err != nil {
		return out, err
	}
	for range set {
		out.Signatures = append(out.Signatures, rpcCommitSig{Flag: rpcAbsent})
	}
	for i := range cert.Signatures {
		sig := &cert.Signatures[i]
		if int(sig.Index) >= len(set) {
			return out, types.Errorf(types.CodeLedgerCorrupt, "certificate of height %d", height)
		}
		a := types.AddressOf(set[sig.Index].Key)
		out.Signatures[sig.Index] = rpcCommitSig{Flag: rpcSigned, Address: a[:], Timestamp: rest.Time(h.Time), Signature: sig.Signature[:]}
	}
	return out, nil
}

func (s *Server) rpcStatus(_ context.Context, c *Chain, _ rpcArgs) (any, error) {
	st, out := c.Consensus.Status(), &rpcStatus{}
	n := &out.NodeInfo
	n.ProtocolVersion.Block, n.ProtocolVersion.App = rpcBlockVersion, uint64(c.Genesis.Protocol)
	n.ID, n.Network, n.Version, n.Moniker, n.Other.TxIndex = s.node, c.Genesis.CometChainID(), s.version, s.node, "on"
	sync := &out.SyncInfo
	sync.CatchingUp, sync.LatestBlockHeight = st.CatchingUp, c.Ledger.Height()
	if sync.LatestBlockHeight == 0 {
		sync.LatestBlockTime, sync.EarliestBlockTime = c.Genesis.Time.UTC(), c.Genesis.Time.UTC()
		return out, nil
	}
	latest, err := c.Ledger.Header(sync.LatestBlockHeight)
	if err != nil {
		return nil, err
	}
	hash := latest.Hash()
	sync.LatestBlockHash, sync.LatestAppHash, sync.LatestBlockTime = hash[:], latest.Content[:], rest.Time(latest.Time)
	sync.EarliestBlockHeight = min(max(c.Ledger.Base(), 1), sync.LatestBlockHeight)
	first, err := c.Ledger.Header(sync.EarliestBlockHeight)
	if err != nil {
		return nil, err
	}
	firstHash := first.Hash()
	sync.EarliestBlockHash, sync.EarliestAppHash, sync.EarliestBlockTime = firstHash[:], first.Content[:], rest.Time(first.Time)
	return out, nil
}

func (s *Server) rpcBlock(_ context.Context, c *Chain, a rpcArgs) (any, error) {
	height, err := a.height(c)
	if err != nil {
		return nil, err
	}
	header, hash, previous, err := c.rpcHeader(height)
	if err != nil {
		return nil, err
	}
	out := &rpcBlockAnswer{BlockID: newRPCBlockID(hash), Block: rpcBlock{Header: header}}
	out.Block.Evidence.Evidence = []struct{}{}
	if out.Block.Data.Txs, err = c.Ledger.BlockTxs(height); err != nil {
		return nil, err
	}
	if out.Block.Data.Txs == nil {
		out.Block.Data.Txs = [][]byte{}
	}
	out.Block.LastCommit, err = c.rpcCertificate(height-1, previous)
	return out, err
}

func (s *Server) rpcCommit(_ context.Context, c *Chain, a rpcArgs) (any, error) {
	height, err := a.height(c)
	if err != nil {
		return nil, err
	}
	out := &rpcCommitAnswer{}
	var hash crypto.Hash
	if out.SignedHeader.Header, hash, _, err = c.rpcHeader(height); err != nil {
		return nil, err
	}
	if out.SignedHeader.Commit, err = c.rpcCertificate(height, hash); err != nil {
		return nil, err
	}
	if len(out.SignedHeader.Commit.Signatures) == 0 {
		return nil, types.Errorf(types.CodeHeightUnknown, "the finality certificate of height %d comes with the block after next; the newest certified is %d", height, c.Ledger.Certified())
	}
	out.Canonical = true
	return out, nil
}

func (s *Server) rpcBlockResults(_ context.Context, c *Chain, a rpcArgs) (any, error) {
	height, err := a.height(c)
	if err != nil {
		return nil, err
	}
	h, err := c.Ledger.Header(height)
	if err != nil {
		return nil, err
	}
	out := &rpcBlockResults{Height: height, TxsResults: []rpcTxResult{}, FinalizeBlockEvents: []rpcEvent{}, ValidatorUpdates: []struct{}{}, AppHash: h.Content[:]}
	txs, err := c.Ledger.BlockTxs(height)
	if err != nil {
		return nil, err
	}
	receipts, err := c.Ledger.Receipts(height)
	if err != nil {
		return nil, err
	}
	events, err := c.Ledger.Events(height)
	if err != nil {
		return nil, err
	}
	for i := range receipts {
		var own []types.Event
		for j := range events {
			if int(events[j].TxIndex) == i {
				own = append(own, events[j])
			}
		}
		r, err := newRPCTxResult(txs[i], &receipts[i], own)
		if err != nil {
			return nil, err
		}
		out.TxsResults = append(out.TxsResults, r)
	}
	return out, nil
}

func newRPCTxResult(raw []byte, r *types.Receipt, events []types.Event) (rpcTxResult, error) {
	tx, err := types.DecodeTx(raw)
	if err != nil {
		return rpcTxResult{}, types.Errorf(types.CodeLedgerCorrupt, "%w", err)
	}
	out := rpcTxResult{Code: r.Code, Data: r.Result, Log: r.Error, GasWanted: tx.Body.GasLimit, GasUsed: r.GasUsed, Events: []rpcEvent{}}
	if !r.OK() {
		out.Codespace = "huchain"
	}
	for i := range events {
		e := &events[i]
		out.Events = append(out.Events, rpcEvent{Type: e.Contract + "." + e.Name, Attributes: []rpcAttribute{{Key: "data", Value: string(rest.JSON(e.Data))}}})
	}
	return out, nil
}

func (s *Server) rpcTx(_ context.Context, c *Chain, a rpcArgs) (any, error) {
	id, err := a.hash()
	if err != nil {
		return nil, err
	}
	if a.text("prove") == "true" {
		return nil, types.Errorf(types.CodeUsage, "proofs have our own form: ask for txs/%s?prove=true", id)
	}
	height, index, err := c.Ledger.TxByID(id)
	if err != nil {
		return nil, err
	}
	at := ledger.Ref{Height: height, Index: index}
	out := &rpcTx{Hash: id[:], Height: height, Index: index}
	if out.Tx, err = c.Ledger.Tx(at); err != nil {
		return nil, err
	}
	receipt, err := c.Ledger.Receipt(at)
	if err != nil {
		return nil, err
	}
	events, _, err := c.Ledger.EventsOf(at)
	if err != nil {
		return nil, err
	}
	out.TxResult, err = newRPCTxResult(out.Tx, &receipt, events)
	return out, err
}

// maxRPCPage bounds the validators of one answer, as CometBFT does.
const maxRPCPage = 100

func (s *Server) rpcValidators(_ context.Context, c *Chain, a rpcArgs) (any, error) {
	height, err := a.height(c)
	if err != nil {
		return nil, err
	}
	number, err := a.number("page", 1)
	if err != nil {
		return nil, err
	}
	size, err := a.number("per_page", 30)
	if err != nil {
		return nil, err
	}
	set, err := c.Ledger.Signers(height)
	if err != nil {
		return nil, err
	}
	size = min(size, maxRPCPage)
	from := (number - 1) * size
	if number > 1 && from >= len(set) || number > len(set)+1 {
		return nil, types.Errorf(types.CodeUsage, "page %d of %d validators", number, len(set))
	}
	out := &rpcValidators{BlockHeight: height, Validators: []rpcValidator{}, Total: len(set)}
	for _, v := range set[from:min(from+size, len(set))] {
		addr := types.AddressOf(v.Key)
		out.Validators = append(out.Validators, rpcValidator{Address: addr[:], Power: v.Power, PubKey: &rpcPubKey{Type: "tendermint/PubKeyEd25519", Value: v.Ed25519[:]}})
	}
	out.Count = len(out.Validators)
	return out, nil
}
