package signer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Headers is the SM2 key of a validator behind what it may sign: headers of one chain,
// one of each height and none below an earlier one, and the proof that the key is held.
// It remembers the newest signature and answers a repeated request with it, so that keys
// in devices, which draw a nonce at each signature, still give one signature for a header.
type Headers struct {
	key     crypto.Signer
	genesis crypto.Hash
	file    string

	mu   sync.Mutex
	last lastHeader
}

var _ crypto.Signer = (*Headers)(nil)

// lastHeader is the content of the file: the newest header that was signed.
type lastHeader struct {
	Genesis   crypto.Hash `json:"genesis"`
	Height    uint64      `json:"height"`
	Digest    crypto.Hash `json:"digest"` // SM3 of the header
	Signature []byte      `json:"signature,omitempty"`
}

const maxStateFile = 4 << 10

// OpenHeaders guards key for the chain of a genesis hash. file keeps the newest header;
// it is made at the first signature. HC-6101 if it is damaged or of another chain.
func OpenHeaders(key crypto.Signer, genesis crypto.Hash, file string) (*Headers, error) {
	h := &Headers{key: key, genesis: genesis, file: file, last: lastHeader{Genesis: genesis}}
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return nil, types.Errorf(types.CodeKeyFile, "header state: %w", err)
	}
	if info.Size() > maxStateFile {
		return nil, types.Errorf(types.CodeKeyFile, "header state %s is damaged", file)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, types.Errorf(types.CodeKeyFile, "header state: %w", err)
	}
	if err := json.Unmarshal(raw, &h.last); err != nil || len(h.last.Signature) != crypto.SignatureSize {
		return nil, types.Errorf(types.CodeKeyFile, "header state %s is damaged", file)
	}
	if h.last.Genesis != genesis {
		return nil, types.Errorf(types.CodeKeyFile, "header state %s is of another chain, with the genesis hash %s", file, h.last.Genesis)
	}
	return h, nil
}

// Public implements crypto.Signer.
func (h *Headers) Public() crypto.PublicKey { return h.key.Public() }

// Sign implements crypto.Signer. HC-6105 for what this key may not sign.
func (h *Headers) Sign(message []byte) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if possession := append([]byte(types.PossessionPurpose), h.genesis[:]...); bytes.HasPrefix(message, possession) {
		return h.key.Sign(message)
	}
	header, err := types.DecodeHeader(message)
	if err != nil {
		return nil, types.Errorf(types.CodeVoteRefused, "neither a header nor a proof of possession of this chain: %w", err)
	}
	digest := crypto.Sum(message)
	switch {
	case header.Genesis != h.genesis:
		return nil, types.Errorf(types.CodeVoteRefused, "header of another chain, with the genesis hash %s", header.Genesis)
	case header.Height < h.last.Height:
		return nil, types.Errorf(types.CodeVoteRefused, "header of height %d, below %d that was signed before", header.Height, h.last.Height)
	case header.Height == h.last.Height && digest == h.last.Digest:
		return bytes.Clone(h.last.Signature), nil
	case header.Height == h.last.Height:
		return nil, types.Errorf(types.CodeVoteRefused, "a second header of height %d", header.Height)
	}
	signature, err := h.key.Sign(message)
	if err != nil {
		return nil, err
	}
	next := lastHeader{Genesis: h.genesis, Height: header.Height, Digest: digest, Signature: signature}
	if err := next.write(h.file); err != nil {
		return nil, fmt.Errorf("write header state: %w", err)
	}
	h.last = next
	return bytes.Clone(signature), nil
}

// write replaces the file, whole and synced.
func (l *lastHeader) write(file string) error {
	raw, err := json.Marshal(l)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".header-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err = tmp.Write(append(raw, '\n')); err == nil {
		err = tmp.Sync()
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}
