// Package signer keeps a validator's keys: the ed25519 key of CometBFT's votes with the
// vote state that keeps it from voting twice, and the SM2 key of finality certificates.
//
// They lie in files beside the node (File), or in a process of their own (Server), which
// nodes reach over TLCP or a Unix socket (Remote). However many nodes are started with
// one key, a Server answers them one after the other from one vote state, so no two of
// its signatures contradict each other.
package signer

import (
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
)

// Voter is a validator's voting key behind its vote state: it refuses to sign what
// contradicts an earlier signature, or is older. Implementations are safe for concurrent
// use. Chain is CometBFT's chain id.
type Voter interface {
	// PublicKey is the ed25519 key of votes.
	PublicKey() [32]byte
	// LastHeight is the height of the newest signature; known is false if the vote state
	// is missing: the voter then signs nothing until Advance is called. The error is
	// HC-6104 while the voter cannot be asked.
	LastHeight() (height int64, known bool, err error)
	// SignVote adds signature and, for a precommit of a block, extension signature.
	SignVote(chain string, v *cmtproto.Vote) error
	SignProposal(chain string, p *cmtproto.Proposal) error
	// Advance makes the vote state say that all of height was signed. It never goes
	// back. Height 0 makes an empty state where it is missing.
	Advance(height int64) error
	// Close gives the key up; nothing is signed afterwards.
	Close() error
}
