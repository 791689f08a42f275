package policy

import (
	"encoding/json"
	"slices"
	"unicode/utf8"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Bounds of a rule and of what judging may cost, in units of CEL's cost model.
const (
	MaxExpressionBytes = 2048
	MaxWords           = 256
	MaxWordBytes       = 256
	MaxChains          = 32
	MaxLimitCount      = 1_000_000
	MaxLimitSeconds    = 30 * 86400
	MaxCost            = 200_000 // of all expressions of one judgment
)

// Stages at which a rule is judged.
const (
	StageDeploy = "deploy" // a contract is created or upgraded
	StageRun    = "run"    // a contract is entered by a transaction or by another contract
	StageResult = "result" // a transaction's contract has run
	StageAudit  = "audit"  // the supervision contract asks
)

// Actions of a rule that is hit.
const (
	ActionRefuse = "refuse" // the transaction has no effect
	ActionRecord = "record" // event policy.recorded
	ActionAlert  = "alert"  // event policy.alerted
)

// StatusActive marks the rules that are judged; others stay on record.
const StatusActive = "active"

var (
	kinds   = []string{"user", "contract", "transaction", "content", "node", "sandbox"}
	stages  = []string{StageDeploy, StageRun, StageResult, StageAudit}
	actions = []string{ActionRefuse, ActionRecord, ActionAlert}
)

// Rule is a row rule/<id> of the supervision contract; what else stands in the row is of
// no concern here. A decoded Rule MUST NOT be changed.
type Rule struct {
	ID       string   `json:"rule"`
	Version  uint32   `json:"version"`
	Kind     string   `json:"kind"`
	Title    string   `json:"title"`
	Chains   []string `json:"chains"`
	Stage    string   `json:"stage"`
	Contract string   `json:"contract,omitempty"` // "": every installed contract
	Method   string   `json:"method,omitempty"`   // "": every method
	When     string   `json:"when,omitempty"`     // CEL, "" for true
	Words    []string `json:"words,omitempty"`    // hit by any of them in the arguments
	Limit    *Limit   `json:"limit,omitempty"`
	Action   string   `json:"action"`
	Status   string   `json:"status"`

	program *program
	words   *matcher
}

// Limit lets a member make Count calls that meet the rule's condition in each window of
// block time; windows follow one another from the Unix epoch. Calls that succeed count.
type Limit struct {
	Count   uint32 `json:"count"`
	Seconds uint32 `json:"seconds"`
}

// Window returns the beginning of the window that a block time lies in, in Unix seconds.
func (l *Limit) Window(timeMs int64) int64 {
	s := timeMs / 1000
	return s - s%int64(l.Seconds)
}

// unconditional reports whether the rule is hit by every call of its target.
func (r *Rule) unconditional() bool { return r.When == "" && len(r.Words) == 0 && r.Limit == nil }

// Compiler reads rules. It is safe for concurrent use.
type Compiler struct {
	envs  *environments
	rules *lru.Cache[crypto.Hash, *Rule] // by SM3 of the row: what is cached is a function of it
}

// NewCompiler returns a compiler that remembers up to entries rules.
func NewCompiler(entries int) (*Compiler, error) {
	envs, err := newEnvironments()
	if err != nil {
		return nil, err
	}
	rules, err := lru.New[crypto.Hash, *Rule](entries)
	if err != nil {
		return nil, types.Errorf(types.CodeInternal, "rule cache: %w", err)
	}
	return &Compiler{envs, rules}, nil
}

// Forget empties the cache; results do not depend on it.
func (c *Compiler) Forget() { c.rules.Purge() }

// Decode reads and compiles a row. Errors are HC-2303.
func (c *Compiler) Decode(row []byte) (*Rule, error) {
	key := crypto.Sum(row)
	if r, ok := c.rules.Get(key); ok {
		return r, nil
	}
	var r Rule
	if err := json.Unmarshal(row, &r); err != nil {
		return nil, refuse("the row is no rule: %w", err)
	}
	if err := r.validate(); err != nil {
		return nil, err
	}
	if r.When != "" {
		var err error
		if r.program, err = c.envs.compile(r.Stage, r.When); err != nil {
			return nil, err
		}
	}
	if len(r.Words) > 0 {
		r.words = newMatcher(r.Words)
	}
	c.rules.Add(key, &r)
	return &r, nil
}

func refuse(format string, args ...any) error {
	return types.Errorf(types.CodeRuleInvalid, format, args...)
}

func (r *Rule) validate() error {
	switch {
	case !validID(r.ID):
		return refuse("rule id %q: 1 to 64 lower-case letters, digits, dots, hyphens or underscores", types.CleanText(r.ID, 80))
	case !slices.Contains(kinds, r.Kind):
		return refuse("kind %q is none of %v", types.CleanText(r.Kind, 80), kinds)
	case !slices.Contains(stages, r.Stage):
		return refuse("stage %q is none of %v", types.CleanText(r.Stage, 80), stages)
	case !slices.Contains(actions, r.Action):
		return refuse("action %q is none of %v", types.CleanText(r.Action, 80), actions)
	case len(r.Chains) == 0 || len(r.Chains) > MaxChains:
		return refuse("a rule is for 1 to %d chains", MaxChains)
	case len(r.When) > MaxExpressionBytes || !utf8.ValidString(r.When):
		return refuse("an expression has at most %d bytes of UTF-8", MaxExpressionBytes)
	case r.Method != "" && r.Contract == "":
		return refuse("a method without its contract")
	case r.unconditional() && r.Stage != StageAudit && r.Contract == "":
		return refuse("a rule for every contract needs a condition, or it would stop the chain's users altogether")
	}
	for _, c := range r.Chains {
		if !types.ValidName(c) {
			return refuse("chain %q: no valid name", types.CleanText(c, 80))
		}
	}
	return r.validateMatch()
}

func (r *Rule) validateMatch() error {
	if len(r.Words) > MaxWords {
		return refuse("%d words, at most %d", len(r.Words), MaxWords)
	}
	for _, w := range r.Words {
		if w == "" || len(w) > MaxWordBytes || !utf8.ValidString(w) {
			return refuse("a word has 1 to %d bytes of UTF-8", MaxWordBytes)
		}
	}
	if len(r.Words) > 0 && r.Stage == StageDeploy {
		return refuse("words are looked for in arguments, which a deployment does not have")
	}
	if l := r.Limit; l != nil {
		if l.Count == 0 || l.Count > MaxLimitCount || l.Seconds == 0 || l.Seconds > MaxLimitSeconds {
			return refuse("a limit is 1 to %d calls in 1 to %d seconds", MaxLimitCount, MaxLimitSeconds)
		}
		if r.Stage != StageRun && r.Stage != StageAudit {
			return refuse("a limit counts calls: stage run or audit")
		}
	}
	return nil
}

func validID(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}
