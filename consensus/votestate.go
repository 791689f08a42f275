package consensus

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"sync"
	"time"

	cmtcrypto "github.com/cometbft/cometbft/crypto"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/huchain/huchain/types"
)

// errFollowing is why a validator whose vote state is missing does not sign.
var errFollowing = errors.New("vote state is missing: following without signing")

// stepPrecommit is the last step of a round in CometBFT's vote state.
const stepPrecommit = 3

// voteGuard is the validator's voting key behind the rule that it never votes twice.
//
// CometBFT's vote state (vote.json) remembers the last vote. If the file is missing, the
// validator cannot know what it has signed, so it follows without signing until a
// block is committed above any height it could have signed:
//
//   - Let T be the moment this process started. Everything signed with the lost state
//     was signed before T.
//   - Let B be the first committed block whose time is after T plus Params.ClockMargin.
//     Block time is the median of its predecessor's votes, so an honest validator makes
//     no such block before T, and none was voted for by more than two thirds before T.
//     The lost state can have reached B's height, in a round without a decision, but
//     no higher.
//   - So once B is committed the vote state is written anew, past every round of B's
//     height, and signing begins with the height after it.
//
// A chain at height 0 has nothing to protect: there a missing file is simply written.
// The same rule starts when the file is older than a vote of ours in a stored commit,
// which is what a restored backup looks like. It costs one validator's votes until the
// next block; where so many validators lost their state that no block can be made, an
// operator must decide that none of them runs elsewhere, and create the files.
type voteGuard struct {
	log    *slog.Logger
	margin time.Duration
	file   string // vote.json
	start  time.Time
	// peerHeight is the greatest height a peer is known to work at, 0 if none is.
	peerHeight func() int64

	mu        sync.Mutex
	pv        *privval.FilePV
	following bool
	committed int64 // greatest height seen committed
}

var _ cmttypes.PrivValidator = (*voteGuard)(nil)

// openVoteGuard reads key and vote state. A damaged vote state is an error (HC-6101),
// not a missing one: the operator may still be able to repair it.
func openVoteGuard(k Keys, margin time.Duration, log *slog.Logger, now time.Time) (*voteGuard, error) {
	key, err := readConsensusKey(k.ConsensusKeyFile)
	if err != nil {
		return nil, err
	}
	g := &voteGuard{
		log: log, margin: margin, file: k.VoteFile, start: now,
		pv:         privval.NewFilePV(key, k.ConsensusKeyFile, k.VoteFile),
		peerHeight: func() int64 { return 0 },
	}
	raw, err := os.ReadFile(k.VoteFile)
	if errors.Is(err, fs.ErrNotExist) {
		g.following = true
		return g, nil
	}
	if err != nil {
		return nil, types.Errorf(types.CodeKeyFile, "vote state: %w", err)
	}
	var state privval.FilePVLastSignState
	if err := cmtjson.Unmarshal(raw, &state); err != nil {
		return nil, types.Errorf(types.CodeKeyFile, "vote state %s is damaged: %v", k.VoteFile, err)
	}
	// The file's path is an unexported field of the state that NewFilePV made.
	s := &g.pv.LastSignState
	s.Height, s.Round, s.Step, s.Signature, s.SignBytes = state.Height, state.Round, state.Step, state.Signature, state.SignBytes
	return g, nil
}

// inspect is told the stored tip before consensus starts: its height and the commit
// that was seen for it, if any.
func (g *voteGuard) inspect(height int64, seen *cmttypes.Commit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.committed = height
	if !g.following && seen != nil && seen.Height > g.pv.LastSignState.Height {
		for _, s := range seen.Signatures {
			if s.BlockIDFlag == cmttypes.BlockIDFlagCommit && s.ValidatorAddress.String() == g.pv.Key.Address.String() {
				g.following = true
				g.log.Error("vote state is older than a stored vote of this validator", "voteHeight", g.pv.LastSignState.Height, "storedHeight", seen.Height)
			}
		}
	}
	if g.following {
		g.log.Warn("vote state is missing; this validator follows without signing until a block is committed above any height it could have signed", "file", g.file, "height", height)
	}
}

// blockCommitted is told of every block this node commits, synced or voted on.
func (g *voteGuard) blockCommitted(height int64, blockTime time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.committed = max(g.committed, height)
	if !g.following || !blockTime.After(g.start.Add(g.margin)) {
		return nil
	}
	if err := g.writeState(height); err != nil {
		return err
	}
	g.log.Info("vote state written anew; signing from the next height", "height", height+1)
	return nil
}

// writeState makes the vote state say that all of height was signed.
func (g *voteGuard) writeState(height int64) error {
	s := &g.pv.LastSignState
	s.Height, s.Round, s.Step, s.Signature, s.SignBytes = height, math.MaxInt32, stepPrecommit, nil, nil
	if height == 0 {
		s.Round, s.Step = 0, 0
	}
	if err := guardKeyFile("write vote state", func() error { s.Save(); return nil }); err != nil {
		return err
	}
	g.following = false
	return nil
}

// isFollowing reports whether the validator waits before it may sign.
func (g *voteGuard) isFollowing() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.following
}

// GetPubKey returns the public key of votes.
func (g *voteGuard) GetPubKey() (cmtcrypto.PubKey, error) { return g.pv.Key.PubKey, nil }

// SignVote signs a vote unless it is not safe to. A precommit for a block from height 2
// on must carry the header signature: peers refuse it otherwise.
func (g *voteGuard) SignVote(chainID string, vote *cmtproto.Vote) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.maySign(); err != nil {
		return err
	}
	if vote.Type == cmtproto.PrecommitType && vote.Height >= 2 && len(vote.Extension) == 0 && !cmttypes.ProtoBlockIDIsNil(&vote.BlockID) {
		return errors.New("precommit without a header signature")
	}
	return guardSigning(func() error { return g.pv.SignVote(chainID, vote) })
}

// SignProposal signs a proposal unless it is not safe to.
func (g *voteGuard) SignProposal(chainID string, p *cmtproto.Proposal) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.maySign(); err != nil {
		return err
	}
	return guardSigning(func() error { return g.pv.SignProposal(chainID, p) })
}

func (g *voteGuard) maySign() error {
	if !g.following {
		return nil
	}
	if g.committed > 0 || g.peerHeight() > 1 {
		return errFollowing
	}
	return g.writeState(0)
}

// guardSigning turns a panic of the vote state, which it raises when its file cannot be
// written, into an error: the vote is then not sent.
func guardSigning(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("write vote state: %v", r)
		}
	}()
	return f()
}
