package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Presentation shows a credential to a verifier. Holder signs the text
// huchain:identity:<genesis>:present:<holder's did>:0:<digest>:<challenge>, where the
// challenge is what the verifier has just drawn at random.
type Presentation struct {
	Credential      Credential    `json:"credential"`
	Signature       Signature     `json:"signature"` // of the issuer or agent
	Challenge       contract.Hash `json:"challenge"`
	HolderSignature Signature     `json:"holderSignature"`
}

// Cause is why a presented credential is not valid.
type Cause string

// The causes, in the order in which they are looked for.
const (
	notIssued      Cause = "notIssued" // no such credential: never issued, or something in it was changed
	badSchema      Cause = "schema"
	badIssuer      Cause = "issuer"
	badSignature   Cause = "signature"
	badHolder      Cause = "holder"
	holderInactive Cause = "holderInactive"
	badStatus      Cause = "status"
)

// Verdict says whether a presented credential is valid, and if not, why.
type Verdict struct {
	Valid      bool          `json:"valid"`
	Cause      Cause         `json:"cause,omitempty"`
	Status     Status        `json:"status,omitempty"`
	Credential contract.Hash `json:"credential"` // digest of what was presented
}

// verify judges a presented credential: that it was issued as it is, its schema, the
// issuer's signature, that the holder presents it, and its status now. The verifier
// computes the digests of claims that are shown to it: no value comes here.
func verify(v *contract.View, in Presentation) (Verdict, error) {
	out := Verdict{Credential: in.Credential.digest()}
	c, ok := credentials.Get(v, out.Credential)
	if !ok {
		out.Cause = notIssued
		return out, nil
	}
	out.Status = c.statusAt(v.Time())
	out.Cause = c.fault(v, &in)
	if out.Cause == "" && out.Status != valid {
		out.Cause = badStatus
	}
	out.Valid = out.Cause == ""
	return out, nil
}

// fault names what is wrong with a presentation, but for the credential's status.
func (c *IssuedCredential) fault(r contract.Reader, in *Presentation) Cause {
	s, ok := schemas.Get(r, state.Pair[string, uint32]{A: c.Template, B: c.Version})
	if !ok || s.Digest != s.digest() || s.fault(in.Credential.Claims) != "" {
		return badSchema
	}
	signer := c.Issuer
	if c.Agent != "" {
		signer = c.Agent
	}
	issuer, i, err := find(r, c.Issuer)
	if err != nil || i.state() != active {
		return badIssuer
	}
	if c.Agent != "" {
		if issuer, i, err = find(r, signer); err != nil {
			return badIssuer
		}
	}
	key, ok := keyAt(r, issuer, &i, c.Key)
	if !ok || !signed(r, &key, &in.Signature, "credential", issuer, 0, c.Digest.String()) {
		return badSignature
	}
	holder, h, err := find(r, c.Holder)
	if err != nil {
		return badHolder
	}
	if h.state() != active {
		return holderInactive
	}
	if !signed(r, &h.Key, &in.HolderSignature, "present", holder, 0, c.Digest.String(), in.Challenge.String()) {
		return badHolder
	}
	return ""
}
