package main

import (
	"unicode/utf8"

	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Bounds of templates.
const (
	maxTitle  = 100 // characters
	maxClaims = 64
)

// ClaimType is the type of a claim's value, which only its holder and whom it is shown
// to ever see.
type ClaimType string

// The types of claims.
const (
	textClaim ClaimType = "text"
	intClaim  ClaimType = "int"
	boolClaim ClaimType = "bool"
	dateClaim ClaimType = "date"
)

// ClaimField is what a template says of one claim.
type ClaimField struct {
	Name     string    `json:"name"`
	Title    string    `json:"title"`
	Type     ClaimType `json:"type"`
	Required bool      `json:"required"`
}

// Template is a kind of credential: who issues it, and whether it is issued now.
type Template struct {
	ID      string        `json:"template"`
	Title   string        `json:"title"`
	Issuer  contract.DID  `json:"issuer"`
	Version uint32        `json:"version"` // newest
	Enabled bool          `json:"enabled"`
	Time    contract.Time `json:"time"` // of the last change
}

// Schema is one version of a template. It never changes.
type Schema struct {
	Template string          `json:"template"`
	Version  uint32          `json:"version"` // from 1
	Claims   []ClaimField    `json:"claims"`
	Digest   contract.Hash   `json:"digest"` // SM3 over the JSON of claims
	By       contract.Member `json:"by"`
	Time     contract.Time   `json:"time"`
}

// TemplateArgs are the arguments of registerTemplate.
type TemplateArgs struct {
	ID     string       `json:"template"`
	Title  string       `json:"title"`
	Issuer contract.DID `json:"issuer"`
	Claims []ClaimField `json:"claims"`
}

// SchemaArgs are the arguments of changeTemplate.
type SchemaArgs struct {
	ID     string       `json:"template"`
	Claims []ClaimField `json:"claims"`
}

// TemplateID names a template, in one version or in its newest.
type TemplateID struct {
	ID      string `json:"template"`
	Version uint32 `json:"version,omitempty"`
}

// TemplateSchema is a template with one of its versions.
type TemplateSchema struct {
	Template Template `json:"template"`
	Schema   Schema   `json:"schema"`
}

// PageArgs ask for a page of all.
type PageArgs struct {
	After string `json:"after,omitempty"`
	Limit uint32 `json:"limit,omitempty"`
}

// Agent may issue credentials of a template in its issuer's place for a time.
type Agent struct {
	Template string        `json:"template"`
	Agent    contract.DID  `json:"agent"`
	From     contract.Time `json:"from"`
	Until    contract.Time `json:"until"` // not included
	Ended    bool          `json:"ended"`
}

// DelegateArgs are the arguments of delegate.
type DelegateArgs struct {
	ID    string        `json:"template"`
	Agent contract.DID  `json:"agent"`
	From  contract.Time `json:"from"`
	Until contract.Time `json:"until"`
}

// AgentArgs name an agent.
type AgentArgs struct {
	ID    string       `json:"template"`
	Agent contract.DID `json:"agent"`
}

// AgentsArgs ask for a page of a template's agents.
type AgentsArgs struct {
	ID    string `json:"template"`
	After string `json:"after,omitempty"`
	Limit uint32 `json:"limit,omitempty"`
}

// Storage.
var (
	templates = state.NewMap[string, Template]("template")
	schemas   = state.NewMap[state.Pair[string, uint32], Schema]("schema")
	agents    = state.NewMap[state.Pair[string, string], Agent]("agent")
	agentsOf  = state.NewIndex[string, string]("agentOf")
)

// Events.
var (
	templateChanged = contract.NewEvent[Template]("templateChanged")
	agentChanged    = contract.NewEvent[Agent]("agentChanged")
)

var (
	errTemplateExists   = contract.NewError("template_exists")
	errUnknownTemplate  = contract.NewError("unknown_template")
	errTemplateDisabled = contract.NewError("template_disabled")
	errBadClaims        = contract.NewError("bad_claims")
	errNoAgent          = contract.NewError("no_agent")
)

// registerTemplate makes a kind of credential known; its first version is 1, enabled.
func registerTemplate(ctx *contract.Ctx, in TemplateArgs) (Template, error) {
	t := Template{ID: in.ID, Title: in.Title, Issuer: in.Issuer, Enabled: true}
	if !validID(in.ID) {
		return t, errBadID
	}
	if in.Title == "" || utf8.RuneCountInString(in.Title) > maxTitle {
		return t, errTooLong.With("title: 1 to 100 characters")
	}
	if templates.Has(ctx, in.ID) {
		return t, errTemplateExists
	}
	if err := t.byIssuer(ctx, "registerTemplate"); err != nil {
		return t, err
	}
	err := t.publish(ctx, in.Claims)
	return t, err
}

// changeTemplate publishes the next version of a template. Credentials of earlier
// versions stay what they are.
func changeTemplate(ctx *contract.Ctx, in SchemaArgs) (Template, error) {
	t, err := ownTemplate(ctx, in.ID, "changeTemplate")
	if err != nil {
		return Template{}, err
	}
	err = t.publish(ctx, in.Claims)
	return t, err
}

// enableTemplate lets credentials be issued again.
func enableTemplate(ctx *contract.Ctx, in TemplateID) (Template, error) {
	return setEnabled(ctx, in.ID, "enableTemplate", true)
}

// disableTemplate stops issuing. Credentials that were issued stay valid.
func disableTemplate(ctx *contract.Ctx, in TemplateID) (Template, error) {
	return setEnabled(ctx, in.ID, "disableTemplate", false)
}

func setEnabled(ctx *contract.Ctx, id, method string, enabled bool) (Template, error) {
	t, err := ownTemplate(ctx, id, method)
	if err != nil {
		return Template{}, err
	}
	if t.Enabled == enabled {
		return Template{}, errWrongState
	}
	t.Enabled = enabled
	t.save(ctx)
	return t, nil
}

// ownTemplate returns a template, if the caller acts for its issuer.
func ownTemplate(ctx *contract.Ctx, id, method string) (Template, error) {
	t, ok := templates.Get(ctx, id)
	if !ok {
		return t, errUnknownTemplate.With(id)
	}
	return t, t.byIssuer(ctx, method)
}

func (t *Template) byIssuer(ctx *contract.Ctx, method string) error {
	id, s, err := find(ctx, t.Issuer)
	if err != nil {
		return err
	}
	if s.Category == "" || s.Category.person() != legal {
		return errNotAllowed.With("issuers have accounts of legal persons")
	}
	return s.act(ctx, method, id, nil)
}

func (t *Template) publish(ctx *contract.Ctx, claims []ClaimField) error {
	if err := checkFields(claims); err != nil {
		return err
	}
	t.Version++
	s := Schema{t.ID, t.Version, claims, contract.Hash{}, ctx.Caller().Member, ctx.Time()}
	s.Digest = s.digest()
	schemas.Put(ctx, state.Pair[string, uint32]{A: t.ID, B: t.Version}, s)
	t.save(ctx)
	return nil
}

// digest is SM3 over the JSON of each field of the schema's claims, in order.
func (s *Schema) digest() contract.Hash {
	var b []byte
	for _, f := range s.Claims {
		b = append(b, contract.JSON(f)...)
	}
	return contract.SM3(b)
}

func (t *Template) save(ctx *contract.Ctx) {
	t.Time = ctx.Time()
	templates.Put(ctx, t.ID, *t)
	templateChanged.Emit(ctx, *t)
}

func checkFields(claims []ClaimField) error {
	if len(claims) == 0 || len(claims) > maxClaims {
		return errBadClaims.With("a template has 1 to 64 claims")
	}
	for i, c := range claims {
		if !validID(c.Name) {
			return errBadClaims.With("a claim's name has 1 to 64 letters, digits, dots, hyphens or underscores")
		}
		if c.Title == "" || utf8.RuneCountInString(c.Title) > maxTitle {
			return errBadClaims.With(c.Name + ": the title has 1 to 100 characters")
		}
		for _, before := range claims[:i] {
			if before.Name == c.Name {
				return errBadClaims.With(c.Name + " occurs twice")
			}
		}
	}
	return nil
}

// delegate lets an agent issue credentials of a template for a time.
func delegate(ctx *contract.Ctx, in DelegateArgs) (Agent, error) {
	if _, err := ownTemplate(ctx, in.ID, "delegate"); err != nil {
		return Agent{}, err
	}
	if in.Until <= in.From || in.Until <= ctx.Time() {
		return Agent{}, errBadPeriod
	}
	id, s, err := find(ctx, in.Agent)
	if err != nil {
		return Agent{}, err
	}
	if s.state() != active {
		return Agent{}, errNotActive.With("the agent is " + string(s.state()))
	}
	a := Agent{in.ID, in.Agent, in.From, in.Until, false}
	a.save(ctx, id)
	return a, nil
}

// endDelegation ends an agent's time now.
func endDelegation(ctx *contract.Ctx, in AgentArgs) (Agent, error) {
	if _, err := ownTemplate(ctx, in.ID, "endDelegation"); err != nil {
		return Agent{}, err
	}
	id, err := idOf(ctx, in.Agent)
	if err != nil {
		return Agent{}, err
	}
	a, ok := agents.Get(ctx, state.Pair[string, string]{A: in.ID, B: id})
	if !ok || a.Ended {
		return Agent{}, errNoAgent
	}
	a.Ended, a.Until = true, ctx.Time()
	a.save(ctx, id)
	return a, nil
}

func (a *Agent) save(ctx *contract.Ctx, id string) {
	agents.Put(ctx, state.Pair[string, string]{A: a.Template, B: id}, *a)
	agentsOf.Put(ctx, a.Template, id)
	agentChanged.Emit(ctx, *a)
}

// isAgent reports whether an identity may issue in the issuer's place now.
func isAgent(r contract.Reader, template, id string) bool {
	a, ok := agents.Get(r, state.Pair[string, string]{A: template, B: id})
	return ok && !a.Ended && within(r.Time(), a.From, a.Until)
}

// getTemplate returns a template with one of its versions, the newest if none is named.
func getTemplate(v *contract.View, in TemplateID) (TemplateSchema, error) {
	t, ok := templates.Get(v, in.ID)
	if !ok {
		return TemplateSchema{}, errUnknownTemplate.With(in.ID)
	}
	if in.Version == 0 {
		in.Version = t.Version
	}
	s, ok := schemas.Get(v, state.Pair[string, uint32]{A: in.ID, B: in.Version})
	if !ok {
		return TemplateSchema{}, errUnknownTemplate.With("no such version")
	}
	return TemplateSchema{t, s}, nil
}

// listTemplates returns all templates by id.
func listTemplates(v *contract.View, in PageArgs) (contract.Page[Template], error) {
	return templates.List(v, contract.Paging{After: in.After, Limit: in.Limit}), nil
}

// listAgents returns a template's agents, past and present.
func listAgents(v *contract.View, in AgentsArgs) (contract.Page[Agent], error) {
	ids, next := agentsOf.Page(v, in.ID, contract.Paging{After: in.After, Limit: in.Limit})
	page := contract.Page[Agent]{Next: next}
	for _, id := range ids {
		if a, ok := agents.Get(v, state.Pair[string, string]{A: in.ID, B: id}); ok {
			page.Items = append(page.Items, a)
		}
	}
	return page, nil
}
