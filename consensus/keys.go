package consensus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/privval"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Keys are the keys of one node of one chain. The files stand in the chain's keys/
// folder, readable by their owner alone, and belong into no backup of data/.
type Keys struct {
	// Header signs headers and vouches for this node as a validator. A follower has
	// none: it then signs nothing at all, whatever the files hold.
	Header crypto.Signer
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

// CreateKeys makes the consensus key and its empty vote state. It refuses with HC-1011 if one of the files exists.
func CreateKeys(k Keys) (KeyInfo, error) {
	for _, f := range []string{k.ConsensusKeyFile, k.VoteFile} {
		if _, err := os.Stat(f); !errors.Is(err, fs.ErrNotExist) {
			return KeyInfo{}, types.Errorf(types.CodeAlreadyExists, "key file %s", f)
		}
		if err := os.MkdirAll(filepath.Dir(f), 0o700); err != nil {
			return KeyInfo{}, types.Errorf(types.CodeKeyFile, "create key folder: %w", err)
		}
	}
	err := guardKeyFile("create key files", func() error {
		privval.NewFilePV(cmted25519.GenPrivKey(), k.ConsensusKeyFile, k.VoteFile).Save()
		return nil
	})
	if err != nil {
		return KeyInfo{}, err
	}
	return ReadKeys(k)
}

// ReadKeys reads the public side of the key files; HC-6101 if one is missing or damaged.
func ReadKeys(k Keys) (KeyInfo, error) {
	var info KeyInfo
	key, err := readConsensusKey(k.ConsensusKeyFile)
	if err != nil {
		return info, err
	}
	copy(info.Ed25519[:], key.PubKey().Bytes())
	return info, nil
}

// readConsensusKey reads the file format of CometBFT's FilePV. Its own loader ends the
// process when the file is missing or damaged.
func readConsensusKey(file string) (cmted25519.PrivKey, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, types.Errorf(types.CodeKeyFile, "consensus key: %w", err)
	}
	var key privval.FilePVKey
	err = guardKeyFile("consensus key "+file, func() error { return cmtjson.Unmarshal(raw, &key) })
	if err != nil {
		return nil, err
	}
	priv, ok := key.PrivKey.(cmted25519.PrivKey)
	if !ok || len(priv) != cmted25519.PrivateKeySize {
		return nil, types.Errorf(types.CodeKeyFile, "consensus key %s holds no ed25519 key", file)
	}
	return priv, nil
}

// guardKeyFile runs a call into CometBFT's key code, which panics on faults, and keeps
// what a decoder may quote of a key file out of the error.
func guardKeyFile(what string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = types.Errorf(types.CodeKeyFile, "%s: %w", what, redact(fmt.Errorf("%v", r)))
		}
	}()
	if err := f(); err != nil {
		return types.Errorf(types.CodeKeyFile, "%s: %w", what, redact(err))
	}
	return nil
}

// redact keeps errors of the file system, which name a path and a cause, and hides all
// others.
func redact(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr
	}
	return errors.New("the file is damaged")
}
