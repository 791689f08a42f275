package main

import (
	"strings"
	"unicode/utf8"

	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Bounds of templates and ids.
const (
	maxSteps = 64
	maxAfter = 16
	maxID    = 64
)

// Step is one node a template asks for, who may add it, an organisation or a member
// "org/name", and after which others: the one listed before it, if none are named.
type Step struct {
	Name  string   `json:"name"`
	Party string   `json:"party"`
	After []string `json:"after,omitempty"`
}

// Template is the order in which chains of evidence grow. It never changes.
type Template struct {
	ID    string          `json:"template"`
	Title string          `json:"title"`
	Steps []Step          `json:"steps"`
	Owner contract.Member `json:"owner"`
	Time  contract.Time   `json:"time"`
}

// TemplateArgs are the arguments of defineTemplate.
type TemplateArgs struct {
	ID    string `json:"template"`
	Title string `json:"title"`
	Steps []Step `json:"steps"`
}

// TemplateID names a template.
type TemplateID struct {
	ID string `json:"template"`
}

// PageArgs ask for a page of all.
type PageArgs struct {
	After string `json:"after,omitempty"`
	Limit uint32 `json:"limit,omitempty"`
}

var templates = state.NewMap[string, Template]("template")

var templateDefined = contract.NewEvent[Template]("templateDefined")

// Refusals.
var (
	errBadID           = contract.NewError("bad_id")
	errBadSteps        = contract.NewError("bad_steps")
	errTemplateExists  = contract.NewError("template_exists")
	errUnknownTemplate = contract.NewError("unknown_template")
)

// defineTemplate fixes an order of nodes and the party that may add each.
func defineTemplate(ctx *contract.Ctx, in TemplateArgs) (Template, error) {
	if !validID(in.ID) {
		return Template{}, errBadID
	}
	if err := checkText(in.Title, ""); err != nil {
		return Template{}, err
	}
	if err := checkSteps(in.Steps); err != nil {
		return Template{}, err
	}
	if templates.Has(ctx, in.ID) {
		return Template{}, errTemplateExists
	}
	t := Template{in.ID, in.Title, in.Steps, ctx.Caller().Member, ctx.Time()}
	templates.Put(ctx, t.ID, t)
	templateDefined.Emit(ctx, t)
	return t, nil
}

// getTemplate returns a template.
func getTemplate(v *contract.View, in TemplateID) (Template, error) {
	t, ok := templates.Get(v, in.ID)
	if !ok {
		return Template{}, errUnknownTemplate
	}
	return t, nil
}

// listTemplates returns all templates by id.
func listTemplates(v *contract.View, in PageArgs) (contract.Page[Template], error) {
	return templates.List(v, contract.Paging{After: in.After, Limit: in.Limit}), nil
}

func checkSteps(steps []Step) error {
	if len(steps) == 0 || len(steps) > maxSteps {
		return errBadSteps.With("a template has 1 to 64 steps")
	}
	for i, s := range steps {
		if s.Name == "" || utf8.RuneCountInString(s.Name) > maxID {
			return errBadSteps.With("a step's name has 1 to 64 characters")
		}
		for _, before := range steps[:i] {
			if before.Name == s.Name {
				return errBadSteps.With(s.Name + " occurs twice")
			}
		}
		if !contract.ValidOrg(s.Party) && !contract.ValidMember(s.Party) {
			return errBadSteps.With(s.Name + ": party must be an organisation or a member org/name")
		}
		if err := checkAfter(steps[:i], s); err != nil {
			return err
		}
	}
	return nil
}

// checkAfter lets a step come after steps listed before it, so that there is no circle.
func checkAfter(before []Step, s Step) error {
	if len(s.After) > maxAfter {
		return errBadSteps.With(s.Name + ": it comes after at most 16 steps")
	}
	for i, name := range s.After {
		if indexOf(before, name) < 0 || contains(s.After[:i], name) {
			return errBadSteps.With(s.Name + ": it comes after steps that are listed before it, each once")
		}
	}
	return nil
}

func indexOf(steps []Step, name string) int {
	for i := range steps {
		if steps[i].Name == name {
			return i
		}
	}
	return -1
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// due reports whether step i may follow the steps that are done.
func (t *Template) due(i int, done []bool) bool {
	if done[i] {
		return false
	}
	if len(t.Steps[i].After) == 0 {
		return i == 0 || done[i-1]
	}
	for _, name := range t.Steps[i].After {
		if !done[indexOf(t.Steps, name)] {
			return false
		}
	}
	return true
}

// branches reports whether the order of nodes is not that of the steps alone.
func (t *Template) branches() bool {
	for i := range t.Steps {
		if len(t.Steps[i].After) > 0 {
			return true
		}
	}
	return false
}

// mayAdd reports whether the caller is the party of a step.
func (s *Step) mayAdd(m contract.Member) bool {
	if strings.IndexByte(s.Party, '/') >= 0 {
		return s.Party == string(m)
	}
	return s.Party == string(m.Org())
}

// validID accepts 1 to 64 lower-case letters, digits, dots, hyphens and underscores.
func validID(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= maxID
}
