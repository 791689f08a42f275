package chain_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/chain/policy"
)

// BenchmarkExecute is the cost of a transaction around its contract: decoding,
// authentication with known signatures, permission, overlay, receipt. One op is one
// transaction of a block of 1,000.
func BenchmarkExecute(b *testing.B) {
	bed, blk := benchBlock(b, 1000)
	require.NoError(b, bed.c.CheckBlock(bed.st, bed.ids, blk)) // signatures are known from here on
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += len(blk.Txs) {
		if _, err := bed.c.Execute(context.Background(), bed.st, bed.ids, blk); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCheckBlock is the cost of judging a transaction whose signature is known.
func BenchmarkCheckBlock(b *testing.B) {
	bed, blk := benchBlock(b, 1000)
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(blk.Txs) {
		if err := bed.c.CheckBlock(bed.st, bed.ids, blk); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAdmit is the cost of a transaction at ingress, its signature included.
func BenchmarkAdmit(b *testing.B) {
	bed, blk := benchBlock(b, 1000)
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		if n%len(blk.Txs) == 0 {
			b.StopTimer()
			fresh, err := chain.New(bed.g, bed.vm, chain.DefaultOptions()) // forgets the signatures
			require.NoError(b, err)
			bed.c = fresh
			b.StartTimer()
		}
		if _, err := bed.c.Admit(bed.st, blk.Txs[n%len(blk.Txs)], bed.now.UnixMilli()); err != nil {
			b.Fatal(err)
		}
	}
}

func benchBlock(b *testing.B, n int) (*bed, *chain.BlockInput) {
	bed := newBed(&testing.T{})
	return bed, bed.notes(n)
}

// notes is a block of n notes by twenty members.
func (b *bed) notes(n int) *chain.BlockInput {
	var members []*chaintest.Member
	for i := range 20 {
		m := b.w.Member("archives", fmt.Sprintf("member-%d", i), "client")
		b.run(b.call(m, "membership", "register", `{}`))
		members = append(members, m)
	}
	b.now = b.now.Add(time.Second)
	blk := &chain.BlockInput{Height: b.height + 1, Time: b.now.UnixNano()}
	for i := range n {
		tx := chaintest.Call(b.g, members[i%len(members)], b.now, "notebook", "put", fmt.Sprintf(`{"Key":"key-%d","Value":"v"}`, i), false)
		blk.Txs = append(blk.Txs, tx.Bytes())
	}
	return blk
}

// BenchmarkSupervised is BenchmarkExecute on a chain with n rules of which three are for
// the transaction, and a blacklist that somebody else is on: what differs from rules=0 is
// the whole cost of supervision.
func BenchmarkSupervised(b *testing.B) {
	for _, n := range []int{0, 1000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			bed := supervised(&testing.T{})
			if n > 0 {
				require.True(b, bed.set("blacklist/test\x00court/stranger", map[string]string{"rule": "user-1"}).OK())
				require.True(b, bed.set("chain/test", map[string]int{"blacklisted": 1}).OK())
			}
			for i := range n {
				bed.rule(fmt.Sprintf("r-%04d", i), func(r *policy.Rule) {
					r.When = `args.Value.matches("^[0-9]{18}$")`
					switch {
					case i == 0:
						r.Words, r.When = []string{"机密", "绝密"}, ""
					case i == 1:
						r.Limit = &policy.Limit{Count: 1_000_000, Seconds: 60}
					case i > 2:
						r.Method = fmt.Sprintf("method%d", i%500)
					}
				})
			}
			blk := bed.notes(1000)
			require.NoError(b, bed.c.CheckBlock(bed.st, bed.ids, blk)) // signatures are known from here on
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += len(blk.Txs) {
				if _, err := bed.c.Execute(context.Background(), bed.st, bed.ids, blk); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
