package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Relation is what the subject is to the object.
type Relation string

// The relations.
const (
	employs    Relation = "employs"    // the subject, a legal person, a natural one
	represents Relation = "represents" // the subject acts for the object, a legal person
	belongsTo  Relation = "belongsTo"  // the subject is part of the object, a legal person
)

// Link is a relation between two identities. It stays when it has ended.
type Link struct {
	Subject  contract.DID  `json:"subject"`
	Relation Relation      `json:"relation"`
	Object   contract.DID  `json:"object"`
	From     contract.Time `json:"from"`
	Until    contract.Time `json:"until"` // not included
	Ended    bool          `json:"ended"`
}

// RelateArgs are the arguments of relate.
type RelateArgs struct {
	Subject  contract.DID  `json:"subject"`
	Relation Relation      `json:"relation"`
	Object   contract.DID  `json:"object"`
	Until    contract.Time `json:"until"`
	Proof    *Proof        `json:"proof,omitempty"`
}

// EndRelationArgs are the arguments of endRelation.
type EndRelationArgs struct {
	Subject  contract.DID `json:"subject"`
	Relation Relation     `json:"relation"`
	Object   contract.DID `json:"object"`
	Reason   Reason       `json:"reason"`
	Proof    *Proof       `json:"proof,omitempty"`
}

// RelationArgs name a relation.
type RelationArgs struct {
	Subject  contract.DID `json:"subject"`
	Relation Relation     `json:"relation"`
	Object   contract.DID `json:"object"`
}

// Standing says whether a relation holds now.
type Standing struct {
	Current bool  `json:"current"`
	Link    *Link `json:"link,omitempty"`
}

// PartyArgs ask for a page of what concerns an identity.
type PartyArgs struct {
	DID   contract.DID `json:"did"`
	After string       `json:"after,omitempty"`
	Limit uint32       `json:"limit,omitempty"`
}

// linkKey is subject, relation and object, by id.
type linkKey = state.Pair[string, state.Pair[string, string]]

// Storage.
var (
	links       = state.NewMap[linkKey, Link]("relation")
	linksOfBoth = state.NewIndex[string, linkKey]("relationOf")
)

var errNoRelation = contract.NewError("no_relation")

func keyOfLink(subject string, r Relation, object string) linkKey {
	return linkKey{A: subject, B: state.Pair[string, string]{A: string(r), B: object}}
}

// authority is the party that a relation is for to declare: the employer, the body
// that is represented, or the body that is belonged to.
func (r Relation) authority() (object bool) { return r != employs }

// relate declares a relation for a time. It is for the employer, the represented body or
// the body belonged to to say, or for its registrar.
func relate(ctx *contract.Ctx, in RelateArgs) (Link, error) {
	p, err := openPair(ctx, in.Subject, in.Relation, in.Object)
	if err != nil {
		return Link{}, err
	}
	if in.Until <= ctx.Time() {
		return Link{}, errBadPeriod
	}
	body, person := &p.object, &p.subject
	if in.Relation == employs {
		body, person = person, body
	}
	if body.row.Category == "" || body.row.Category.person() != legal || person.row.Category == "" ||
		in.Relation == employs && person.row.Category.person() != natural {
		return Link{}, errNotAllowed.With("a relation is between accounts; the body is a legal person, and persons are employed")
	}
	if p.subject.row.state() != active || p.object.row.state() != active {
		return Link{}, errNotActive
	}
	if err := p.mayDeclare(ctx, in.Relation, "relate", in.Proof, in.Until.String()); err != nil {
		return Link{}, err
	}
	l := Link{in.Subject, in.Relation, in.Object, ctx.Time(), in.Until, false}
	p.store(ctx, l, Change{Kind: related, Until: in.Until})
	return l, nil
}

// endRelation ends a relation from now on.
func endRelation(ctx *contract.Ctx, in EndRelationArgs) (Link, error) {
	p, err := openPair(ctx, in.Subject, in.Relation, in.Object)
	if err != nil {
		return Link{}, err
	}
	l, ok := links.Get(ctx, keyOfLink(p.subject.id, in.Relation, p.object.id))
	if !ok || l.Ended {
		return Link{}, errNoRelation
	}
	if err := p.mayDeclare(ctx, in.Relation, "endRelation", in.Proof, string(in.Reason)); err != nil {
		return Link{}, err
	}
	l.Ended, l.Until = true, ctx.Time()
	p.store(ctx, l, Change{Kind: relationEnded, Reason: in.Reason})
	return l, nil
}

// party is one side of a relation.
type party struct {
	id  string
	row Subject
}

type pair struct{ subject, object party }

func openPair(r contract.Reader, subject contract.DID, _ Relation, object contract.DID) (p pair, err error) {
	if subject == object {
		return p, errNotAllowed.With("an identity has no relation to itself")
	}
	if p.subject.id, p.subject.row, err = find(r, subject); err == nil {
		p.object.id, p.object.row, err = find(r, object)
	}
	return p, err
}

// mayDeclare checks that the side whose relation it is to declare, or its registrar,
// asks. A proof names both sides and the relation.
func (p *pair) mayDeclare(r contract.Reader, rel Relation, method string, proof *Proof, last string) error {
	side, other := &p.subject, &p.object
	if rel.authority() {
		side, other = other, side
	}
	if side.row.byRegistrar(r) {
		return nil
	}
	return side.row.act(r, method, side.id, proof, string(rel), other.id, last)
}

// store writes the relation and tells both histories of it.
func (p *pair) store(ctx *contract.Ctx, l Link, c Change) {
	k := keyOfLink(p.subject.id, l.Relation, p.object.id)
	links.Put(ctx, k, l)
	linksOfBoth.Put(ctx, p.subject.id, k)
	linksOfBoth.Put(ctx, p.object.id, k)
	c.About = string(l.Relation)
	out, in := c, c
	out.Other, out.Outgoing, in.Other = l.Object, true, l.Subject
	p.subject.row.save(ctx, p.subject.id, out)
	p.object.row.save(ctx, p.object.id, in)
}

// current reports whether a relation holds at a time.
func (l *Link) current(now contract.Time) bool { return !l.Ended && within(now, l.From, l.Until) }

// checkRelation says whether a relation holds now.
func checkRelation(v *contract.View, in RelationArgs) (Standing, error) {
	p, err := openPair(v, in.Subject, in.Relation, in.Object)
	if err != nil {
		return Standing{}, err
	}
	l, ok := links.Get(v, keyOfLink(p.subject.id, in.Relation, p.object.id))
	if !ok {
		return Standing{}, nil
	}
	now := l.current(v.Time()) && p.subject.row.state() == active && p.object.row.state() == active
	return Standing{now, &l}, nil
}

// listRelations returns an identity's relations, on either side, ended ones too.
func listRelations(v *contract.View, in PartyArgs) (contract.Page[Link], error) {
	id, err := idOf(v, in.DID)
	if err != nil {
		return contract.Page[Link]{}, err
	}
	keys, next := linksOfBoth.Page(v, id, contract.Paging{After: in.After, Limit: in.Limit})
	page := contract.Page[Link]{Next: next}
	for _, k := range keys {
		if l, ok := links.Get(v, k); ok {
			page.Items = append(page.Items, l)
		}
	}
	return page, nil
}
