package policy

import (
	"fmt"
	"testing"
)

// BenchmarkJudge is the cost of judging one transaction: against no rules, and against
// 1,000 for other methods with some for its own, of which each kind is met.
func BenchmarkJudge(b *testing.B) {
	for _, n := range []int{0, 1000} {
		var rules []*Rule
		for i := range n {
			rules = append(rules, newRule(fmt.Sprintf("other-%04d", i), func(r *Rule) {
				r.Method = fmt.Sprintf("method%d", i%500)
				r.When = fmt.Sprintf(`decimal(args.amount) > decimal("%d") && org != "court"`, i)
			}))
		}
		if n > 0 {
			rules = append(rules,
				newRule("own-amount", func(r *Rule) { r.When = `decimal(args.amount) > decimal("1000000")` }),
				newRule("own-format", func(r *Rule) { r.When = `!args.phone.matches("^1[0-9]{10}$")` }),
				newRule("own-words", func(r *Rule) { r.Words = []string{"机密", "绝密", "内部资料"} }))
		}
		s := setOf(b, rules...)
		args := `{"to":"court/judge","amount":"1200.50","phone":"13800138000","title":"采购合同 2026-017","note":"共 12 页"}`
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if v, err := s.Judge(request(args), none); err != nil || v.Refused != nil {
					b.Fatal(v, err)
				}
			}
		})
	}
}
