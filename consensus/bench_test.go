package consensus

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/loadsign"
	"github.com/huchain/huchain/types"
)

// trivial is a machine that verifies no signature and executes nothing: what remains is
// the cost of consensus, gossip, mempool and ledger.
type trivial struct {
	*chain.Chain
	params crypto.Hash
}

func (m trivial) AdmitEach(_ chain.State, raws [][]byte, _ int64) ([]*types.Tx, []error) {
	return unverified{}.AdmitEach(nil, raws, 0)
}

func (m trivial) CheckBlock(chain.State, *chain.IDWindow, *chain.BlockInput) error { return nil }

func (m trivial) Execute(_ context.Context, _ chain.State, _ *chain.IDWindow, blk *chain.BlockInput) (*chain.Result, error) {
	res := &chain.Result{Config: m.params, Protocol: 1}
	for _, raw := range blk.Txs {
		tx, err := types.DecodeTx(raw)
		if err != nil {
			return nil, err
		}
		res.Txs = append(res.Txs, tx)
		res.UsedIDs = append(res.UsedIDs, tx.ID())
		res.Receipts = append(res.Receipts, types.Receipt{TxID: tx.ID()})
	}
	return res, nil
}

// BenchmarkSaturated measures committed transactions a second with trivial execution:
//
//	go test ./consensus -run - -bench Saturated -benchtime 1x
//
// All nodes share this process and its cores; the CPU time is that of all of them.
func BenchmarkSaturated(b *testing.B) {
	for _, nodes := range []int{1, 4} {
		b.Run(fmt.Sprintf("validators=%d", nodes), func(b *testing.B) {
			for range b.N {
				saturate(b, nodes, 8*time.Second, bare, nil)
			}
		})
	}
}

// workload is what a network is loaded with.
type workload struct {
	wrap    func(Machine) Machine // nil: the chain as it is
	prepare func(net *network)    // once the network runs; nil: nothing
	tx      func(net *network, n uint64) []byte
	waiting int // transactions kept waiting in each pool
}

// bare load costs a chain next to nothing.
var bare = workload{wrap: func(m Machine) Machine { return trivial{Chain: m.(*chain.Chain)} }, tx: benchTx, waiting: 12_000}

// signed load is what a chain does: each signature is verified by every validator, each
// call executed. The contract is a Go function, which costs less than WASM.
func signed(b *testing.B) workload {
	const members = 16
	signers := make([]*loadsign.Signer, members)
	return workload{
		waiting: 2_000,
		prepare: func(net *network) {
			for i := range signers {
				m := net.world.Member("archives", fmt.Sprintf("load-%d", i), "client")
				tx := chaintest.Call(net.genesis, m, time.Now(), "store", "put", fmt.Sprintf("{%d:first}", i), true)
				require.True(b, net.nodes[0].commit(tx).Receipt.OK())
				var err error
				signers[i], err = loadsign.New(m.Key)
				require.NoError(b, err)
			}
		},
		tx: func(net *network, n uint64) []byte {
			s := signers[n%members]
			body := &types.Body{
				Genesis: net.genesis.Hash(), Sender: types.AddressOf(s.Public()), Contract: "store", Method: "put",
				Args: fmt.Appendf(nil, "{key-%d:%0100d}", n, n), GasLimit: 100_000_000, ValidUntil: time.Now().Add(time.Minute).UnixMilli(),
			}
			binary.BigEndian.PutUint64(body.Salt[:], n)
			tx, err := types.SignTx(body, nil, s)
			if err != nil {
				panic(err)
			}
			return tx.Bytes()
		},
	}
}

// saturate returns committed transactions a second, and what one cost each validator.
func saturate(b *testing.B, nodes int, d time.Duration, load workload, change func(*network)) (rate, cpuMicros float64) {
	net := newNetwork(b, nodes)
	net.params = DefaultParams()
	net.params.SenderTxs = net.params.PoolTxs
	net.params.SenderBytes = net.params.PoolBytes
	for _, n := range net.nodes {
		n.wrap = load.wrap
	}
	if change != nil {
		change(net)
	}
	net.up()
	net.ready()
	if load.prepare != nil {
		load.prepare(net)
	}

	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var serial atomic.Uint64
	for _, n := range net.nodes {
		wg.Go(func() {
			for ctx.Err() == nil {
				if have, _ := n.pool.size(); have > load.waiting {
					time.Sleep(time.Millisecond)
					continue
				}
				for range 64 {
					if _, err := n.Submit(load.tx(net, serial.Add(1))); err != nil {
						time.Sleep(time.Millisecond)
						break
					}
				}
			}
		})
	}
	time.Sleep(2 * time.Second) // warm
	n := net.nodes[0]
	txs, height, cpu, start := counterValue(b, n.app.m.committedTxs), n.ledger.Height(), cpuTime(), time.Now()
	time.Sleep(d)
	txs, blocks := counterValue(b, n.app.m.committedTxs)-txs, n.ledger.Height()-height
	elapsed, used := time.Since(start).Seconds(), (cpuTime() - cpu).Seconds()
	cancel()
	wg.Wait()
	for _, n := range net.nodes {
		require.NoError(b, n.Err())
		n.down()
	}
	b.ReportMetric(txs/elapsed, "tx/s")
	b.ReportMetric(float64(blocks)/elapsed, "blocks/s")
	b.ReportMetric(txs/max(float64(blocks), 1), "tx/block")
	cpuMicros = used * 1e6 / max(txs, 1) / float64(nodes)
	b.ReportMetric(cpuMicros, "cpu-µs/tx/validator")
	b.ReportMetric(used/elapsed, "cores")
	b.ReportMetric(0, "ns/op")
	return txs / elapsed, cpuMicros
}

// benchTx is a transaction of about 310 bytes with a distinct id.
func benchTx(net *network, n uint64) []byte {
	body := &types.Body{
		Genesis: net.genesis.Hash(), Sender: types.Address{byte(n), byte(n >> 8)}, Contract: "store", Method: "put",
		Args: make([]byte, 100), GasLimit: 1_000_000, ValidUntil: time.Now().Add(time.Minute).UnixMilli(),
	}
	binary.BigEndian.PutUint64(body.Salt[:], n)
	binary.BigEndian.PutUint32(body.Salt[8:], uint32(os.Getpid()))
	return reencode(&types.Tx{BodyBytes: types.EncodeBody(body), Signatures: [][]byte{make([]byte, crypto.SignatureSize)}})
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
