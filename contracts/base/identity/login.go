package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// maxLoginSeconds bounds how long a challenge may wait for its signature.
const maxLoginSeconds = 600

// Means is how somebody has logged in.
type Means string

// The means of logging in.
const (
	certificate Means = "certificate" // SM2 X.509, by the member's transaction
	byDID       Means = "did"         // signature of a challenge by the identity's key
)

// Login is an authentication: an identity has answered a challenge of a service.
type Login struct {
	Challenge contract.Hash   `json:"challenge"`
	Audience  string          `json:"audience"`
	DID       contract.DID    `json:"did"`
	For       contract.DID    `json:"for,omitempty"` // the body it acts for
	Means     Means           `json:"means"`
	Category  Category        `json:"category,omitempty"`
	By        contract.Member `json:"by"` // who sent it
	Time      contract.Time   `json:"time"`
}

// CertificateArgs are the arguments of loginByCertificate.
type CertificateArgs struct {
	Challenge contract.Hash `json:"challenge"` // what the service has drawn at random
	Audience  string        `json:"audience"`  // the service
	For       contract.DID  `json:"for,omitempty"`
}

// LoginArgs are the arguments of loginByDid. The identity signs the text
// huchain:identity:<genesis>:login:<did>:0:<challenge>:<until>:<audience>[:<for>].
type LoginArgs struct {
	DID       contract.DID  `json:"did"`
	Challenge contract.Hash `json:"challenge"`
	Audience  string        `json:"audience"`
	Until     contract.Time `json:"until"` // at most 10 minutes ahead
	For       contract.DID  `json:"for,omitempty"`
	Signature Signature     `json:"signature"`
}

// ChallengeArgs name a login.
type ChallengeArgs struct {
	Challenge contract.Hash `json:"challenge"`
}

// logins are kept under their challenge, which so serves once.
var logins = state.NewMap[contract.Hash, Login]("login")

var loggedIn = contract.NewEvent[Login]("loggedIn")

var (
	errChallengeUsed = contract.NewError("challenge_used")
	errNoLogin       = contract.NewError("no_login")
)

// loginByCertificate records that the caller has answered a challenge with its
// certificate, which the chain has checked: who is expired, revoked or frozen does not
// come this far. It logs in to the identity the member is bound to.
func loginByCertificate(ctx *contract.Ctx, in CertificateArgs) (Login, error) {
	id := callerID(ctx)
	if id == "" {
		return Login{}, errNotHolder.With("the member is bound to no active identity")
	}
	s, _ := subjects.Get(ctx, id)
	return s.login(ctx, id, Login{Challenge: in.Challenge, Audience: in.Audience, For: in.For, Means: certificate})
}

// loginByDID records that an identity has answered a challenge with its key. Any client
// may send it, as the service does.
func loginByDID(ctx *contract.Ctx, in LoginArgs) (Login, error) {
	id, s, err := find(ctx, in.DID)
	if err != nil {
		return Login{}, err
	}
	if s.state() != active {
		return Login{}, errNotActive.With(string(s.state()))
	}
	if in.Until <= ctx.Time() || in.Until > ctx.Time()+maxLoginSeconds {
		return Login{}, errBadPeriod
	}
	parts := []string{in.Challenge.String(), in.Until.String(), in.Audience}
	if in.For != "" {
		parts = append(parts, string(in.For))
	}
	if !signed(ctx, &s.Key, &in.Signature, "login", id, 0, parts...) {
		return Login{}, errBadProof
	}
	return s.login(ctx, id, Login{Challenge: in.Challenge, Audience: in.Audience, For: in.For, Means: byDID})
}

func (s *Subject) login(ctx *contract.Ctx, id string, l Login) (Login, error) {
	if !validID(l.Audience) {
		return Login{}, errBadID.With("audience")
	}
	if logins.Has(ctx, l.Challenge) {
		return Login{}, errChallengeUsed
	}
	if l.For != "" {
		body, b, err := find(ctx, l.For)
		if err != nil {
			return Login{}, err
		}
		if b.state() != active || actsFor(ctx, id, body, "identity.login") == byNothing {
			return Login{}, errNotHolder.With("it does not act for " + string(l.For))
		}
	}
	l.DID, l.Category, l.By, l.Time = didOf(ctx, id), s.Category, ctx.Caller().Member, ctx.Time()
	logins.Put(ctx, l.Challenge, l)
	loggedIn.Emit(ctx, l)
	return l, nil
}

// getLogin returns the login that answered a challenge.
func getLogin(v *contract.View, in ChallengeArgs) (Login, error) {
	l, ok := logins.Get(v, in.Challenge)
	if !ok {
		return l, errNoLogin
	}
	return l, nil
}
