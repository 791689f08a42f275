package consensus

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	cmtcrypto "github.com/cometbft/cometbft/crypto"
	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/huchain/huchain/consensus/signer"
	"github.com/huchain/huchain/types"
)

// errFollowing is why a validator whose vote state is missing does not sign.
var errFollowing = errors.New("vote state is missing: following without signing")

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
// Before the first height of a chain, or of one that was restarted and so has votes of
// another kind, there is nothing to protect: there a missing file is simply written.
// The same rule starts when the file is older than a vote of ours in a stored commit,
// which is what a restored backup looks like. It costs one validator's votes until the
// next block; where so many validators lost their state that no block can be made, an
// operator must decide that none of them runs elsewhere, and create the files.
type voteGuard struct {
	log    *slog.Logger
	margin time.Duration
	start  time.Time
	pub    cmted25519.PubKey
	// peerHeight is the greatest height a peer is known to work at, 0 if none is.
	peerHeight func() int64
	initial    int64 // lowest height of the votes this guards

	mu        sync.Mutex
	votes     signer.Voter
	following bool
	committed int64            // greatest height seen committed
	voted     int64            // of a stored commit with a vote of this validator
	missed    []*cmtproto.Vote // of one round, unsigned
}

var _ cmttypes.PrivValidator = (*voteGuard)(nil)

// openVoteGuard opens key and vote state.
func openVoteGuard(k Keys, margin time.Duration, log *slog.Logger, now time.Time) (*voteGuard, error) {
	votes, err := k.open()
	if err != nil {
		return nil, err
	}
	pub := votes.PublicKey()
	return &voteGuard{log: log, margin: margin, start: now, pub: pub[:], votes: votes, initial: 1, peerHeight: func() int64 { return 0 }}, nil
}

// address is what CometBFT calls this validator.
func (g *voteGuard) address() cmttypes.Address { return g.pub.Address() }

// close gives the key up.
func (g *voteGuard) close() {
	if err := g.votes.Close(); err != nil {
		g.log.Warn("voting key not closed", "err", err)
	}
}

// inspect is told the stored tip before consensus starts: its height and the commit
// that was seen for it, if any.
func (g *voteGuard) inspect(height int64, seen *cmttypes.Commit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.committed = height
	if seen != nil {
		for _, s := range seen.Signatures {
			if s.BlockIDFlag == cmttypes.BlockIDFlagCommit && s.ValidatorAddress.String() == g.address().String() {
				g.voted = seen.Height
			}
		}
	}
	if err := g.look(); err != nil {
		g.log.Error("vote state cannot be read; this validator does not vote", "err", err)
	}
}

// look finds out whether the vote state is missing, or older than a vote that is known.
// A signer may be away at the start, so this is asked before each signature.
func (g *voteGuard) look() error {
	last, known, err := g.votes.LastHeight()
	if err != nil || g.following || known && last >= g.voted {
		return err
	}
	g.following = true
	if known {
		g.log.Error("vote state is older than a stored vote of this validator", "voteHeight", last, "storedHeight", g.voted)
	}
	g.log.Warn("vote state is missing; this validator follows without signing until a block is committed above any height it could have signed", "height", g.committed)
	return nil
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
	if err := g.votes.Advance(height); err != nil {
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
func (g *voteGuard) GetPubKey() (cmtcrypto.PubKey, error) { return g.pub, nil }

// SignVote signs a vote unless it is not safe to. A vote that is not signed because the
// signer is away is remembered: consensus asks once and would wait for it for ever where
// it is needed, see retry.
func (g *voteGuard) SignVote(chainID string, vote *cmtproto.Vote) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := g.signVote(chainID, vote)
	if types.CodeOf(err) == types.CodeSigner {
		if len(g.missed) > 0 && (g.missed[0].Height != vote.Height || g.missed[0].Round != vote.Round) {
			g.missed = nil
		}
		missed := *vote
		g.missed = append(g.missed, &missed)
	}
	return err
}

// signVote signs a vote. A precommit for a block from height 2 on must carry the header
// signature: peers refuse it otherwise.
func (g *voteGuard) signVote(chainID string, vote *cmtproto.Vote) error {
	if err := g.maySign(); err != nil {
		return err
	}
	if extends(vote) && len(vote.Extension) == 0 {
		return types.Errorf(types.CodeSigner, "precommit without a header signature")
	}
	return g.votes.SignVote(chainID, vote)
}

// extends reports whether a vote must carry a header signature.
func extends(vote *cmtproto.Vote) bool {
	return vote.Type == cmtproto.PrecommitType && vote.Height >= 2 && !cmttypes.ProtoBlockIDIsNil(&vote.BlockID)
}

// retry signs the votes that were missed in the round at hand, in their order, once the
// signer is back, and hands them to consensus. To the other validators they are votes
// that were long under way.
func (g *voteGuard) retry(chainID string, extension func(height int64) ([]byte, error), add func(*cmttypes.Vote)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.missed) > 0 {
		vote := *g.missed[0]
		err := errors.New("its height is decided")
		if vote.Height > g.committed {
			if err = nil; extends(&vote) && len(vote.Extension) == 0 {
				vote.Extension, err = extension(vote.Height)
			}
			if err == nil {
				err = g.signVote(chainID, &vote)
			}
		}
		if types.CodeOf(err) == types.CodeSigner {
			return
		}
		g.missed = g.missed[1:]
		signed, ferr := cmttypes.VoteFromProto(&vote)
		if err = errors.Join(err, ferr); err != nil {
			g.log.Info("missed vote is not given any more", "height", vote.Height, "round", vote.Round, "err", err)
			continue
		}
		g.log.Info("missed vote is given", "height", vote.Height, "round", vote.Round)
		add(signed)
	}
}

// SignProposal signs a proposal unless it is not safe to.
func (g *voteGuard) SignProposal(chainID string, p *cmtproto.Proposal) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.maySign(); err != nil {
		return err
	}
	return g.votes.SignProposal(chainID, p)
}

func (g *voteGuard) maySign() error {
	if err := g.look(); err != nil || !g.following {
		return err
	}
	if g.committed >= g.initial || g.peerHeight() > g.initial {
		return errFollowing
	}
	return g.writeState(0)
}
