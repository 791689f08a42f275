package testkit

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
)

// Transcript is a parsed story.
type Transcript struct {
	Name   string // file name
	Covers []string
	steps  []step
	head   []string // lines before the first step
}

// step is one command with the lines that follow it.
type step struct {
	line   int
	verb   string
	rest   string // of the line
	text   string // the line
	expect []expectation
	tail   []string // comments and empty lines up to the next step
}

type expectation struct {
	kind string // ok, event, error
	rest string
}

func (e expectation) String() string { return strings.TrimSpace(e.kind + " " + e.rest) }

var coversRE = regexp.MustCompile(`covers:\s*([A-Z0-9., ]+)`)

// ParseTranscript reads a transcript; errors name the line.
func ParseTranscript(name, text string) (*Transcript, error) {
	t := &Transcript{Name: name}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		line = strings.TrimRight(line, " \t\r")
		verb, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		var last *step
		if len(t.steps) > 0 {
			last = &t.steps[len(t.steps)-1]
		}
		switch verb {
		case "ok", "event", "error":
			if last == nil || last.verb != "call" && last.verb != "query" && last.verb != "deploy" {
				return nil, fmt.Errorf("%s:%d: %s follows call, query or deploy", name, i+1, verb)
			}
			last.expect = append(last.expect, expectation{verb, rest})
		case "member", "key", "time", "block", "call", "query", "deploy", "with", "supervised", "freeze", "unfreeze", "let", "tamper":
			t.steps = append(t.steps, step{line: i + 1, verb: verb, rest: rest, text: line})
		default:
			if line != "" && line[0] != '#' {
				return nil, fmt.Errorf("%s:%d: %q is no command", name, i+1, verb)
			}
			t.comment(line, last)
		}
	}
	return t, nil
}

func (t *Transcript) comment(line string, last *step) {
	if m := coversRE.FindStringSubmatch(line); m != nil {
		for _, id := range strings.FieldsFunc(m[1], func(r rune) bool { return r == ',' || r == ' ' }) {
			t.Covers = append(t.Covers, strings.Trim(id, "."))
		}
	}
	if last == nil {
		t.head = append(t.head, line)
		return
	}
	last.tail = append(last.tail, line)
}

// Orgs returns the organisations its members belong to.
func (t *Transcript) Orgs() []string {
	var out []string
	for _, s := range t.steps {
		if s.verb == "member" {
			for _, f := range strings.Fields(s.rest) {
				if org, ok := strings.CutPrefix(f, "org="); ok && !slices.Contains(out, org) {
					out = append(out, org)
				}
			}
		}
	}
	return out
}

// Start returns the first time of the story, or the default.
func (t *Transcript) Start() time.Time {
	for _, s := range t.steps {
		if at, err := time.Parse(time.RFC3339, s.rest); s.verb == "time" && err == nil {
			return at.UTC()
		}
	}
	return DefaultParams().Start
}

// GasUse is what one step used.
type GasUse struct {
	Line   int
	Method string
	Gas    uint64
}

// Replay is a transcript's run.
type Replay struct {
	Gas       []GasUse
	Rewritten string // the transcript with what really happened
	Failures  []string
}

// Play runs a transcript on a chain; calls without a contract name go to contract.
// Differences from the expectations are in Failures; an error means that the story
// cannot go on.
func (t *Transcript) Play(ctx context.Context, c *Chain, contract string) (*Replay, error) {
	p := &player{t: t, c: c, contract: contract, scope: NewScope(c.genesis.Chain, c.genesis.Hash().String(), contract), out: &Replay{}}
	p.lines = append(p.lines, t.head...)
	for i := range t.steps {
		s := &t.steps[i]
		p.lines = append(p.lines, s.text)
		if err := p.step(ctx, s); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", t.Name, s.line, err)
		}
		p.lines = append(p.lines, s.tail...)
	}
	p.out.Rewritten = strings.Join(p.lines, "\n") + "\n"
	return p.out, nil
}

type player struct {
	t        *Transcript
	c        *Chain
	contract string
	scope    *Scope
	last     json.RawMessage // result of the last call or query
	lines    []string
	out      *Replay
}

func (p *player) step(ctx context.Context, s *step) error {
	switch s.verb {
	case "member":
		return p.member(ctx, s.rest)
	case "key":
		p.scope.Bind(s.rest, chaintest.KeyOf(s.rest))
		return nil
	case "time":
		at, err := time.Parse(time.RFC3339, s.rest)
		if err != nil {
			return err
		}
		p.c.SetTime(at)
		return nil
	case "block":
		p.c.NextBlock()
		return nil
	case "with", "supervised": // before the start
		return nil
	case "deploy":
		member, name, _ := strings.Cut(s.rest, " ")
		out, err := p.c.Deploy(ctx, member, strings.TrimSpace(name))
		if err != nil {
			return err
		}
		p.last = out.Result
		return p.judge(s, out)
	case "freeze", "unfreeze":
		return p.c.Freeze(ctx, s.rest, s.verb == "freeze")
	case "let":
		name, path, ok := strings.Cut(s.rest, "=")
		if !ok {
			return fmt.Errorf("let NAME = .path")
		}
		v, err := pick(p.last, strings.TrimSpace(path))
		p.scope.Vars[strings.TrimSpace(name)] = v
		return err
	case "tamper":
		return p.tamper(s.rest)
	}
	return p.request(ctx, s)
}

func (p *player) member(ctx context.Context, rest string) error {
	words := strings.Fields(rest)
	if len(words) < 2 {
		return fmt.Errorf("member NAME org=ORG role=ROLE,…")
	}
	org, roles := "", []string(nil)
	for _, w := range words[1:] {
		switch key, value, _ := strings.Cut(w, "="); key {
		case "org":
			org = value
		case "role", "roles":
			roles = strings.Split(value, ",")
		default:
			return fmt.Errorf("%q is not org= or role=", w)
		}
	}
	if err := p.c.AddMember(ctx, words[0], org, roles...); err != nil {
		return err
	}
	p.scope.Bind(words[0], p.c.members[words[0]].Key)
	return nil
}

// tamper reads KEY JSON, KEY - or KEY .field = JSON.
func (p *player) tamper(rest string) error {
	rest, err := p.scope.Expand(rest)
	if err != nil {
		return err
	}
	key, change, ok := strings.Cut(rest, " ")
	if !ok {
		return fmt.Errorf("tamper KEY JSON, KEY - or KEY .field = JSON")
	}
	k := []byte(strings.ReplaceAll(key, `\0`, "\x00"))
	old, found, err := p.c.Row(p.contract, k)
	if err != nil {
		return err
	}
	if !found && change == "-" || !found && change[0] == '.' {
		return fmt.Errorf("no row %s", key)
	}
	field, value, isField := strings.Cut(change, "=")
	switch {
	case change == "-":
		p.c.Tamper(p.contract, k, nil)
	case strings.HasPrefix(change, ".") && isField:
		var row map[string]json.RawMessage
		if err := json.Unmarshal(old, &row); err != nil {
			return err
		}
		row[strings.TrimSpace(field[1:])] = json.RawMessage(strings.TrimSpace(value))
		raw, err := json.Marshal(row)
		if err != nil {
			return err
		}
		p.c.Tamper(p.contract, k, raw)
	default:
		p.c.Tamper(p.contract, k, []byte(change))
	}
	return nil
}

// request runs call and query lines and judges their outcome.
func (p *player) request(ctx context.Context, s *step) error {
	words := strings.SplitN(s.rest, " ", 3)
	if len(words) < 2 {
		return fmt.Errorf("%s MEMBER METHOD JSON", s.verb)
	}
	args := "{}"
	var err error
	if len(words) == 3 {
		if args, err = p.scope.Expand(words[2]); err != nil {
			return err
		}
	}
	contract, method, ok := strings.Cut(words[1], ".")
	if !ok {
		contract, method = p.contract, words[1]
	}
	var out *Outcome
	signers := strings.Split(words[0], "+")
	switch {
	case s.verb == "call":
		out, err = p.c.Call(ctx, signers[0], contract, method, args, signers[1:]...)
	case words[0] == "public":
		out, err = p.c.Query(ctx, "", contract, method, args)
	default:
		out, err = p.c.Query(ctx, words[0], contract, method, args)
	}
	if err != nil {
		return err
	}
	p.last = out.Result
	p.out.Gas = append(p.out.Gas, GasUse{s.line, method, out.Gas})
	return p.judge(s, out)
}

// judge compares expectations with what happened, and writes the lines that would
// have been right: those that match stay as they are.
func (p *player) judge(s *step, out *Outcome) error {
	actual := []expectation{{"ok", string(out.Result)}}
	if out.Code != "" {
		actual[0] = expectation{"error", out.Code}
	}
	withEvents := len(s.expect) == 0
	for _, e := range s.expect {
		withEvents = withEvents || e.kind == "event"
	}
	if withEvents {
		for _, e := range out.Events {
			switch e.Contract {
			case p.contract:
				actual = append(actual, expectation{"event", e.Name + " " + string(e.Data)})
			case chain.NSPolicy:
				actual = append(actual, expectation{"event", e.Contract + "." + e.Name + " " + string(e.Data)})
			}
		}
	}
	for i, a := range actual {
		if i < len(s.expect) {
			same, err := p.same(s.expect[i], a)
			if err != nil {
				return err
			}
			if same {
				p.lines = append(p.lines, s.expect[i].String())
				continue
			}
			p.fail(s, "want %s\n     got %s %s", s.expect[i], a, out.Detail)
		} else {
			p.fail(s, "got %s %s, which no line expects", a, out.Detail)
		}
		p.lines = append(p.lines, a.String())
	}
	for _, e := range s.expect[min(len(actual), len(s.expect)):] {
		p.fail(s, "want %s, which did not happen", e)
	}
	return nil
}

func (p *player) fail(s *step, format string, args ...any) {
	p.out.Failures = append(p.out.Failures, fmt.Sprintf("%s:%d: %s\n     ", p.t.Name, s.line, s.text)+fmt.Sprintf(format, args...))
}

func (p *player) same(want, have expectation) (bool, error) {
	if want.kind != have.kind {
		return false, nil
	}
	wantText, err := p.scope.Expand(want.rest)
	if err != nil {
		return false, err
	}
	haveText := have.rest
	switch want.kind {
	case "error":
		return wantText == haveText, nil
	case "event":
		wantName, wantData, _ := strings.Cut(wantText, " ")
		haveName, haveData, _ := strings.Cut(haveText, " ")
		if wantName != haveName {
			return false, nil
		}
		wantText, haveText = wantData, haveData
	}
	if wantText == "" {
		wantText = rest
	}
	return matchText(wantText, []byte(haveText))
}
