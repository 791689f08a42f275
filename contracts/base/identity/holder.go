package main

import (
	"strconv"

	"github.com/huchain/huchain/contracts/sdk/go/codec"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Proof lets a holder act through whoever sends the transaction: a signature by the
// holder's key of the text that signText makes. Version is the version of the identity
// that is to change, so that each proof serves once.
type Proof struct {
	By        contract.DID `json:"by,omitempty"` // who signs, where it acts for the identity
	Version   uint32       `json:"version"`
	Signature Signature    `json:"signature"`
}

// members says which identity a member of the chain acts as. The chain itself reads
// these rows, see contract.Caller: they hold the DID, or nothing while it is frozen.
var members = state.NewMap[contract.Member, string]("member")

// signText is what is signed:
// huchain:identity:<genesis>:<method>:<did>:<version>[:<part>…].
func signText(r contract.Reader, method, id string, version uint32, parts []string) []byte {
	c := r.Chain()
	size := 256
	for _, p := range parts {
		size += len(p) + 1
	}
	b := append(make([]byte, 0, size), "huchain:identity:"...)
	b = codec.AppendHexDigits(b, c.Genesis[:])
	b = append(append(append(append(b, ':'), method...), ':'), didPrefix...)
	b = append(append(append(append(b, c.Name...), ':'), id...), ':')
	b = codec.AppendUint(b, uint64(version))
	for _, p := range parts {
		b = append(append(b, ':'), p...)
	}
	return b
}

func signed(r contract.Reader, k *Key, sig *Signature, method, id string, version uint32, parts ...string) bool {
	return contract.VerifySM2(k[:], signText(r, method, id, version, parts), sig[:])
}

// callerID returns the id the caller acts as: the identity its member is bound to, or
// the one whose key has signed the transaction. "" if there is none or it is not active.
func callerID(r contract.Reader) string {
	c := r.Caller()
	if did, ok := members.Get(r, c.Member); ok {
		id, err := idOf(r, contract.DID(did))
		if err != nil { // frozen
			return ""
		}
		return id
	}
	id := c.Address.String()
	if owner, ok := keyOwners.Get(r, id); ok {
		id = owner.ID
	}
	s, ok := subjects.Get(r, id)
	if !ok || s.state() != active || addressOf(&s.Key) != c.Address.String() {
		return ""
	}
	return id
}

// act makes sure that an active identity itself, or one that acts for it, asks for a
// method: by the transaction, or by a proof.
func (s *Subject) act(r contract.Reader, method, id string, p *Proof, parts ...string) error {
	if s.state() != active {
		return errNotActive.With(string(s.state()))
	}
	actor := ""
	if p == nil {
		actor = callerID(r)
	} else {
		by := *s
		actor = id
		if p.By != "" {
			var err error
			if actor, by, err = find(r, p.By); err != nil {
				return err
			}
		}
		if p.Version != s.Version {
			return errStaleProof.With("the identity is at version " + strconv.Itoa(int(s.Version)))
		}
		if by.state() != active {
			return errNotActive.With(string(by.state()))
		}
		if !signed(r, &by.Key, &p.Signature, method, id, p.Version, parts...) {
			return errBadProof
		}
	}
	if actor == "" {
		return errNotHolder
	}
	if how := actsFor(r, actor, id, "identity."+method); how == byNothing {
		return errNotHolder
	}
	return nil
}

// byRegistrar reports whether the caller administers the organisation that vouches for
// the identity.
func (s *Subject) byRegistrar(r contract.Reader) bool {
	c := r.Caller()
	return c.Org == s.Registrar.Org() && c.HasRole("admin")
}
