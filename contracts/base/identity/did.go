package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Key is an uncompressed SM2 public key, 0x04‖X‖Y.
type Key [65]byte

// Signature is an SM2 signature, r‖s.
type Signature [64]byte

// State is where an identity stands.
type State string

// The states of an identity.
const (
	active State = "active"
	frozen State = "frozen" // acts for nothing until it is unfrozen or recovered
	closed State = "closed" // for good
)

// Subject is the row of an identity, under the id of its DID: the address of its first
// key. What has its usual value is left out, because there are very many of these rows.
type Subject struct {
	Key       Key             `json:"key"`
	Registrar contract.Member `json:"registrar"`
	Height    uint64          `json:"height"` // of its creation
	Time      contract.Time   `json:"time"`
	State     State           `json:"state,omitempty"` // empty: active
	Version   uint32          `json:"version,omitempty"`
	Head      contract.Hash   `json:"head,omitempty"` // digest of the last change, see history.go
	Member    contract.Member `json:"member,omitempty"`
	Category  Category        `json:"category,omitempty"`
	Identity  contract.Hash   `json:"identity,omitempty"`
	Profile   contract.Hash   `json:"profile,omitempty"`
}

// KeyOwner tells whose key an address stands for, or stood for, where it is not the
// first key of a DID.
type KeyOwner struct {
	ID  string `json:"id"`
	Key Key    `json:"key"`
}

// CreateArgs are a public key and the proof that its owner wants the DID: a signature
// by the key, or the transaction itself where the key has signed it.
type CreateArgs struct {
	Key       Key       `json:"key"`
	Signature Signature `json:"signature,omitempty"`
}

// Created names a new DID.
type Created struct {
	DID       contract.DID    `json:"did"`
	Registrar contract.Member `json:"registrar"`
	Time      contract.Time   `json:"time"`
}

// BatchArgs are up to 600 DIDs to create.
type BatchArgs struct {
	Items []CreateArgs `json:"items"`
}

// Refused is an item of a batch that did not take effect, by its position from 0.
type Refused struct {
	Item  uint32 `json:"item"`
	Error string `json:"error"`
}

// BatchResult says how many items took effect, and why others did not. All items that
// are not listed have.
type BatchResult struct {
	Created uint32    `json:"created"`
	Refused []Refused `json:"refused"`
}

// BatchCreated announces the DIDs of a batch by their ids.
type BatchCreated struct {
	Registrar contract.Member `json:"registrar"`
	IDs       []string        `json:"ids"`
}

// DIDArgs name an identity.
type DIDArgs struct {
	DID contract.DID `json:"did"`
}

// VerificationMethod is a key of a DID document.
type VerificationMethod struct {
	ID           string       `json:"id"`
	Type         string       `json:"type"`
	Controller   contract.DID `json:"controller"`
	PublicKeyHex Key          `json:"publicKeyHex"`
}

// Document is a DID document (W3C DID Core 1.0).
type Document struct {
	ID                 contract.DID         `json:"id"`
	VerificationMethod []VerificationMethod `json:"verificationMethod"`
	Authentication     []string             `json:"authentication"`
	AssertionMethod    []string             `json:"assertionMethod"`
}

// DocumentMetadata stands beside a document.
type DocumentMetadata struct {
	Created     contract.Time   `json:"created"`
	VersionID   uint32          `json:"versionId"`
	Deactivated bool            `json:"deactivated"`
	State       State           `json:"state"`
	Registrar   contract.Member `json:"registrar"`
}

// Resolution is what resolving a DID gives.
type Resolution struct {
	Document Document         `json:"didDocument"`
	Metadata DocumentMetadata `json:"didDocumentMetadata"`
}

// Storage.
var (
	subjects  = state.NewMap[string, Subject]("did")
	keyOwners = state.NewMap[string, KeyOwner]("key")
)

// Events.
var (
	didCreated   = contract.NewEvent[Created]("didCreated")
	batchCreated = contract.NewEvent[BatchCreated]("batchCreated")
)

const (
	didPrefix = "did:huchain:"
	maxBatch  = 600
	idDigits  = 40
	keyType   = "SM2VerificationKey"
	keyName   = "#key-"
)

// didOf returns the DID of an id on this chain.
func didOf(r contract.Reader, id string) contract.DID {
	return contract.DID(didPrefix + r.Chain().Name + ":" + id)
}

// idOf returns the id within a DID of this chain.
func idOf(r contract.Reader, did contract.DID) (string, error) {
	lead := len(didPrefix) + len(r.Chain().Name) + 1
	if len(did) != lead+idDigits || did[:lead] != contract.DID(didPrefix+r.Chain().Name+":") {
		return "", errBadDID.With(string(did))
	}
	id := string(did[lead:])
	for i := range len(id) {
		if c := id[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", errBadDID.With(string(did))
		}
	}
	return id, nil
}

// addressOf returns the address of a key: the first 20 bytes of its SM3, in hex.
func addressOf(k *Key) string {
	h := contract.SM3(k[:])
	return contract.Address(h[:20]).String()
}

// find returns the id and the row of a DID.
func find(r contract.Reader, did contract.DID) (string, Subject, error) {
	id, err := idOf(r, did)
	if err != nil {
		return "", Subject{}, err
	}
	s, ok := subjects.Get(r, id)
	if !ok {
		return "", Subject{}, errUnknownDID.With(string(did))
	}
	return id, s, nil
}

func (s *Subject) state() State {
	if s.State == "" {
		return active
	}
	return s.State
}

// create makes the DID of a key. The caller becomes its registrar: its organisation
// vouches for it and can freeze and recover it.
func create(ctx *contract.Ctx, in CreateArgs) (Created, error) {
	id, err := in.create(ctx)
	if err != nil {
		return Created{}, err
	}
	out := Created{didOf(ctx, id), ctx.Caller().Member, ctx.Time()}
	didCreated.Emit(ctx, out)
	return out, nil
}

// createBatch makes up to 600 DIDs; each item succeeds or fails by itself.
func createBatch(ctx *contract.Ctx, in BatchArgs) (BatchResult, error) {
	if len(in.Items) == 0 || len(in.Items) > maxBatch {
		return BatchResult{}, errBatchSize
	}
	var out BatchResult
	ids := make([]string, 0, len(in.Items))
	for i := range in.Items {
		id, err := in.Items[i].create(ctx)
		if err != nil {
			out.Refused = append(out.Refused, Refused{uint32(i), err.Name()})
			continue
		}
		ids = append(ids, id)
	}
	out.Created = uint32(len(ids))
	if len(ids) > 0 {
		batchCreated.Emit(ctx, BatchCreated{ctx.Caller().Member, ids})
	}
	return out, nil
}

// create stores one DID. It writes nothing where it fails.
func (in *CreateArgs) create(ctx *contract.Ctx) (string, *contract.Error) {
	id := addressOf(&in.Key)
	caller := ctx.Caller()
	if in.Signature == (Signature{}) {
		if caller.Address.String() != id {
			return "", errBadProof
		}
	} else if !signed(ctx, &in.Key, &in.Signature, "create", id, 0, string(caller.Org)) {
		return "", errBadProof
	}
	if keyTaken(ctx, id) {
		return "", errKeyTaken
	}
	subjects.Put(ctx, id, Subject{Key: in.Key, Registrar: caller.Member, Height: ctx.Height(), Time: ctx.Time()})
	return id, nil
}

// keyTaken reports whether a key, by its address, is or was the key of a DID.
func keyTaken(r contract.Reader, address string) bool {
	return subjects.Has(r, address) || keyOwners.Has(r, address)
}

// resolve returns a DID's document. A closed DID has no verification method.
func resolve(v *contract.View, in DIDArgs) (Resolution, error) {
	_, s, err := find(v, in.DID)
	if err != nil {
		return Resolution{}, err
	}
	out := Resolution{Document{ID: in.DID}, DocumentMetadata{s.Time, s.Version, s.state() == closed, s.state(), s.Registrar}}
	if s.state() != closed {
		name := string(in.DID) + keyName + addressOf(&s.Key)[:8]
		d := &out.Document
		d.VerificationMethod = []VerificationMethod{{name, keyType, in.DID, s.Key}}
		d.Authentication = []string{name}
		d.AssertionMethod = []string{name}
	}
	return out, nil
}
