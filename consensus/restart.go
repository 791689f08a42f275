package consensus

import (
	"github.com/cometbft/cometbft/crypto/merkle"
	sm "github.com/cometbft/cometbft/state"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/huchain/huchain/types"
)

// Restart is what a node needs to go on with a chain that its validators restarted.
type Restart struct {
	// Act says where. It is verified against the ledger, unless the ledger begins above it.
	Act *types.Restart
	// Commit is what block Act.Height carries, in protobuf: its record needs it with the next
	// block. nil where the ledger has that block.
	Commit []byte
}

// restart is a Restart that was verified. All methods take nil for a chain that goes on from
// its genesis.
type restart struct {
	act    *types.Restart
	commit []byte
}

// verifyRestart verifies an act against the ledger's headers: HC-5107.
func verifyRestart(l headers, r *types.Restart) error {
	var h [2]types.Header // of the act's height and of the one below
	var sets [2]types.ValidatorSet
	for i := range h {
		var err error
		if h[i], err = l.Header(r.Height - uint64(i)); err != nil {
			return err
		}
		if sets[i], err = l.Signers(r.Height - uint64(i)); err != nil {
			return err
		}
	}
	return r.Verify(&h[0], sets[0], &h[1], sets[1])
}

// newRestart verifies an act: HC-5107 if it does not restart the chain that the ledger holds.
func newRestart(o *Options) (*restart, error) {
	if o.Restart == nil {
		return nil, nil
	}
	r := &restart{act: o.Restart.Act, commit: o.Restart.Commit}
	l := o.Ledger
	switch {
	case r.act.Genesis != o.Genesis.Hash():
		return nil, types.Errorf(types.CodeRestartRefused, "it is of the chain with genesis %s, not %s", r.act.Genesis, o.Genesis.Hash())
	case !l.Initialized() || l.Height() < r.act.Height:
		return nil, types.Errorf(types.CodeRestartRefused, "the chain was restarted above block %d, the ledger ends at block %d: make it of the archive or of a snapshot first", r.act.Height, l.Height())
	case l.Base() > r.act.Height:
		return r, nil // from a snapshot, which is trusted for its own signers
	}
	return r, verifyRestart(l, r.act)
}

// opens reports whether the block at a height opens with the act.
func (r *restart) opens(height uint64) bool { return r != nil && height == r.act.Height+1 }

// same judges the act that a block opens with: signatures apart it must be this node's. An
// error of HC-5107 is the block's, others are the ledger's.
func (r *restart) same(got *types.Restart, l headers) error {
	if got.ID() != r.act.ID() {
		return types.Errorf(types.CodeRestartRefused, "the block opens with another act of restarting")
	}
	return verifyRestart(l, got)
}

// before reports whether a header is of before the restart, given up or not: the first block
// after it bears the act's time.
func (r *restart) before(h *types.Header) bool { return r != nil && h.Time < r.act.Time }

// from is the act that CometBFT's chain begins with, nil where that is the genesis.
func (r *restart) from() *types.Restart {
	if r == nil {
		return nil
	}
	return r.act
}

// replayed is the state as CometBFT's replay has to see it: as if the act's block were its
// last. Replay takes a state without blocks to be at height 0, and a store with the first
// block after the act to be damaged.
func (r *restart) replayed(s sm.State) sm.State {
	if r != nil && s.LastBlockHeight == 0 {
		s.LastBlockHeight = s.InitialHeight - 1
	}
	return s
}

// resume writes the state from which CometBFT begins above the act into empty stores: who
// votes on the next two blocks is what the act's header names. It is repeated if a crash
// interrupts it.
func (r *restart) resume(a *app, doc *cmttypes.GenesisDoc, states sm.Store) error {
	signers, err := a.ledger.Signers(r.act.Height)
	if err != nil {
		return err
	}
	next, err := a.machine.Validators(a.ledger)
	if err != nil {
		return err
	}
	params, _, err := a.machine.Params(a.ledger)
	if err != nil {
		return err
	}
	s, err := sm.MakeGenesisState(doc)
	if err != nil {
		return types.Errorf(types.CodeInternal, "state of the restart: %w", err)
	}
	if s.Validators, s.NextValidators, err = firstTurns(signers, next); err != nil {
		return err
	}
	if next.Hash() != signers.Hash() {
		s.LastHeightValidatorsChanged++
	}
	root := a.ledger.ContentRoot()
	s.AppHash, s.LastResultsHash = root[:], merkle.HashFromByteSlices(nil)
	s.ConsensusParams.Block.MaxBytes = params.MaxBlockBytes
	if err := states.Save(s); err != nil {
		return types.Errorf(types.CodeDiskFailure, "consensus stores: %w", err)
	}
	return nil
}

// firstTurns are the sets that vote on the first and second block after a restart, with
// everyone's priority to propose.
func firstTurns(signers, next types.ValidatorSet) (first, second *cmttypes.ValidatorSet, err error) {
	all, err := cmttypes.PB2TM.ValidatorUpdates(validatorUpdates(nil, signers))
	if err != nil {
		return nil, nil, err
	}
	first = cmttypes.NewValidatorSet(all)
	second = first.Copy()
	if changes := validatorUpdates(signers, next); len(changes) > 0 {
		updates, err := cmttypes.PB2TM.ValidatorUpdates(changes)
		if err == nil {
			err = second.UpdateWithChangeSet(updates)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	second.IncrementProposerPriority(1)
	return first, second, nil
}
