package policy

import (
	"fmt"
	"testing"
)

// benchRules are n rules: broad ones for every contract, some for the benched method, of
// which each kind is asked, and the rest for other methods.
func benchRules(n, broad int) []*Rule {
	if n == 0 {
		return nil
	}
	rules := []*Rule{
		newRule("own-amount", func(r *Rule) { r.When = `decimal(args.amount) > decimal("1000000")` }),
		newRule("own-format", func(r *Rule) { r.When = `!args.phone.matches("^1[0-9]{10}$")` }),
		newRule("own-words", func(r *Rule) { r.Words = []string{"机密", "绝密", "内部资料"} }),
	}
	for i := range broad {
		rules = append(rules, newRule(fmt.Sprintf("broad-%02d", i), func(r *Rule) {
			r.Contract, r.Method = "", ""
			switch i % 3 {
			case 0:
				r.When = fmt.Sprintf(`org == "org-%d" && method != "get"`, i)
			case 1:
				r.When = fmt.Sprintf(`"auditor" in roles && height > %d`, i)
			default:
				r.Words = []string{fmt.Sprintf("词语%d", i), "秘密文件"}
			}
		}))
	}
	for i := len(rules); i < n; i++ {
		rules = append(rules, newRule(fmt.Sprintf("other-%04d", i), func(r *Rule) {
			r.Method = fmt.Sprintf("method%d", i%500)
			r.When = fmt.Sprintf(`decimal(args.amount) > decimal("%d") && org != "court"`, i)
		}))
	}
	return rules
}

// BenchmarkJudge is the cost of judging one transaction: against no rules, against 1,000
// of which three are for its method, and against 1,000 of which as many as a chain may
// have, 64, are for every contract.
func BenchmarkJudge(b *testing.B) {
	for _, c := range []struct{ rules, broad int }{{0, 0}, {1000, 0}, {1000, 64}} {
		s := setOf(b, benchRules(c.rules, c.broad)...)
		args := `{"to":"court/judge","amount":"1200.50","phone":"13800138000","title":"采购合同 2026-017","note":"共 12 页"}`
		b.Run(fmt.Sprintf("rules=%d/broad=%d", c.rules, c.broad), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if v, err := s.Judge(request(args), none); err != nil || v.Refused != nil {
					b.Fatal(v, err)
				}
			}
		})
	}
}
