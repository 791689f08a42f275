package api

import (
	"context"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func (s *Server) tx(ctx context.Context, in *struct {
	ChainPath
	ID    string `path:"id" minLength:"64" maxLength:"64" pattern:"^[0-9a-f]*$" doc:"Transaction id"`
	Prove bool   `query:"prove" doc:"Add a proof that the transaction is part of its block"`
}) (*answer[rest.Tx], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	id, err := crypto.ParseHash(in.ID)
	if err != nil {
		return nil, types.Errorf(types.CodeUsage, "%w", err)
	}
	height, index, err := c.Ledger.TxByID(id)
	if err != nil {
		return nil, err
	}
	out, err := c.readTx(ledger.Ref{Height: height, Index: index})
	if err != nil {
		return nil, err
	}
	if in.Prove {
		c.waitCertified(ctx, func(certified uint64) bool { return certified >= height })
		if err := c.proveTx(out); err != nil {
			return nil, err
		}
	}
	v, err := s.sight(ctx, in.Chain)
	if err != nil {
		return nil, err
	}
	if v.as != nil {
		tx, err := types.DecodeTx(out.Raw)
		if err == nil {
			err = v.coverTx(&tx.Body, out)
		}
		if err != nil {
			return nil, err
		}
	}
	return &answer[rest.Tx]{*out}, nil
}

// maxWrites bounds the rows that an answer names.
const maxWrites = 32

// proveTx adds proofs of inclusion and outcome, and which rows the transaction wrote.
func (c *Chain) proveTx(out *rest.Tx) error {
	p, err := c.Ledger.ProveTx(out.ID)
	if err != nil {
		return err
	}
	if out.Proof, err = p.Encode(); err != nil {
		return err
	}
	if p, err = c.Ledger.ProveReceipt(out.ID); err != nil {
		return err
	}
	if out.Outcome, err = p.Encode(); err != nil {
		return err
	}
	changes, err := c.Ledger.Writes(out.Height)
	if err != nil {
		return err
	}
	for i := range changes {
		if changes[i].TxIndex == out.Index && len(out.Writes) < maxWrites {
			out.Writes = append(out.Writes, rest.RowKey{NS: changes[i].NS, Key: changes[i].Key})
		}
	}
	return nil
}

func (c *Chain) readTx(at ledger.Ref) (*rest.Tx, error) {
	header, err := c.Ledger.Header(at.Height)
	if err != nil {
		return nil, err
	}
	raw, err := c.Ledger.Tx(at)
	if err != nil {
		return nil, err
	}
	tx, err := types.DecodeTx(raw)
	if err != nil {
		return nil, types.Errorf(types.CodeLedgerCorrupt, "transaction %d of height %d: %w", at.Index, at.Height, err)
	}
	receipt, err := c.Ledger.Receipt(at)
	if err != nil {
		return nil, err
	}
	b := &tx.Body
	out := &rest.Tx{
		ID: tx.ID(), Height: at.Height, Index: at.Index, BlockTime: rest.Time(header.Time), Sender: b.Sender, Cosigners: b.Cosigners,
		Contract: b.Contract, Method: b.Method, Args: rest.JSON(b.Args), GasLimit: b.GasLimit, ValidUntil: rest.Time(b.ValidUntil * 1e6),
		SizeBytes: len(raw), Receipt: rest.NewReceipt(&receipt), Events: []rest.Event{}, Raw: raw,
	}
	if m, ok, err := c.Machine.Member(c.Ledger, b.Sender); err == nil && ok {
		out.Member = string(m.Member)
	}
	events, first, err := c.Ledger.EventsOf(at)
	if err != nil {
		return nil, err
	}
	for i := range events {
		out.Events = append(out.Events, newEvent(&events[i], at.Height, first+uint32(i), tx.ID()))
	}
	return out, nil
}

func newEvent(e *types.Event, height uint64, index uint32, id crypto.Hash) rest.Event {
	return rest.Event{Height: height, TxIndex: e.TxIndex, Index: index, TxID: id, Contract: e.Contract, Name: e.Name, Data: rest.JSON(e.Data)}
}

// PageInput selects part of a list.
type PageInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"20"`
	Cursor string `query:"cursor" maxLength:"64" doc:"As next of the page before"`
}

func (p *PageInput) page() ledger.Page {
	return ledger.Page{Limit: p.Limit, Cursor: ledger.Cursor(p.Cursor)}
}

func (s *Server) txs(_ context.Context, in *struct {
	ChainPath
	PageInput
	Sender   string `query:"sender" maxLength:"65" doc:"Address or member id"`
	Contract string `query:"contract" maxLength:"32"`
}) (*answer[rest.Txs], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	var refs []ledger.Ref
	var next ledger.Cursor
	switch {
	case (in.Sender == "") == (in.Contract == ""):
		return nil, types.Errorf(types.CodeUsage, "one of sender and contract is required")
	case in.Sender != "":
		addr, aerr := c.address(in.Sender)
		if aerr != nil {
			return nil, aerr
		}
		refs, next, err = c.Ledger.TxsBySender(addr, in.page())
	default:
		refs, next, err = c.Ledger.TxsByContract(in.Contract, in.page())
	}
	if err != nil {
		return nil, err
	}
	out := rest.Txs{Items: []rest.TxSummary{}, Next: string(next)}
	for _, ref := range refs {
		raw, err := c.Ledger.Tx(ref)
		if err != nil {
			return nil, err
		}
		receipt, err := c.Ledger.Receipt(ref)
		if err != nil {
			return nil, err
		}
		sum, err := summarise(raw, ref, &receipt)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, sum)
	}
	return &answer[rest.Txs]{out}, nil
}

func (s *Server) events(ctx context.Context, in *struct {
	ChainPath
	PageInput
	Contract string `query:"contract" required:"true" maxLength:"32"`
	Name     string `query:"name" maxLength:"64"`
}) (*answer[rest.Events], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	refs, next, err := c.Ledger.EventsByContract(in.Contract, in.Name, in.page())
	if err != nil {
		return nil, err
	}
	out := rest.Events{Items: []rest.Event{}, Next: string(next)}
	v, err := s.sight(ctx, in.Chain)
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		e, err := c.Ledger.Event(ref)
		if err != nil {
			return nil, err
		}
		raw, err := c.Ledger.Tx(ledger.Ref{Height: ref.Height, Index: e.TxIndex})
		if err != nil {
			return nil, err
		}
		tx, err := types.DecodeTx(raw)
		if err != nil {
			return nil, types.Errorf(types.CodeLedgerCorrupt, "transaction %d of height %d: %w", e.TxIndex, ref.Height, err)
		}
		item := newEvent(&e, ref.Height, ref.Index, tx.ID())
		if err := v.cover(&item); err != nil {
			return nil, err
		}
		out.Items = append(out.Items, item)
	}
	return &answer[rest.Events]{out}, nil
}
