package consensus

import (
	"github.com/huchain/huchain/consensus/signer"
	"github.com/huchain/huchain/crypto"
)

// Keys are the keys of one node of one chain. The files stand in the chain's keys/
// folder, readable by their owner alone, and belong into no backup of data/.
type Keys struct {
	// Header signs headers and vouches for this node as a validator. A follower has
	// none: it then signs nothing at all, whatever the files hold.
	Header crypto.Signer
	// Votes is the voting key in another process, which this node closes; nil: that of
	// the files.
	Votes signer.Voter
	// ConsensusKeyFile holds the ed25519 key of votes (consensus.json).
	ConsensusKeyFile string
	// VoteFile holds the height, round and step of the last vote (vote.json). It keeps
	// a validator from voting twice, so it must never be copied, restored or deleted.
	VoteFile string
}

// KeyInfo is the public side of the key files.
type KeyInfo struct {
	Ed25519 [32]byte // public key of votes, as it stands in types.Validator
}

func (k Keys) files() signer.Files { return signer.Files{Key: k.ConsensusKeyFile, Votes: k.VoteFile} }

// CreateKeys makes the consensus key and its empty vote state. It refuses with HC-1011 if one of the files exists.
func CreateKeys(k Keys) (KeyInfo, error) {
	if err := k.files().Create(); err != nil {
		return KeyInfo{}, err
	}
	return ReadKeys(k)
}

// ReadKeys reads the public side of the key files; HC-6101 if one is missing or damaged.
func ReadKeys(k Keys) (info KeyInfo, err error) {
	info.Ed25519, err = k.files().PublicKey()
	return info, err
}

// open returns the voting key.
func (k Keys) open() (signer.Voter, error) {
	if k.Votes != nil {
		return k.Votes, nil
	}
	return k.files().Open()
}
