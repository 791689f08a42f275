package main

import (
	"slices"

	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Result is an audit result. Results of a chain are linked: Digest is SM3 over the JSON
// of the result with 64 zeros in the digest's place, and covers Previous.
type Result struct {
	Chain    string          `json:"chain"`
	Position uint32          `json:"position"` // from 1
	Kind     string          `json:"kind"`
	Rule     string          `json:"rule"`
	Version  uint32          `json:"version"` // of the rule
	Subject  string          `json:"subject"`
	Verdict  string          `json:"verdict"` // pass or violation
	Detail   string          `json:"detail"`
	Report   contract.Hash   `json:"report"` // SM3 of the report, zero for none
	Previous contract.Hash   `json:"previous"`
	By       contract.Member `json:"by"`
	Time     contract.Time   `json:"time"`
	Digest   contract.Hash   `json:"digest"`
}

// ResultArgs are the arguments of recordResult.
type ResultArgs struct {
	Chain   string        `json:"chain"`
	Rule    string        `json:"rule"`
	Subject string        `json:"subject"`
	Verdict string        `json:"verdict"`
	Detail  string        `json:"detail"`
	Report  contract.Hash `json:"report,omitempty"`
}

// NodeArgs are the arguments of auditNode: what was measured at a node in a period.
type NodeArgs struct {
	Chain  string `json:"chain"`
	Node   string `json:"node"`
	Period string `json:"period"` // as 2026-03-02T01
	Data   string `json:"data"`   // JSON, "data" of the rules
}

// Results are the results of one audit.
type Results struct {
	Items []Result `json:"items"`
}

// Scan is the result of scanning a contract's code; the chain reads it when the contract
// is deployed.
type Scan struct {
	Code   contract.Hash   `json:"code"`
	Result string          `json:"result"` // passed or failed
	Tool   string          `json:"tool"`
	Report contract.Hash   `json:"report"`
	By     contract.Member `json:"by"`
	Time   contract.Time   `json:"time"`
}

// ScanArgs are the arguments of recordScan.
type ScanArgs struct {
	Code   contract.Hash `json:"code"`
	Result string        `json:"result"`
	Tool   string        `json:"tool"`
	Report contract.Hash `json:"report"`
}

// CodeID names a contract's code.
type CodeID struct {
	Code contract.Hash `json:"code"`
}

// Storage.
var (
	results     = state.NewMap[itemKey, Result]("result")
	nodeAudited = state.NewIndex[string, state.Pair[string, string]]("nodeAudited") // chain and node; period and rule
	scans       = state.NewMap[contract.Hash, Scan]("scan")
)

// Events.
var (
	resultRecorded = contract.NewEvent[Result]("resultRecorded")
	alertRaised    = contract.NewEvent[Result]("alertRaised")
	codeScanned    = contract.NewEvent[Scan]("codeScanned")
)

// Refusals.
var (
	errBadVerdict = contract.NewError("bad_verdict")
	errCannotRun  = contract.NewError("cannot_judge")
)

// recordResult adds an audit result under a rule of its chain; a violation raises an alert.
func recordResult(ctx *contract.Ctx, in ResultArgs) (Result, error) {
	r, ok := rules.Get(ctx, in.Rule)
	if !ok || !slices.Contains(r.Chains, in.Chain) {
		return Result{}, errUnknownRule
	}
	if in.Verdict != "pass" && in.Verdict != "violation" {
		return Result{}, errBadVerdict
	}
	if err := checkText(in.Subject, maxTitle); err != nil {
		return Result{}, err
	}
	if err := checkText(in.Detail, maxText); err != nil {
		return Result{}, err
	}
	out := add(ctx, Result{
		Chain: in.Chain, Kind: r.Kind, Rule: r.ID, Version: r.Version, Subject: in.Subject, Verdict: in.Verdict, Detail: in.Detail, Report: in.Report,
	})
	if in.Verdict == "violation" {
		alertRaised.Emit(ctx, out)
	}
	return out, nil
}

// add appends a result to its chain's results.
func add(ctx *contract.Ctx, r Result) Result {
	h, _ := heads.Get(ctx, r.Chain)
	h.Results++
	r.Position, r.Previous, r.By, r.Time = h.Results, h.ResultDigest, ctx.Caller().Member, ctx.Time()
	r.Digest = r.digest()
	h.ResultDigest = r.Digest
	heads.Put(ctx, r.Chain, h)
	results.Put(ctx, itemKey{A: r.Chain, B: r.Position}, r)
	resultRecorded.Emit(ctx, r)
	return r
}

func (r Result) digest() contract.Hash {
	r.Digest = contract.Hash{}
	return contract.SM3(contract.JSON(r))
}

// auditNode holds what was measured at a node against the node rules of its chain and
// records one result for each rule it breaks; asked again for the period, none.
func auditNode(ctx *contract.Ctx, in NodeArgs) (Results, error) {
	var out Results
	if !objects.Has(ctx, keyOf(in.Chain, "node", in.Node)) {
		return out, errUnmanaged
	}
	if err := checkText(in.Period, maxID); err != nil {
		return out, err
	}
	if err := checkText(in.Data, maxText); err != nil {
		return out, err
	}
	j, err := judge(ctx, JudgeArgs{Chain: in.Chain, Kind: "node", Subject: in.Node, Data: in.Data})
	if err != nil {
		return out, err
	}
	for _, h := range j.Hits {
		if h.Failed != "" {
			return Results{}, errCannotRun.With("rule " + h.Rule + ": " + h.Failed)
		}
		partition, key := in.Chain+"/"+in.Node, state.Pair[string, string]{A: in.Period, B: h.Rule}
		if nodeAudited.Has(ctx, partition, key) {
			continue
		}
		nodeAudited.Put(ctx, partition, key)
		r := add(ctx, Result{
			Chain: in.Chain, Kind: "node", Rule: h.Rule, Version: h.Version, Subject: in.Node, Verdict: "violation",
			Detail: in.Period + " " + in.Data,
		})
		alertRaised.Emit(ctx, r)
		out.Items = append(out.Items, r)
	}
	return out, nil
}

// recordScan keeps the result of scanning a contract's code.
func recordScan(ctx *contract.Ctx, in ScanArgs) (Scan, error) {
	if in.Result != "passed" && in.Result != "failed" {
		return Scan{}, errBadVerdict
	}
	if err := checkText(in.Tool, maxTitle); err != nil {
		return Scan{}, err
	}
	s := Scan{in.Code, in.Result, in.Tool, in.Report, ctx.Caller().Member, ctx.Time()}
	scans.Put(ctx, s.Code, s)
	codeScanned.Emit(ctx, s)
	return s, nil
}

func getScan(v *contract.View, in CodeID) (Scan, error) {
	s, ok := scans.Get(v, in.Code)
	if !ok {
		return Scan{}, errNotFound
	}
	return s, nil
}

func listResults(v *contract.View, in ChainPage) (contract.Page[Result], error) {
	return state.ListUnder(v, results, in.Chain, in.paging()), nil
}

// verifyResults recomputes the links of a chain's results.
func verifyResults(v *contract.View, in VerifyArgs) (Verdict, error) {
	if _, err := findChain(v, in.Chain); err != nil {
		return Verdict{}, err
	}
	h, _ := heads.Get(v, in.Chain)
	return in.verify(h.Results, h.ResultDigest, func(n uint32) (link, bool) {
		r, ok := results.Get(v, itemKey{A: in.Chain, B: n})
		return link{r.Position, r.Previous, r.Digest, r.digest()}, ok
	})
}
