// Package envelope encrypts and authenticates data at rest and in messages with
// SM4-GCM (GB/T 32907-2016, GB/T 36624-2018; the vectors are those of RFC 8998).
package envelope

import (
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/huchain/huchain/crypto/internal/sm4gcm"
)

const (
	// KeySize is the size of an SM4 key in bytes.
	KeySize = 16
	// Overhead is by how many bytes an envelope is longer than its plaintext.
	Overhead = headerSize + nonceSize + tagSize

	headerSize = 4
	nonceSize  = 12
	tagSize    = 16
)

// header opens every envelope: "HCE" and the format version. Version 1 is SM4-GCM with
// a random 96-bit nonce and a 128-bit tag. The header is authenticated, so that an
// envelope of a later version cannot be passed off as one of this.
var header = [headerSize]byte{'H', 'C', 'E', 1}

// ErrOpen says that an envelope was altered, cut, sealed under another key or bound to
// other data. It does not say which, on purpose.
var ErrOpen = errors.New("envelope does not open: wrong key, altered content, or bound to other data")

// Key is an SM4 key ready for use. It is safe for concurrent use and never prints itself.
type Key struct{ aead cipher.AEAD }

// NewKey prepares a key of KeySize bytes, of which it keeps no reference. The bytes must
// be uniformly random; a passphrase is no key.
func NewKey(raw []byte) (*Key, error) {
	if len(raw) != KeySize {
		return nil, fmt.Errorf("SM4 key of %d bytes, want %d", len(raw), KeySize)
	}
	aead, err := sm4gcm.New(raw)
	if err != nil {
		return nil, fmt.Errorf("SM4-GCM: %w", err)
	}
	return &Key{aead}, nil
}

// String hides the key.
func (k *Key) String() string { return "SM4 key" }

// GoString hides the key.
func (k *Key) GoString() string { return k.String() }

// Seal returns header‖nonce‖ciphertext‖tag, Overhead bytes longer than plaintext, of at
// most 64 GiB. Open must be given the same bound, which is authenticated but not stored:
// name there what the content is and where it belongs, so that envelopes cannot be
// swapped. One key may seal up to 2^32 envelopes (NIST SP 800-38D section 8.3).
func (k *Key) Seal(plaintext, bound []byte) ([]byte, error) {
	return k.AppendSeal(make([]byte, 0, len(plaintext)+Overhead), plaintext, bound)
}

// AppendSeal is Seal behind what dst holds, whose room MUST NOT overlap the plaintext.
func (k *Key) AppendSeal(dst, plaintext, bound []byte) ([]byte, error) {
	var nonce [nonceSize]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return nil, fmt.Errorf("draw nonce: %w", err)
	}
	dst = append(append(slices.Grow(dst, len(plaintext)+Overhead), header[:]...), nonce[:]...)
	return k.aead.Seal(dst, nonce[:], plaintext, additional(bound)), nil
}

// Open returns the plaintext of an envelope, or ErrOpen. Nothing is released before the
// tag is checked.
func (k *Key) Open(sealed, bound []byte) ([]byte, error) {
	if len(sealed) < Overhead || [headerSize]byte(sealed) != header {
		return nil, ErrOpen
	}
	nonce, content := sealed[headerSize:headerSize+nonceSize], sealed[headerSize+nonceSize:]
	plaintext, err := k.aead.Open(nil, nonce, content, additional(bound))
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// additional is the associated data: header‖bound. The header has a fixed size, so the
// two cannot run into each other.
func additional(bound []byte) []byte { return slices.Concat(header[:], bound) }
