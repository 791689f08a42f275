package crypto

import (
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/emmansun/gmsm/sm2"

	"github.com/huchain/huchain/crypto/internal/sm2fast"
)

const (
	// PublicKeySize is the size of an uncompressed SM2 point: 0x04‖X‖Y.
	PublicKeySize = 65
	// SignatureSize is the size of an SM2 signature: r‖s, 32 big-endian bytes each.
	SignatureSize = 64
)

// userID is the identity every HuChain signature is made under, GM/T 0009-2012 section 10.
var userID = []byte("1234567812345678")

// PublicKey is an uncompressed SM2 point 0x04‖X‖Y. Values made by ParsePublicKey
// or a Signer lie on the curve; others make Verify return false.
type PublicKey [PublicKeySize]byte

// Signer signs as one SM2 key. Implementations are safe for concurrent use and
// deterministic: one message always gives the same signature.
type Signer interface {
	Public() PublicKey
	// Sign returns the 64-byte r‖s SM2-with-SM3 signature of msg.
	Sign(msg []byte) ([]byte, error)
}

// ParsePublicKey checks that b is an uncompressed point on the SM2 curve.
func ParsePublicKey(b []byte) (PublicKey, error) {
	if len(b) != PublicKeySize {
		return PublicKey{}, fmt.Errorf("SM2 public key of %d bytes, want %d", len(b), PublicKeySize)
	}
	k := PublicKey(b)
	if !sm2fast.ValidKey((*[PublicKeySize]byte)(&k)) {
		return PublicKey{}, errors.New("SM2 public key: not an uncompressed point of the curve")
	}
	return k, nil
}

// String returns 130 lower-case hex digits.
func (k PublicKey) String() string { return hex.EncodeToString(k[:]) }

// MarshalText returns 130 lower-case hex digits.
func (k PublicKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText accepts 130 lower-case hex digits of a point on the curve.
func (k *PublicKey) UnmarshalText(b []byte) error {
	var raw PublicKey
	if err := decodeHex(raw[:], b); err != nil {
		return err
	}
	parsed, err := ParsePublicKey(raw[:])
	if err != nil {
		return err
	}
	*k = parsed
	return nil
}

// Verify reports whether sig is a valid r‖s SM2-with-SM3 signature of msg under k. It
// keeps tables for the keys it meets often (see ReadVerifierStats) and runs in variable
// time, since nothing it sees is secret.
func (k PublicKey) Verify(msg, sig []byte) bool { return verifier.Verify((*[65]byte)(&k), msg, sig) }

// Check is one signature to verify; Pub is a PublicKey's bytes.
type Check = sm2fast.Check

// VerifyEach sets each ok to what PublicKey.Verify of that check would return. Each is
// verified by its own equation; many at a time take less.
func VerifyEach(checks []Check, ok []bool) { verifier.VerifyEach(checks, ok) }

// PrivateKey is an SM2 private key held in memory. It never prints itself.
type PrivateKey struct {
	key *sm2.PrivateKey
	pub PublicKey
}

var _ Signer = (*PrivateKey)(nil)

// GenerateKey makes a key from the randomness of rand (crypto/rand.Reader outside tests).
func GenerateKey(rand io.Reader) (*PrivateKey, error) {
	k, err := sm2.GenerateKey(rand)
	if err != nil {
		return nil, fmt.Errorf("generate SM2 key: %w", err)
	}
	return WrapPrivateKey(k)
}

// NewPrivateKey takes the 32-byte big-endian scalar d of a key.
func NewPrivateKey(d []byte) (*PrivateKey, error) {
	k, err := sm2.NewPrivateKey(d)
	if err != nil {
		return nil, errors.New("SM2 private key out of range") // never the value
	}
	return WrapPrivateKey(k)
}

// WrapPrivateKey takes a key of the gmsm library.
func WrapPrivateKey(k *sm2.PrivateKey) (*PrivateKey, error) {
	pub, err := publicKeyOf(&k.PublicKey)
	if err != nil {
		return nil, err
	}
	return &PrivateKey{key: k, pub: pub}, nil
}

func publicKeyOf(k *ecdsa.PublicKey) (PublicKey, error) {
	if k.X == nil || k.Y == nil {
		return PublicKey{}, errors.New("SM2 public key without a point")
	}
	var out PublicKey
	out[0] = 4
	k.X.FillBytes(out[1:33])
	k.Y.FillBytes(out[33:])
	return ParsePublicKey(out[:])
}

// Public returns the public half.
func (k *PrivateKey) Public() PublicKey { return k.pub }

// String hides the key.
func (k *PrivateKey) String() string { return "SM2 private key of " + k.pub.String()[:16] + "…" }

// GoString hides the key.
func (k *PrivateKey) GoString() string { return k.String() }

// Sign implements Signer with the RFC 6979 style nonce of gmsm (HMAC-SM3), so that a
// failing random source cannot leak the key and a repeated call gives the same bytes.
func (k *PrivateKey) Sign(msg []byte) ([]byte, error) {
	digest, err := sm2.CalculateSM2Hash(&k.key.PublicKey, msg, userID)
	if err != nil {
		return nil, fmt.Errorf("SM2 sign: %w", err)
	}
	der, err := sm2.SignDeterministic(k.key, digest, nil)
	if err != nil {
		return nil, fmt.Errorf("SM2 sign: %w", err)
	}
	return DecodeSignature(der)
}

// Unwrap returns the key of the gmsm library, for encoders of key files. It holds
// the secret: keep it as short as possible and never print it.
func (k *PrivateKey) Unwrap() *sm2.PrivateKey { return k.key }
