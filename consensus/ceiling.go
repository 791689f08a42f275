package consensus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/proxy"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Ceiling is a validator that decides blocks and does nothing with them: CometBFT with
// this package's settings, links, stores, mempool and frames, under an application that
// verifies no signature, executes nothing and keeps no ledger. What it commits is the most
// that any application can. It makes its transactions itself.
type Ceiling struct {
	n         *Node
	app       *ceilingApp
	committed atomic.Uint64
	blocks    atomic.Uint64
}

// CeilingCount is how far a Ceiling has come.
type CeilingCount struct{ Txs, Blocks uint64 }

// NewCeiling makes a validator of a chain that has not begun. The ledger takes the genesis
// state, by which links are judged, and nothing more.
func NewCeiling(p Params, o Options) (*Ceiling, error) {
	o.Chain = unverified{o.Chain}
	n, err := New(p, o)
	if err != nil {
		return nil, err
	}
	c := &Ceiling{n: n}
	c.app = &ceilingApp{app: n.app, done: c}
	n.parts.client = proxy.NewConnSyncLocalClientCreator(c.app)
	return c, nil
}

// Start is Node.Start.
func (c *Ceiling) Start(ctx context.Context) error { return c.n.Start(ctx) }

// Stop is Node.Stop.
func (c *Ceiling) Stop() { c.n.Stop() }

// Done and Err are those of Node.
func (c *Ceiling) Done() <-chan struct{} { return c.n.Done() }

// Err is the reason of a failure, nil while there is none.
func (c *Ceiling) Err() error { return c.n.Err() }

// Count is what was committed since the start.
func (c *Ceiling) Count() CeilingCount { return CeilingCount{c.committed.Load(), c.blocks.Load()} }

// Load keeps up to inFlight transactions of about txBytes each waiting in this node's pool
// until ctx ends. HC-5101 if the node stops.
func (c *Ceiling) Load(ctx context.Context, txBytes, inFlight int) error {
	args := make([]byte, max(1, txBytes-ceilingFrame))
	if _, err := rand.Read(args); err != nil {
		return fmt.Errorf("make a transaction: %w", err)
	}
	for n := 0; ctx.Err() == nil; {
		if have, _ := c.n.pool.size(); have >= inFlight || !c.n.parts.carriers.enabled.Load() {
			if !pause(c.n.quit, ctx.Done(), time.Millisecond) {
				break
			}
			continue
		}
	burst:
		for range MaxCarrierTxs {
			raw, err := c.makeTx(n, args)
			if err != nil {
				return err
			}
			n++
			_, err = c.n.Submit(raw)
			switch {
			case types.CodeOf(err) == types.CodePoolFull:
				break burst
			case err != nil && ctx.Err() == nil:
				return err
			}
		}
	}
	if ctx.Err() == nil {
		return types.Errorf(types.CodeNotReady, "the node stopped under load")
	}
	return nil
}

// ceilingFrame is what a transaction has besides its arguments: names, addresses, salt,
// times, a signature.
const ceilingFrame = 170

// makeTx makes a transaction with an id of its own. Its signature is nothing: nobody looks.
func (c *Ceiling) makeTx(n int, args []byte) ([]byte, error) {
	b := types.Body{
		Genesis: c.n.o.Genesis.Hash(), Sender: types.Address{byte(n), byte(n >> 8)}, Contract: "ceiling", Method: "put", Args: args,
		GasLimit: 1, ValidUntil: time.Now().Add(4 * time.Minute).UnixMilli(),
	}
	if _, err := rand.Read(b.Salt[:]); err != nil {
		return nil, fmt.Errorf("make a transaction: %w", err)
	}
	tx, err := types.SignTx(&b, nil, noSigner{})
	if err != nil {
		return nil, err
	}
	return tx.Bytes(), nil
}

// noSigner fills the place of a signature.
type noSigner struct{}

// Public implements crypto.Signer.
func (noSigner) Public() crypto.PublicKey { return crypto.PublicKey{} }

// Sign implements crypto.Signer.
func (noSigner) Sign([]byte) ([]byte, error) { return make([]byte, crypto.SignatureSize), nil }

// unverified admits whatever is a transaction.
type unverified struct{ Machine }

// AdmitEach implements Machine.
func (unverified) AdmitEach(_ chain.State, raws [][]byte, _ int64) ([]*types.Tx, []error) {
	txs, errs := make([]*types.Tx, len(raws)), make([]error, len(raws))
	for i, raw := range raws {
		txs[i], errs[i] = types.DecodeTx(raw)
	}
	return txs, errs
}

// ceilingApp is the application that does nothing. Of app it takes Info and InitChain.
type ceilingApp struct {
	*app
	done   *Ceiling
	root   []byte
	height int64 // of the finalized block, as those below
	at     time.Time
	txs    []crypto.Hash
}

// InitChain implements abci.Application.
func (a *ceilingApp) InitChain(ctx context.Context, r *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	res, err := a.app.InitChain(ctx, r)
	if err == nil {
		a.root = res.AppHash
	}
	return res, err
}

// PrepareProposal packs what waits, in the frames of a real proposal.
func (a *ceilingApp) PrepareProposal(_ context.Context, r *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	return &abci.ResponsePrepareProposal{Txs: a.pool.pack(r.MaxTxBytes, r.Time.UnixMilli(), MaxBlockTxs)}, nil
}

// ProcessProposal accepts everything.
func (a *ceilingApp) ProcessProposal(context.Context, *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
	return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_ACCEPT}, nil
}

// ExtendVote adds as many bytes as a header signature has, so that votes have their size.
func (a *ceilingApp) ExtendVote(context.Context, *abci.RequestExtendVote) (*abci.ResponseExtendVote, error) {
	return &abci.ResponseExtendVote{VoteExtension: make([]byte, crypto.SignatureSize)}, nil
}

// VerifyVoteExtension accepts everything.
func (a *ceilingApp) VerifyVoteExtension(context.Context, *abci.RequestVerifyVoteExtension) (*abci.ResponseVerifyVoteExtension, error) {
	return &abci.ResponseVerifyVoteExtension{Status: abci.ResponseVerifyVoteExtension_ACCEPT}, nil
}

// FinalizeBlock reads the ids of a decided block, by which the pool forgets it.
func (a *ceilingApp) FinalizeBlock(_ context.Context, r *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	a.height, a.at, a.txs = r.Height, r.Time, a.txs[:0]
	for _, f := range r.Txs {
		if len(f) == 0 || f[0] != frameTxs {
			return nil, errors.New("not a frame of transactions")
		}
		raws, err := types.DecodeList(f[1:], MaxFrameTxs)
		if err != nil {
			return nil, err
		}
		for _, raw := range raws {
			tx, err := types.DecodeTx(raw)
			if err != nil {
				return nil, err
			}
			a.txs = append(a.txs, tx.ID())
		}
	}
	res := &abci.ResponseFinalizeBlock{TxResults: make([]*abci.ExecTxResult, len(r.Txs)), AppHash: a.root}
	for i := range res.TxResults {
		res.TxResults[i] = okResult
	}
	return res, nil
}

// Commit counts.
func (a *ceilingApp) Commit(context.Context, *abci.RequestCommit) (*abci.ResponseCommit, error) {
	a.ids.add(a.at.UnixNano(), a.txs) // or a late carrier would bring them in again
	a.pool.committed(a.height, a.at.UnixMilli(), a.txs)
	a.done.committed.Add(uint64(len(a.txs)))
	a.done.blocks.Add(1)
	return &abci.ResponseCommit{}, nil
}
