package state

import (
	"context"
	"encoding/binary"
	"flag"
	"math/rand"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/types"
)

var (
	benchKeys  = flag.Int("state.keys", 100_000, "keys in the state before the benchmarks begin")
	benchBlock = flag.Int("state.block", 5_000, "updates per block of BenchmarkState")
	benchPages = flag.Int64("state.pages", 4096, "MiB of the page file of BenchmarkState")
	benchDir   = flag.String("state.dir", "", "folder for BenchmarkState; empty: a temporary one")
)

// cpuTime is the processor time the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchWrites(rng *rand.Rand, from, n, keys int, value []byte) []types.Write {
	seen := make(map[int]bool, n)
	ids := make([]int, 0, n)
	for i := 0; len(ids) < n; i++ {
		k := from + i
		if rng != nil {
			k = rng.Intn(keys)
		}
		if !seen[k] {
			seen[k] = true
			ids = append(ids, k)
		}
	}
	slices.Sort(ids)
	out := make([]types.Write, n)
	for i, k := range ids {
		key := binary.BigEndian.AppendUint64([]byte("evidence/"), uint64(k))
		out[i] = types.Write{NS: "evidence", Key: key, Value: value, TxIndex: uint32(i)}
	}
	return out
}

// BenchmarkState measures blocks of random updates on a state of -state.keys keys, the
// synced write included, and then proofs, and opening from a checkpoint (after which leaves
// are read into the page file beside everything else) and from leaf rows. Times are processor time, except
// where they say wall; ns-sm3-pair is what one inner node costs in the same minutes.
//
//	go test ./ledger/state -run '^$' -bench 'State|RawPebble' -benchtime 200x -state.keys 10000000 -timeout 1h
func BenchmarkState(b *testing.B) {
	dir := *benchDir
	if dir == "" {
		dir = b.TempDir()
	}
	db, err := pebbledb.Opener{}.Open(filepath.Join(dir, "state"), driver.ProfileState)
	require.NoError(b, err)
	s, err := Open(db, benchParams(dir))
	require.NoError(b, err)
	height := uint64(0)
	m := measureBlocks(b, db, int(s.Leaves()), func(ws []types.Write) {
		ch, _, err := s.Prepare(height, ws)
		require.NoError(b, err)
		require.NoError(b, s.Commit(ch, height, func(driver.Batch) {}))
		height++
	})
	m.report(b)
	b.ReportMetric(float64(s.TreeBytes())/float64(s.Leaves()), "tree-B/key")
	b.ReportMetric(rss(b), "MB-rss")
	benchProofs(b, s, height-1)
	require.NoError(b, s.Checkpoint())
	require.NoError(b, s.Close())
	p := benchParams(dir)
	p.Checkpoint = s.hash
	for _, what := range []string{"open", "rebuild"} {
		before, start := cpuTime(), time.Now()
		again, err := Open(db, p)
		require.NoError(b, err)
		b.ReportMetric((cpuTime() - before).Seconds(), "s-"+what)
		b.ReportMetric(time.Since(start).Seconds(), "s-"+what+"-wall")
		require.Equal(b, s.hash, again.Root())
		again.filling.Wait()
		b.ReportMetric(time.Since(start).Seconds(), "s-"+what+"-filled-wall")
		require.NoError(b, again.Close())
		p.Checkpoint = crypto.Hash{}
	}
	require.NoError(b, db.Close())
}

// BenchmarkRawPebble writes the same rows without a tree.
func BenchmarkRawPebble(b *testing.B) {
	db, err := pebbledb.Opener{}.Open(filepath.Join(b.TempDir(), "raw"), driver.ProfileState)
	require.NoError(b, err)
	m := measureBlocks(b, db, 0, func(ws []types.Write) {
		batch := db.Batch()
		for i := range ws {
			batch.Set(RowKey(ws[i].NS, ws[i].Key), ws[i].Value)
		}
		require.NoError(b, batch.Commit(true))
	})
	m.report(b)
	require.NoError(b, db.Close())
}

// measured is what blocks of updates cost.
type measured struct {
	cpu, wall, sm3  time.Duration
	blocks, updates int
}

func (m *measured) report(b *testing.B) {
	b.ReportMetric(0, "ns/op") // one op is a block and its making
	b.ReportMetric(float64(m.cpu.Nanoseconds())/1e3/float64(m.updates), "µs/update")
	b.ReportMetric(float64(m.wall.Nanoseconds())/1e3/float64(m.updates), "µs-wall/update")
	b.ReportMetric(float64(m.sm3.Nanoseconds())/float64(m.blocks), "ns-sm3-pair")
}

// measureBlocks fills up to -state.keys keys, sorts them into their final tables, and
// measures blocks of random updates.
func measureBlocks(b *testing.B, db driver.DB, have int, apply func([]types.Write)) (m measured) {
	value := make([]byte, 180)
	for from := have; from < *benchKeys; from += *benchBlock {
		rand.New(rand.NewSource(int64(from))).Read(value)
		apply(benchWrites(nil, from, min(*benchBlock, *benchKeys-from), *benchKeys, value))
	}
	if have < *benchKeys {
		require.NoError(b, db.(interface{ Compact(context.Context) error }).Compact(b.Context()))
	}
	settle()
	rng := rand.New(rand.NewSource(1))
	m.cpu = -cpuTime()
	for b.Loop() {
		before := cpuTime()
		ws := benchWrites(rng, 0, *benchBlock, *benchKeys, value)
		m.sm3 += pairTime()
		m.cpu -= cpuTime() - before // making the block is not the state's cost
		start := time.Now()
		apply(ws)
		m.wall += time.Since(start)
		m.blocks++
		m.updates += len(ws)
	}
	m.cpu += cpuTime()
	return m
}

// settle waits until background work is done, as seen by the processor.
func settle() {
	for idle := 0; idle < 10; {
		before := cpuTime()
		time.Sleep(200 * time.Millisecond)
		if idle++; cpuTime()-before > 20*time.Millisecond {
			idle = 0
		}
	}
}

// benchProofs measures proofs of keys, half of which are absent.
func benchProofs(b *testing.B, s *Store, height uint64) {
	const n = 2000
	settle()
	rng := rand.New(rand.NewSource(2))
	var size int
	var make, verify time.Duration
	for range n {
		key := binary.BigEndian.AppendUint64([]byte("evidence/"), uint64(rng.Intn(2**benchKeys)))
		before := cpuTime()
		p, root, err := s.Prove(height, "evidence", key)
		make += cpuTime() - before
		require.NoError(b, err)
		before = cpuTime()
		_, err = p.Verify(root, "evidence", key)
		verify += cpuTime() - before
		require.NoError(b, err)
		encoded := 0
		for i := range p.Siblings {
			if !p.Siblings[i].IsZero() {
				encoded += crypto.HashSize
			}
		}
		size += encoded + (len(p.Siblings)+7)/8 + 19 + len(p.Value)
	}
	b.ReportMetric(float64(make.Nanoseconds())/1e3/n, "µs/proof")
	b.ReportMetric(float64(verify.Nanoseconds())/1e3/n, "µs/verify")
	b.ReportMetric(float64(size)/n, "B/proof")
}

// rss is the resident memory of the process in MB.
func rss(b *testing.B) float64 {
	runtime.GC()
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0 // not Linux
	}
	resident, err := strconv.Atoi(strings.Fields(string(raw))[1])
	require.NoError(b, err)
	return float64(resident) * float64(os.Getpagesize()) / 1e6
}

func benchParams(dir string) Params {
	return Params{CacheBytes: 32 << 20, PageBytes: *benchPages << 20, PageDir: dir, Keep: 8, LeafHint: uint64(*benchKeys)}
}

// pairTime is the processor time of one inner node, among many: the yardstick by which
// figures from different machines, or from a machine at work, can be compared.
func pairTime() time.Duration {
	const n = 4096
	pairs := make([]crypto.Hash, 2*n)
	before := cpuTime()
	crypto.SumPairs(pairs[:n], 1, pairs)
	return (cpuTime() - before) / n
}
