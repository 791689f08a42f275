package chain_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// parallel makes a machine that executes every block side by side.
func parallel(t require.TestingT, g *chain.Genesis, vm chain.VM, workers int) *chain.Chain {
	opt := chain.DefaultOptions()
	opt.ExecuteWorkers, opt.ParallelFrom = workers, 1
	c, err := chain.New(g, vm, opt)
	require.NoError(t, err)
	return c
}

// trade is a move of the contract "market": which rows it reads and writes depends on
// what it reads.
type trade struct {
	A, B string // keys
	N    int
}

// meetings has market yield at random, so that executions side by side meet in many orders.
var meetings = true

func market(env host.Env, args []byte) ([]byte, error) {
	var in trade
	if err := json.Unmarshal(args, &in); err != nil {
		return nil, &host.Failure{Name: "bad_arguments"}
	}
	get := func(key string) (n int, err error) {
		if meetings && rand.N(4) == 0 {
			runtime.Gosched()
		}
		raw, _, err := env.Get([]byte(key))
		if err == nil && len(raw) > 0 {
			n, err = strconv.Atoi(string(raw))
		}
		return n, err
	}
	put := func(key string, n int) error { return env.Put([]byte(key), []byte(strconv.Itoa(n))) }
	switch env.Info().Method {
	case "deposit":
		return []byte(`{}`), put(in.A, in.N)
	case "transfer":
		a, err := get(in.A)
		if err != nil {
			return nil, err
		}
		if err := put(in.A, a-in.N); err != nil {
			return nil, err
		}
		b, err := get(in.B)
		if err != nil {
			return nil, err
		}
		if b > 10_000 {
			return nil, &host.Failure{Name: "rich", Text: strconv.Itoa(b)} // what was written is taken back
		}
		if err := put(in.B, b+in.N); err != nil {
			return nil, err
		}
		return []byte(strconv.Itoa(a)), env.Emit("moved", []byte(strconv.Itoa(a+b)))
	case "close":
		return []byte(`{}`), env.Delete([]byte(in.A))
	case "sum", "first": // a range, whole or up to its N-th row
		limit := 1000
		if env.Info().Method == "first" {
			limit = in.N
		}
		rows, more, err := env.Scan([]byte(in.A), nil, limit)
		if err != nil {
			return nil, err
		}
		total := 0
		for _, r := range rows {
			n, _ := strconv.Atoi(string(r.Value))
			total += n
		}
		return fmt.Appendf(nil, `"%d rows, more %v"`, len(rows), more), put(in.B, total)
	case "nested": // fails inside and goes on
		_, _, err := env.Call("notebook", "fail", nil, 10_000)
		if err == nil {
			return nil, &host.Failure{Name: "unreachable"}
		}
		_, _, err = env.Call("notebook", "put", fmt.Appendf(nil, `{"Key":%q,"Value":"v"}`, in.A), 10_000)
		return []byte(`{}`), err
	}
	return nil, &host.Failure{Name: "unreachable"}
}

// marketBed has members that are registered and one contract they all write to.
func marketBed(t *testing.T, maxBlockGas uint64) (*bed, []*chaintest.Member) {
	b := newBedOf(t, func(w *chaintest.World, vm *chaintest.GoVM) {
		allow := map[string]string{}
		for _, m := range []string{"deposit", "transfer", "close", "sum", "first", "nested"} {
			allow[m] = "ANY role:client"
		}
		vm.Install(w, "market", allow, market, "notebook@1")
		w.Genesis.Params.MaxTxGas, w.Genesis.Params.MaxBlockGas = 2_000_000, maxBlockGas
	})
	var members []*chaintest.Member
	for i := range 8 {
		m := b.w.Member("archives", fmt.Sprintf("trader-%d", i), "client")
		members = append(members, m)
		if i < 5 { // the others come with their certificates
			b.run(frugal(b, m, b.now, "membership", "register", `{}`, true))
		}
	}
	return b, members
}

// frugal is a call that offers little gas.
func frugal(b *bed, m *chaintest.Member, at time.Time, contract, method, args string, withCert bool) *types.Tx {
	body := &types.Body{Genesis: b.g.Hash(), Sender: m.Address(), Contract: contract, Method: method,
		Args: []byte(args), GasLimit: 200_000, ValidUntil: at.Add(time.Minute).UnixMilli()}
	binary.LittleEndian.PutUint64(body.Salt[:], rand.Uint64())
	return chaintest.Sign(body, m, withCert)
}

// randomTxs are transactions of which many conflict, and some are void.
func randomTxs(b *bed, members []*chaintest.Member, n, keys int) []*types.Tx {
	methods := []string{"deposit", "deposit", "transfer", "transfer", "transfer", "close", "sum", "first", "nested"}
	key := func() string { return fmt.Sprintf("k%02d", rand.N(keys)) }
	var txs []*types.Tx
	for range n {
		m := members[rand.N(len(members))]
		args, _ := json.Marshal(trade{key(), key(), 1 + rand.N(400)})
		at := b.now.Add(time.Second)
		switch rand.N(40) {
		case 0:
			if len(txs) > 0 {
				txs = append(txs, txs[rand.N(len(txs))]) // once more
				continue
			}
		case 1:
			at = at.Add(-time.Hour) // expired
		case 2:
			method := []string{"freeze", "unfreeze", "unfreeze", "unfreeze"}[rand.N(4)]
			txs = append(txs, frugal(b, b.admin, at, "membership", method, fmt.Sprintf(`{"member":%q}`, m.ID), true))
			continue
		}
		txs = append(txs, frugal(b, m, at, "market", methods[rand.N(len(methods))], string(args), rand.N(3) == 0))
	}
	return txs
}

// Whatever transactions conflict and in whatever order workers come to them, execution
// side by side gives what execution one after another gives: receipts, events, rows, ids,
// gas. At full size: HUCHAIN_TEST_PARALLEL_TXS=1000000.
func TestParallelEqualsSerial(t *testing.T) {
	total := 10_000
	if testing.Short() {
		total = 2_000
	}
	if s := os.Getenv("HUCHAIN_TEST_PARALLEL_TXS"); s != "" {
		var err error
		total, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	b, members := marketBed(t, 8_000_000) // some blocks fill up
	stood := 0
	for done := 0; done < total; {
		n := min(1+rand.N(300), total-done)
		res := b.run(randomTxs(b, members, n, []int{2, 12, 1000}[rand.N(3)])...) // compares
		done += n
		for i := range res.Receipts {
			if res.Receipts[i].OK() {
				stood++
			}
		}
	}
	require.Greater(t, stood, total/8, "the workload must not consist of refusals")
	_, adopted := b.twin.Speculated()
	require.Greater(t, adopted, uint64(total/50), "nor may execution ahead be all in vain")
}

// A block of which every transaction depends on the one before is not executed ahead to
// its end: what side by side costs more is bounded by the first transactions.
func TestParallelGivesUpOnChains(t *testing.T) {
	b, members := marketBed(t, 1<<40)
	var txs []*types.Tx
	for range 300 {
		txs = append(txs, frugal(b, members[rand.N(5)], b.now, "market", "transfer", `{"A":"k1","B":"k2","N":1}`, false))
	}
	before, _ := b.twin.Speculated()
	b.run(txs...)
	after, _ := b.twin.Speculated()
	require.Less(t, after-before, uint64(200))
}

// BenchmarkParallel is the time of a block of 1,000 transactions, one after another and
// side by side, without conflicts and with nothing else.
func BenchmarkParallel(b *testing.B) {
	meetings = false
	for _, load := range []string{"apart", "chained"} {
		for _, workers := range []int{1, 2, 4} {
			b.Run(fmt.Sprintf("%s/workers-%d", load, workers), func(b *testing.B) {
				bed, members := marketBed(&testing.T{}, 1<<40)
				bed.now = bed.now.Add(time.Second)
				blk := &chain.BlockInput{Height: bed.height + 1, Time: bed.now.UnixNano()}
				for i := range 1000 {
					args := fmt.Sprintf(`{"A":"a%d","B":"b%d","N":1}`, i, i)
					if load == "chained" {
						args = `{"A":"a","B":"b","N":1}`
					}
					blk.Txs = append(blk.Txs, frugal(bed, members[i%5], bed.now, "market", "transfer", args, false).Bytes())
				}
				c := parallel(b, bed.g, bed.vm, workers)
				require.NoError(b, c.CheckBlock(bed.st, bed.ids, blk))
				for b.Loop() {
					if _, err := c.Execute(context.Background(), bed.st, bed.ids, blk); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/tx")
			})
		}
	}
}
