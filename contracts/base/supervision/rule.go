package main

import (
	"slices"

	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Rule is a rule in its present version. The chain reads this row and refuses to store
// one that it cannot judge (HC-2303); package chain/policy says what the fields mean.
type Rule struct {
	ID       string          `json:"rule"`
	Version  uint32          `json:"version"`
	Kind     string          `json:"kind"`
	Title    string          `json:"title"`
	Chains   []string        `json:"chains"`
	Stage    string          `json:"stage"`
	Contract string          `json:"contract,omitempty"`
	Method   string          `json:"method,omitempty"`
	When     string          `json:"when,omitempty"`
	Words    []string        `json:"words,omitempty"`
	Limit    *Limit          `json:"limit,omitempty"`
	Action   string          `json:"action"`
	Status   string          `json:"status"` // active or withdrawn
	Reason   string          `json:"reason,omitempty"`
	By       contract.Member `json:"by"`
	Time     contract.Time   `json:"time"`
}

// Limit allows a member so many calls in each window of so many seconds.
type Limit struct {
	Count   uint32 `json:"count"`
	Seconds uint32 `json:"seconds"`
}

// RuleArgs are the arguments of putRule.
type RuleArgs struct {
	ID       string   `json:"rule"`
	Kind     string   `json:"kind"`
	Title    string   `json:"title"`
	Chains   []string `json:"chains"`
	Stage    string   `json:"stage"`
	Contract string   `json:"contract,omitempty"`
	Method   string   `json:"method,omitempty"`
	When     string   `json:"when,omitempty"`
	Words    []string `json:"words,omitempty"`
	Limit    *Limit   `json:"limit,omitempty"`
	Action   string   `json:"action"`
}

// RuleID names a rule.
type RuleID struct {
	ID string `json:"rule"`
}

// WithdrawArgs are the arguments of withdrawRule.
type WithdrawArgs struct {
	ID     string `json:"rule"`
	Reason string `json:"reason"`
}

// HistoryArgs ask for a page of the versions of a rule.
type HistoryArgs struct {
	ID    string `json:"rule"`
	After string `json:"after,omitempty"`
	Limit uint32 `json:"limit,omitempty"`
}

// Rules are a page of a chain's rules at a revision: active, withdrawn, and those that
// were for the chain in an earlier version and list it no more. A business chain or
// sandbox hands them to syncRules of its own supervision contract.
type Rules struct {
	Chain    string `json:"chain"`
	Revision uint32 `json:"revision"`
	Items    []Rule `json:"items"`
	Next     string `json:"next"`
}

// SyncArgs are the arguments of syncRules: a page as fetchRules gives it.
type SyncArgs struct {
	Chain    string `json:"chain"`
	Revision uint32 `json:"revision"`
	Items    []Rule `json:"items"`
}

// Synced says how many rules were new or newer.
type Synced struct {
	Chain    string `json:"chain"`
	Revision uint32 `json:"revision"`
	Applied  uint32 `json:"applied"`
}

// Storage.
var (
	rules        = state.NewMap[string, Rule]("rule")
	ruleVersions = state.NewMap[state.Pair[string, uint32], Rule]("ruleVersion")
	ruleByChain  = state.NewIndex[string, string]("ruleByChain")
)

// Events.
var (
	ruleSet     = contract.NewEvent[Rule]("ruleSet")
	rulesSynced = contract.NewEvent[Synced]("rulesSynced")
)

// Refusals.
var (
	errUnknownRule = contract.NewError("unknown_rule")
	errKindFixed   = contract.NewError("kind_fixed")
	errWithdrawn   = contract.NewError("withdrawn")
	errRulesFull   = contract.NewError("rules_full")
	errStale       = contract.NewError("stale")
)

// putRule registers a rule or its next version, for the chains it lists.
func putRule(ctx *contract.Ctx, in RuleArgs) (Rule, error) {
	if !validID(in.ID) {
		return Rule{}, errBadID.With("rule")
	}
	if err := checkText(in.Title, maxTitle); err != nil {
		return Rule{}, err
	}
	old, had := rules.Get(ctx, in.ID)
	if had && old.Kind != in.Kind {
		return Rule{}, errKindFixed.With(old.Kind)
	}
	r := Rule{
		ID: in.ID, Version: old.Version + 1, Kind: in.Kind, Title: in.Title, Chains: in.Chains, Stage: in.Stage, Contract: in.Contract,
		Method: in.Method, When: in.When, Words: in.Words, Limit: in.Limit, Action: in.Action, Status: "active",
		By: ctx.Caller().Member, Time: ctx.Time(),
	}
	return r, store(ctx, old, r, 1)
}

// withdrawRule ends a rule; it stays on record with the reason.
func withdrawRule(ctx *contract.Ctx, in WithdrawArgs) (Rule, error) {
	old, ok := rules.Get(ctx, in.ID)
	if !ok {
		return Rule{}, errUnknownRule
	}
	if old.Status != "active" {
		return Rule{}, errWithdrawn
	}
	if err := checkText(in.Reason, maxText); err != nil {
		return Rule{}, err
	}
	r := old
	r.Version, r.Status, r.Reason, r.By, r.Time = old.Version+1, "withdrawn", in.Reason, ctx.Caller().Member, ctx.Time()
	return r, store(ctx, old, r, 1)
}

// store makes r the present version and keeps the counts of the chains concerned, whose
// revision grows by step.
func store(ctx *contract.Ctx, old, r Rule, step uint32) error {
	all := slices.Clone(r.Chains)
	slices.Sort(all)
	if len(slices.Compact(all)) != len(r.Chains) {
		return errUnknownChain.With("a chain stands twice")
	}
	for _, id := range old.Chains {
		if !slices.Contains(r.Chains, id) {
			all = append(all, id) // and stays under ruleByChain, so that the chain learns of it
		}
	}
	for _, id := range all {
		c, err := findChain(ctx, id)
		if err != nil {
			return err
		}
		c.Rules, c.Broad = c.Rules-old.counts(id), c.Broad-old.broad(id)
		c.Rules, c.Broad = c.Rules+r.counts(id), c.Broad+r.broad(id)
		if c.Rules > maxRules || c.Broad > maxBroad {
			return errRulesFull.With(id)
		}
		c.Revision += step
		chains.Put(ctx, id, c)
	}
	for _, id := range r.Chains {
		ruleByChain.Put(ctx, id, r.ID)
	}
	rules.Put(ctx, r.ID, r)
	ruleVersions.Put(ctx, state.Pair[string, uint32]{A: r.ID, B: r.Version}, r)
	ruleSet.Emit(ctx, r)
	return nil
}

// counts is 1 if the rule is in force on a chain.
func (r Rule) counts(chain string) uint32 {
	if r.Status == "active" && slices.Contains(r.Chains, chain) {
		return 1
	}
	return 0
}

// broad is 1 if the rule is in force there for every contract.
func (r Rule) broad(chain string) uint32 {
	if r.Contract != "" {
		return 0
	}
	return r.counts(chain)
}

// syncRules takes over rules from the supervision chain: those of the chain this
// contract runs on, in versions above the ones known here. One that is for this chain no
// longer is withdrawn here.
func syncRules(ctx *contract.Ctx, in SyncArgs) (Synced, error) {
	c, err := findChain(ctx, in.Chain)
	if err != nil {
		return Synced{}, err
	}
	if in.Revision < c.Revision {
		return Synced{}, errStale
	}
	out := Synced{Chain: in.Chain, Revision: in.Revision}
	for _, r := range in.Items {
		old, known := rules.Get(ctx, r.ID)
		if r.Version <= old.Version {
			continue
		}
		if !slices.Contains(r.Chains, in.Chain) {
			if !known {
				continue
			}
			r.Status = "withdrawn"
		}
		r.Chains = []string{in.Chain}
		if err := store(ctx, old, r, 0); err != nil {
			return Synced{}, err
		}
		out.Applied++
	}
	c, err = findChain(ctx, in.Chain)
	if err != nil {
		return Synced{}, err
	}
	c.Revision = in.Revision
	chains.Put(ctx, c.ID, c)
	rulesSynced.Emit(ctx, out)
	return out, nil
}

func getRule(v *contract.View, in RuleID) (Rule, error) {
	r, ok := rules.Get(v, in.ID)
	if !ok {
		return Rule{}, errUnknownRule
	}
	return r, nil
}

// fetchRules gives the rules of a chain, in pages.
func fetchRules(v *contract.View, in ChainPage) (Rules, error) {
	c, err := findChain(v, in.Chain)
	if err != nil {
		return Rules{}, err
	}
	ids, next := ruleByChain.Page(v, in.Chain, in.paging())
	out := Rules{Chain: c.ID, Revision: c.Revision, Next: next}
	for _, id := range ids {
		if r, ok := rules.Get(v, id); ok {
			out.Items = append(out.Items, r)
		}
	}
	return out, nil
}

// history gives the versions of a rule, oldest first.
func history(v *contract.View, in HistoryArgs) (contract.Page[Rule], error) {
	return state.ListUnder(v, ruleVersions, in.ID, contract.Paging{After: in.After, Limit: in.Limit}), nil
}
