package ledger

import (
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/types"
)

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// depositBlock is a block of n evidence deposits as the load generator makes them: 340
// bytes on the wire (body of 250), 1,000 senders, one receipt, one event, two new rows.
func depositBlock(rng *rand.Rand, height uint64, n int) *Block {
	b := &Block{Height: height, Time: int64(height) * 1e9, Protocol: 1}
	for i := range n {
		raw := make([]byte, 340)
		rng.Read(raw)
		id := crypto.Sum(raw)
		var sender types.Address
		sender[0], sender[1] = byte(rng.Intn(4)), byte(rng.Intn(250))
		b.Txs, b.TxIDs, b.UsedIDs = append(b.Txs, raw), append(b.TxIDs, id), append(b.UsedIDs, id)
		b.Senders, b.Contracts = append(b.Senders, sender), append(b.Contracts, "evidence")
		data := fmt.Appendf(nil, `{"hash":"%s","title":"a title","owner":"archives/clerk","time":"2026-01-01T00:00:00Z"}`, id)
		b.Receipts = append(b.Receipts, types.Receipt{TxID: id, Result: data, GasUsed: 12345, Events: 1})
		b.Events = append(b.Events, types.Event{TxIndex: uint32(i), Contract: "evidence", Name: "deposited", Data: data})
		b.Writes = append(b.Writes,
			types.Write{NS: "evidence", Key: []byte("evidence/" + id.String()), Value: data, TxIndex: uint32(i)},
			types.Write{NS: "evidence", Key: []byte("evidenceByOwner/archives/clerk\x002026-01-01T00:00:00Z\x00" + id.String()), Value: []byte("{}"), TxIndex: uint32(i)})
	}
	sortWrites(b.Writes)
	return b
}

// BenchmarkCommit measures blocks of 1,000 deposits through Prepare and Commit, synced.
func BenchmarkCommit(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "chain")
	l, err := Open(dir, genesisHash, DefaultParams())
	require.NoError(b, err)
	g, err := l.Prepare(&Block{})
	require.NoError(b, err)
	require.NoError(b, l.Commit(g))
	rng := rand.New(rand.NewSource(1))
	const perBlock = 1000
	var cpu, prepare, commit time.Duration
	txs := 0
	for b.Loop() {
		b.StopTimer()
		blk := depositBlock(rng, l.Height()+1, perBlock)
		before := cpuTime()
		b.StartTimer()
		start := time.Now()
		c, err := l.Prepare(blk)
		require.NoError(b, err)
		prepare += time.Since(start)
		start = time.Now()
		require.NoError(b, l.Commit(c))
		commit += time.Since(start)
		cpu += cpuTime() - before
		txs += perBlock
	}
	perTx := func(name string, d time.Duration) { b.ReportMetric(float64(d.Nanoseconds())/1e3/float64(txs), name) }
	perTx("µs-cpu/tx", cpu)
	perTx("µs-prepare/tx", prepare)
	perTx("µs-commit/tx", commit)
	require.NoError(b, l.Close())
	l, err = Open(dir, genesisHash, DefaultParams()) // moves the logs into tables
	require.NoError(b, err)
	require.NoError(b, l.Close())
	size := int64(0)
	require.NoError(b, filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if err == nil && pebbledb.Unchanging(e.Name()) {
			info, ierr := e.Info()
			size += info.Size()
			err = ierr
		}
		return err
	}))
	b.ReportMetric(float64(size)/float64(txs), "disk-B/tx")
}

// BenchmarkProveState measures proofs on a state of 100,000 keys.
func BenchmarkProveState(b *testing.B) {
	l, err := Open(filepath.Join(b.TempDir(), "chain"), genesisHash, DefaultParams())
	require.NoError(b, err)
	g := &Block{}
	for i := range 100_000 {
		g.Writes = append(g.Writes, types.Write{NS: "evidence", Key: fmt.Appendf(nil, "%08d", i), Value: make([]byte, 180)})
	}
	c, err := l.Prepare(g)
	require.NoError(b, err)
	require.NoError(b, l.Commit(c))
	rng := rand.New(rand.NewSource(1))
	size := 0
	for b.Loop() {
		p, _, err := l.st.Prove(0, "evidence", fmt.Appendf(nil, "%08d", rng.Intn(200_000)))
		require.NoError(b, err)
		for i := range p.Siblings {
			if !p.Siblings[i].IsZero() {
				size += 32
			}
		}
	}
	b.ReportMetric(float64(size)/float64(b.N), "siblings-B")
	require.NoError(b, l.Close())
}
