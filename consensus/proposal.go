package consensus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// turnPassed is the proposal of a node that cannot make a good one. Every node rejects
// it, its maker included, and the next round has another proposer. An error instead
// would stop this node for good.
var turnPassed = [][]byte{{frameCertificate}}

// PrepareProposal packs a block: the certificate it must open with, then the oldest
// transactions of the mempool.
func (a *app) PrepareProposal(_ context.Context, r *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	height := uint64(r.Height)
	left := r.MaxTxBytes
	var frames [][]byte
	if height >= firstCertified {
		frame, err := a.opening(height, r.LocalLastCommit.Votes)
		if err != nil {
			a.m.turnsPassed.Inc()
			a.log.Warn("passing the turn to propose", "height", height, "err", err)
			return &abci.ResponsePrepareProposal{Txs: turnPassed}, nil
		}
		left -= int64(len(frame)) + frameOverhead
		frames = append(frames, frame)
	}
	if a.idle() {
		return &abci.ResponsePrepareProposal{Txs: frames}, nil
	}
	timeMs := r.Time.UnixMilli()
	maxTxs := a.pace.txsWithin(a.p.BlockWork)
	txs := a.pool.pack(left, timeMs, maxTxs)
	if a.suspect {
		a.suspect = false
		if a.sift(height, r.Time, txs) {
			txs = a.pool.pack(left, timeMs, maxTxs)
		}
	}
	return &abci.ResponsePrepareProposal{Txs: append(frames, txs...)}, nil
}

// opening is the first frame of a block: the certificate of the height two below, or the
// act that restarts the chain.
func (a *app) opening(height uint64, votes []abci.ExtendedVoteInfo) ([]byte, error) {
	if a.restart.opens(height) {
		return encodeRestartFrame(a.restart.act), nil
	}
	cert, err := a.certificateFor(height-certificateLag, votes)
	if err != nil {
		return nil, err
	}
	return encodeCertificateFrame(cert), nil
}

// idle reports whether the chain has rested. The time of a block is that of the votes for
// the block before, so the first block after a rest is dated at its beginning. It stays
// empty, and what waits goes into the one that follows, whose time is right.
func (a *app) idle() bool { return time.Since(a.committedAt) > a.p.Rest }

// certificateFor finds the certificate of a committed height: from the votes of the
// height after it, from the ledger, and in the end from peers.
func (a *app) certificateFor(height uint64, votes []abci.ExtendedVoteInfo) (*types.FinalityCertificate, error) {
	ignored, err := a.certs.addVotes(height, votes)
	a.m.lateExtensions.Add(float64(ignored))
	if err != nil {
		return nil, err
	}
	if cert := a.certs.certificate(height); cert != nil {
		return cert, nil
	}
	if a.fetch != nil {
		if cert := a.fetch(height); cert != nil {
			return cert, nil
		}
	}
	return nil, fmt.Errorf("%w for height %d", errNoCertificate, height)
}

// sift checks the transactions of frames one by one, after this node had to reject a
// proposal of its own, and drops those that no block may hold. It reports whether there
// were any.
func (a *app) sift(height uint64, blockTime time.Time, frames [][]byte) bool {
	found := false
	for _, f := range frames {
		txs, err := types.DecodeList(f[1:], MaxFrameTxs)
		if err != nil {
			continue
		}
		for _, raw := range txs {
			err := a.machine.CheckBlock(a.ledger, a.ids.w, &chain.BlockInput{Height: height, Time: blockTime.UnixNano(), Txs: [][]byte{raw}})
			if err == nil || isFailure(err) {
				continue
			}
			tx, derr := types.DecodeTx(raw)
			if derr != nil {
				continue
			}
			found = true
			a.log.Warn("transaction dropped: no block may hold it", "id", tx.ID(), "err", err)
			a.pool.drop([]crypto.Hash{tx.ID()}, types.Errorf(types.CodeOf(err), "no block may hold it: %v", err))
		}
	}
	return found
}

// ProcessProposal judges a proposal. What is good is executed at once, while the votes
// are under way.
func (a *app) ProcessProposal(_ context.Context, r *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
	if a.ahead != nil && bytes.Equal(a.ahead.hash, r.Hash) {
		return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_ACCEPT}, nil // proposed again in a later round
	}
	a.ahead.cancel()
	a.ahead = nil
	in, meta, err := a.judge(r)
	if err != nil {
		if isFailure(err) {
			return nil, a.stop(fmt.Errorf("check block %d: %w", r.Height, err))
		}
		a.m.proposalsRejected.Inc()
		a.suspect = a.suspect || bytes.Equal(r.ProposerAddress, a.address)
		a.log.Warn("proposal rejected", "height", r.Height, "proposer", fmt.Sprintf("%X", r.ProposerAddress), "err", err)
		return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_REJECT}, nil
	}
	a.ahead = a.speculate(r.Hash, in, meta)
	return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_ACCEPT}, nil
}

func (a *app) judge(r *abci.RequestProcessProposal) (*chain.BlockInput, blockMeta, error) {
	in, meta, err := a.decode(uint64(r.Height), r.Time, r.Hash, r.Txs, r.Misbehavior)
	if err != nil {
		return nil, meta, err
	}
	return in, meta, a.machine.CheckBlock(a.ledger, a.ids.w, in)
}

// decode reads a block's frames and checks its certificate. A fault of the block gives
// a *types.Error of HC-2101; others mean that the ledger failed.
func (a *app) decode(height uint64, t time.Time, hash []byte, frames [][]byte, proven []abci.Misbehavior) (*chain.BlockInput, blockMeta, error) {
	var meta blockMeta
	fr, err := decodeFrames(height, frames, a.restart.opens(height))
	if err != nil {
		return nil, meta, types.Errorf(types.CodeTxMalformed, "%w", err)
	}
	if meta.restart = fr.restart; meta.restart != nil {
		if err := a.restart.same(meta.restart, a.ledger); isFailure(err) {
			return nil, meta, err
		} else if err != nil {
			return nil, meta, types.Errorf(types.CodeTxMalformed, "%w", err)
		}
	}
	if meta.cometHash, err = crypto.HashFromBytes(hash); err != nil {
		return nil, meta, types.Errorf(types.CodeTxMalformed, "block hash: %w", err)
	}
	if fr.certificate != nil {
		if err := a.certs.check(fr.certificate); err != nil {
			var bad errBadCertificate
			if errors.As(err, &bad) {
				err = types.Errorf(types.CodeTxMalformed, "%w", err)
			}
			return nil, meta, err
		}
		meta.certificate = fr.certificate
	}
	in := &chain.BlockInput{Height: height, Time: t.UnixNano(), Txs: fr.txs}
	in.Misbehaviour, err = a.misbehaviour(proven)
	return in, meta, err
}

// misbehaviour is the evidence that a block holds. Who CometBFT's addresses are is looked up
// in the state that every node has at this height: sets of the past are not kept by all.
func (a *app) misbehaviour(proven []abci.Misbehavior) ([]chain.Misbehaviour, error) {
	if len(proven) == 0 {
		return nil, nil
	}
	set, err := a.machine.Validators(a.ledger)
	if err != nil {
		return nil, err
	}
	out := make([]chain.Misbehaviour, len(proven))
	for i := range proven {
		m := &proven[i]
		out[i] = chain.Misbehaviour{Kind: chain.EvidenceDoubleVote, Height: uint64(m.Height), Time: m.Time.UnixNano(), Address: m.Validator.Address, Power: m.Validator.Power}
		if m.Type != abci.MisbehaviorType_DUPLICATE_VOTE {
			out[i].Kind = chain.EvidenceLightAttack
		}
		for k := range set {
			if bytes.Equal(voteAddress(&set[k]), m.Validator.Address) {
				out[i].Key = set[k].Key
			}
		}
	}
	return out, nil
}

// ExtendVote signs the header of the height before, which is decided. A signature of
// the proposal itself would be of no use: CometBFT does not tell the round, and
// signatures of several rounds could add up for a block that was never decided.
//
// Where signing fails the extension stays empty, and voteGuard keeps the vote back.
func (a *app) ExtendVote(_ context.Context, r *abci.RequestExtendVote) (*abci.ResponseExtendVote, error) {
	if r.Height < 2 {
		return &abci.ResponseExtendVote{}, nil
	}
	sig, err := a.extension(r.Height)
	if err != nil {
		a.log.Error("header not signed", "height", r.Height-1, "err", err)
		return &abci.ResponseExtendVote{}, nil
	}
	return &abci.ResponseExtendVote{VoteExtension: sig}, nil
}

// extension is what a vote at a height carries: the signature of the header before.
func (a *app) extension(height int64) ([]byte, error) {
	sig, err := a.certs.sign(uint64(height) - 1)
	if err != nil {
		return nil, err
	}
	ok, err := a.certs.accept(uint64(height)-1, a.address, sig)
	if err == nil && !ok {
		err = errors.New("the header key is not the one the chain knows for this validator")
	}
	return sig, err
}

// VerifyVoteExtension checks another validator's signature against this node's own
// header.
func (a *app) VerifyVoteExtension(_ context.Context, r *abci.RequestVerifyVoteExtension) (*abci.ResponseVerifyVoteExtension, error) {
	good := len(r.VoteExtension) == 0
	if r.Height >= 2 {
		var err error
		if good, err = a.certs.accept(uint64(r.Height)-1, r.ValidatorAddress, r.VoteExtension); err != nil {
			return nil, a.stop(fmt.Errorf("verify vote extension at height %d: %w", r.Height, err))
		}
	}
	if !good {
		a.m.extensionsRejected.Inc()
		return &abci.ResponseVerifyVoteExtension{Status: abci.ResponseVerifyVoteExtension_REJECT}, nil
	}
	return &abci.ResponseVerifyVoteExtension{Status: abci.ResponseVerifyVoteExtension_ACCEPT}, nil
}
