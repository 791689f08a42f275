// Package sealed seals and opens the encrypted fields of records, which package
// contracts/sdk/go/record stores: applications and the command line use it, so that the
// chain sees ciphertext alone.
//
// All fields of a record are sealed under one SM4 key, with SM4-GCM, each bound to its
// [Place]. The key is wrapped with SM2 to the owner and to each reader. Who stops being
// a reader keeps what it has seen: so the owner seals the content anew under a fresh
// key, which the contract demands.
package sealed

import (
	"bytes"
	"crypto/rand"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
)

// Bytes is binary data; its JSON is lower-case hex, as in contracts.
type Bytes []byte

// MarshalText returns lower-case hex.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

// UnmarshalText accepts lower-case hex.
func (b *Bytes) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	if err != nil || !bytes.Equal(text, bytes.ToLower(text)) {
		return errors.New("lower-case hex digits expected")
	}
	*b = raw
	return nil
}

// Place is where an envelope belongs. An envelope opens in its place alone, so that
// nobody can pass one field, record, contract or chain off as another.
type Place struct {
	Genesis  crypto.Hash // of the chain
	Contract string      // as evidence
	Record   string      // kind of record, as case
	Key      string      // of the record, as its text in JSON
	Field    string      // JSON name of the field
}

// bound is what the envelope authenticates: the parts behind their lengths.
func (p *Place) bound() []byte {
	out := append([]byte("huchain-record-field\x00"), p.Genesis[:]...)
	for _, s := range []string{p.Contract, p.Record, p.Key, p.Field} {
		n := len(s)
		out = append(out, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		out = append(out, s...)
	}
	return out
}

// Key is the SM4 key of one record. It never prints itself and is safe for concurrent
// use.
type Key struct {
	raw [envelope.KeySize]byte
	sm4 *envelope.Key
}

// NewKey draws a key. Draw one for each record, and another whenever a reader leaves.
func NewKey() (*Key, error) {
	var raw [envelope.KeySize]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return nil, fmt.Errorf("draw key: %w", err)
	}
	return newKey(raw)
}

func newKey(raw [envelope.KeySize]byte) (*Key, error) {
	sm4, err := envelope.NewKey(raw[:])
	if err != nil {
		return nil, err
	}
	return &Key{raw, sm4}, nil
}

// String hides the key.
func (k *Key) String() string { return "record key " + hex.EncodeToString(k.ID()) }

// GoString hides the key.
func (k *Key) GoString() string { return k.String() }

// ID returns the first 16 bytes of SM3("huchain-record-key" ‖ key), by which readers
// know that they were given the key the envelopes are sealed under.
func (k *Key) ID() Bytes {
	sum := crypto.Sum([]byte("huchain-record-key"), k.raw[:])
	return sum[:16]
}

// Seal returns the envelope of a value, as its JSON, in a place. Values have the JSON
// form of the field's type: text and decimals are strings.
func (k *Key) Seal(at Place, value any) (Bytes, error) {
	plain, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", at.Field, err)
	}
	return k.sm4.Seal(plain, at.bound())
}

// Open puts the value of an envelope that was sealed in a place into what value points
// to. Errors: envelope.ErrOpen if the envelope was altered, belongs elsewhere, or is
// sealed under another key.
func (k *Key) Open(at Place, sealed Bytes, value any) error {
	plain, err := k.sm4.Open(sealed, at.bound())
	if err != nil {
		return fmt.Errorf("open %s: %w", at.Field, err)
	}
	if err := json.Unmarshal(plain, value); err != nil {
		return fmt.Errorf("open %s: %w", at.Field, err)
	}
	return nil
}

// Keys is a record's key wrapped to those who may read; its JSON is the record's field
// "keys".
type Keys struct {
	ID    Bytes  `json:"id"`
	Wraps []Wrap `json:"wraps"`
}

// Wrap is the key encrypted to one party: a member org/name, an organisation or a DID.
type Wrap struct {
	To  string `json:"to"`
	Key Bytes  `json:"key"` // 113 bytes, C1‖C3‖C2 of GB/T 32918.4
}

// Reader is a party and the public key it opens wraps with. The caller MUST have
// checked, by certificate or DID document, that the key is the party's: the contract
// cannot.
type Reader struct {
	Party string
	Key   crypto.PublicKey
}

// Wrap encrypts the key to one more reader.
func (k *Key) Wrap(to Reader) (Wrap, error) {
	der, err := to.Key.Encrypt(rand.Reader, k.raw[:])
	if err != nil {
		return Wrap{}, fmt.Errorf("wrap key for %s: %w", to.Party, err)
	}
	w, err := fromDER(der)
	if err != nil {
		return Wrap{}, fmt.Errorf("wrap key for %s: %w", to.Party, err)
	}
	return Wrap{to.Party, w}, nil
}

// WrapAll encrypts the key to the owner and all readers.
func (k *Key) WrapAll(readers ...Reader) (Keys, error) {
	out := Keys{ID: k.ID(), Wraps: []Wrap{}}
	for _, r := range readers {
		w, err := k.Wrap(r)
		if err != nil {
			return Keys{}, err
		}
		out.Wraps = append(out.Wraps, w)
	}
	return out, nil
}

// ErrNotReader says that a record's key is not wrapped to a party.
var ErrNotReader = errors.New("the record's key is not wrapped to this party")

// ErrWrongKey says that a wrap holds another key than the record names: whoever wrapped
// it made a mistake, or cheats.
var ErrWrongKey = errors.New("the wrapped key is not the one the record names")

// Unwrap opens the wrap of a party with its private key. Errors: ErrNotReader,
// ErrWrongKey, and those of private for a wrap that is altered or another key's.
func Unwrap(keys Keys, party string, private crypto.Decrypter) (*Key, error) {
	for _, w := range keys.Wraps {
		if w.To != party {
			continue
		}
		der, err := toDER(w.Key)
		if err != nil {
			return nil, fmt.Errorf("unwrap key of %s: %w", party, err)
		}
		raw, err := private.Decrypt(der)
		if err != nil {
			return nil, fmt.Errorf("unwrap key of %s: %w", party, err)
		}
		if len(raw) != envelope.KeySize {
			return nil, ErrWrongKey
		}
		k, err := newKey([envelope.KeySize]byte(raw))
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(k.ID(), keys.ID) {
			return nil, ErrWrongKey
		}
		return k, nil
	}
	return nil, fmt.Errorf("%s: %w", party, ErrNotReader)
}

// cipher is the form of SM2 ciphertexts in GB/T 35276-2017 section 7.2, which keys take
// and give. Records hold C1‖C3‖C2, whose length is fixed, so that contracts can check it.
type cipher struct {
	X, Y         *big.Int
	Hash, Cipher []byte
}

const wrapBytes = crypto.PublicKeySize + crypto.HashSize + envelope.KeySize

func fromDER(der []byte) (Bytes, error) {
	var c cipher
	rest, err := asn1.Unmarshal(der, &c)
	if err != nil || len(rest) > 0 || c.X.BitLen() > 256 || c.Y.BitLen() > 256 {
		return nil, errors.New("SM2 ciphertext is not of the form of GB/T 35276")
	}
	out := make([]byte, crypto.PublicKeySize, wrapBytes)
	out[0] = 4
	c.X.FillBytes(out[1:33])
	c.Y.FillBytes(out[33:])
	out = append(append(out, c.Hash...), c.Cipher...)
	if len(out) != wrapBytes {
		return nil, fmt.Errorf("wrapped key of %d bytes, want %d", len(out), wrapBytes)
	}
	return out, nil
}

func toDER(w Bytes) ([]byte, error) {
	if len(w) != wrapBytes || w[0] != 4 {
		return nil, errors.New("malformed wrapped key")
	}
	return asn1.Marshal(cipher{new(big.Int).SetBytes(w[1:33]), new(big.Int).SetBytes(w[33:65]), w[65:97], w[97:]})
}
