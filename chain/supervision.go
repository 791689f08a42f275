package chain

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/huchain/huchain/chain/policy"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// NSPolicy is the namespace of what the chain keeps about supervision: rules says which
// Set is in force, count/<rule> 0x00 <member> how often a limited rule's condition was met.
const NSPolicy = "policy"

// maxNoted bounds the events that the rules of one judgment emit.
const maxNoted = 32

var rulesKey = []byte("rules")

// RulesInForce is the row rules: which rows of which contract are in force. The digest
// is kept by the chain and not by the contract, so that a node may use rules it has
// compiled before, whatever the contract's code does.
type RulesInForce struct {
	Contract string      `json:"contract"`
	Digest   crypto.Hash `json:"digest"` // see policy.Set
	Active   int         `json:"active"`
	Broken   []string    `json:"broken,omitempty"`
}

// supervision is the rules in force while transactions are judged or executed; a nil
// one is a chain without supervision.
type supervision struct {
	contract string
	set      *policy.Set
	touched  bool   // the transaction under way has written rows of the set
	stale    bool   // set is older than the state
	changed  bool   // the row rules may be another
	txIndex  uint32 // of the transaction that changed it last
	touches  int    // transactions so far that have written rows of the set
}

// copy returns a supervision that changes by itself.
func (s *supervision) copy() *supervision {
	if s == nil {
		return nil
	}
	c := *s
	return &c
}

// ruleCache remembers the last Set by the digest of its rows.
type ruleCache struct {
	contract string
	set      *policy.Set
}

// rulesAttempts is how often row and rules are read before they count as contradicting
// one another. Admission and queries read the state while blocks are committed, and may
// so meet the row of one height and the rules of the next.
const rulesAttempts = 4

// supervision returns the rules in force in a state.
func (c *Chain) supervision(st State, p *Params) (s *supervision, err error) {
	if p.Policy == "" {
		return nil, nil
	}
	for range rulesAttempts {
		var row *RulesInForce
		if row, err = c.rulesInForce(st); err != nil {
			return nil, err
		}
		if row == nil || row.Contract != p.Policy { // the parameter has just been set
			s = &supervision{contract: p.Policy, stale: true, changed: true}
			return s, c.refreshRules(st, s)
		}
		if last := c.rules.Load(); last != nil && last.contract == row.Contract && last.set.Digest == row.Digest {
			return &supervision{contract: p.Policy, set: last.set}, nil
		}
		s = &supervision{contract: p.Policy, stale: true}
		if err = c.refreshRules(st, s); err != nil || s.set.Digest == row.Digest {
			return s, err
		}
		err = errCorrupt("rules of "+row.Contract, fmt.Errorf("digest %s, recorded %s", s.set.Digest, row.Digest))
	}
	return nil, err
}

// rulesInForce reads the row rules, nil if there is none.
func (c *Chain) rulesInForce(st State) (*RulesInForce, error) {
	raw, found, err := st.Get(NSPolicy, rulesKey)
	if err != nil || !found {
		return nil, err
	}
	row, err := c.inForce.get(raw, func(raw []byte) (*RulesInForce, error) {
		r := new(RulesInForce)
		return r, json.Unmarshal(raw, r)
	})
	if err != nil {
		return nil, errCorrupt("rules in force", err)
	}
	return row, nil
}

// refreshRules reads the rules anew if they have changed.
func (c *Chain) refreshRules(st State, s *supervision) error {
	if s == nil || !s.stale {
		return nil
	}
	b := c.policy.NewBuilder()
	for _, prefix := range []string{policy.ChainPrefix, policy.RulePrefix} {
		end := prefix[:len(prefix)-1] + "0" // the byte after the slash
		err := st.Scan(s.contract, []byte(prefix), []byte(end), func(key, value []byte) bool {
			b.Add(key, value)
			return true
		})
		if err != nil {
			return err
		}
	}
	s.set, s.stale = b.Set(), false
	c.rules.Store(&ruleCache{s.contract, s.set})
	return nil
}

// ForgetRules empties the caches of compiled rules. Results do not depend on them.
func (c *Chain) ForgetRules() {
	c.rules.Store(nil)
	c.policy.Forget()
}

// settle notes, after a transaction, whether the rules have changed.
func (s *supervision) settle(ok bool, txIndex uint32) {
	if s == nil {
		return
	}
	if !s.touched {
		return
	}
	s.touched, s.stale = false, true
	s.touches++
	if ok {
		s.changed, s.txIndex = true, txIndex
	}
}

// closeRules writes, at the end of a block, which rules are in force from now on.
func (c *Chain) closeRules(o *overlay, s *supervision, before, after *Params, lastTx uint32) error {
	if after.Policy != before.Policy {
		s = nil
		if after.Policy != "" {
			s = &supervision{contract: after.Policy, stale: true, changed: true, txIndex: lastTx}
		}
	}
	if s == nil || !s.changed {
		return nil
	}
	if err := c.refreshRules(o, s); err != nil {
		return err
	}
	var old RulesInForce
	found, err := getJSON(o, NSPolicy, rulesKey, &old)
	if err != nil || found && old.Contract == s.contract && old.Digest == s.set.Digest {
		return err
	}
	row := RulesInForce{s.contract, s.set.Digest, s.set.Active, s.set.Broken}
	if len(row.Broken) > maxNoted {
		row.Broken = row.Broken[:maxNoted]
	}
	return putJSON(o, NSPolicy, rulesKey, &row, s.txIndex)
}

// mayWrite checks a row that the supervision contract writes: a rule that does not
// compile is refused here, whatever the contract thinks of it.
func (s *supervision) mayWrite(c *Chain, ns string, key, value []byte) error {
	if s == nil || ns != s.contract || !policy.InSet(key) {
		return nil
	}
	s.touched = true
	if value == nil || string(key[:len(policy.RulePrefix)]) != policy.RulePrefix {
		return nil
	}
	r, err := c.policy.Decode(value)
	if err == nil && policy.RulePrefix+r.ID != string(key) {
		err = types.Errorf(types.CodeRuleInvalid, "rule %s under another's key", r.ID)
	}
	return err
}

// exempt reports whether calls of a contract are not judged by rules: those of the
// supervision contract, or a rule could keep regulators from taking it back.
func (s *supervision) exempt(contract string) bool { return s == nil || contract == s.contract }

// checkBlacklist refuses signers who are on the chain's blacklist, or whose organisation
// is. Auditors stay able to call the supervision contract: an entry must not keep the
// regulators from taking it back.
func (s *callScope) checkBlacklist(contract string) error {
	chain := s.c.genesis.Chain
	if s.sup == nil || !s.sup.set.Blacklists(chain) {
		return nil
	}
	for i := range s.signers {
		if contract == s.sup.contract && slices.Contains(s.signers[i].Roles, types.RoleAuditor) {
			continue
		}
		for _, subject := range [2]string{string(s.signers[i].Member), s.signers[i].Org} {
			raw, found, err := s.o.Get(s.sup.contract, policy.BlacklistKey(chain, subject))
			if err != nil {
				return err
			}
			if !found {
				continue
			}
			var entry struct {
				Rule   string `json:"rule"`
				Reason string `json:"reason"`
			}
			_ = json.Unmarshal(raw, &entry) // an unreadable entry stops its subject too
			return types.Errorf(types.CodeBlacklisted, "rule %s: %s is on the blacklist of %s: %s", entry.Rule, subject, chain, entry.Reason)
		}
	}
	return nil
}

// admitCall judges a transaction before its contract is entered.
func (s *callScope) admitCall(b *types.Body) error {
	if s.sup == nil {
		return nil
	}
	if err := s.c.refreshRules(s.o, s.sup); err != nil {
		return s.fail(err)
	}
	if err := s.checkBlacklist(b.Contract); err != nil {
		return err
	}
	return s.judgeCall(b.Contract, b.Method, b.Args, "")
}

// request begins a request about a call by the transaction's signers.
func (s *callScope) request(stage, contract, method string) *policy.Request {
	q := &policy.Request{
		Chain: s.c.genesis.Chain, Stage: stage, Contract: contract, Method: method, Narrow: isNative(contract) && stage != policy.StageDeploy,
		Height: s.block.height, TimeMs: s.block.timeMs(),
	}
	for i := range s.signers {
		q.Signers = append(q.Signers, string(s.signers[i].Member))
	}
	if len(s.signers) > 0 {
		q.Member, q.Org = q.Signers[0], s.signers[0].Org
		for _, r := range s.signers[0].Roles {
			q.Roles = append(q.Roles, string(r))
		}
	}
	return q
}

// judgeCall holds a call against the rules of stage run, before the contract is entered.
// caller is the contract that calls, "" for a transaction.
func (s *callScope) judgeCall(contract, method string, args []byte, caller string) error {
	if s.sup.exempt(contract) || !s.sup.set.Judges(s.c.genesis.Chain, policy.StageRun) {
		return nil
	}
	q := s.request(policy.StageRun, contract, method)
	q.Args, q.Caller = args, caller
	q.Narrow = q.Narrow || caller != ""
	return s.judge(q)
}

// judgeResult holds what a transaction's contract has done against the rules of stage
// result.
func (s *callScope) judgeResult(b *types.Body, result []byte, gasUsed uint64) error {
	if s.sup.exempt(b.Contract) || !s.sup.set.Judges(s.c.genesis.Chain, policy.StageResult) {
		return nil
	}
	q := s.request(policy.StageResult, b.Contract, b.Method)
	q.Args, q.Result, q.GasUsed, q.Guarded = b.Args, result, gasUsed, s.guarded
	for _, e := range (*s.events)[s.firstEvent:] {
		q.Events = append(q.Events, e.Contract+"."+e.Name)
	}
	return s.judge(q)
}

// judgeDeploy holds a contract to be created or upgraded against the rules of stage deploy.
func (s *callScope) judgeDeploy(row *Staged, p *bundle.Package, upgrade bool) error {
	if s.sup == nil || !s.sup.set.Judges(s.c.genesis.Chain, policy.StageDeploy) {
		return nil
	}
	var scan struct {
		Result string `json:"result"`
	}
	if _, err := getJSON(s.o, s.sup.contract, policy.ScanKey(row.Code), &scan); err != nil {
		return err
	}
	q := s.request(policy.StageDeploy, row.Name, "")
	q.Deploy = &policy.Deployment{
		Version: row.Version, Code: row.Code.String(), Publisher: string(row.Publisher), Language: p.Manifest.Language,
		Uses: p.Manifest.Uses, Upgrade: upgrade, Scan: scan.Result,
	}
	return s.judge(q)
}

// judge turns a verdict into an error or into events.
func (s *callScope) judge(q *policy.Request) error {
	v, err := s.sup.set.Judge(q, s.counter(false))
	if err != nil {
		return s.fail(err)
	}
	if h := v.Refused; h != nil {
		return refusal(h)
	}
	for i := range v.Noted[:min(len(v.Noted), maxNoted)] {
		h := &v.Noted[i]
		name := "recorded"
		if h.Rule.Action == policy.ActionAlert {
			name = "alerted"
		}
		event := ruleEvent{h.Rule.ID, h.Rule.Version, h.Rule.Kind, h.Rule.Title, q.Stage, q.Contract, q.Method, q.Member, failedText(h)}
		if err := s.emit(NSPolicy, name, &event); err != nil {
			return err
		}
	}
	return nil
}

// ruleEvent is what the events policy.recorded and policy.alerted carry.
type ruleEvent struct {
	Rule     string `json:"rule"`
	Version  uint32 `json:"version"`
	Kind     string `json:"kind"`
	Title    string `json:"title"`
	Stage    string `json:"stage"`
	Contract string `json:"contract"`
	Method   string `json:"method,omitempty"`
	Member   string `json:"member"`
	Failed   string `json:"failed,omitempty"` // why the rule could not be judged
}

func failedText(h *policy.Hit) string {
	if h.Failed == nil {
		return ""
	}
	return h.Failed.Error()
}

func refusal(h *policy.Hit) error {
	if h.Failed != nil {
		return types.Errorf(types.CodeRuleFailed, "rule %s (version %d): %w", h.Rule.ID, h.Rule.Version, h.Failed)
	}
	return types.Errorf(types.CodeRuleRefused, "rule %s (version %d): %s", h.Rule.ID, h.Rule.Version, h.Rule.Title)
}

// counter counts calls that meet a limited rule's condition; peek leaves the count.
func (s *callScope) counter(peek bool) policy.Counter {
	return func(r *policy.Rule, member string) (bool, error) {
		var row struct {
			Window int64  `json:"window"` // beginning, Unix seconds
			Count  uint32 `json:"count"`
		}
		key := []byte("count/" + r.ID + "\x00" + member)
		if _, err := getJSON(s.o, NSPolicy, key, &row); err != nil {
			return false, err
		}
		if w := r.Limit.Window(s.block.timeMs()); row.Window != w {
			row.Window, row.Count = w, 0
		}
		if row.Count >= r.Limit.Count || peek {
			return row.Count >= r.Limit.Count, nil
		}
		row.Count++
		return false, putJSON(s.o, NSPolicy, key, &row, s.txIndex)
	}
}
