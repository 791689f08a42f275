package record

import (
	"strings"

	"github.com/huchain/huchain/contracts/sdk/go/contract"
)

// moveEdit is the move that changes of content make: it stays in the state.
const moveEdit = "edit"

// Workflow is the states of a kind of record and the moves between them. bundle.yaml
// holds the same table with its words; huchain contract build refuses a difference.
type Workflow struct {
	states []string
	moves  []Move
}

// Move is one transition.
type Move struct {
	name   string
	from   []string
	to     string // empty: stays
	self   bool   // permits who may write the record
	anyone bool
	roles  []string
	orgs   []string
}

// NewWorkflow declares a workflow; the name is the one in bundle.yaml. states are
// separated by spaces, the first is where records start.
func NewWorkflow(name, states string, moves ...Move) *Workflow {
	w := &Workflow{strings.Fields(states), moves}
	for _, m := range moves {
		for _, s := range m.from {
			w.known(name, s)
		}
		if m.to != "" {
			w.known(name, m.to)
		}
	}
	return w
}

func (w *Workflow) known(name, state string) {
	for _, s := range w.states {
		if s == state {
			return
		}
	}
	panic("workflow " + name + " has no state " + state)
}

// NewMove declares a move from any of some states, separated by spaces, to another; an
// empty to stays in the state. allow is "public" (whom the method admits), "self" (who
// may write the record) or "ANY role:R|org:O …". The move "edit" is the one that Update
// and Put make, "delete" the one that Delete makes: without them content changes by
// other moves alone, and records stay.
func NewMove(name, from, to, allow string) Move {
	m := Move{name: name, from: strings.Fields(from), to: to}
	switch words := strings.Fields(allow); {
	case allow == "self":
		m.self = true
	case allow == "public":
		m.anyone = true
	case len(words) > 1 && words[0] == "ANY":
		for _, s := range words[1:] {
			kind, subject, _ := strings.Cut(s, ":")
			switch kind {
			case "role":
				m.roles = append(m.roles, subject)
			case "org":
				m.orgs = append(m.orgs, subject)
			default:
				panic("move " + name + ": " + s + " is not role:R or org:O")
			}
		}
	default:
		panic("move " + name + ": allow is public, self, or ANY role:R|org:O …")
	}
	return m
}

// enter checks a move and notes its outcome in m.
func (w *Workflow) enter(ctx *contract.Ctx, t *table, m *Meta, name string) error {
	for i := range w.moves {
		x := &w.moves[i]
		if x.name != name {
			continue
		}
		if !contains(x.from, m.State) {
			break
		}
		if !x.permits(ctx, t, m) {
			return ErrForbidden.With(name)
		}
		m.Op = name
		if x.to != "" {
			m.State = x.to
		}
		return nil
	}
	return ErrWrongState.With("no " + name + " from " + m.State)
}

func (x *Move) permits(ctx contract.Reader, t *table, m *Meta) bool {
	if x.self {
		return t.mayWrite(ctx, m) == nil
	}
	c := ctx.Caller()
	if x.anyone || contains(x.orgs, string(c.Org)) {
		return true
	}
	for _, r := range x.roles {
		if c.HasRole(r) {
			return true
		}
	}
	return false
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// Moves returns the names of the moves that the caller may make with a record as it
// stands, in the workflow's order.
func (x *Type[K, V]) Moves(r contract.Reader, v V) []string {
	var out []string
	if m := x.t.metaOf(&v); x.t.flow != nil && !m.Deleted {
		for i := range x.t.flow.moves {
			if move := &x.t.flow.moves[i]; contains(move.from, m.State) && move.permits(r, &x.t, m) {
				out = append(out, move.name)
			}
		}
	}
	return out
}
