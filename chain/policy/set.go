package policy

import (
	"encoding/binary"
	"encoding/json"
	"strings"

	"github.com/huchain/huchain/crypto"
)

// RulePrefix and ChainPrefix begin the keys of the rows that a Set is made of.
const (
	RulePrefix  = "rule/"
	ChainPrefix = "chain/"
)

// InSet reports whether a row of the supervision contract is part of its Set.
func InSet(key []byte) bool {
	return strings.HasPrefix(string(key), RulePrefix) || strings.HasPrefix(string(key), ChainPrefix)
}

// BlacklistKey is the row that stops a member ("org/name") or an organisation on a chain.
func BlacklistKey(chain, subject string) []byte {
	return []byte("blacklist/" + chain + "\x00" + subject)
}

// ScanKey is the row with the result of scanning a contract's code.
func ScanKey(code crypto.Hash) []byte { return []byte("scan/" + code.String()) }

// Set is what all rules of a supervision contract mean together. It is immutable.
type Set struct {
	Digest crypto.Hash // SM3 over the rows: each key and value behind its length (u32le)
	Active int
	Broken []string // keys of rows that are no rules; they are passed over

	chains map[string]*index // lookups only
}

// index is the rules of one chain; lists ascend by rule id.
type index struct {
	blacklisted uint64
	rules       map[target][]*Rule
	forbidden   map[target]*Rule // unconditional refusals of stage run
	stages      map[string]int   // rules of each stage
}

type target struct{ stage, contract, method string }

// Builder makes a Set from the rows of a supervision contract, which MUST come in
// ascending order of keys, chains before rules.
type Builder struct {
	c      *Compiler
	set    *Set
	hashed []byte
}

// NewBuilder begins a Set.
func (c *Compiler) NewBuilder() *Builder {
	return &Builder{c: c, set: &Set{chains: map[string]*index{}}}
}

// Add takes a row.
func (b *Builder) Add(key, value []byte) {
	for _, part := range [][]byte{key, value} {
		b.hashed = append(binary.LittleEndian.AppendUint32(b.hashed, uint32(len(part))), part...)
	}
	if name, ok := strings.CutPrefix(string(key), ChainPrefix); ok {
		var row struct {
			Blacklisted uint32 `json:"blacklisted"`
		}
		if err := json.Unmarshal(value, &row); err != nil {
			b.set.Broken = append(b.set.Broken, string(key))
			return
		}
		b.chain(name).blacklisted = uint64(row.Blacklisted)
		return
	}
	r, err := b.c.Decode(value)
	if err != nil || RulePrefix+r.ID != string(key) {
		b.set.Broken = append(b.set.Broken, string(key))
		return
	}
	if r.Status != StatusActive {
		return
	}
	b.set.Active++
	at := target{r.Stage, r.Contract, r.Method}
	for _, name := range r.Chains {
		x := b.chain(name)
		x.rules[at] = append(x.rules[at], r)
		x.stages[r.Stage]++
		if r.Stage == StageRun && r.Action == ActionRefuse && r.unconditional() && x.forbidden[at] == nil {
			x.forbidden[at] = r
		}
	}
}

func (b *Builder) chain(name string) *index {
	x := b.set.chains[name]
	if x == nil {
		x = &index{rules: map[target][]*Rule{}, forbidden: map[target]*Rule{}, stages: map[string]int{}}
		b.set.chains[name] = x
	}
	return x
}

// Set returns the finished Set; the Builder is of no use afterwards.
func (b *Builder) Set() *Set {
	b.set.Digest = crypto.Sum(b.hashed)
	return b.set
}

// Blacklists reports whether anybody is on the blacklist of a chain.
func (s *Set) Blacklists(chain string) bool {
	x := s.chains[chain]
	return x != nil && x.blacklisted > 0
}

// Judges reports whether a chain has rules of a stage.
func (s *Set) Judges(chain, stage string) bool {
	x := s.chains[chain]
	return x != nil && x.stages[stage] > 0
}

// Forbidden returns the rule that forbids a contract or method on a chain outright, or
// nil.
func (s *Set) Forbidden(chain, contract, method string) *Rule {
	x := s.chains[chain]
	if x == nil {
		return nil
	}
	if r := x.forbidden[target{StageRun, contract, ""}]; r != nil {
		return r
	}
	return x.forbidden[target{StageRun, contract, method}]
}
