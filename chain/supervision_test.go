package chain_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/chain/policy"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// supervised is a bed whose contract "rules" writes any row it is told to.
func supervised(t *testing.T) *bed {
	return newBedOf(t, func(w *chaintest.World, vm *chaintest.GoVM) {
		w.Genesis.Params.Policy = "rules"
		vm.Install(w, "rules", map[string]string{"set": "ANY role:auditor", "drop": "ANY role:auditor", "guard": "self"}, ruleBook)
		vm.Install(w, "shop", map[string]string{"sell": "ANY role:client", "bypass": "ANY role:client"}, shop, "rules@1")
	})
}

// ruleBook stands for the supervision contract: its rows are what the chain reads.
func ruleBook(env host.Env, args []byte) ([]byte, error) {
	var in struct{ Key, Value string }
	switch env.Info().Method {
	case "set":
		if err := json.Unmarshal(args, &in); err != nil {
			return nil, &host.Failure{Name: "bad_arguments"}
		}
		return []byte(`{}`), env.Put([]byte(in.Key), []byte(in.Value))
	case "drop":
		if err := json.Unmarshal(args, &in); err != nil {
			return nil, &host.Failure{Name: "bad_arguments"}
		}
		return []byte(`{}`), env.Delete([]byte(in.Key))
	}
	ask, err := json.Marshal(map[string]string{"chain": "", "kind": "sandbox", "contract": "", "method": "sell", "subject": string(env.Info().Caller.Member), "data": string(args)})
	if err != nil {
		return nil, err
	}
	out, _, err := env.Call("policy", "judge", ask, 1_000_000)
	var f *host.Failure
	if errors.As(err, &f) {
		return nil, &host.Failure{Name: "judge", Text: f.Error()}
	}
	if err == nil && strings.Contains(string(out), `"refuse"`) {
		return nil, &host.Failure{Name: "violation", Text: string(out)}
	}
	return out, err
}

// shop asks before it sells, unless it bypasses.
func shop(env host.Env, args []byte) ([]byte, error) {
	if env.Info().Method == "bypass" {
		return []byte(`{}`), env.Put([]byte("sold"), args)
	}
	out, _, err := env.Call("rules", "guard", args, 1_000_000)
	var f *host.Failure
	if errors.As(err, &f) {
		return nil, &host.Failure{Name: "stopped", Text: f.Error()}
	}
	return out, err
}

// set writes a row of the rule book and returns the receipt.
func (b *bed) set(key string, value any) *types.Receipt {
	b.t.Helper()
	raw, err := json.Marshal(value)
	require.NoError(b.t, err)
	args, err := json.Marshal(map[string]string{"Key": key, "Value": string(raw)})
	require.NoError(b.t, err)
	return &b.run(b.call(b.auditor, "rules", "set", string(args))).Receipts[0]
}

func testRule(id string, change func(*policy.Rule)) *policy.Rule {
	r := &policy.Rule{ID: id, Version: 1, Kind: "transaction", Title: "标题", Chains: []string{"test"}, Stage: policy.StageRun,
		Contract: "notebook", Method: "put", Action: policy.ActionRefuse, Status: policy.StatusActive}
	change(r)
	return r
}

func (b *bed) rule(id string, change func(*policy.Rule)) {
	b.t.Helper()
	r := b.set("rule/"+id, testRule(id, change))
	require.True(b.t, r.OK(), r.Error)
}

func (b *bed) put(value string) *types.Tx {
	return b.call(b.clerk, "notebook", "put", fmt.Sprintf(`{"Key":"a","Value":%q}`, value))
}

func admitCode(b *bed, tx *types.Tx) types.Code {
	_, err := b.c.Admit(b.st, tx.Bytes(), b.now.UnixMilli())
	return types.CodeOf(err)
}

// covers: B6.08
func TestBlacklistedMemberIsRefused(t *testing.T) {
	b := supervised(t)
	require.True(t, b.run(b.put("1")).Receipts[0].OK())
	entry := map[string]string{"rule": "user-7", "reason": "盗用证书"}
	for _, subject := range []string{"archives/clerk", "archives"} {
		require.True(t, b.set("blacklist/test\x00"+subject, entry).OK())
		require.True(t, b.set("chain/test", map[string]int{"blacklisted": 1}).OK())
		r := b.refused(types.CodeBlacklisted, b.put("2"))
		require.Contains(t, r.Error, "rule user-7")
		require.Contains(t, r.Error, subject)
		require.Equal(t, types.CodeBlacklisted, admitCode(b, b.put("2")))
		b.refused(types.CodeBlacklisted, b.call(b.clerk, "membership", "register", `{}`))
		require.True(t, b.run(b.call(b.auditor, "membership", "register", `{}`)).Receipts[0].OK(), "others go on")

		// As a co-signer, and as who asks a signed query.
		second := b.w.Member("notary", "second", "client")
		require.True(t, b.run(b.call(second, "membership", "register", ``)).Receipts[0].OK())
		b.refused(types.CodeBlacklisted, b.call(second, "notebook", "joint", `{"Key":"j","Value":"1"}`, b.clerk))
		_, _, err := b.c.Query(context.Background(), b.st, &chain.Query{Contract: "notebook", Method: "getNote", Caller: b.call(b.clerk, "notebook", "getNote", ``)}, b.height, b.now.UnixNano())
		require.Equal(t, types.CodeBlacklisted, types.CodeOf(err))

		// The supervision contract is out of reach too.
		b.refused(types.CodeBlacklisted, b.call(b.clerk, "rules", "guard", `{}`))
		require.Equal(t, types.CodeBlacklisted, admitCode(b, b.call(b.clerk, "rules", "guard", `{}`)))
		args, err := json.Marshal(map[string]string{"Key": "blacklist/test\x00" + subject})
		require.NoError(t, err)
		require.True(t, b.run(b.call(b.auditor, "rules", "drop", string(args))).Receipts[0].OK())
		require.True(t, b.run(b.put("3")).Receipts[0].OK())
	}
	// A regulator whose organisation is on the list takes the entry back, and does no more.
	require.True(t, b.set("blacklist/test\x00court", entry).OK())
	b.refused(types.CodeBlacklisted, b.call(b.auditor, "membership", "register", `{}`))
	require.True(t, b.set("chain/test", map[string]int{"blacklisted": 1}).OK())
	require.True(t, b.run(b.call(b.auditor, "rules", "drop", `{"Key":"blacklist/test\u0000court"}`)).Receipts[0].OK())
	require.True(t, b.run(b.call(b.auditor, "membership", "register", `{}`)).Receipts[0].OK())
	// A list for another chain stops nobody here.
	require.True(t, b.set("blacklist/apps\x00archives/clerk", entry).OK())
	require.True(t, b.run(b.put("4")).Receipts[0].OK())
}

// lagging is a state whose row of rules in force is that of the height before, until
// rules are read or for ever.
type lagging struct {
	chain.State
	row  []byte
	ever bool
}

func (l *lagging) Get(ns string, key []byte) ([]byte, bool, error) {
	if ns == chain.NSPolicy && string(key) == "rules" && l.row != nil {
		return l.row, true, nil
	}
	return l.State.Get(ns, key)
}

func (l *lagging) Scan(ns string, start, end []byte, fn func(key, value []byte) bool) error {
	if !l.ever {
		l.row = nil
	}
	return l.State.Scan(ns, start, end, fn)
}

// Admission reads the state while blocks are committed: rules that change meanwhile are no
// damage, rules that never fit their digest are.
func TestRulesChangeWhileTheyAreRead(t *testing.T) {
	b := supervised(t)
	b.rule("r1", func(r *policy.Rule) { r.When = `args.Value == "7"` })
	row, found, err := b.st.Get(chain.NSPolicy, []byte("rules"))
	require.NoError(t, err)
	require.True(t, found)
	b.rule("r1", func(r *policy.Rule) { r.When = `args.Value == "8"` })
	admit := func(ever bool) error {
		b.c.ForgetRules()
		_, err := b.c.Admit(&lagging{b.st, row, ever}, b.put("1").Bytes(), b.now.UnixMilli())
		return err
	}
	require.NoError(t, admit(false))
	require.Equal(t, types.CodeLedgerCorrupt, types.CodeOf(admit(true)))
}

// covers: B6.09, B6.10
func TestRulesStopTransactions(t *testing.T) {
	b := supervised(t)
	require.Equal(t, types.CodeOK, admitCode(b, b.put("x")))
	b.rule("forbid", func(r *policy.Rule) {})
	used := b.put("x")
	r := b.refused(types.CodeRuleRefused, used)
	require.Equal(t, "rule forbid (version 1): 标题", r.Error)
	b.refused(types.CodeTxDuplicate, used) // a refused transaction has used its id
	require.Equal(t, types.CodeRuleRefused, admitCode(b, b.put("x")), "what is forbidden outright is refused at ingress too")

	// The contract is out of reach through another one as well.
	res := b.run(b.call(b.clerk, "caller", "relay", "put"))
	require.Contains(t, string(res.Receipts[0].Result), "HC-2302")

	b.rule("forbid", func(r *policy.Rule) { r.Status, r.Version = "withdrawn", 2 })
	require.True(t, b.run(b.put("x")).Receipts[0].OK())

	b.rule("words", func(r *policy.Rule) { r.Words, r.Kind = []string{"机密"}, "content" })
	require.Equal(t, types.CodeOK, admitCode(b, b.put("机密")), "a hit is for the record, so it reaches a block")
	b.refused(types.CodeRuleRefused, b.put("机密文件"))
	b.rule("result", func(r *policy.Rule) {
		r.Stage, r.When = policy.StageResult, `result == "done" && "notebook.noted" in events && args.Value == "r"`
	})
	b.refused(types.CodeRuleRefused, b.put("r"))
	b.rule("amount", func(r *policy.Rule) { r.When = `decimal(args.Value) > decimal("100")` })
	b.refused(types.CodeRuleRefused, b.put("100.01"))
	require.Contains(t, b.refused(types.CodeRuleFailed, b.put("many")).Error, "rule amount (version 1)")
	require.True(t, b.run(b.put("100")).Receipts[0].OK())

	// Record and alert let the transaction pass and say so.
	b.rule("amount", func(r *policy.Rule) { r.When, r.Action = `decimal(args.Value) > decimal("100")`, policy.ActionAlert })
	b.rule("note", func(r *policy.Rule) { r.When, r.Action = `true`, policy.ActionRecord })
	res = b.run(b.put("101"))
	require.True(t, res.Receipts[0].OK())
	require.EqualValues(t, 3, res.Receipts[0].Events)
	require.Equal(t, "alerted", res.Events[0].Name)
	require.JSONEq(t, `{"rule":"amount","version":1,"kind":"transaction","title":"标题","stage":"run","contract":"notebook","method":"put","member":"archives/clerk"}`, string(res.Events[0].Data))
	require.Equal(t, "recorded", res.Events[1].Name)
	require.Equal(t, "policy", res.Events[1].Contract)
}

// covers: B6.10
func TestFrequency(t *testing.T) {
	b := supervised(t)
	b.rule("often", func(r *policy.Rule) { r.Limit = &policy.Limit{Count: 2, Seconds: 60} })
	b.now = start.Add(10 * time.Minute) // a window begins here
	fail := b.call(b.clerk, "notebook", "fail", `{}`)
	require.False(t, b.run(fail).Receipts[0].OK())
	res := b.run(b.put("1"), b.put("2"), b.put("3"), b.call(b.admin, "notebook", "getNote", ``))
	require.True(t, res.Receipts[1].OK())
	require.Equal(t, types.CodeRuleRefused, res.Receipts[2].Code)
	require.Equal(t, "rule often (version 1): 标题", res.Receipts[2].Error)
	other := b.w.Member("notary", "clerk", "client")
	require.True(t, b.run(b.call(other, "notebook", "put", `{"Key":"o","Value":"1"}`)).Receipts[0].OK(), "each member has a count of its own")
	b.refused(types.CodeRuleRefused, b.put("4"))
	b.now = b.now.Add(time.Minute)
	require.True(t, b.run(b.put("5")).Receipts[0].OK(), "the next window begins anew")
}

// A rule that does not compile never becomes a row, and none can lock the regulators out.
func TestBrokenRules(t *testing.T) {
	b := supervised(t)
	r := b.set("rule/x", testRule("x", func(r *policy.Rule) { r.When = "1.5 > args.a" }))
	require.Equal(t, types.CodeRuleInvalid, r.Code)
	require.Equal(t, types.CodeRuleInvalid, b.set("rule/x", testRule("y", func(*policy.Rule) {})).Code)
	require.Equal(t, types.CodeRuleInvalid, b.set("rule/x", "?").Code)
	require.True(t, b.run(b.put("1")).Receipts[0].OK())

	b.rule("all", func(r *policy.Rule) { r.Contract, r.Method, r.When = "", "", "true" })
	b.rule("own", func(r *policy.Rule) { r.Contract, r.Method = "rules", "set" })
	b.refused(types.CodeRuleRefused, b.put("2"))
	require.True(t, b.run(b.call(b.auditor, "membership", "register", `{}`)).Receipts[0].OK(), "native contracts are named or left alone")
	b.rule("all", func(r *policy.Rule) { r.Contract, r.Method, r.When, r.Status = "", "", "true", "withdrawn" })
	require.True(t, b.run(b.put("3")).Receipts[0].OK())
}

// covers: B6.09
func TestDeploymentNeedsAPassedScan(t *testing.T) {
	b := supervised(t)
	scanned := func(when string) {
		b.rule("scan", func(r *policy.Rule) {
			r.Kind, r.Stage, r.Contract, r.Method, r.When = "contract", policy.StageDeploy, "", "", when
		})
	}
	scanned(`scan != "passed"`)
	v1, v2 := pack(t, b, "1.0.0", "go"), pack(t, b, "1.1.0", "go")
	install := func(method string, raw []byte) *types.Tx {
		return b.call(b.admin, "contracts", method, fmt.Sprintf(`{"package":%q}`, crypto.Sum(raw)))
	}
	b.must(b.call(b.admin, "contracts", "stage", b.upload(b.admin, v1)))
	b.must(b.call(b.admin, "contracts", "stage", b.upload(b.admin, v2)))
	require.Contains(t, b.refused(types.CodeRuleRefused, install("create", v1)).Error, "rule scan")
	code := crypto.Sum([]byte("counter 1.0.0"))
	require.True(t, b.set("scan/"+code.String(), map[string]string{"result": "failed"}).OK())
	b.refused(types.CodeRuleRefused, install("create", v1))
	require.True(t, b.set("scan/"+code.String(), map[string]string{"result": "passed"}).OK())
	scanned(`scan != "passed" || !("rules@1" in uses)`)
	b.refused(types.CodeRuleRefused, install("create", v1))
	scanned(`scan != "passed"`)
	b.must(install("create", v1))
	b.refused(types.CodeRuleRefused, install("upgrade", v2)) // other code, never scanned
	require.Equal(t, `"1.0.0"`, b.version())
}

// covers: B6.12
func TestSandbox(t *testing.T) {
	b := supervised(t)
	b.rule("sell", func(r *policy.Rule) {
		r.Kind, r.Stage, r.Contract, r.Method, r.When = "sandbox", policy.StageAudit, "shop", "sell", `data.n > 10`
	})
	b.rule("often", func(r *policy.Rule) {
		r.Kind, r.Stage, r.Contract, r.Method, r.Limit = "sandbox", policy.StageAudit, "shop", "", &policy.Limit{Count: 2, Seconds: 3600}
	})
	b.rule("must-ask", func(r *policy.Rule) {
		r.Kind, r.Stage, r.Contract, r.Method, r.When = "sandbox", policy.StageResult, "shop", "", `!guarded`
	})
	sell := func(n int) *types.Tx { return b.call(b.clerk, "shop", "sell", fmt.Sprintf(`{"n":%d}`, n)) }
	require.Contains(t, b.refused(types.CodeContractError, sell(11)).Error, "sell")
	res := b.run(sell(1))
	require.True(t, res.Receipts[0].OK(), res.Receipts[0].Error)
	require.JSONEq(t, `{"caller":"shop","chain":"test","hits":[]}`, string(res.Receipts[0].Result))
	require.True(t, b.run(sell(1)).Receipts[0].OK())
	require.Contains(t, b.refused(types.CodeContractError, sell(1)).Error, "often")
	b.refused(types.CodeRuleRefused, b.call(b.clerk, "shop", "bypass", `{}`))

	// Only the supervision contract gets judgments.
	_, _, err := b.c.Query(context.Background(), b.st, &chain.Query{Contract: "policy", Method: "judge"}, b.height, b.now.UnixNano())
	require.Equal(t, types.CodeUnknownMethod, types.CodeOf(err))
}

// Replay with rules that change midway gives the same headers, whenever compiled rules
// are forgotten and whatever was executed and thrown away in between.
// covers: B6.10
func TestReplayWithRules(t *testing.T) {
	b := supervised(t)
	rnd := rand.New(rand.NewPCG(11, 3))
	first := newMachine(t, b, b.packages, chain.DefaultOptions())
	whens := []string{`decimal(args.Value) > decimal("500")`, `args.Value == "7"`, `args.Key.matches("^k1")`, ``, `time % 2 == 0`}
	var blocks []*chain.BlockInput
	var headers []types.Header
	refusedByRule := 0
	for h := uint64(1); h <= 40; h++ {
		b.now = b.now.Add(time.Second)
		blk := &chain.BlockInput{Height: h, Time: b.now.UnixNano()}
		for range 2 + rnd.IntN(8) {
			if rnd.IntN(4) > 0 {
				args := fmt.Sprintf(`{"Key":"k%d","Value":"%d"}`, rnd.IntN(20), rnd.IntN(1000))
				blk.Txs = append(blk.Txs, b.call(b.clerk, "notebook", "put", args).Bytes())
				continue
			}
			id := fmt.Sprintf("r%d", rnd.IntN(4))
			raw, err := json.Marshal(testRule(id, func(r *policy.Rule) {
				r.When = whens[rnd.IntN(len(whens))]
				r.Action = []string{policy.ActionRefuse, policy.ActionRecord}[rnd.IntN(2)]
				if rnd.IntN(2) == 0 {
					r.Limit = &policy.Limit{Count: 3, Seconds: 10}
				}
				if rnd.IntN(3) == 0 {
					r.Status = "withdrawn"
				}
			}))
			require.NoError(t, err)
			args, err := json.Marshal(map[string]string{"Key": "rule/" + id, "Value": string(raw)})
			require.NoError(t, err)
			blk.Txs = append(blk.Txs, b.call(b.auditor, "rules", "set", string(args)).Bytes())
		}
		res, err := first.c.Execute(context.Background(), first.l, first.ids, blk)
		require.NoError(t, err)
		for i := range res.Receipts {
			if res.Receipts[i].Code == types.CodeRuleRefused {
				refusedByRule++
			}
		}
		blocks = append(blocks, blk)
		headers = append(headers, first.commit(blk, res))
	}
	require.Greater(t, refusedByRule, 10)

	small := chain.DefaultOptions()
	small.RuleEntries = 1
	second := newMachine(t, b, b.packages, small)
	for i, blk := range blocks {
		if rnd.IntN(2) == 0 {
			second.c.ForgetRules()
		}
		other := &chain.BlockInput{Height: blk.Height, Time: blk.Time + 1, Txs: blocks[len(blocks)-1-i].Txs}
		_, err := second.c.Execute(context.Background(), second.l, second.ids, other) // a round that was not decided
		require.NoError(t, err)
		require.Equal(t, headers[i], second.play(blk), "height %d", blk.Height)
	}
}

func TestPolicyQueries(t *testing.T) {
	b := supervised(t)
	b.rule("a", func(r *policy.Rule) {})
	ask := func(method, args string) (string, types.Code) {
		out, _, err := b.c.Query(context.Background(), b.st, &chain.Query{Contract: "policy", Method: method, Args: []byte(args)}, b.height, b.now.UnixNano())
		return string(out), types.CodeOf(err)
	}
	out, code := ask("get", `{}`)
	require.Equal(t, types.CodeOK, code)
	require.Contains(t, out, `"active":1`)
	var row chain.RulesInForce
	raw, found, err := b.st.Get(chain.NSPolicy, []byte("rules"))
	require.NoError(t, err)
	require.True(t, found)
	require.NoError(t, json.Unmarshal(raw, &row))
	require.Contains(t, out, row.Digest.String(), "the digest in state is that of the rules in force")
	rule, err := json.Marshal(testRule("a", func(r *policy.Rule) { r.When = `args.n > 5` }))
	require.NoError(t, err)
	for n, want := range map[string]string{`{"n":6}`: `{"hit":true,"rule":"a"}`, `{"n":5}`: `{"hit":false,"rule":"a"}`} {
		out, code = ask("check", fmt.Sprintf(`{"rule":%s,"call":{"member":"archives/clerk","args":%s}}`, rule, n))
		require.Equal(t, types.CodeOK, code)
		require.JSONEq(t, want, out)
	}
	_, code = ask("check", `{"rule":{}}`)
	require.Equal(t, types.CodeRuleInvalid, code)
	plain := newBed(t)
	_, _, err = plain.c.Query(context.Background(), plain.st, &chain.Query{Contract: "policy", Method: "get"}, 0, start.UnixNano())
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
}
