package consensus

import (
	"bytes"
	"context"
	"fmt"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/types"
)

// Rebuild makes the ledger of a chain from its genesis and the records of its blocks, with
// neither peers nor CometBFT. No transaction is executed again: what a record says was
// written is applied, and must lead to the very header that the record holds.
//
// It trusts the genesis alone. Each block from the third on carries the certificate of the
// block two below it, which must be signed by the validators whom the state before names;
// so all blocks but the newest two are certain, and of these the caller must see for itself.
// A ledger made this way can be read and not gone on with, since CometBFT resumes from nothing
// less than the newest block's extended commit, unless the validators restart the chain.
type Rebuild struct {
	app    *app
	ledger Ledger
	before []byte // the commit that the newest block carries, in protobuf
}

// NewRebuild makes the genesis state in a ledger without one, or goes on with one that an
// interrupted Rebuild left. packages are as in Options.
func NewRebuild(ctx context.Context, m Machine, l Ledger, packages map[crypto.Hash][]byte) (*Rebuild, error) {
	r := &Rebuild{ledger: l, app: &app{machine: m, ledger: l, packages: packages}}
	r.app.commitIn = func(uint64) ([]byte, error) { return r.before, nil }
	if l.Height() > 0 {
		return r, nil
	}
	_, err := r.app.InitChain(ctx, nil)
	return r, err
}

// unlike says that a record is not of this chain: HC-4101.
func unlike(rec *archive.Record, format string, args ...any) error {
	return types.Errorf(types.CodeLedgerCorrupt, "record of block %d: %w", rec.Header.Height, fmt.Errorf(format, args...))
}

// Apply commits the block of a verified record. HC-4101 if it is not of this chain. Records
// come in order; those that the ledger has are compared, and the newest of them MUST be
// among those given.
func (r *Rebuild) Apply(rec *archive.Record) error {
	if rec.Header.Height <= r.ledger.Height() {
		h, err := r.ledger.Header(rec.Header.Height)
		if err == nil && h.Hash() != rec.Header.Hash() {
			err = unlike(rec, "it is not the block that was restored before, %s", h.Hash())
		}
		r.before = rec.Commit
		return err
	}
	meta := blockMeta{cometHash: rec.Header.CometHash}
	if rec.Header.Height >= firstCertified {
		if err := r.carried(rec, &meta); err != nil {
			return err
		}
	}
	res, err := resultOf(rec)
	if err != nil {
		return unlike(rec, "%w", err)
	}
	in := &chain.BlockInput{Height: rec.Header.Height, Time: rec.Header.Time, Txs: rec.Txs}
	ex, err := r.app.prepare(in, meta, res)
	if err != nil {
		return fmt.Errorf("block %d: %w", in.Height, err)
	}
	if got, want := ex.candidate.Header.Hash(), rec.Header.Hash(); got != want {
		return unlike(rec, "on the blocks below it, what it holds leads to the header %s, not to its own, %s", got, want)
	}
	if err := r.ledger.Commit(ex.candidate); err != nil {
		return err
	}
	r.before = rec.Commit
	return nil
}

// carried fills in what a block carries: the certificate that it must, or the act that
// restarts the chain with it.
func (r *Rebuild) carried(rec *archive.Record, meta *blockMeta) (err error) {
	act, err := types.DecodeRestart(rec.Certificate)
	if err != nil {
		meta.certificate, err = r.certificate(rec)
		return err
	}
	if !bytes.Equal(act.Encode(), rec.Certificate) || act.Height+1 != rec.Header.Height || act.Time != rec.Header.Time {
		return unlike(rec, "it opens with an act that restarts the chain elsewhere")
	}
	meta.restart, meta.certificate = act, &act.Before
	if err := verifyRestart(r.ledger, act); err != nil {
		return unlike(rec, "%w", err)
	}
	return nil
}

// Commit is what the newest block carries, in protobuf: Restart needs it.
func (r *Rebuild) Commit() []byte { return r.before }

// certificate is the one that a block must carry, judged by the validators that the ledger
// has come to.
func (r *Rebuild) certificate(rec *archive.Record) (*types.FinalityCertificate, error) {
	height := rec.Header.Height - certificateLag
	c, err := types.DecodeFinalityCertificate(rec.Certificate)
	if err != nil || c.Height != height || !bytes.Equal(c.Encode(), rec.Certificate) {
		return nil, unlike(rec, "it carries no certificate of block %d: %v", height, err)
	}
	h, err := r.ledger.Header(height)
	if err != nil {
		return nil, err
	}
	set, err := r.ledger.Signers(height)
	if err != nil {
		return nil, err
	}
	if err := c.Verify(&h, set); err != nil {
		return nil, unlike(rec, "certificate of block %d: %w", height, err)
	}
	return &c, nil
}

// resultOf is what executing a block gave, as its record has it.
func resultOf(rec *archive.Record) (*chain.Result, error) {
	res := &chain.Result{Config: rec.Content.Config, Protocol: rec.Content.Protocol,
		Txs: make([]*types.Tx, len(rec.Txs)), Receipts: make([]types.Receipt, len(rec.Txs)),
		Events: make([]types.Event, len(rec.Events)), Writes: make([]types.Write, len(rec.Writes))}
	if len(rec.Receipts) != len(rec.Txs) {
		return nil, fmt.Errorf("%d receipts of %d transactions", len(rec.Receipts), len(rec.Txs))
	}
	for i := range rec.Txs {
		var err error
		if res.Txs[i], err = types.DecodeTx(rec.Txs[i]); err != nil {
			return nil, fmt.Errorf("transaction %d: %w", i, err)
		}
		if res.Receipts[i], err = types.DecodeReceipt(rec.Receipts[i]); err != nil {
			return nil, fmt.Errorf("receipt %d: %w", i, err)
		}
		if res.Receipts[i].UsesID() {
			res.UsedIDs = append(res.UsedIDs, res.Receipts[i].TxID)
		}
	}
	for i := range rec.Events {
		var err error
		if res.Events[i], err = types.DecodeEvent(rec.Events[i]); err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
	}
	for i := range rec.Writes {
		c, err := block.DecodeChange(rec.Writes[i])
		if err != nil {
			return nil, fmt.Errorf("write %d: %w", i, err)
		}
		res.Writes[i] = c.Write
	}
	return res, nil
}
