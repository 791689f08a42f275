package chain

import (
	"encoding/json"
	"errors"

	"github.com/huchain/huchain/chain/policy"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// The native contract policy: which rules are in force, and the judgment that the
// supervision contract asks for.
var policyMethods = map[string]nativeMethod{
	"get":   {run: (*callScope).getRules},
	"check": {run: (*callScope).checkRule},
}

func (s *callScope) getRules(args []byte) (any, error) {
	if err := decodeArgs(args, &struct{}{}); err != nil {
		return nil, err
	}
	if s.sup == nil {
		return nil, types.Errorf(types.CodeNotFound, "this chain has no supervision contract")
	}
	set := s.sup.set
	return &RulesInForce{s.sup.contract, set.Digest, set.Active, set.Broken}, nil
}

type checkRuleArgs struct {
	Rule json.RawMessage `json:"rule"`
	Call *struct {
		Member string          `json:"member"`
		Args   json.RawMessage `json:"args"`
	} `json:"call,omitempty"`
}

// checkRule compiles a rule, and tries it on a call if one is given, without keeping
// anything. A limit is left out of account.
func (s *callScope) checkRule(args []byte) (any, error) {
	var in checkRuleArgs
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	r, err := s.c.policy.Decode(in.Rule)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"rule": r.ID}
	if in.Call == nil {
		return out, nil
	}
	b := s.c.policy.NewBuilder()
	b.Add([]byte(policy.RulePrefix+r.ID), in.Rule)
	q := s.request(r.Stage, r.Contract, r.Method)
	id := types.MemberID(in.Call.Member)
	q.Chain, q.Member, q.Org, q.Signers = r.Chains[0], in.Call.Member, id.Org(), []string{in.Call.Member}
	q.Args, q.Data = in.Call.Args, in.Call.Args
	v, err := b.Set().Judge(q, func(*policy.Rule, string) (bool, error) { return true, nil })
	if err != nil {
		return nil, err
	}
	if v.Refused != nil {
		v.Noted = append(v.Noted, *v.Refused)
	}
	out["hit"] = len(v.Noted) > 0
	if len(v.Noted) > 0 && v.Noted[0].Failed != nil {
		out["failed"] = failedText(&v.Noted[0])
	}
	return out, nil
}

// judgeGas is what a judgment costs the contract that asks for it.
const judgeGas = 50_000

type judgeArgs struct {
	Chain    string `json:"chain"`    // "" for this one
	Kind     string `json:"kind"`     // of rules
	Contract string `json:"contract"` // that it is about; sandbox: the one that called is taken
	Method   string `json:"method"`
	Subject  string `json:"subject"`
	Data     string `json:"data"` // JSON
}

type judgedHit struct {
	Rule    string `json:"rule"`
	Version uint32 `json:"version"`
	Title   string `json:"title"`
	Action  string `json:"action"`
	Failed  string `json:"failed"`
}

// callPolicy serves the supervision contract, which has no CEL of its own: judge holds
// data against the rules of stage audit. Nobody else may ask, since limits count.
func (e *callEnv) callPolicy(method string, args []byte, gas uint64) ([]byte, uint64, error) {
	s := e.s
	if s.sup == nil || e.ns != s.sup.contract || method != "judge" {
		return nil, 0, types.Errorf(types.CodePermissionDenied, "%s.%s serves the chain's supervision contract alone", NSPolicy, method)
	}
	if gas < judgeGas {
		return nil, gas, &host.Failure{Contract: NSPolicy, Name: types.CodeOutOfGas.String()}
	}
	out, err := e.judge(args)
	var coded *types.Error
	if errors.As(err, &coded) && *s.fatal == nil {
		err = &host.Failure{Contract: NSPolicy, Name: coded.Code.String(), Text: coded.Detail}
	}
	return out, judgeGas, err
}

func (e *callEnv) judge(args []byte) ([]byte, error) {
	s := e.s
	var in judgeArgs
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	caller := ""
	if n := len(s.stack); n > 1 {
		caller = s.stack[n-2]
	}
	q := s.request(policy.StageAudit, in.Contract, in.Method)
	q.Kind, q.Subject, q.Data = in.Kind, in.Subject, []byte(in.Data)
	switch {
	case in.Kind == "sandbox":
		q.Contract = caller
		s.guarded = s.guarded || len(s.stack) == 2
	case in.Chain != "":
		q.Chain = in.Chain
	}
	if err := s.c.refreshRules(s.o, s.sup); err != nil {
		return nil, s.fail(err)
	}
	v, err := s.sup.set.Judge(q, s.counter(e.info.Kind == host.KindQuery))
	if err != nil {
		return nil, s.fail(err)
	}
	if v.Refused != nil {
		v.Noted = append(v.Noted, *v.Refused)
	}
	hits := make([]judgedHit, 0, len(v.Noted))
	for i := range v.Noted {
		h := &v.Noted[i]
		hits = append(hits, judgedHit{h.Rule.ID, h.Rule.Version, h.Rule.Title, h.Rule.Action, failedText(h)})
	}
	out, err := json.Marshal(map[string]any{"chain": q.Chain, "caller": caller, "hits": hits})
	if err != nil {
		return nil, types.Errorf(types.CodeInternal, "encode judgment: %w", err)
	}
	return out, nil
}
