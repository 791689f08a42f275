package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Kind is what a change of an identity was.
type Kind string

// The kinds of changes.
const (
	accountOpened   Kind = "accountOpened"
	accountChanged  Kind = "accountChanged"
	keyChanged      Kind = "keyChanged"
	wasFrozen       Kind = "frozen"
	wasUnfrozen     Kind = "unfrozen"
	wasRecovered    Kind = "recovered"
	wasClosed       Kind = "closed"
	memberBound     Kind = "memberBound"
	memberUnbound   Kind = "memberUnbound"
	related         Kind = "related"
	relationEnded   Kind = "relationEnded"
	authorised      Kind = "authorised"
	authorisedEnded Kind = "authorisationRevoked"
	issued          Kind = "credentialIssued"
	suspended       Kind = "credentialSuspended"
	resumed         Kind = "credentialResumed"
	revoked         Kind = "credentialRevoked"
)

// Reason says why something happened. It is one of a list, because free text invites
// personal data.
type Reason string

// The reasons.
const (
	onRequest   Reason = "request"     // of the holder
	lost        Reason = "lost"        // the key or the credential
	compromised Reason = "compromised" // the key
	ordered     Reason = "order"       // of an authority
	expired     Reason = "expired"
	mistaken    Reason = "error"
)

// Change is one entry of an identity's history. Previous is SM3 over the JSON of the
// entry before, or of the identity's Birth: the head, in the identity's row, so covers
// all of them.
type Change struct {
	DID      contract.DID    `json:"did"`
	Version  uint32          `json:"version"` // 1 for the first change
	Kind     Kind            `json:"kind"`
	Height   uint64          `json:"height"`
	Time     contract.Time   `json:"time"`
	By       contract.Member `json:"by"` // who sent the transaction
	State    State           `json:"state"`
	Key      *Key            `json:"key,omitempty"`      // the new one
	Other    contract.DID    `json:"other,omitempty"`    // the other party
	About    string          `json:"about,omitempty"`    // category, relation, scope, template, member
	Digest   contract.Hash   `json:"digest,omitempty"`   // identity, profile or credential
	Until    contract.Time   `json:"until,omitempty"`    // of a relation or authorisation
	Outgoing bool            `json:"outgoing,omitempty"` // this identity is the subject of the relation
	Reason   Reason          `json:"reason,omitempty"`
	Previous contract.Hash   `json:"previous"`
}

// Birth is how an identity began.
type Birth struct {
	DID       contract.DID    `json:"did"`
	Registrar contract.Member `json:"registrar"`
	Height    uint64          `json:"height"`
	Time      contract.Time   `json:"time"`
}

// changes holds the entries under the identity's id and their version.
var changes = state.NewMap[state.Pair[string, uint32], Change]("change")

var identityChanged = contract.NewEvent[Change]("identityChanged")

func (s *Subject) birth(did contract.DID) contract.Hash {
	return contract.SM3(contract.JSON(Birth{did, s.Registrar, s.Height, s.Time}))
}

// save appends an entry to an identity's history and stores the identity.
func (s *Subject) save(ctx *contract.Ctx, id string, c Change) {
	c.DID = didOf(ctx, id)
	c.Previous = s.Head
	if s.Version == 0 {
		c.Previous = s.birth(c.DID)
	}
	s.Version++
	c.Version, c.Height, c.Time, c.By, c.State = s.Version, ctx.Height(), ctx.Time(), ctx.Caller().Member, s.state()
	s.Head = contract.SM3(contract.JSON(c))
	changes.Put(ctx, state.Pair[string, uint32]{A: id, B: c.Version}, c)
	subjects.Put(ctx, id, *s)
	identityChanged.Emit(ctx, c)
}
