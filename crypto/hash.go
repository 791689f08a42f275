package crypto

import (
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/emmansun/gmsm/sm3"
)

// HashSize is the size of an SM3 digest in bytes.
const HashSize = 32

// Hash is an SM3 digest (GB/T 32905-2016). Its text form is 64 lower-case hex
// digits; the zero Hash stands for "nothing" (an empty tree, no predecessor).
type Hash [HashSize]byte

// Sum returns SM3 of the concatenation of parts.
func Sum(parts ...[]byte) Hash {
	if len(parts) == 1 {
		return sm3.Sum(parts[0])
	}
	d := sm3.New()
	for _, p := range parts {
		d.Write(p)
	}
	var h Hash
	d.Sum(h[:0])
	return h
}

// NewHash returns a running SM3, for what comes in pieces.
func NewHash() hash.Hash { return sm3.New() }

// ParseHash reads the text form of a Hash.
func ParseHash(s string) (Hash, error) {
	var h Hash
	err := h.UnmarshalText([]byte(s))
	return h, err
}

// HashFromBytes takes a Hash from exactly HashSize bytes.
func HashFromBytes(b []byte) (Hash, error) {
	if len(b) != HashSize {
		return Hash{}, fmt.Errorf("hash of %d bytes, want %d", len(b), HashSize)
	}
	return Hash(b), nil
}

// IsZero reports whether h is the zero Hash.
func (h Hash) IsZero() bool { return h == Hash{} }

// String returns 64 lower-case hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText returns 64 lower-case hex digits.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText accepts 64 lower-case hex digits and nothing else.
func (h *Hash) UnmarshalText(b []byte) error { return decodeHex(h[:], b) }

func decodeHex(dst, src []byte) error {
	if len(src) != 2*len(dst) {
		return fmt.Errorf("%d hex digits, want %d", len(src), 2*len(dst))
	}
	for _, c := range src {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return fmt.Errorf("%q is not a lower-case hex digit", c)
		}
	}
	_, err := hex.Decode(dst, src)
	return err
}
