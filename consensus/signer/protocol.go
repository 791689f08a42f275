package signer

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// A connection carries requests and their answers in turn, each as
//
//	length of the rest (4 bytes, big-endian) ‖ kind (1 byte) ‖ body
//
// The first request is a greeting; any other ends a connection that has not greeted.
// Votes and proposals are CometBFT's protobuf messages, without their signatures in a
// request and with them in the answer.
const (
	protocolVersion = 1
	maxFrame        = 4 << 10 // kind and body

	kindHello    byte = 1 // version ‖ chain id → keys ‖ known (1) ‖ last height (8)
	kindVote     byte = 2
	kindProposal byte = 3
	kindMessage  byte = 4 // for the SM2 key → signature
	kindAdvance  byte = 5 // height (8) → nothing

	kindDone    byte = 0x80 // of an answer
	kindRefused byte = 0x81 // code (2) ‖ text
)

const (
	helloSize    = crypto.PublicKeySize + 32 + 1 + 8
	maxChainName = 64
	maxRefusal   = 512
)

func writeFrame(w io.Writer, kind byte, body []byte) error {
	if len(body)+1 > maxFrame {
		return fmt.Errorf("message of %d bytes, at most %d", len(body)+1, maxFrame)
	}
	out := binary.BigEndian.AppendUint32(make([]byte, 0, 5+len(body)), uint32(1+len(body)))
	_, err := w.Write(append(append(out, kind), body...))
	return err
}

func readFrame(r io.Reader) (kind byte, body []byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 1 || n > maxFrame {
		return 0, nil, fmt.Errorf("message of %d bytes, must be 1 to %d", n, maxFrame)
	}
	raw := make([]byte, n)
	if _, err := io.ReadFull(r, raw); err != nil {
		return 0, nil, fmt.Errorf("message cut short: %w", err)
	}
	return raw[0], raw[1:], nil
}

// hello is the answer to a greeting.
type hello struct {
	keys  PublicKeys
	known bool
	last  int64
}

// PublicKeys are the public halves of a validator's keys.
type PublicKeys struct {
	SM2     crypto.PublicKey `json:"sm2"`     // of headers
	Ed25519 crypto.Hash      `json:"ed25519"` // of votes: 32 bytes, though no hash
}

func (h *hello) encode() []byte {
	out := append(make([]byte, 0, helloSize), h.keys.SM2[:]...)
	out = append(out, h.keys.Ed25519[:]...)
	if h.known {
		return binary.BigEndian.AppendUint64(append(out, 1), uint64(h.last))
	}
	return binary.BigEndian.AppendUint64(append(out, 0), 0)
}

func decodeHello(b []byte) (*hello, error) {
	if len(b) != helloSize {
		return nil, fmt.Errorf("greeting of %d bytes, want %d", len(b), helloSize)
	}
	h := new(hello)
	var err error
	if h.keys.SM2, err = crypto.ParsePublicKey(b[:crypto.PublicKeySize]); err != nil {
		return nil, err
	}
	b = b[crypto.PublicKeySize:]
	copy(h.keys.Ed25519[:], b)
	known, height := b[32], binary.BigEndian.Uint64(b[33:])
	if known > 1 || height > 1<<62 || known == 0 && height != 0 {
		return nil, fmt.Errorf("greeting with a vote state of %d at height %d", known, height)
	}
	h.known, h.last = known == 1, int64(height)
	return h, nil
}

func encodeRefusal(err error) []byte {
	text := err.Error()
	if len(text) > maxRefusal {
		text = text[:maxRefusal]
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(types.CodeOf(err))), text...)
}

// decodeRefusal returns the signer's error. A code that is no signer's to give, or text
// that cannot be read, does not come through.
func decodeRefusal(b []byte) error {
	if len(b) < 2 || len(b) > 2+maxRefusal {
		return types.Errorf(types.CodeSigner, "a refusal of %d bytes", len(b))
	}
	code := types.Code(binary.BigEndian.Uint16(b))
	if code != types.CodeVoteRefused && code != types.CodeKeyFile {
		code = types.CodeSigner
	}
	return types.Errorf(code, "the signer refuses: %q", b[2:])
}
