package types

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/huchain/huchain/crypto"
)

// Purpose tags of what is signed or hashed in governance. Each such message begins with
// its tag, so that no signature passes for another kind.
const (
	ProposalPurpose    = "huchain/proposal/1"
	EndorsementPurpose = "huchain/endorsement/1"
	PossessionPurpose  = "huchain/validator/1"
	RootPurpose        = "huchain/root/1"
	FoundingPurpose    = "huchain/founding/1"
)

// Action is a call that takes place with the authority of everyone who approved.
type Action struct {
	Contract string `json:"contract"`
	Method   string `json:"method"`
	Args     Object `json:"args,omitempty"`
}

// ProposalDocument is what people agree on. Its bytes are hashed as they were written.
type ProposalDocument struct {
	Genesis    crypto.Hash `json:"genesis"`
	Title      string      `json:"title"`
	Actions    []Action    `json:"actions"`    // all or none, in order, in one block
	ValidUntil time.Time   `json:"validUntil"` // block time by which the votes must be there
	Salt       string      `json:"salt"`       // makes equal proposals different ones
}

// ProposalID is SM3 of the purpose tag and the document.
func ProposalID(document []byte) crypto.Hash { return crypto.Sum([]byte(ProposalPurpose), document) }

// Endorsement is a vote given off line, by a signature of EndorsementSignBytes.
type Endorsement struct {
	Member      MemberID `json:"member"`
	Signature   []byte   `json:"signature"`             // base64
	Certificate []byte   `json:"certificate,omitempty"` // base64 DER: registers a member the chain does not know yet
}

// EndorsementSignBytes is what a member signs, off line, to approve a proposal. The
// document, and so its id, names the chain by its genesis hash.
func EndorsementSignBytes(proposal crypto.Hash) []byte {
	return append([]byte(EndorsementPurpose), proposal[:]...)
}

// PossessionSignBytes is what a validator's SM2 key signs before the chain takes it:
// purpose tag, genesis hash, node, both public keys. A key that somebody else holds, or
// nobody, can thus not be registered.
func PossessionSignBytes(genesis crypto.Hash, org, name string, key crypto.PublicKey, ed25519 [32]byte) []byte {
	b := append([]byte(PossessionPurpose), genesis[:]...)
	b = fmt.Appendf(b, "%s/%s", org, name)
	b = append(append(b, 0), key[:]...)
	return append(b, ed25519[:]...)
}

// FoundingSignBytes is what an organisation signs to found a chain: purpose tag, hash of
// the genesis file, its name and the time, in Unix seconds, big-endian.
func FoundingSignBytes(genesis crypto.Hash, org string, at time.Time) []byte {
	b := append([]byte(FoundingPurpose), genesis[:]...)
	b = append(append(b, org...), 0)
	return binary.BigEndian.AppendUint64(b, uint64(at.Unix()))
}

// RootSignBytes is what the key of an organisation's present root signs to introduce the
// next one: purpose tag, genesis hash and the next root's certificate (DER).
func RootSignBytes(genesis crypto.Hash, root []byte) []byte {
	return append(append([]byte(RootPurpose), genesis[:]...), root...)
}

// Object is a JSON object, kept as written; empty stands for {}.
type Object []byte

// MarshalJSON implements json.Marshaler.
func (o Object) MarshalJSON() ([]byte, error) {
	if len(o) == 0 {
		return []byte("{}"), nil
	}
	return o, nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *Object) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		return errors.New("a JSON object is expected")
	}
	*o = slices.Clone(b)
	return nil
}
