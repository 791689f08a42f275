package block

import (
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

var (
	benchTxs   = flag.Int("block.txs", 100_000, "transactions that BenchmarkHistory stores")
	benchBlock = flag.Int("block.size", 1000, "transactions per block of BenchmarkHistory")
)

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// deposits makes blocks of evidence deposits as the load generator sends them: a body of
// about 250 bytes and a signature, one receipt, one event, two new rows. Signatures are
// random bytes, which compress as badly as true ones.
type deposits struct {
	rng     *rand.Rand
	genesis crypto.Hash
	senders []types.Address
}

func newDeposits() *deposits {
	d := &deposits{rng: rand.New(rand.NewSource(1)), genesis: crypto.Sum([]byte("bench"))}
	for range 1000 {
		var a types.Address
		d.rng.Read(a[:])
		d.senders = append(d.senders, a)
	}
	return d
}

func (g *deposits) block(t testing.TB, height uint64, n int) *Data {
	d := &Data{Height: height, Header: make([]byte, 300), Content: (&proof.Content{}).Encode(), Indexes: IndexSender | IndexContract | IndexEvent}
	var changes []Change
	for i := range n {
		var hash crypto.Hash
		g.rng.Read(hash[:])
		b := &types.Body{Genesis: g.genesis, Sender: g.senders[g.rng.Intn(len(g.senders))], Contract: "evidence", Method: "deposit",
			Args: fmt.Appendf(nil, `{"hash":"%s","title":"load"}`, hash), GasLimit: 1_000_000, ValidUntil: 1_800_000_000_000 + int64(height)*1000}
		g.rng.Read(b.Salt[:])
		raw := types.EncodeBody(b)
		id := crypto.Sum(raw)
		signature := make([]byte, 70)
		g.rng.Read(signature)
		row := fmt.Appendf(nil, `{"hash":"%s","title":"load","owner":"archives/clerk","time":"2026-01-01T00:00:%02dZ"}`, hash, height%60)
		receipt := types.Receipt{TxID: id, Result: row, GasUsed: 40_000 + uint64(g.rng.Intn(500)), Events: 1}
		event := types.Event{TxIndex: uint32(i), Contract: "evidence", Name: "deposited", Data: row}
		d.Txs, d.IDs, d.Senders, d.Contracts = append(d.Txs, append(raw, signature...)), append(d.IDs, id), append(d.Senders, b.Sender), append(d.Contracts, b.Contract)
		d.Receipts, d.Events, d.EventBytes = append(d.Receipts, receipt.Encode()), append(d.Events, event), append(d.EventBytes, event.Encode())
		changes = append(changes,
			Change{Write: types.Write{NS: "evidence", Key: []byte("evidence/" + hash.String()), Value: row, TxIndex: uint32(i)}},
			Change{Write: types.Write{NS: "evidence", Key: fmt.Appendf(nil, "evidenceByOwner/archives/clerk\x002026-01-01T00:00:%02dZ\x00%s", height%60, hash), Value: []byte("{}"), TxIndex: uint32(i)}})
	}
	d.Hash()
	slices.SortFunc(changes, func(a, b Change) int { return slices.Compare(a.Key, b.Key) })
	for i := range changes {
		d.Changes = append(d.Changes, changes[i].Encode())
	}
	return d
}

// BenchmarkHistory stores -block.txs transactions with their receipts, events, write sets
// and indexes, synced, and looks some up. Disk is the size of the tables and of the log.
//
//	go test ./ledger/block -run '^$' -bench History -benchtime 1x -block.txs 5000000
func BenchmarkHistory(b *testing.B) {
	for b.Loop() {
		dir := filepath.Join(b.TempDir(), "blocks")
		db, err := pebbledb.Opener{}.Open(dir, driver.ProfileBlocks)
		require.NoError(b, err)
		s, g := NewStore(db), newDeposits()
		var cpu time.Duration
		var ids []crypto.Hash
		height, wire := uint64(0), 0
		for n := 0; n < *benchTxs; n += *benchBlock {
			height++
			d := g.block(b, height, *benchBlock)
			for i := range d.Txs {
				wire += len(d.Txs[i])
			}
			ids = append(ids, d.IDs[g.rng.Intn(len(d.IDs))])
			before := cpuTime()
			require.NoError(b, s.Apply(d.Rows(), true))
			cpu += cpuTime() - before
		}
		txs := float64(height) * float64(*benchBlock)
		b.ReportMetric(float64(cpu.Nanoseconds())/1e3/txs, "µs-cpu/tx")
		b.ReportMetric(float64(wire)/txs, "wire-B/tx")
		b.ReportMetric(p99(ids, func(id crypto.Hash) {
			_, ok, err := s.TxByID(id, 0, height)
			require.NoError(b, err)
			require.True(b, ok)
		}), "ms-p99-by-id")
		b.ReportMetric(p99(g.senders, func(a types.Address) {
			kind, prefix := BySender(a)
			_, _, err := s.List(Query{Kind: kind, Prefix: prefix, Tip: height, Limit: 100})
			require.NoError(b, err)
		}), "ms-p99-by-sender")
		require.NoError(b, s.Close())
		b.ReportMetric(float64(diskBytes(b, dir))/txs, "disk-B/tx")
	}
}

// p99 is the time, in ms, that 99 of 100 calls stay below.
func p99[T any](of []T, call func(T)) float64 {
	var all []time.Duration
	for i := range of {
		start := time.Now()
		call(of[i])
		all = append(all, time.Since(start))
	}
	slices.Sort(all)
	return float64(all[len(all)*99/100].Microseconds()) / 1e3
}

// diskBytes is the size of a closed store once its log has become tables.
func diskBytes(b *testing.B, dir string) int64 {
	db, err := pebbledb.Opener{}.Open(dir, driver.ProfileBlocks)
	require.NoError(b, err)
	require.NoError(b, db.Close())
	size := int64(0)
	require.NoError(b, filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if err == nil && pebbledb.Unchanging(e.Name()) {
			info, ierr := e.Info()
			size += info.Size()
			err = ierr
		}
		return err
	}))
	return size
}
