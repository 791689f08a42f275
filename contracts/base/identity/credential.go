package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// ClaimDigest stands for a claim: the name, and SM3 over salt, name and value as the
// holder keeps them. The salt has 16 random bytes or more, or the value can be guessed.
type ClaimDigest struct {
	Name   string        `json:"name"`
	Digest contract.Hash `json:"digest"`
}

// Credential is a credential as it is signed: claims by digest, in the template's order.
type Credential struct {
	Template string        `json:"template"`
	Version  uint32        `json:"version"`
	Issuer   contract.DID  `json:"issuer"`
	Holder   contract.DID  `json:"holder"`
	From     contract.Time `json:"from"`
	Until    contract.Time `json:"until"` // not included
	Claims   []ClaimDigest `json:"claims"`
}

// Status is where a credential stands.
type Status string

// The states of a credential.
const (
	valid       Status = "valid"
	isSuspended Status = "suspended"
	isRevoked   Status = "revoked" // for good
	notYet      Status = "notYetValid"
	isExpired   Status = "expired"
)

// IssuedCredential is what the chain keeps of a credential, under its digest.
type IssuedCredential struct {
	Digest   contract.Hash `json:"credential"`
	Template string        `json:"template"`
	Version  uint32        `json:"version"`
	Issuer   contract.DID  `json:"issuer"`
	Agent    contract.DID  `json:"agent,omitempty"` // who signed, if not the issuer
	Key      string        `json:"key"`             // address of the key that signed
	Holder   contract.DID  `json:"holder"`
	Status   Status        `json:"status"`
	Time     contract.Time `json:"time"` // of issue
	From     contract.Time `json:"from"`
	Until    contract.Time `json:"until"`
}

// IssueArgs are the arguments of issue. Signature is the issuer's, or the agent's, of
// the text huchain:identity:<genesis>:credential:<signer's did>:0:<digest>.
type IssueArgs struct {
	Credential Credential   `json:"credential"`
	Agent      contract.DID `json:"agent,omitempty"`
	Signature  Signature    `json:"signature"`
}

// StatusArgs are the arguments of suspend, resume and revoke.
type StatusArgs struct {
	Digest contract.Hash `json:"credential"`
	Reason Reason        `json:"reason"`
}

// CredentialArgs name a credential by its digest.
type CredentialArgs struct {
	Digest contract.Hash `json:"credential"`
}

// credentials are kept under their digest.
var credentials = state.NewMap[contract.Hash, IssuedCredential]("credential")

// Events.
var (
	credentialIssued = contract.NewEvent[IssuedCredential]("credentialIssued")
	statusChanged    = contract.NewEvent[IssuedCredential]("statusChanged")
)

var (
	errCredentialExists  = contract.NewError("credential_exists")
	errUnknownCredential = contract.NewError("unknown_credential")
	errNotIssuer         = contract.NewError("not_issuer")
)

// digest is SM3 over the credential's JSON.
func (c *Credential) digest() contract.Hash { return contract.SM3(contract.JSON(*c)) }

// digestCredential returns the digest of a credential that is yet to be signed.
func digestCredential(_ *contract.View, in Credential) (CredentialArgs, error) {
	return CredentialArgs{in.digest()}, nil
}

// issue records a credential that its issuer, or an agent in its time, has signed. Any
// client may send it.
func issue(ctx *contract.Ctx, in IssueArgs) (IssuedCredential, error) {
	c := &in.Credential
	out := IssuedCredential{Digest: c.digest(), Template: c.Template, Version: c.Version, Issuer: c.Issuer,
		Holder: c.Holder, Status: valid, Time: ctx.Time(), From: c.From, Until: c.Until}
	if credentials.Has(ctx, out.Digest) {
		return out, errCredentialExists
	}
	t, ok := templates.Get(ctx, c.Template)
	switch {
	case !ok:
		return out, errUnknownTemplate.With(c.Template)
	case !t.Enabled:
		return out, errTemplateDisabled.With(c.Template)
	case c.Version != t.Version:
		return out, errUnknownTemplate.With("credentials are issued in the newest version")
	case c.Issuer != t.Issuer:
		return out, errNotIssuer.With("the template's issuer is " + string(t.Issuer))
	case c.Until <= c.From || c.Until <= ctx.Time():
		return out, errBadPeriod
	}
	sc, _ := schemas.Get(ctx, state.Pair[string, uint32]{A: t.ID, B: t.Version})
	if fault := sc.fault(c.Claims); fault != "" {
		return out, errBadClaims.With(fault)
	}
	holder, h, err := find(ctx, c.Holder)
	if err != nil {
		return out, err
	}
	if h.state() != active {
		return out, errNotActive.With("the holder is " + string(h.state()))
	}
	if err := out.sign(ctx, &in); err != nil {
		return out, err
	}
	credentials.Put(ctx, out.Digest, out)
	credentialIssued.Emit(ctx, out)
	h.save(ctx, holder, Change{Kind: issued, Other: c.Issuer, About: c.Template, Digest: out.Digest, Until: c.Until})
	return out, nil
}

// sign checks the signature of a credential that is to be issued, and who made it.
func (out *IssuedCredential) sign(ctx *contract.Ctx, in *IssueArgs) error {
	id, s, err := find(ctx, in.Credential.Issuer)
	if err != nil {
		return err
	}
	if s.state() != active {
		return errNotActive.With("the issuer is " + string(s.state()))
	}
	if in.Agent != "" {
		if id, s, err = find(ctx, in.Agent); err != nil {
			return err
		}
		if s.state() != active {
			return errNotActive.With("the agent is " + string(s.state()))
		}
		if !isAgent(ctx, out.Template, id) {
			return errNoAgent.With("no agent of the template at this time")
		}
		out.Agent = in.Agent
	}
	if !signed(ctx, &s.Key, &in.Signature, "credential", id, 0, out.Digest.String()) {
		return errBadProof
	}
	out.Key = addressOf(&s.Key)
	return nil
}

// fault says what is wrong with claims by a schema, "" if nothing is: they are the
// template's, each once, in its order, and none that is required is missing.
func (s *Schema) fault(claims []ClaimDigest) string {
	next := 0
	for _, f := range s.Claims {
		if next < len(claims) && claims[next].Name == f.Name {
			next++
		} else if f.Required {
			return f.Name + " is missing, or not in the template's order"
		}
	}
	if next < len(claims) {
		return claims[next].Name + " is not a claim of the template, or not in its order"
	}
	return ""
}

// suspend stops a credential from being valid until it is resumed.
func suspend(ctx *contract.Ctx, in StatusArgs) (IssuedCredential, error) {
	return in.move(ctx, "suspend", valid, isSuspended, suspended)
}

// resume makes a suspended credential valid again.
func resume(ctx *contract.Ctx, in StatusArgs) (IssuedCredential, error) {
	return in.move(ctx, "resume", isSuspended, valid, resumed)
}

// revoke ends a credential for good.
func revoke(ctx *contract.Ctx, in StatusArgs) (IssuedCredential, error) {
	return in.move(ctx, "revoke", "", isRevoked, revoked)
}

// move changes a credential's status. It is for the issuer, or for the agent that
// issued it within its time.
func (in *StatusArgs) move(ctx *contract.Ctx, method string, from, to Status, kind Kind) (IssuedCredential, error) {
	c, ok := credentials.Get(ctx, in.Digest)
	if !ok {
		return c, errUnknownCredential
	}
	if c.Status == isRevoked || from != "" && c.Status != from {
		return c, errWrongState.With(string(c.Status))
	}
	if err := c.mayChange(ctx, method); err != nil {
		return c, err
	}
	c.Status = to
	credentials.Put(ctx, c.Digest, c)
	statusChanged.Emit(ctx, c)
	holder, h, err := find(ctx, c.Holder)
	if err != nil {
		return c, err
	}
	h.save(ctx, holder, Change{Kind: kind, Other: c.Issuer, About: c.Template, Digest: c.Digest, Reason: in.Reason})
	return c, nil
}

func (c *IssuedCredential) mayChange(ctx *contract.Ctx, method string) error {
	id, s, err := find(ctx, c.Issuer)
	if err != nil {
		return err
	}
	if err = s.act(ctx, method, id, nil); err == nil || c.Agent == "" {
		return err
	}
	agent, a, err := find(ctx, c.Agent)
	if err != nil {
		return err
	}
	if !isAgent(ctx, c.Template, agent) {
		return errNotIssuer.With("no agent of the template at this time")
	}
	return a.act(ctx, method, agent, nil)
}

// getCredential returns what the chain keeps of a credential.
func getCredential(v *contract.View, in CredentialArgs) (IssuedCredential, error) {
	c, ok := credentials.Get(v, in.Digest)
	if !ok {
		return c, errUnknownCredential
	}
	return c, nil
}

// statusAt returns a credential's status at a time.
func (c *IssuedCredential) statusAt(now contract.Time) Status {
	switch {
	case c.Status != valid:
		return c.Status
	case now < c.From:
		return notYet
	case now >= c.Until:
		return isExpired
	}
	return valid
}
