package signer

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"

	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"golang.org/x/sys/unix"

	"github.com/huchain/huchain/types"
)

// stepPrecommit is the last step of a round in CometBFT's vote state.
const stepPrecommit = 3

// Files are the voting key and its vote state, in the formats of CometBFT's FilePV,
// readable by their owner alone.
type Files struct {
	Key   string // consensus.json
	Votes string // vote.json; must never be copied, restored or deleted
}

// Create makes the key and its empty vote state. It refuses with HC-1011 if one of the
// files exists.
func (f Files) Create() error {
	for _, name := range []string{f.Key, f.Votes} {
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			return types.Errorf(types.CodeAlreadyExists, "key file %s", name)
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return types.Errorf(types.CodeKeyFile, "create key folder: %w", err)
		}
	}
	return guardKeyFile("create key files", func() error {
		privval.NewFilePV(cmted25519.GenPrivKey(), f.Key, f.Votes).Save()
		return nil
	})
}

// PublicKey reads the public half; HC-6101 if the file is missing or damaged.
func (f Files) PublicKey() (pub [32]byte, err error) {
	key, err := f.readKey()
	if err == nil {
		copy(pub[:], key.PubKey().Bytes())
	}
	return pub, err
}

// readKey reads the file format of FilePV, whose own loader ends the process when the
// file is missing or damaged.
func (f Files) readKey() (cmted25519.PrivKey, error) {
	raw, err := os.ReadFile(f.Key)
	if err != nil {
		return nil, types.Errorf(types.CodeKeyFile, "consensus key: %w", err)
	}
	var key privval.FilePVKey
	err = guardKeyFile("consensus key "+f.Key, func() error { return cmtjson.Unmarshal(raw, &key) })
	if err != nil {
		return nil, err
	}
	priv, ok := key.PrivKey.(cmted25519.PrivKey)
	if !ok || len(priv) != cmted25519.PrivateKeySize {
		return nil, types.Errorf(types.CodeKeyFile, "consensus key %s holds no ed25519 key", f.Key)
	}
	return priv, nil
}

// File is the Voter of two files. It holds a lock beside the vote state, so that no
// second process, or second File, votes from it.
type File struct {
	lock *os.File

	mu      sync.Mutex
	pv      *privval.FilePV
	missing bool
	closed  bool
}

var _ Voter = (*File)(nil)

// Open reads key and vote state. A damaged vote state is an error (HC-6101), not a
// missing one: the operator may still be able to repair it. HC-1005 if another process
// votes with this state.
func (f Files) Open() (*File, error) {
	key, err := f.readKey()
	if err != nil {
		return nil, err
	}
	v := &File{pv: privval.NewFilePV(key, f.Key, f.Votes)}
	if v.lock, err = lockFile(f.Votes + ".lock"); err != nil {
		return nil, err
	}
	if err := v.read(f.Votes); err != nil {
		v.lock.Close() //nolint:errcheck // the cause is what counts
		return nil, err
	}
	return v, nil
}

// lockFile takes a lock of the kernel, which ends with the process.
func lockFile(name string) (*os.File, error) {
	l, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, types.Errorf(types.CodeKeyFile, "lock of the vote state: %w", err)
	}
	for err = unix.EINTR; errors.Is(err, unix.EINTR); {
		err = unix.Flock(int(l.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		l.Close() //nolint:errcheck // the cause is what counts
		return nil, types.Errorf(types.CodeHomeLocked, "%s: another validator or signer votes with this key", name)
	}
	return l, nil
}

func (v *File) read(name string) error {
	raw, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		v.missing = true
		return nil
	}
	if err != nil {
		return types.Errorf(types.CodeKeyFile, "vote state: %w", err)
	}
	var state privval.FilePVLastSignState
	if err := cmtjson.Unmarshal(raw, &state); err != nil {
		return types.Errorf(types.CodeKeyFile, "vote state %s is damaged: %v", name, err)
	}
	// The file's path is an unexported field of the state that NewFilePV made.
	s := &v.pv.LastSignState
	s.Height, s.Round, s.Step, s.Signature, s.SignBytes = state.Height, state.Round, state.Step, state.Signature, state.SignBytes
	return nil
}

// PublicKey implements Voter.
func (v *File) PublicKey() (pub [32]byte) {
	copy(pub[:], v.pv.Key.PubKey.Bytes())
	return pub
}

// LastHeight implements Voter.
func (v *File) LastHeight() (int64, bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.pv.LastSignState.Height, !v.missing, nil
}

// SignVote implements Voter.
func (v *File) SignVote(chain string, vote *cmtproto.Vote) error {
	return v.sign(func() error { return v.pv.SignVote(chain, vote) })
}

// SignProposal implements Voter.
func (v *File) SignProposal(chain string, p *cmtproto.Proposal) error {
	return v.sign(func() error { return v.pv.SignProposal(chain, p) })
}

// sign turns a panic of the vote state, which it raises when its file cannot be written,
// into an error: the vote is then not sent.
func (v *File) sign(f func() error) (err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.closed:
		return errClosed
	case v.missing:
		return types.Errorf(types.CodeVoteRefused, "the vote state is missing")
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("write vote state: %v", r)
		}
	}()
	return f()
}

// Advance implements Voter.
func (v *File) Advance(height int64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return errClosed
	}
	s := &v.pv.LastSignState
	if height < 0 || height <= s.Height && !v.missing {
		return nil
	}
	before := *s
	s.Height, s.Round, s.Step, s.Signature, s.SignBytes = height, math.MaxInt32, stepPrecommit, nil, nil
	if height == 0 {
		s.Round, s.Step = 0, 0
	}
	if err := guardKeyFile("write vote state", func() error { s.Save(); return nil }); err != nil {
		s.Height, s.Round, s.Step, s.Signature, s.SignBytes = before.Height, before.Round, before.Step, before.Signature, before.SignBytes
		return err
	}
	v.missing = false
	return nil
}

// Close implements Voter.
func (v *File) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return nil
	}
	v.closed = true
	return v.lock.Close()
}

var errClosed = errors.New("the signer is closed")

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
