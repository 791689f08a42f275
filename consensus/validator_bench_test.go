package consensus

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
	wasm "github.com/huchain/huchain/vm/engine"
)

// BenchmarkValidator is all that a validator does for a transaction that a peer sent it,
// links and votes apart: the carrier is read, the transaction verified and pooled, the
// block checked, executed on the real VM, hashed and committed to disk. An op is one
// transaction in blocks of 1,000 deposits by 1,000 members; each stage is told in CPU time
// of the whole process, garbage collection and compactions included.
//
//	HUCHAIN_BUNDLES=<folder of evidence.hcp> go test ./consensus -run - -bench Validator -benchtime 30000x
func BenchmarkValidator(b *testing.B) {
	const perBlock, members = 1000, 1000
	v := newLoneValidator(b, members)
	var raws [][]byte
	var cpu [5]time.Duration
	txs := 0
	b.ReportAllocs()
	b.ResetTimer()
	for txs < b.N {
		b.StopTimer()
		raws = v.deposits(perBlock)
		b.StartTimer()
		v.block(b, raws, &cpu)
		txs += perBlock
	}
	b.StopTimer()
	var sum time.Duration
	for i, name := range []string{"admit", "judge", "execute", "prepare", "commit"} {
		b.ReportMetric(float64(cpu[i].Nanoseconds())/1e3/float64(txs), "µs-"+name+"/tx")
		sum += cpu[i]
	}
	b.ReportMetric(float64(sum.Nanoseconds())/1e3/float64(txs), "µs-cpu/tx")
	require.NoError(b, v.app.ledger.(*ledger.Ledger).Close())
}

// loneValidator is an app on its own, driven by hand.
type loneValidator struct {
	genesis *chain.Genesis
	members []*chaintest.Member
	app     *app
	serial  int
	now     time.Time
}

func newLoneValidator(b *testing.B, members int) *loneValidator {
	dir := os.Getenv("HUCHAIN_BUNDLES")
	if dir == "" {
		b.Skip("HUCHAIN_BUNDLES names no folder with evidence.hcp")
	}
	pkg, err := os.ReadFile(filepath.Join(dir, "evidence.hcp"))
	require.NoError(b, err)
	opened, err := bundle.Open(pkg)
	require.NoError(b, err)
	v := &loneValidator{now: time.Now()}
	world := chaintest.NewWorld(v.now.Add(-time.Minute), "archives")
	world.AddBundle("evidence", opened.Manifest.Version, opened.CodeHash, pkg)
	for i := range members {
		v.members = append(v.members, world.Member("archives", fmt.Sprintf("member-%d", i), "client"))
	}
	genesis, packages := world.Seal()
	v.genesis = genesis
	params := wasm.DefaultParams()
	vm, err := wasm.New(context.Background(), params)
	require.NoError(b, err)
	b.Cleanup(func() { _ = vm.Close(context.Background()) })
	machine, err := chain.New(genesis, vm, chain.DefaultOptions())
	require.NoError(b, err)
	book, err := ledger.Open(filepath.Join(b.TempDir(), "ledger"), genesis.Hash(), ledger.DefaultParams())
	require.NoError(b, err)
	p := DefaultParams()
	m, err := newMetrics(nil, "bench")
	require.NoError(b, err)
	a := &app{p: &p, m: m, machine: machine, ledger: book, packages: packages,
		commitIn: func(uint64) ([]byte, error) { return make([]byte, 600), nil }}
	_, err = a.InitChain(context.Background(), nil)
	require.NoError(b, err)
	require.NoError(b, machine.LoadCode(context.Background(), book))
	a.ids, err = restoreIDs(book)
	require.NoError(b, err)
	a.pool = newPool(&p, m, a.ids.has, func(crypto.Hash, *types.Error) {})
	a.admit = newAdmitter(&p, m, func(raws [][]byte, nowMs int64) ([]*types.Tx, []error) { return machine.AdmitEach(book, raws, nowMs) }, a.pool,
		func(_ string, err error) { b.Fatal(err) })
	a.admit.now = func() time.Time { return v.now }
	v.app = a
	var cpu [5]time.Duration
	var raws [][]byte
	for _, member := range v.members {
		tx := chaintest.Call(genesis, member, v.now, "membership", "register", `{}`, true)
		raws = append(raws, tx.Bytes())
	}
	v.block(b, raws, &cpu)
	for range 20 { // every key gets its table
		v.block(b, v.deposits(members), &cpu)
	}
	return v
}

// deposits are of unique hashes, by each member in turn.
func (v *loneValidator) deposits(n int) (raws [][]byte) {
	for i := range n {
		v.serial++
		seed := crypto.Sum(fmt.Append(nil, v.serial))
		args, err := json.Marshal(map[string]string{"hash": seed.String(), "title": "evidence: " + seed.String()[:32]})
		if err != nil {
			panic(err)
		}
		raws = append(raws, chaintest.Call(v.genesis, v.members[i%len(v.members)], v.now, "evidence", "deposit", string(args), false).Bytes())
	}
	return raws
}

// block takes transactions in carriers, as of a peer, and commits them in a block.
func (v *loneValidator) block(b *testing.B, raws [][]byte, cpu *[5]time.Duration) {
	ctx := context.Background()
	v.now = v.now.Add(10 * time.Millisecond)
	var carriers [][]byte
	for at := 0; at < len(raws); at += MaxCarrierTxs {
		var list []byte
		for _, raw := range raws[at:min(at+MaxCarrierTxs, len(raws))] {
			list = types.AppendListItem(list, raw)
		}
		carriers = append(carriers, list)
	}
	last := cpuTime()
	stage := func(i int) {
		now := cpuTime()
		cpu[i] += now - last
		last = now
	}
	for _, c := range carriers {
		v.app.admit.work(carrierJob{peer: "peer", list: c})
	}
	stage(0)
	height := v.app.ledger.Height() + 1
	frames := v.app.pool.pack(4<<20, v.now.UnixMilli(), MaxBlockTxs)
	fr, err := decodeFrames(1, frames, false) // frames of no certificate
	require.NoError(b, err)
	require.Len(b, fr.txs, len(raws))
	in := &chain.BlockInput{Height: height, Time: v.now.UnixNano(), Txs: fr.txs}
	require.NoError(b, v.app.machine.CheckBlock(v.app.ledger, v.app.ids.w, in))
	stage(1)
	res, err := v.app.machine.Execute(ctx, v.app.ledger, v.app.ids.w, in)
	require.NoError(b, err)
	for i := range res.Receipts {
		require.True(b, res.Receipts[i].OK(), res.Receipts[i].Error)
	}
	stage(2)
	ex, err := v.app.prepare(in, blockMeta{}, res)
	require.NoError(b, err)
	stage(3)
	require.NoError(b, v.app.commit(ex))
	v.app.machine.Settled(in.Txs)
	v.app.ids.add(in.Time, res.UsedIDs)
	v.app.pool.committed(int64(height), v.now.UnixMilli(), ex.settled())
	stage(4)
}
