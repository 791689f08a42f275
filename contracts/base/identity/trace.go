package main

import (
	"strconv"

	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// TraceArgs ask for an identity as it was at the end of a height, or at a time; by
// default as it is.
type TraceArgs struct {
	DID    contract.DID  `json:"did"`
	Height uint64        `json:"height,omitempty"`
	Time   contract.Time `json:"time,omitempty"`
	Proof  *Proof        `json:"proof,omitempty"`
}

// KeyPeriod is a key, by its address, and since when it was the identity's.
type KeyPeriod struct {
	Address string        `json:"address"`
	From    contract.Time `json:"from"`
}

// CredentialState is a credential and where it stood.
type CredentialState struct {
	Digest   contract.Hash `json:"credential"`
	Template string        `json:"template"`
	Issuer   contract.DID  `json:"issuer"`
	Status   Status        `json:"status"`
}

// RelationState is a relation that had not been ended.
type RelationState struct {
	Relation Relation      `json:"relation"`
	Other    contract.DID  `json:"other"`
	Outgoing bool          `json:"outgoing"`
	Until    contract.Time `json:"until"`
}

// AuthorisationState is an authorisation that had not been revoked.
type AuthorisationState struct {
	Grantee contract.DID  `json:"grantee"`
	Scope   string        `json:"scope"`
	Until   contract.Time `json:"until"`
}

// Trace is an identity as it was, and what led there. Each entry is the row change/<id>
// 0x00 <version, 8 hex digits>, which nodes prove; head is SM3 over the JSON of the last
// one, and stands in the row did/<id> while that is the newest.
type Trace struct {
	Birth          Birth                `json:"birth"`
	Version        uint32               `json:"version"`
	State          State                `json:"state"`
	Head           contract.Hash        `json:"head"`
	Keys           []KeyPeriod          `json:"keys"` // oldest first
	Relations      []RelationState      `json:"relations"`
	Authorisations []AuthorisationState `json:"authorisations"`
	Credentials    []CredentialState    `json:"credentials"`
	Entries        []Change             `json:"entries"`
}

var (
	errNotYet        = contract.NewError("not_yet_created")
	errBrokenHistory = contract.NewError("broken_history")
)

// trace returns an identity's history up to a height or time, to the identity itself,
// to who acts for it and to auditors. It recomputes the digests of the whole history
// and refuses to answer from one that was altered.
func trace(v *contract.View, in TraceArgs) (Trace, error) {
	id, s, err := find(v, in.DID)
	if err != nil {
		return Trace{}, err
	}
	if !v.Caller().HasRole("auditor") {
		if err := s.act(v, "trace", id, in.Proof); err != nil {
			return Trace{}, err
		}
	}
	if in.Height == 0 {
		in.Height = 1<<64 - 1
	}
	if in.Time == 0 {
		in.Time = contract.MaxTime
	}
	if s.Height > in.Height || s.Time > in.Time {
		return Trace{}, errNotYet
	}
	t := Trace{Birth: Birth{in.DID, s.Registrar, s.Height, s.Time}, State: active, Keys: []KeyPeriod{{id, s.Time}}}
	t.Head = s.birth(in.DID)
	last := t // the whole history, to be checked against the identity's row
	var row Subject
	for i := uint32(1); i <= s.Version; i++ {
		c, ok := changes.Get(v, state.Pair[string, uint32]{A: id, B: i})
		if !ok || c.Version != i || c.Previous != last.Head {
			return Trace{}, errBrokenHistory.With("entry " + strconv.Itoa(int(i)))
		}
		last.apply(&c)
		row.apply(&c)
		if c.Height <= in.Height && c.Time <= in.Time {
			t.apply(&c)
			t.Entries = append(t.Entries, c)
		}
	}
	key := last.Keys[len(last.Keys)-1].Address
	if s.Version > 0 && last.Head != s.Head || last.State != s.state() || key != addressOf(&s.Key) ||
		row.Category != s.Category || row.Identity != s.Identity || row.Profile != s.Profile || row.Member != s.Member {
		return Trace{}, errBrokenHistory.With("the identity differs from its history")
	}
	return t, nil
}

// apply takes one entry into account.
func (t *Trace) apply(c *Change) {
	t.Version, t.State, t.Head = c.Version, c.State, contract.SM3(contract.JSON(*c))
	switch c.Kind {
	case keyChanged, wasRecovered:
		t.Keys = append(t.Keys[:len(t.Keys):len(t.Keys)], KeyPeriod{addressOf(c.Key), c.Time})
	case related, relationEnded:
		rest := t.Relations[:0:0]
		for _, r := range t.Relations {
			if r.Relation != Relation(c.About) || r.Other != c.Other || r.Outgoing != c.Outgoing {
				rest = append(rest, r)
			}
		}
		if t.Relations = rest; c.Kind == related {
			t.Relations = append(t.Relations, RelationState{Relation(c.About), c.Other, c.Outgoing, c.Until})
		}
	case authorised, authorisedEnded:
		rest := t.Authorisations[:0:0]
		for _, a := range t.Authorisations {
			if a.Grantee != c.Other || a.Scope != c.About {
				rest = append(rest, a)
			}
		}
		if t.Authorisations = rest; c.Kind == authorised {
			t.Authorisations = append(t.Authorisations, AuthorisationState{c.Other, c.About, c.Until})
		}
	case issued:
		t.Credentials = append(t.Credentials[:len(t.Credentials):len(t.Credentials)], CredentialState{c.Digest, c.About, c.Other, valid})
	case suspended, resumed, revoked:
		list := append([]CredentialState(nil), t.Credentials...)
		for i := range list {
			if list[i].Digest == c.Digest {
				list[i].Status = statusAfter(c.Kind)
			}
		}
		t.Credentials = list
	}
}

// apply takes one entry into account, as far as account and member go.
func (s *Subject) apply(c *Change) {
	switch c.Kind {
	case accountOpened:
		s.Category, s.Identity = Category(c.About), c.Digest
	case accountChanged:
		s.Profile = c.Digest
	case memberBound:
		s.Member = contract.Member(c.About)
	case memberUnbound, wasRecovered, wasClosed:
		s.Member = ""
	}
}

func statusAfter(k Kind) Status {
	switch k {
	case suspended:
		return isSuspended
	case revoked:
		return isRevoked
	}
	return valid
}
