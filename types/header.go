package types

import (
	"bytes"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/huchain/huchain/crypto"
)

// MaxValidators bounds a validator set.
const MaxValidators = 128

// Validator is one voter: its SM2 key signs headers, its ed25519 key votes inside CometBFT.
type Validator struct {
	Key     crypto.PublicKey
	Ed25519 [32]byte
	Power   int64
}

// ValidatorSet is ordered by SM2 key; keys of either kind are unique and powers positive.
type ValidatorSet []Validator

// Encode returns the canonical bytes of the set.
func (s ValidatorSet) Encode() []byte {
	var out []byte
	for i := range s {
		var v []byte
		v = appendElement(v, 1, s[i].Key[:])
		v = appendElement(v, 2, s[i].Ed25519[:])
		v = appendUint(v, 3, uint64(s[i].Power))
		out = appendElement(out, 1, v)
	}
	return out
}

// DecodeValidatorSet reads the canonical bytes and checks the set.
func DecodeValidatorSet(in []byte) (ValidatorSet, error) {
	var set ValidatorSet
	r := reader{rest: in}
	for {
		item, ok := r.element(1, 256)
		if !ok {
			break
		}
		if len(set) == MaxValidators {
			return nil, fmt.Errorf("decode validator set: more than %d validators", MaxValidators)
		}
		var v Validator
		ir := reader{rest: item}
		okKey, okEd := ir.exact(1, v.Key[:]), ir.exact(2, v.Ed25519[:])
		v.Power = int64(ir.uint(3, 1<<40))
		if err := ir.done("validator"); err != nil {
			return nil, err
		}
		if !okKey || !okEd {
			return nil, errors.New("decode validator: both keys are required")
		}
		set = append(set, v)
	}
	if err := r.done("validator set"); err != nil {
		return nil, err
	}
	if err := set.Validate(); err != nil {
		return nil, fmt.Errorf("decode validator set: %w", err)
	}
	return set, nil
}

// Validate checks order, powers, that keys of either kind are unique and that SM2 keys
// lie on the curve.
func (s ValidatorSet) Validate() error {
	if len(s) == 0 || len(s) > MaxValidators {
		return fmt.Errorf("a validator set holds 1 to %d validators, not %d", MaxValidators, len(s))
	}
	for i := range s {
		if s[i].Power <= 0 || s[i].Power > 1<<40 {
			return fmt.Errorf("validator %d: power %d is out of range", i, s[i].Power)
		}
		if _, err := crypto.ParsePublicKey(s[i].Key[:]); err != nil {
			return fmt.Errorf("validator %d: %w", i, err)
		}
		if i > 0 && bytes.Compare(s[i-1].Key[:], s[i].Key[:]) >= 0 {
			return fmt.Errorf("validator %d: keys must ascend", i)
		}
		for j := range i {
			if s[j].Ed25519 == s[i].Ed25519 {
				return fmt.Errorf("validators %d and %d share an ed25519 key", j, i)
			}
		}
	}
	return nil
}

// Hash is SM3 of the canonical bytes.
func (s ValidatorSet) Hash() crypto.Hash { return crypto.Sum(s.Encode()) }

// Power is the sum of the voting powers.
func (s ValidatorSet) Power() int64 {
	var sum int64
	for i := range s {
		sum += s[i].Power
	}
	return sum
}

// Header is HuChain's own block header, which validators sign with SM2 once the block
// is decided. Its hash links the chain.
type Header struct {
	Genesis     crypto.Hash // genesis hash of the chain
	Height      uint64
	Time        int64       // Unix nanoseconds of block time
	CometHash   crypto.Hash // CometBFT's hash of the block (SHA-256)
	Previous    crypto.Hash // hash of the previous header; zero at height 1's predecessor
	Content     crypto.Hash // content root: the AppHash
	Archive     crypto.Hash // root over archived history; zero while nothing is archived
	Signers     crypto.Hash // hash of the set that votes at Height+1 and signs this header
	NextSigners crypto.Hash // hash of the set that votes at Height+2
	Protocol    uint32      // protocol version the block was executed under
}

// HeaderPurpose is the purpose tag in front of what validators sign.
const HeaderPurpose = "huchain/header/1"

// Encode returns the canonical bytes of the header.
func (h *Header) Encode() []byte {
	out := make([]byte, 0, 320)
	out = appendString(out, 1, HeaderPurpose)
	out = appendHash(out, 2, h.Genesis)
	out = appendUint(out, 3, h.Height)
	out = appendUint(out, 4, uint64(h.Time))
	out = appendHash(out, 5, h.CometHash)
	out = appendHash(out, 6, h.Previous)
	out = appendHash(out, 7, h.Content)
	out = appendHash(out, 8, h.Archive)
	out = appendHash(out, 9, h.Signers)
	out = appendHash(out, 10, h.NextSigners)
	return appendUint(out, 11, uint64(h.Protocol))
}

// DecodeHeader reads the canonical bytes of a header.
func DecodeHeader(in []byte) (Header, error) {
	var h Header
	r := reader{rest: in}
	if r.string(1, 64) != HeaderPurpose {
		r.fail(errors.New("purpose tag is not " + HeaderPurpose))
	}
	h.Genesis = r.hash(2)
	h.Height = r.uint(3, 1<<62)
	h.Time = int64(r.uint(4, 1<<63-1))
	h.CometHash = r.hash(5)
	h.Previous = r.hash(6)
	h.Content = r.hash(7)
	h.Archive = r.hash(8)
	h.Signers = r.hash(9)
	h.NextSigners = r.hash(10)
	h.Protocol = uint32(r.uint(11, 1<<31))
	if err := r.done("header"); err != nil {
		return Header{}, err
	}
	return h, nil
}

// Hash is SM3 of the canonical bytes.
func (h *Header) Hash() crypto.Hash { return crypto.Sum(h.Encode()) }

// SignBytes is what a validator signs to attest the header: its canonical bytes, which
// carry purpose tag and genesis hash.
func (h *Header) SignBytes() []byte { return h.Encode() }

// HeaderSignature is one validator's signature in a finality certificate.
type HeaderSignature struct {
	Index     uint32 // position in the signers' set
	Signature [crypto.SignatureSize]byte
}

// FinalityCertificate proves that more than two thirds of signers(H) attest header H.
type FinalityCertificate struct {
	Height     uint64
	Signatures []HeaderSignature // ascending by Index
}

// Encode returns the canonical bytes of the certificate.
func (c *FinalityCertificate) Encode() []byte {
	return appendSignatures(appendUint(nil, 1, c.Height), 2, c.Signatures)
}

// appendSignatures appends a repeated field of signatures.
func appendSignatures(out []byte, field protowire.Number, list []HeaderSignature) []byte {
	for i := range list {
		s := appendUint(nil, 1, uint64(list[i].Index))
		out = appendElement(out, field, appendElement(s, 2, list[i].Signature[:]))
	}
	return out
}

// signatures reads a repeated field of whole signatures that ascend by index.
func (r *reader) signatures(field protowire.Number) (list []HeaderSignature) {
	for {
		item, ok := r.element(field, 128)
		if !ok {
			return list
		}
		var s HeaderSignature
		ir := reader{rest: item}
		s.Index = uint32(ir.uint(1, MaxValidators-1))
		okSig := ir.exact(2, s.Signature[:])
		err := ir.done("signature")
		switch {
		case err != nil:
		case !okSig || len(list) > 0 && list[len(list)-1].Index >= s.Index: // so there are MaxValidators at most
			err = errors.New("signatures must be whole and ascend by index")
		}
		if err != nil {
			r.fail(err)
			return nil
		}
		list = append(list, s)
	}
}

// DecodeFinalityCertificate reads the canonical bytes; signatures are not verified.
func DecodeFinalityCertificate(in []byte) (FinalityCertificate, error) {
	var c FinalityCertificate
	r := reader{rest: in}
	c.Height = r.uint(1, 1<<62)
	c.Signatures = r.signatures(2)
	if err := r.done("finality certificate"); err != nil {
		return FinalityCertificate{}, err
	}
	return c, nil
}

// Verify checks that the certificate attests h with more than two thirds of the power
// of signers, which must be the set whose hash the header names.
func (c *FinalityCertificate) Verify(h *Header, signers ValidatorSet) error {
	if c.Height != h.Height {
		return fmt.Errorf("certificate is for height %d, header for %d", c.Height, h.Height)
	}
	if signers.Hash() != h.Signers {
		return errors.New("validator set is not the one the header names as its signers")
	}
	have, err := signedPower(c.Signatures, signers, h.SignBytes())
	if err != nil {
		return err
	}
	if total := signers.Power(); have*3 <= total*2 {
		return fmt.Errorf("signed by power %d of %d, more than two thirds needed", have, total)
	}
	return nil
}

// signedPower is the power of the validators whose signatures of a message are given, all
// of which must verify and ascend by index.
func signedPower(list []HeaderSignature, set ValidatorSet, message []byte) (power int64, err error) {
	for i := range list {
		s := &list[i]
		if int(s.Index) >= len(set) || i > 0 && list[i-1].Index >= s.Index {
			return 0, errors.New("certificate names a signer twice, or one that does not exist")
		}
		v := &set[s.Index]
		if !v.Key.Verify(message, s.Signature[:]) {
			return 0, fmt.Errorf("signature of validator %d does not verify", s.Index)
		}
		power += v.Power
	}
	return power, nil
}
