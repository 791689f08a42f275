// Package main issues work permits: a builder registers sites, applies for permits with
// sealed contact data, an office decides, inspectors visit.
package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/record"
)

// Builder is a company that applies.
type Builder struct {
	Org  contract.Org `json:"builder"`
	Name string       `json:"name"`
	Meta record.Meta  `json:"meta"`
}

// Site is where work is done.
type Site struct {
	ID      string       `json:"site"`
	Builder contract.Org `json:"builder"`
	Address string       `json:"address"`
	Meta    record.Meta  `json:"meta"`
}

// Permit is an application, and what became of it.
type Permit struct {
	ID      string                   `json:"permit"`
	Site    string                   `json:"site"`
	Fee     contract.Decimal         `json:"fee"` // in yuan
	From    contract.Date            `json:"from"`
	Plan    contract.File            `json:"plan"`
	Contact record.Encrypted[string] `json:"contact"`
	Keys    record.Keys              `json:"keys"`
	Remark  string                   `json:"remark,omitempty"`
	Meta    record.Meta              `json:"meta"`
}

// Visit is an inspection of a site.
type Visit struct {
	ID     string        `json:"visit"`
	Permit string        `json:"permit"`
	On     contract.Date `json:"on"`
	Passed bool          `json:"passed"`
	Meta   record.Meta   `json:"meta"`
}

var approval = record.NewWorkflow("approval", "draft submitted granted refused",
	record.NewMove("edit", "draft refused", "", "self"),
	record.NewMove("submit", "draft refused", "submitted", "self"),
	record.NewMove("approve", "submitted", "granted", "ANY org:office"),
	record.NewMove("refuse", "submitted", "refused", "ANY org:office"))

// Storage.
var (
	builders      = record.New("builder", func(b *Builder) contract.Org { return b.Org })
	sites         = record.New("site", func(s *Site) string { return s.ID })
	_             = record.NewReference(sites, "siteBuilder", builders, func(s *Site) contract.Org { return s.Builder })
	permits       = record.New("permit", func(p *Permit) string { return p.ID }, record.Flow(approval))
	permitsBySite = record.NewBackIndex(permits, "permitBySite", sites, func(p *Permit) string { return p.Site })
	perState      = record.NewTally(permits, "permitState", func(p *Permit) string { return p.Meta.State }, record.One)
	visits        = record.New("visit", func(v *Visit) string { return v.ID })
	visitsOf      = record.NewBackIndex(visits, "visitByPermit", permits, func(v *Visit) string { return v.Permit })
)

var decided = contract.NewEvent[Permit]("decided")

var errNotGranted = contract.NewError("not_granted")

// BuilderArgs name a company.
type BuilderArgs struct {
	Name string `json:"name"`
}

// SiteArgs are a site.
type SiteArgs struct {
	ID      string `json:"site"`
	Address string `json:"address"`
}

// PermitArgs are an application; its contact is sealed by the client.
type PermitArgs struct {
	ID      string                   `json:"permit"`
	Site    string                   `json:"site"`
	Fee     contract.Decimal         `json:"fee"`
	From    contract.Date            `json:"from"`
	Plan    contract.File            `json:"plan"`
	Contact record.Encrypted[string] `json:"contact"`
	Keys    record.Keys              `json:"keys"`
}

// Decision moves an application.
type Decision struct {
	ID     string `json:"permit"`
	Move   string `json:"move"`
	Remark string `json:"remark,omitempty"`
}

// ShareArgs let another party open the contact.
type ShareArgs struct {
	ID   string      `json:"permit"`
	Wrap record.Wrap `json:"wrap"`
}

// VisitArgs are inspections.
type VisitArgs struct {
	Visits []VisitItem `json:"visits"`
}

// VisitItem is one of them.
type VisitItem struct {
	ID     string        `json:"visit"`
	Permit string        `json:"permit"`
	On     contract.Date `json:"on"`
	Passed bool          `json:"passed"`
}

// IDArgs name a permit, or the site of a list.
type IDArgs struct {
	ID    string `json:"permit,omitempty"`
	Site  string `json:"site,omitempty"`
	After string `json:"after,omitempty"`
	Limit uint32 `json:"limit,omitempty"`
}

var _ = contract.Methods(
	contract.Call("register", register),
	contract.Call("addSite", addSite),
	contract.Call("apply", apply),
	contract.Call("decide", decide),
	contract.Call("share", share),
	contract.Call("inspect", inspect),
	contract.Query("get", get),
	contract.Query("list", list),
	contract.Query("listVisits", listVisits),
	contract.Query("history", history),
	contract.Query("statistics", statistics),
)

// register enters the caller's company.
func register(ctx *contract.Ctx, in BuilderArgs) (Builder, error) {
	org := ctx.Caller().Org
	return builders.Put(ctx, Builder{Org: org, Name: in.Name, Meta: record.Meta{Owner: record.Party(org)}})
}

// addSite adds a site of the caller's company.
func addSite(ctx *contract.Ctx, in SiteArgs) (Site, error) {
	return sites.Create(ctx, Site{ID: in.ID, Builder: ctx.Caller().Org, Address: in.Address})
}

// apply drafts an application, or corrects one that was not decided yet.
func apply(ctx *contract.Ctx, in PermitArgs) (Permit, error) {
	return permits.Put(ctx, Permit{ID: in.ID, Site: in.Site, Fee: in.Fee, From: in.From, Plan: in.Plan, Contact: in.Contact, Keys: in.Keys})
}

// decide makes a move: submit by the applicant, approve or refuse by the office.
func decide(ctx *contract.Ctx, in Decision) (Permit, error) {
	p, err := permits.Move(ctx, in.ID, in.Move, func(p *Permit) error {
		p.Remark = in.Remark
		return nil
	})
	if err == nil {
		decided.Emit(ctx, p)
	}
	return p, err
}

// share lets another party open the contact.
func share(ctx *contract.Ctx, in ShareArgs) (Permit, error) {
	return permits.Grant(ctx, in.ID, record.Grant{To: in.Wrap.To, Rights: record.Read}, func(p *Permit) error {
		p.Keys.Wraps = append(p.Keys.Wraps, in.Wrap)
		return nil
	})
}

// inspect enters visits to sites with a permit, each by itself.
func inspect(ctx *contract.Ctx, in VisitArgs) (record.Results[Visit], error) {
	return record.Batch(ctx, in.Visits, func(v *VisitItem) (Visit, error) {
		if p, ok := permits.Find(ctx, v.Permit); ok && p.Meta.State != "granted" {
			return Visit{}, errNotGranted
		}
		return visits.Create(ctx, Visit{ID: v.ID, Permit: v.Permit, On: v.On, Passed: v.Passed})
	})
}

func get(v *contract.View, in IDArgs) (Permit, error) { return permits.Get(v, in.ID) }

func list(v *contract.View, in IDArgs) (contract.Page[Permit], error) {
	return permitsBySite.List(v, in.Site, contract.Paging{After: in.After, Limit: in.Limit}), nil
}

func listVisits(v *contract.View, in IDArgs) (contract.Page[Visit], error) {
	return visitsOf.List(v, in.ID, contract.Paging{After: in.After, Limit: in.Limit}), nil
}

func history(v *contract.View, in IDArgs) (contract.Page[Permit], error) {
	return permits.History(v, in.ID, contract.Paging{After: in.After, Limit: in.Limit})
}

func statistics(v *contract.View, in IDArgs) (contract.Page[record.Sum], error) {
	return perState.List(v, contract.Paging{After: in.After, Limit: in.Limit}), nil
}

func main() { contract.Main() }
