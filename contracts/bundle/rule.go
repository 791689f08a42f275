package bundle

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// MaxSubjects bounds the roles and organisations one rule lists.
const MaxSubjects = 32

// RuleKind is the quantifier of a rule.
type RuleKind uint8

// The quantifiers; the zero Rule permits nobody, which "forbidden" writes.
const (
	Nobody RuleKind = iota
	Public
	Self
	Any
	All
	Majority
	N
)

// Subject is a role or an organisation; exactly one of them is set.
type Subject struct {
	Role types.Role
	Org  string
}

// String returns "role:R" or "org:O".
func (s Subject) String() string {
	if s.Org != "" {
		return "org:" + s.Org
	}
	return "role:" + string(s.Role)
}

// Rule says who may enter a method.
type Rule struct {
	Kind     RuleKind
	N        int // for Kind N
	Subjects []Subject
}

// ParseAllow reads an allow rule, see the package documentation.
func ParseAllow(s string) (Rule, error) {
	words := strings.Split(s, " ")
	switch s {
	case "public":
		return Rule{Kind: Public}, nil
	case "self":
		return Rule{Kind: Self}, nil
	case "forbidden":
		return Rule{Kind: Nobody}, nil
	}
	r, err := parseQuantifier(words[0])
	if err != nil {
		return Rule{}, fmt.Errorf("allow rule %q: %w", s, err)
	}
	if r.Subjects, err = parseSubjects(words[1:]); err != nil {
		return Rule{}, fmt.Errorf("allow rule %q: %w", s, err)
	}
	if err := r.check(); err != nil {
		return Rule{}, fmt.Errorf("allow rule %q: %w", s, err)
	}
	return r, nil
}

func parseQuantifier(w string) (Rule, error) {
	switch w {
	case "ANY":
		return Rule{Kind: Any}, nil
	case "ALL":
		return Rule{Kind: All}, nil
	case "MAJORITY":
		return Rule{Kind: Majority}, nil
	}
	if digits, ok := strings.CutSuffix(w, "-of"); ok {
		n, err := strconv.Atoi(digits)
		if err == nil && n >= 1 && n <= 1000 && strconv.Itoa(n) == digits {
			return Rule{Kind: N, N: n}, nil
		}
	}
	return Rule{}, errors.New("must be public, self, forbidden, or begin with ANY, ALL, MAJORITY or n-of")
}

func parseSubjects(words []string) ([]Subject, error) {
	if len(words) == 0 || len(words) > MaxSubjects {
		return nil, fmt.Errorf("must list 1 to %d of role:R or org:O, separated by one space", MaxSubjects)
	}
	var out []Subject
	seen := make(map[string]bool)
	for _, w := range words {
		if seen[w] {
			return nil, fmt.Errorf("%s is listed twice", w)
		}
		seen[w] = true
		kind, name, _ := strings.Cut(w, ":")
		switch {
		case kind == "role" && types.ValidRole(types.Role(name)):
			out = append(out, Subject{Role: types.Role(name)})
		case kind == "org" && types.ValidName(name):
			out = append(out, Subject{Org: name})
		case kind == "role":
			return nil, fmt.Errorf("%q is no role", name)
		default:
			return nil, fmt.Errorf("%q is not role:R or org:O", w)
		}
	}
	return out, nil
}

func (r Rule) check() error {
	if r.Kind == Any {
		return nil
	}
	orgs := 0
	for _, s := range r.Subjects {
		if s.Org != "" {
			orgs++
		}
	}
	if orgs != 0 && orgs != len(r.Subjects) {
		return errors.New("roles and organisations can be mixed under ANY only")
	}
	if r.Kind == N && orgs != 0 && r.N > orgs {
		return fmt.Errorf("needs %d of %d organisations", r.N, orgs)
	}
	return nil
}

// String returns the form ParseAllow reads.
func (r Rule) String() string {
	var b strings.Builder
	switch r.Kind {
	case Public:
		return "public"
	case Self:
		return "self"
	case Any:
		b.WriteString("ANY")
	case All:
		b.WriteString("ALL")
	case Majority:
		b.WriteString("MAJORITY")
	case N:
		b.WriteString(strconv.Itoa(r.N) + "-of")
	default:
		return "forbidden"
	}
	for _, s := range r.Subjects {
		b.WriteString(" " + s.String())
	}
	return b.String()
}

// Permits reports whether signers, the members who signed a request (none for an
// unsigned query), satisfy the rule on a chain of orgs organisations.
func (r Rule) Permits(signers []host.Caller, orgs int) bool {
	switch r.Kind {
	case Public:
		return true
	case Self:
		return len(signers) > 0
	case Any:
		for _, s := range signers {
			if r.matches(s) {
				return true
			}
		}
		return false
	case All, Majority, N:
		return r.enough(r.signedOrgs(signers), orgs)
	}
	return false
}

// signedOrgs counts the organisations for which a matching member signed.
func (r Rule) signedOrgs(signers []host.Caller) int {
	var seen []string
next:
	for _, s := range signers {
		if !r.matches(s) {
			continue
		}
		for _, org := range seen {
			if org == s.Org {
				continue next
			}
		}
		seen = append(seen, s.Org)
	}
	return len(seen)
}

func (r Rule) enough(signed, orgs int) bool {
	total := orgs
	if r.Subjects[0].Org != "" {
		total = len(r.Subjects)
	}
	switch r.Kind {
	case All:
		return total > 0 && signed >= total
	case Majority:
		return 2*signed > total
	default:
		return signed >= r.N
	}
}

func (r Rule) matches(c host.Caller) bool {
	for _, s := range r.Subjects {
		if s.Org != "" {
			if s.Org == c.Org {
				return true
			}
			continue
		}
		for _, role := range c.Roles {
			if role == s.Role {
				return true
			}
		}
	}
	return false
}
