package chain_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
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
	var members []*chaintest.Member
	for i := range 20 {
		m := bed.w.Member("archives", fmt.Sprintf("member-%d", i), "client")
		bed.run(bed.call(m, "membership", "register", `{}`))
		members = append(members, m)
	}
	bed.now = bed.now.Add(time.Second)
	blk := &chain.BlockInput{Height: bed.height + 1, Time: bed.now.UnixNano()}
	for i := range n {
		tx := chaintest.Call(bed.g, members[i%len(members)], bed.now, "notebook", "put", fmt.Sprintf(`{"Key":"key-%d","Value":"v"}`, i), false)
		blk.Txs = append(blk.Txs, tx.Bytes())
	}
	return bed, blk
}
