package main

import (
	"strconv"

	"github.com/huchain/huchain/contracts/sdk/go/contract"
)

// GuardArgs are what a contract in the sandbox is about to do: Data is JSON and is
// "data" in the rules, Method is what rules for a method are matched with.
type GuardArgs struct {
	Method string `json:"method"`
	Data   string `json:"data"`
}

// JudgeArgs ask the chain's native contract policy for a judgment.
type JudgeArgs struct {
	Chain    string `json:"chain"`
	Kind     string `json:"kind"`
	Contract string `json:"contract"`
	Method   string `json:"method"`
	Subject  string `json:"subject"`
	Data     string `json:"data"`
}

// Judgment is its answer.
type Judgment struct {
	Chain  string `json:"chain"`
	Caller string `json:"caller"` // the contract that called this one
	Hits   []Hit  `json:"hits"`
}

// Hit is a rule that was met.
type Hit struct {
	Rule    string `json:"rule"`
	Version uint32 `json:"version"`
	Title   string `json:"title"`
	Action  string `json:"action"`
	Failed  string `json:"failed"` // why it could not be judged
}

// Refusals.
var (
	errNotNested = contract.NewError("not_nested")
	errViolation = contract.NewError("violation")
)

func judge(v contract.Reader, in JudgeArgs) (Judgment, error) {
	return contract.Invoke[JudgeArgs, Judgment](v, "policy", "judge", in)
}

// guard holds what a contract in the sandbox is about to do, and who has it do so,
// against the sandbox rules of this chain. A rule that refuses makes it fail; other
// hits are recorded, and those that alert raise an alert.
func guard(ctx *contract.Ctx, in GuardArgs) (Judgment, error) {
	if err := checkText(in.Data, maxText); err != nil {
		return Judgment{}, err
	}
	member := ctx.Caller().Member
	j, err := judge(ctx, JudgeArgs{Kind: "sandbox", Method: in.Method, Subject: string(member), Data: in.Data})
	if err != nil {
		return Judgment{}, err
	}
	if j.Caller == "" {
		return Judgment{}, errNotNested
	}
	for _, h := range j.Hits {
		if h.Action == "refuse" {
			return Judgment{}, errViolation.With("rule " + h.Rule + " (version " + strconv.Itoa(int(h.Version)) + "): " + h.Title)
		}
	}
	for _, h := range j.Hits {
		r := add(ctx, Result{
			Chain: j.Chain, Kind: "sandbox", Rule: h.Rule, Version: h.Version, Subject: string(member), Verdict: "violation",
			Detail: j.Caller + "." + in.Method + " " + in.Data,
		})
		if h.Action == "alert" {
			alertRaised.Emit(ctx, r)
		}
	}
	return j, nil
}
