package consensus

import (
	"bytes"
	"context"
	"fmt"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// speculation is a block that is executed while it is voted on. It may be dropped at
// any time without a trace.
type speculation struct {
	hash []byte // CometBFT's hash of the block
	stop context.CancelFunc
	done chan struct{}
	ex   *execution // valid once done is closed
	err  error
}

func (a *app) speculate(hash []byte, in *chain.BlockInput, meta blockMeta) *speculation {
	ctx, stop := context.WithCancel(context.Background())
	s := &speculation{hash: bytes.Clone(hash), stop: stop, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.ex, s.err = a.execute(ctx, in, meta)
	}()
	return s
}

// cancel ends the speculation and waits until it no longer reads the state.
func (s *speculation) cancel() {
	if s != nil {
		s.stop()
		<-s.done
	}
}

// FinalizeBlock executes a decided block, or takes the result if that was done during
// the vote. Block sync and replay come here without ProcessProposal.
func (a *app) FinalizeBlock(_ context.Context, r *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	ex, err := a.finalize(r)
	if err != nil {
		return nil, a.stop(fmt.Errorf("execute block %d: %w", r.Height, err))
	}
	a.next = ex
	for i := range r.Misbehavior { // evidence that the block holds
		m := &r.Misbehavior[i]
		a.m.misbehaviour.Inc()
		a.log.Error("a validator voted twice", "height", r.Height, "at", m.Height, "validator", a.nameOf(uint64(m.Height), m.Validator.Address))
	}
	res := &abci.ResponseFinalizeBlock{TxResults: make([]*abci.ExecTxResult, len(r.Txs)), ValidatorUpdates: ex.updates, ConsensusParamUpdates: ex.params}
	for i := range res.TxResults {
		res.TxResults[i] = okResult
	}
	root := ex.candidate.ContentRoot
	res.AppHash = root[:]
	return res, nil
}

// nameOf is the SM2 key of the validator that CometBFT calls address, as the set of a height
// names it, or the address where there is none.
func (a *app) nameOf(height uint64, address []byte) string {
	if set, err := a.ledger.Signers(height - 1); err == nil {
		for i := range set {
			if bytes.Equal(voteAddress(&set[i]), address) {
				return set[i].Key.String()
			}
		}
	}
	return fmt.Sprintf("%X", address)
}

func (a *app) finalize(r *abci.RequestFinalizeBlock) (*execution, error) {
	s := a.ahead
	a.ahead = nil
	if s != nil && bytes.Equal(s.hash, r.Hash) {
		<-s.done
		s.stop()
		if s.err == nil {
			a.m.speculative.Inc()
		}
		return s.ex, s.err
	}
	s.cancel()
	if next := a.ledger.Height() + 1; uint64(r.Height) != next {
		return nil, types.Errorf(types.CodeLedgerMismatch, "the ledger waits for block %d", next)
	}
	in, meta, err := a.decode(uint64(r.Height), r.Time, r.Hash, r.Txs, r.Misbehavior)
	if err != nil {
		return nil, err
	}
	return a.execute(context.Background(), in, meta)
}

// Commit makes the finalized block durable and tells everyone.
func (a *app) Commit(context.Context, *abci.RequestCommit) (*abci.ResponseCommit, error) {
	ex := a.next
	a.next = nil
	start := time.Now()
	if err := a.commit(ex); err != nil {
		return nil, a.stop(fmt.Errorf("commit block %d: %w", ex.input.Height, err))
	}
	a.m.commitSeconds.Observe(time.Since(start).Seconds())
	a.pace.block(len(ex.ids), ex.took+time.Since(start))
	height, blockTime := ex.input.Height, time.Unix(0, ex.input.Time)
	a.machine.Settled(ex.input.Txs)
	a.ids.add(ex.input.Time, ex.result.UsedIDs)
	a.pool.committed(int64(height), blockTime.UnixMilli(), ex.settled())
	a.admit.blockCommitted(int64(height))
	if a.guard != nil {
		if err := a.guard.blockCommitted(int64(height), blockTime); err != nil {
			a.log.Error("vote state not written", "err", err) // it stays a follower
		}
	}
	a.hub.publish(&BlockEvent{Header: ex.candidate.Header, TxIDs: ex.ids, Receipts: ex.result.Receipts, Events: ex.result.Events})
	a.snapshots.committed(height)
	a.committedAt = time.Now()
	a.loadStaged(ex.result.Staged)
	if ex.result.Repriced {
		a.loadCode()
	}
	a.m.height.Set(float64(height))
	a.m.committedTxs.Add(float64(len(ex.ids)))
	a.m.blockTxs.Observe(float64(len(ex.ids)))
	a.checkClock(height)
	a.m.clockAheadSeconds.Set(time.Until(blockTime).Seconds())
	retain, err := a.prune(height)
	if err != nil {
		return nil, a.stop(fmt.Errorf("prune after block %d: %w", height, err))
	}
	return &abci.ResponseCommit{RetainHeight: retain}, nil
}

func (a *app) commit(ex *execution) error {
	a.committing.Lock()
	defer a.committing.Unlock()
	return a.ledger.Commit(ex.candidate)
}

// loadStaged has contract packages compiled that a block staged, so that no block waits
// for it when one becomes active.
func (a *app) loadStaged(packages []crypto.Hash) {
	if len(packages) == 0 {
		return
	}
	a.background(func(ctx context.Context) {
		for _, pkg := range packages {
			if err := a.machine.LoadStaged(ctx, a.ledger, pkg); err != nil {
				a.log.Warn("staged package not compiled ahead", "package", pkg, "err", err)
			}
		}
	})
}

// loadCode has all contracts compiled under the gas schedule in force.
func (a *app) loadCode() {
	a.background(func(ctx context.Context) {
		if err := a.machine.LoadCode(ctx, a.ledger); err != nil && ctx.Err() == nil {
			a.log.Warn("contracts not compiled ahead", "err", err)
		}
	})
}

// settled lists the transactions that need no further block: all but those that found
// the block full.
func (ex *execution) settled() []crypto.Hash {
	out := make([]crypto.Hash, 0, len(ex.ids))
	for i := range ex.result.Receipts {
		if ex.result.Receipts[i].Code != types.CodeBlockFull {
			out = append(out, ex.ids[i])
		}
	}
	return out
}

// pace learns how many transactions this node executes in a time. It bounds what the
// node proposes, and nothing that others may propose.
type pace struct{ perTx time.Duration }

// minPacedTxs is the least a block may hold by pace: what a block costs besides its
// transactions must not crowd them out.
const minPacedTxs = 256

// block records one execution. A few transactions say little: fixed costs outweigh them.
func (p *pace) block(txs int, took time.Duration) {
	if txs < 32 {
		return
	}
	now := took / time.Duration(txs)
	if p.perTx == 0 {
		p.perTx = now
		return
	}
	p.perTx += (now - p.perTx) / 4
}

func (p *pace) txsWithin(d time.Duration) int {
	if p.perTx <= 0 {
		return 4 * minPacedTxs // not known yet
	}
	return int(min(max(int64(d/p.perTx), minPacedTxs), MaxBlockTxs))
}
