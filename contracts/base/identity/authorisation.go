package main

import (
	"strings"

	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Authorisation lets the grantee act for the grantor, as its proxy, in a scope: a name
// as "evidence.deposit", all names of a bundle as "evidence.*", or "*" for all bundles
// but this one: what a proxy may do to the identity itself is named, as
// "identity.freeze". It stays when it is revoked.
type Authorisation struct {
	Grantor contract.DID  `json:"grantor"`
	Grantee contract.DID  `json:"grantee"`
	Scope   string        `json:"scope"`
	From    contract.Time `json:"from"`
	Until   contract.Time `json:"until"` // not included
	Revoked bool          `json:"revoked"`
}

// AuthoriseArgs are the arguments of authorise.
type AuthoriseArgs struct {
	Grantor contract.DID  `json:"grantor"`
	Grantee contract.DID  `json:"grantee"`
	Scope   string        `json:"scope"`
	Until   contract.Time `json:"until"`
	Proof   *Proof        `json:"proof,omitempty"`
}

// RevokeArgs are the arguments of revokeAuthorisation.
type RevokeArgs struct {
	Grantor contract.DID `json:"grantor"`
	Grantee contract.DID `json:"grantee"`
	Scope   string       `json:"scope"`
	Reason  Reason       `json:"reason"`
	Proof   *Proof       `json:"proof,omitempty"`
}

// ActArgs ask whether an identity may act for another. An empty actor is the caller.
type ActArgs struct {
	Actor contract.DID `json:"actor,omitempty"`
	For   contract.DID `json:"for"`
	Scope string       `json:"scope"`
}

// How is why an identity may act for another.
type How string

// The ways of acting for an identity.
const (
	byNothing       How = "none"
	byItself        How = "self"
	byRepresenting  How = "representation"
	byAuthorisation How = "authorisation"
)

// Right is the answer to mayAct.
type Right struct {
	Allowed bool         `json:"allowed"`
	By      How          `json:"by"`
	Actor   contract.DID `json:"actor,omitempty"`
}

// grantKey is grantor, grantee and scope.
type grantKey = state.Pair[string, state.Pair[string, string]]

// Storage.
var (
	authorisations = state.NewMap[grantKey, Authorisation]("authorisation")
	grantsOf       = state.NewIndex[string, state.Pair[string, string]]("authorisationOf")
)

var (
	errBadScope        = contract.NewError("bad_scope")
	errNoAuthorisation = contract.NewError("no_authorisation")
)

func keyOfGrant(grantor, grantee, scope string) grantKey {
	return grantKey{A: grantor, B: state.Pair[string, string]{A: grantee, B: scope}}
}

// authorise lets another identity act for the grantor in a scope, until a time.
func authorise(ctx *contract.Ctx, in AuthoriseArgs) (Authorisation, error) {
	p, err := openPair(ctx, in.Grantor, "", in.Grantee)
	if err != nil {
		return Authorisation{}, err
	}
	if !validScope(in.Scope) {
		return Authorisation{}, errBadScope
	}
	if in.Until <= ctx.Time() {
		return Authorisation{}, errBadPeriod
	}
	if p.object.row.state() != active {
		return Authorisation{}, errNotActive.With("the grantee is " + string(p.object.row.state()))
	}
	if err := p.subject.row.act(ctx, "authorise", p.subject.id, in.Proof, p.object.id, in.Scope, in.Until.String()); err != nil {
		return Authorisation{}, err
	}
	a := Authorisation{in.Grantor, in.Grantee, in.Scope, ctx.Time(), in.Until, false}
	grantsOf.Put(ctx, p.subject.id, state.Pair[string, string]{A: p.object.id, B: in.Scope})
	authorisations.Put(ctx, keyOfGrant(p.subject.id, p.object.id, in.Scope), a)
	p.subject.row.save(ctx, p.subject.id, Change{Kind: authorised, Other: in.Grantee, About: in.Scope, Until: in.Until})
	return a, nil
}

// revokeAuthorisation ends an authorisation from now on.
func revokeAuthorisation(ctx *contract.Ctx, in RevokeArgs) (Authorisation, error) {
	p, err := openPair(ctx, in.Grantor, "", in.Grantee)
	if err != nil {
		return Authorisation{}, err
	}
	k := keyOfGrant(p.subject.id, p.object.id, in.Scope)
	a, ok := authorisations.Get(ctx, k)
	if !ok || a.Revoked {
		return Authorisation{}, errNoAuthorisation
	}
	if !p.subject.row.byRegistrar(ctx) {
		if err := p.subject.row.act(ctx, "revokeAuthorisation", p.subject.id, in.Proof, p.object.id, in.Scope, string(in.Reason)); err != nil {
			return Authorisation{}, err
		}
	}
	a.Revoked, a.Until = true, ctx.Time()
	authorisations.Put(ctx, k, a)
	p.subject.row.save(ctx, p.subject.id, Change{Kind: authorisedEnded, Other: in.Grantee, About: in.Scope, Reason: in.Reason})
	return a, nil
}

// listAuthorisations returns what an identity has granted, revoked ones too.
func listAuthorisations(v *contract.View, in PartyArgs) (contract.Page[Authorisation], error) {
	id, err := idOf(v, in.DID)
	if err != nil {
		return contract.Page[Authorisation]{}, err
	}
	keys, next := grantsOf.Page(v, id, contract.Paging{After: in.After, Limit: in.Limit})
	page := contract.Page[Authorisation]{Next: next}
	for _, k := range keys {
		if a, ok := authorisations.Get(v, grantKey{A: id, B: k}); ok {
			page.Items = append(page.Items, a)
		}
	}
	return page, nil
}

// mayAct says whether an identity, or the caller's, may act for another in a scope now:
// as itself, as a representative, or by authorisation. Other contracts ask it before
// they accept what is done in another's name.
func mayAct(v *contract.View, in ActArgs) (Right, error) {
	id, principal, err := find(v, in.For)
	if err != nil {
		return Right{}, err
	}
	if !validScope(in.Scope) {
		return Right{}, errBadScope
	}
	actor := callerID(v)
	if in.Actor != "" {
		var s Subject
		if actor, s, err = find(v, in.Actor); err != nil {
			return Right{}, err
		}
		if s.state() != active {
			actor = ""
		}
	}
	if actor == "" {
		return Right{By: byNothing}, nil
	}
	out := Right{By: byNothing, Actor: didOf(v, actor)}
	if principal.state() == active {
		out.By = actsFor(v, actor, id, in.Scope)
		out.Allowed = out.By != byNothing
	}
	return out, nil
}

// actsFor says how an active identity may act for another that is active.
func actsFor(r contract.Reader, actor, principal, scope string) How {
	if actor == principal {
		return byItself
	}
	if l, ok := links.Get(r, keyOfLink(actor, represents, principal)); ok && l.current(r.Time()) {
		return byRepresenting
	}
	for s := scope; ; s = wider(s) {
		a, ok := authorisations.Get(r, keyOfGrant(principal, actor, s))
		if ok && !a.Revoked && within(r.Time(), a.From, a.Until) {
			return byAuthorisation
		}
		if s == "*" || s == "identity.*" {
			return byNothing
		}
	}
}

// wider returns the next wider scope: "a.*" for "a.b", "*" for "a.*".
func wider(scope string) string {
	bundle, method, _ := strings.Cut(scope, ".")
	if method == "*" {
		return "*"
	}
	return bundle + ".*"
}

// validScope accepts "*", "bundle.*" and "bundle.method".
func validScope(s string) bool {
	if s == "*" {
		return true
	}
	bundle, method, _ := strings.Cut(s, ".")
	return validID(bundle) && (method == "*" || validID(method) && strings.IndexByte(method, '.') < 0)
}
