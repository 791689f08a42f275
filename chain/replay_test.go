package chain_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/types"
)

// machine is a chain on a real ledger.
type machine struct {
	t   *testing.T
	c   *chain.Chain
	l   *ledger.Ledger
	ids *chain.IDWindow
}

func newMachine(t *testing.T, b *bed, packages map[crypto.Hash][]byte, opt chain.Options) *machine {
	c, err := chain.New(b.g, b.vm, opt)
	require.NoError(t, err)
	p := ledger.DefaultParams()
	p.Driver = pebbledb.Opener{FS: vfs.NewMem()}
	l, err := ledger.Open("ledger", b.g.Hash(), p)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	m := &machine{t, c, l, chain.NewIDWindow()}
	res, err := c.InitGenesis(context.Background(), packages)
	require.NoError(t, err)
	m.commit(&chain.BlockInput{Time: b.g.Time.UnixNano()}, res)
	return m
}

func (m *machine) commit(blk *chain.BlockInput, res *chain.Result) types.Header {
	set, err := m.c.Genesis().ValidatorSet()
	require.NoError(m.t, err)
	in := &ledger.Block{
		Height: blk.Height, Time: blk.Time, Txs: blk.Txs, UsedIDs: res.UsedIDs, Receipts: res.Receipts, Events: res.Events,
		Writes: res.Writes, Signers: set, NextSigners: set, Config: res.Config, Protocol: res.Protocol,
	}
	binary.BigEndian.PutUint64(in.CometHash[:], blk.Height+1)
	for i := range res.Receipts {
		in.TxIDs = append(in.TxIDs, res.Receipts[i].TxID)
	}
	cand, err := m.l.Prepare(in)
	require.NoError(m.t, err)
	require.NoError(m.t, m.l.Commit(cand))
	m.ids.Add(blk.Time, res.UsedIDs)
	return cand.Header
}

func (m *machine) play(blk *chain.BlockInput) types.Header {
	res, err := m.c.Execute(context.Background(), m.l, m.ids, blk)
	require.NoError(m.t, err)
	return m.commit(blk, res)
}

// A replay of recorded blocks gives the same headers: with cold caches, with other cache
// sizes, after executions that were thrown away, and with blocks judged before or not.
func TestReplayGivesTheSameHeaders(t *testing.T) {
	b := newBed(t)
	rnd := rand.New(rand.NewPCG(7, 7))
	first := newMachine(t, b, b.packages, chain.DefaultOptions())
	members := []*chaintest.Member{b.clerk, b.auditor, b.admin, b.w.Member("notary", "clerk", "client")}
	var blocks []*chain.BlockInput
	var headers []types.Header
	for h := uint64(1); h <= 40; h++ {
		b.now = b.now.Add(time.Second)
		blk := &chain.BlockInput{Height: h, Time: b.now.UnixNano()}
		for range rnd.IntN(12) {
			blk.Txs = append(blk.Txs, randomCall(b, rnd, members).Bytes())
		}
		if n := len(blk.Txs); n > 1 && rnd.IntN(4) == 0 {
			blk.Txs = append(blk.Txs, blk.Txs[rnd.IntN(n)], []byte("no transaction"))
		}
		blocks = append(blocks, blk)
		headers = append(headers, first.play(blk))
	}

	small := chain.Options{VerifyWorkers: 1, VerifiedEntries: 1, VerifiedBytes: 1, MemberEntries: 1, ContractEntries: 1, RuleEntries: 1, ExecuteWorkers: 3, ParallelFrom: 1}
	second := newMachine(t, b, b.packages, small)
	for i, blk := range blocks {
		_ = second.c.CheckBlock(second.l, second.ids, blk)
		other := &chain.BlockInput{Height: blk.Height, Time: blk.Time + 1, Txs: blocks[len(blocks)-1-i].Txs}
		_, err := second.c.Execute(context.Background(), second.l, second.ids, other) // a round that was not decided
		require.NoError(t, err)
		require.Equal(t, headers[i], second.play(blk), "height %d", blk.Height)
	}
}

func randomCall(b *bed, rnd *rand.Rand, members []*chaintest.Member) *types.Tx {
	m := members[rnd.IntN(len(members))]
	calls := [][3]string{
		{"notebook", "put", fmt.Sprintf(`{"Key":"k%d","Value":"%d"}`, rnd.IntN(20), rnd.IntN(1000))},
		{"notebook", "fail", `{}`}, {"notebook", "getSneaky", `{}`}, {"caller", "relay", "put"}, {"caller", "relay", "fail"},
		{"notebook", "nothing", `{}`}, {"membership", "register", `{}`},
		{"membership", []string{"freeze", "unfreeze"}[rnd.IntN(2)], fmt.Sprintf(`{"member":%q}`, members[rnd.IntN(len(members))].ID)},
	}
	c := calls[rnd.IntN(len(calls))]
	return chaintest.Call(b.g, m, b.now, c[0], c[1], c[2], rnd.IntN(4) > 0)
}
