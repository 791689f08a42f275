package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/huchain/huchain/types"
)

func newRule(id string, change func(*Rule)) *Rule {
	r := &Rule{ID: id, Version: 1, Kind: "transaction", Title: "t", Chains: []string{"gov"}, Stage: StageRun,
		Contract: "asset", Method: "transfer", Action: ActionRefuse, Status: StatusActive}
	if change != nil {
		change(r)
	}
	return r
}

func row(t testing.TB, r *Rule) []byte {
	raw, err := json.Marshal(r)
	require.NoError(t, err)
	return raw
}

func setOf(t testing.TB, rules ...*Rule) *Set {
	c, err := NewCompiler(4096)
	require.NoError(t, err)
	b := c.NewBuilder()
	for _, r := range rules {
		_, err := c.Decode(row(t, r))
		require.NoError(t, err, r.ID)
		b.Add([]byte(RulePrefix+r.ID), row(t, r))
	}
	return b.Set()
}

// none is for rules without a limit.
func none(*Rule, string) (bool, error) { panic("no rule has a limit") }

func request(args string) *Request {
	return &Request{Chain: "gov", Stage: StageRun, Contract: "asset", Method: "transfer", Member: "city/operator", Org: "city",
		Roles: []string{"client"}, Signers: []string{"city/operator"}, Height: 7, TimeMs: 1_772_413_200_500, Args: []byte(args)}
}

func judge(t testing.TB, s *Set, q *Request) string {
	v, err := s.Judge(q, none)
	require.NoError(t, err)
	switch {
	case v.Refused == nil && len(v.Noted) == 0:
		return "pass"
	case v.Refused == nil:
		return v.Noted[0].Rule.Action
	case v.Refused.Failed != nil:
		return v.Refused.Failed.Error()
	}
	return "refuse"
}

// covers: B6.10
func TestExpressions(t *testing.T) {
	for _, c := range []struct{ when, args, want string }{
		{`decimal(args.amount) > decimal("1000000")`, `{"amount":"1000000.01"}`, "refuse"},
		{`decimal(args.amount) > decimal("1000000")`, `{"amount":"1000000.00"}`, "pass"},
		{`decimal(args.amount) > decimal(5)`, `{"amount":6}`, "refuse"},
		{`decimal(args.amount) > decimal(5)`, `{"amount":1.5}`, "pass"},
		{`decimal(args.amount) > decimal(5)`, `{}`, errValue.Error()},
		{`decimal(args.amount) > decimal(5)`, `{"amount":"much"}`, errValue.Error()},
		{`decimal(args.amount) > decimal(5)`, `{"amount":1e300}`, errValue.Error()},
		{`has(args.amount) && decimal(args.amount) > decimal(5)`, `{}`, "pass"},
		{`int(args.count) > 9223372036854775806`, `{"count":"9223372036854775807"}`, "refuse"},
		{`int(args.count) * 2 > 0`, `{"count":9223372036854775807}`, errValue.Error()},
		{`args.to.startsWith("court/")`, `{"to":"court/judge"}`, "refuse"},
		{`args.to == member`, `{"to":"city/operator"}`, "refuse"},
		{`org in ["city", "court"] && "client" in roles`, `{}`, "refuse"},
		{`(time + 28800) / 3600 % 24 < 8`, `{}`, "pass"},
		{`height == 7 && chain == "gov" && contract == "asset" && method == "transfer"`, `{}`, "refuse"},
		{`!args.phone.matches("^1[0-9]{10}$")`, `{"phone":"13800138000"}`, "pass"},
		{`!args.phone.matches("^1[0-9]{10}$")`, `{"phone":"138-0013"}`, "refuse"},
		{`args.items.exists(i, i.kind == "刀具")`, `{"items":[{"kind":"书"},{"kind":"刀具"}]}`, "refuse"},
		{`args.exists(k, k == "b") && size(args.map(k, k)) == 2`, `{"b":1,"a":2}`, "refuse"},
		{`args.map(k, k) == ["a", "b", "c"]`, `{"c":1,"a":2,"b":3}`, "refuse"},
		{`text.contains("密")`, `{"a":["\u5bc6"]}`, "refuse"},
		{`args.a == args.b`, `{"a":{"x":[1,"2"]},"b":{"x":[1,"2"]}}`, "refuse"},
		{`argBytes > 5`, `not JSON`, "refuse"},
		{`args.a == 1`, `not JSON`, errNoJSON.Error()},
		{`args.a == 1`, `{"a":1,"a":2}`, errNoJSON.Error()},
		{`args.a == 1`, `{"a":1}{}`, errNoJSON.Error()},
		{`member == "x" || args.a == 1`, ``, errValue.Error()},
	} {
		s := setOf(t, newRule("r", func(r *Rule) { r.When = c.when }))
		require.Equal(t, c.want, judge(t, s, request(c.args)), "%s on %s", c.when, c.args)
	}
}

func TestRulesRefused(t *testing.T) {
	c, err := NewCompiler(16)
	require.NoError(t, err)
	for want, change := range map[string]func(*Rule){
		"double":         func(r *Rule) { r.When = `1.5 > 1.0` },
		"timestamp is":   func(r *Rule) { r.When = `timestamp("2026-01-01T00:00:00Z") > timestamp("2025-01-01T00:00:00Z")` },
		"maps":           func(r *Rule) { r.When = `{"a": 1}.exists(k, k == "a")` },
		"constant":       func(r *Rule) { r.When = `args.a.matches(args.b)` },
		"steps":          func(r *Rule) { r.When = `text.matches("(a{30}){30}(b{30}){30}")` },
		"may cost":       func(r *Rule) { r.When = `args.exists(a, args.exists(b, args.exists(c, true)))` },
		"true or false":  func(r *Rule) { r.When = `1 + 1` },
		"undeclared":     func(r *Rule) { r.When = `now > 1` },
		"reference":      func(r *Rule) { r.When = `scan == "passed"` }, // of another stage
		"overload":       func(r *Rule) { r.When = `member > 1` },
		"Syntax":         func(r *Rule) { r.When = `member ==` },
		"no function":    func(r *Rule) { r.When = `type(args) == type(1)` },
		"2048":           func(r *Rule) { r.When = strings.Repeat("a", 3000) },
		"rule id":        func(r *Rule) { r.ID = "R 1" },
		"kind":           func(r *Rule) { r.Kind = "weather" },
		"stage":          func(r *Rule) { r.Stage = "later" },
		"action":         func(r *Rule) { r.Action = "explode" },
		"1 to 32 chains": func(r *Rule) { r.Chains = nil },
		"valid name":     func(r *Rule) { r.Chains = []string{"No Chain"} },
		"without its":    func(r *Rule) { r.Contract = "" },
		"altogether":     func(r *Rule) { r.Contract, r.Method = "", "" },
		"a limit is":     func(r *Rule) { r.Limit = &Limit{1, 0} },
		"counts calls":   func(r *Rule) { r.Limit, r.Stage = &Limit{1, 1}, StageResult },
		"a word has":     func(r *Rule) { r.Words = []string{""} },
		"deployment":     func(r *Rule) { r.Words, r.Stage = []string{"x"}, StageDeploy },
	} {
		_, err := c.Decode(row(t, newRule("r", change)))
		require.Equal(t, types.CodeRuleInvalid, types.CodeOf(err), want)
		require.ErrorContains(t, err, want)
	}
	_, err = c.Decode([]byte(`[]`))
	require.Equal(t, types.CodeRuleInvalid, types.CodeOf(err))
}

// Rules that may cost too much on large arguments refuse these; smaller arguments pass.
func TestCost(t *testing.T) {
	list := func(n int) string { return `{"a":[` + strings.Repeat(`1,`, n) + `1]}` }
	walk := func(id, when string) *Rule { return newRule(id, func(r *Rule) { r.When = when }) }
	var many []*Rule
	for i := range 100 {
		many = append(many, walk(fmt.Sprintf("r%03d", i), `args.a.exists(x, x > 1)`))
	}
	s := setOf(t, many...)
	require.Equal(t, errCost.Error(), judge(t, s, request(list(2000))))
	require.Equal(t, "pass", judge(t, s, request(list(10))))
}

func TestIndexAndOrder(t *testing.T) {
	s := setOf(t,
		newRule("b-method", func(r *Rule) { r.When = "true" }),
		newRule("c-contract", func(r *Rule) { r.Method, r.When, r.Action = "", "true", ActionAlert }),
		newRule("d-all", func(r *Rule) { r.Contract, r.Method, r.When, r.Action = "", "", "true", ActionRecord }),
		newRule("e-off", func(r *Rule) { r.Status = "withdrawn" }),
		newRule("f-other", func(r *Rule) { r.Chains = []string{"apps"} }),
		newRule("g-stage", func(r *Rule) { r.Stage = StageResult }),
	)
	require.Equal(t, 5, s.Active)
	v, err := s.Judge(request(`{}`), none)
	require.NoError(t, err)
	require.Equal(t, "b-method", v.Refused.Rule.ID)
	require.Len(t, v.Noted, 2)
	require.Equal(t, "d-all", v.Noted[0].Rule.ID)
	require.Equal(t, "c-contract", v.Noted[1].Rule.ID)
	q := request(`{}`)
	q.Narrow, q.Method = true, "issue"
	v, err = s.Judge(q, none)
	require.NoError(t, err)
	require.Nil(t, v.Refused)
	require.Len(t, v.Noted, 1)
	require.Equal(t, "f-other", s.Forbidden("apps", "asset", "transfer").ID)
	require.Nil(t, s.Forbidden("apps", "asset", "issue"))
	require.Nil(t, s.Forbidden("gov", "asset", "transfer"), "it has a condition")
	require.Nil(t, s.Forbidden("nowhere", "asset", "transfer"))
}

// A row that is no rule, or stands under another's key, is passed over and named.
func TestBrokenRows(t *testing.T) {
	c, err := NewCompiler(16)
	require.NoError(t, err)
	b := c.NewBuilder()
	b.Add([]byte("chain/gov"), []byte(`{"blacklisted":2}`))
	b.Add([]byte("chain/x"), []byte(`?`))
	b.Add([]byte("rule/a"), []byte(`{}`))
	b.Add([]byte("rule/b"), row(t, newRule("c", nil)))
	s := b.Set()
	require.Equal(t, []string{"chain/x", "rule/a", "rule/b"}, s.Broken)
	require.True(t, s.Blacklists("gov"))
	require.Equal(t, "pass", judge(t, s, request(`{}`)))
}

func TestWords(t *testing.T) {
	s := setOf(t, newRule("r", func(r *Rule) { r.Words = []string{"机密", "绝密"} }))
	require.Equal(t, "refuse", judge(t, s, request(`{"title":"关于绝\u5bc6文件"}`)), "escapes hide nothing")
	require.Equal(t, "pass", judge(t, s, request(`{"title":"公开文件"}`)))
	require.Equal(t, errNoJSON.Error(), judge(t, s, request(`{"title":"`)))
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]rune("ab密机"))
		words := rapid.SliceOfN(rapid.StringOfN(alphabet, 1, 4, -1), 1, 6).Draw(t, "words")
		text := rapid.StringOfN(rapid.SampledFrom([]rune("abc密机绝")), 0, 30, -1).Draw(t, "text")
		want := false
		for _, w := range words {
			want = want || strings.Contains(text, w)
		}
		require.Equal(t, want, newMatcher(words).in(text, newGrams(text)))
	})
}

func TestLimitWindow(t *testing.T) {
	l := Limit{3, 60}
	require.EqualValues(t, 1_772_413_200, l.Window(1_772_413_259_999))
	require.EqualValues(t, 1_772_413_260, l.Window(1_772_413_260_000))
	s := setOf(t, newRule("r", func(r *Rule) { r.Limit, r.When = &l, `args.n > 1` }))
	calls := 0
	count := func(r *Rule, member string) (bool, error) {
		require.Equal(t, "city/operator", member)
		calls++
		return calls > 3, nil
	}
	for i := range 5 {
		v, err := s.Judge(request(`{"n":2}`), count)
		require.NoError(t, err)
		require.Equal(t, i >= 3, v.Refused != nil)
		v, err = s.Judge(request(`{"n":1}`), count)
		require.NoError(t, err)
		require.Nil(t, v.Refused, "what does not meet the condition is not counted")
	}
}

// Results and failures are those of one execution, whatever the order in which a Go map
// would have been walked.
func TestObjectsAreWalkedInOrder(t *testing.T) {
	var fields []string
	for i := range 40 {
		fields = append(fields, fmt.Sprintf(`"k%02d":%d`, (i*7)%40, i))
	}
	args := "{" + strings.Join(fields, ",") + "}"
	s := setOf(t, newRule("r", func(r *Rule) {
		r.When = `args.map(k, k)[0] == "k00" && args.exists(k, args[k] > 5 || args[k] / 0 == 1)`
	}))
	first := judge(t, s, request(args))
	for range 50 {
		require.Equal(t, first, judge(t, s, request(args)))
	}
	var cost uint64
	for i := range 50 {
		budget := uint64(MaxCost)
		r := s.chains["gov"].rules[target{StageRun, "asset", "transfer"}][0]
		_, err := request(args).meets(r, &budget, none)
		require.NoError(t, err)
		if i > 0 {
			require.Equal(t, cost, budget)
		}
		cost = budget
	}
}

func TestDecimal(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "1": 1_000_000, "-1.5": -1_500_000, "0.000001": 1, "9223372036854": 9223372036854_000000, "9223372036853.999999": 9223372036853_999999} {
		n, ok := parseDecimal(text)
		require.True(t, ok, text)
		require.Equal(t, want, n)
	}
	for _, text := range []string{"", "-", ".5", "1.", "1.0000000", "+1", "1e3", "１", "99999999999999", "9999999999999.999999", "0x1", " 1"} {
		_, ok := parseDecimal(text)
		require.False(t, ok, text)
	}
}

// FuzzJudge: no arguments crash a rule, and two judgments agree.
func FuzzJudge(f *testing.F) {
	s := setOf(f,
		newRule("a", func(r *Rule) { r.When, r.Action = `args.a.exists(x, args[x] == decimal(args.b))`, ActionRecord }),
		newRule("b", func(r *Rule) { r.When, r.Action = `text.matches("^(a|b)+$") || size(args) > 3`, ActionRecord }),
		newRule("c", func(r *Rule) { r.Words, r.Action = []string{"密"}, ActionRecord }))
	f.Add([]byte(`{"a":{"b":1},"b":"1.5"}`))
	f.Add([]byte(`[[[[["密"]]]]]`))
	f.Fuzz(func(t *testing.T, args []byte) {
		one, err := s.Judge(request(string(args)), none)
		require.NoError(t, err)
		two, err := s.Judge(request(string(args)), none)
		require.NoError(t, err)
		require.Equal(t, one, two)
	})
}

// FuzzDecode: no row crashes the compiler; what compiles can be judged.
func FuzzDecode(f *testing.F) {
	f.Add(row(f, newRule("a", func(r *Rule) { r.When = `args.a > 1 && "x" in roles` })))
	f.Add(row(f, newRule("b", func(r *Rule) { r.Words, r.Limit = []string{"x"}, &Limit{1, 1} })))
	c, err := NewCompiler(1)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := c.Decode(raw)
		if err != nil {
			require.Equal(t, types.CodeRuleInvalid, types.CodeOf(err))
			return
		}
		b := c.NewBuilder()
		b.Add([]byte(RulePrefix+r.ID), raw)
		for _, stage := range stages {
			q := request(`{"a":1}`)
			q.Stage = stage
			_, err = b.Set().Judge(q, func(*Rule, string) (bool, error) { return true, nil })
			require.NoError(t, err)
		}
	})
}

// FuzzJSON: what the reader takes, encoding/json takes too, with equal strings; what it
// refuses is no JSON, not UTF-8, too deep, or holds a key twice.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00",true,null,{}]}`, `[]`, ` "a" `, `01`, `{"a":1,}`, `[1 2]`, `{"a":1,"a":2}`, "\"\x01\"", "\"\xff\"", `{"a"`, `-`, `"\`, `nul`, `{,}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, texts, err := decodeJSON(raw)
		if err == nil {
			require.True(t, json.Valid(raw), "%q", raw)
			slices.Sort(texts)
			require.Equal(t, valuesOf(t, raw), append([]string{}, texts...))
		} else if json.Valid(raw) && utf8.Valid(raw) && strings.Count(string(raw), ":") < 2 && len(raw) < maxDepth {
			t.Fatalf("%q is JSON", raw)
		}
	})
}

// valuesOf lists the string values of JSON by encoding/json, sorted.
func valuesOf(t *testing.T, raw []byte) []string {
	var v any
	require.NoError(t, json.Unmarshal(raw, &v))
	out := []string{}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			out = append(out, v)
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(v)
	slices.Sort(out)
	return out
}
