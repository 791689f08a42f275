package chain

import (
	"sort"
	"strings"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types"
)

func ruleKey(contract, method string) []byte { return []byte("rule/" + contract + "." + method) }

// ruleRow is the row rule/<contract>.<method> of a native method.
type ruleRow struct {
	Allow string `json:"allow"`
}

// permit refuses signers whom the rule of a native method does not allow: the one that
// governance has set, else the given one.
func (s *callScope) permit(contract, method, allow string) error {
	var row ruleRow
	found, err := getJSON(s.o, NSGovernance, ruleKey(contract, method), &row)
	if err != nil {
		return err
	}
	switch {
	case found:
		allow = row.Allow
	case allow == allowLifecycle:
		allow = s.block.params.Lifecycle
	}
	rule, err := bundle.ParseAllow(allow)
	if err != nil {
		return errCorrupt("rule of "+contract+"."+method, err)
	}
	orgs, err := s.c.organisations(s.o)
	if err != nil {
		return err
	}
	if !rule.Permits(s.signers, orgs.Count) {
		return types.Errorf(types.CodePermissionDenied, "%s.%s is allowed to: %s", contract, method, allow)
	}
	return nil
}

// RuleInfo says who may enter a method.
type RuleInfo struct {
	Contract string `json:"contract"`
	Method   string `json:"method"`
	Allow    string `json:"allow"`
	Governed bool   `json:"governed"` // set by governance rather than the protocol or the package
}

// setRule sets who may enter a method that writes, or, without a rule, takes governance's
// back. How rules are changed can be made harder, but not forbidden, or nobody could ever
// change a rule again.
func (s *callScope) setRule(args []byte) (any, error) {
	var in struct {
		Contract string `json:"contract"`
		Method   string `json:"method"`
		Allow    string `json:"allow"`
	}
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	if in.Allow != "" {
		rule, err := bundle.ParseAllow(in.Allow)
		if err != nil {
			return nil, types.Errorf(types.CodeBadArguments, "%w", err)
		}
		if rule.Kind == bundle.Public {
			return nil, types.Errorf(types.CodeBadArguments, "a method that writes cannot be public")
		}
		ok, err := s.satisfiable(rule)
		if err != nil {
			return nil, err
		}
		if !ok && (in.Contract == NSGovernance || rule.Kind != bundle.Nobody) {
			return nil, types.Errorf(types.CodeBadArguments, "nobody on this chain could satisfy the rule %q", in.Allow)
		}
	}
	set := s.setInstalledRule
	if isNative(in.Contract) {
		set = s.setNativeRule
	}
	if err := set(in.Contract, in.Method, in.Allow); err != nil {
		return nil, err
	}
	out := RuleInfo{Contract: in.Contract, Method: in.Method, Allow: in.Allow, Governed: in.Allow != ""}
	return out, s.emit(NSGovernance, "ruleChanged", out)
}

func (s *callScope) setNativeRule(contract, method, allow string) error {
	m, ok := natives[contract].methods[method]
	if !ok || !m.writes || m.allow == "" && !governable[contract+"."+method] {
		return types.Errorf(types.CodeUnknownMethod, "%s.%s has no rule that could be set", contract, method)
	}
	if allow == "" {
		return s.o.remove(NSGovernance, ruleKey(contract, method), s.txIndex)
	}
	return putJSON(s.o, NSGovernance, ruleKey(contract, method), ruleRow{allow}, s.txIndex)
}

// setInstalledRule writes the rule into the contract's record, which every call reads
// anyway.
func (s *callScope) setInstalledRule(contract, method, allow string) error {
	old, found, err := s.c.Contract(s.o, contract)
	if err != nil {
		return err
	}
	if !found {
		return types.Errorf(types.CodeUnknownContract, "contract %q", contract)
	}
	if m, ok := old.Method(method); !ok || !m.Writes {
		return types.Errorf(types.CodeUnknownMethod, "contract %s has no method %q that writes", contract, method)
	}
	rec := *old
	rec.Rules = nil
	for _, r := range old.Rules {
		if r.Method != method {
			rec.Rules = append(rec.Rules, r)
		}
	}
	if allow != "" {
		rec.Rules = append(rec.Rules, MethodRule{method, allow})
	}
	sort.Slice(rec.Rules, func(i, j int) bool { return rec.Rules[i].Method < rec.Rules[j].Method })
	return s.saveRecord(&rec)
}

// listRules lists the rules of native methods that write, and those that governance has
// set for installed contracts.
func (s *callScope) listRules(args []byte) (any, error) {
	if err := decodeArgs(args, &struct{}{}); err != nil {
		return nil, err
	}
	items := []RuleInfo{}
	for _, n := range []string{NSContracts, NSGovernance, NSMembership} {
		for _, method := range natives[n].names() {
			m := natives[n].methods[method]
			if !m.writes {
				continue
			}
			info := RuleInfo{Contract: n, Method: method, Allow: m.allow}
			if m.allow == allowLifecycle {
				info.Allow = s.block.params.Lifecycle
			}
			var row ruleRow
			found, err := getJSON(s.o, NSGovernance, ruleKey(n, method), &row)
			if err != nil {
				return nil, err
			}
			if found {
				info.Allow, info.Governed = row.Allow, true
			}
			if info.Allow == "" {
				info.Allow = "by its arguments"
			}
			items = append(items, info)
		}
	}
	installed, err := s.c.Contracts(s.o)
	if err != nil {
		return nil, err
	}
	for _, rec := range installed {
		for _, r := range rec.Rules {
			items = append(items, RuleInfo{rec.Name, r.Method, r.Allow, true})
		}
	}
	return map[string]any{"items": items, "next": nil}, nil
}

// names lists the methods, ascending.
func (n *native) names() []string {
	out := make([]string, 0, len(n.methods))
	for name := range n.methods { //lint:deterministic sorted below
		out = append(out, name)
	}
	sort.Slice(out, func(i, j int) bool { return strings.Compare(out[i], out[j]) < 0 })
	return out
}

// governable are native methods that judge by their arguments first and then by a rule.
var governable = map[string]bool{
	NSMembership + ".freeze": true, NSMembership + ".unfreeze": true, NSMembership + ".revoke": true,
}
