package state

import (
	"encoding/binary"
	"flag"
	"math/rand"
	"os"
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
	benchKeys   = flag.Int("state.keys", 100_000, "keys in the state before BenchmarkApply begins")
	benchBlock  = flag.Int("state.block", 5_000, "updates per block of BenchmarkApply")
	benchLeaves = flag.Int("state.leaves", 256, "MiB of leaves kept in memory by BenchmarkApply")
	benchDir    = flag.String("state.dir", "", "folder for BenchmarkApply; empty: a temporary one")
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

// BenchmarkApply measures blocks of random updates on a state of -state.keys keys, the
// synced write included. Figures are per update. For 10^7 keys:
//
//	go test ./ledger/state -run '^$' -bench Apply -benchtime 200x -state.keys 10000000 -timeout 1h
func BenchmarkApply(b *testing.B) {
	dir := *benchDir
	if dir == "" {
		dir = b.TempDir()
	}
	db, err := pebbledb.Opener{CacheBytes: 128 << 20}.Open(dir+"/state", driver.ProfileState)
	require.NoError(b, err)
	s, err := Open(db, benchParams())
	require.NoError(b, err)
	value := make([]byte, 180)
	height := uint64(0)
	apply := func(ws []types.Write) {
		ch, _, err := s.Prepare(height, ws)
		require.NoError(b, err)
		require.NoError(b, s.Commit(ch, height, func(driver.Batch) {}))
		height++
	}
	for from := int(s.Leaves()); from < *benchKeys; from += 20_000 {
		rand.New(rand.NewSource(int64(from))).Read(value)
		apply(benchWrites(nil, from, min(20_000, *benchKeys-from), *benchKeys, value))
	}
	rng := rand.New(rand.NewSource(1))
	cpu := cpuTime()
	updates, busy, sm3 := 0, time.Duration(0), time.Duration(0)
	for b.Loop() {
		b.StopTimer()
		before := cpuTime()
		ws := benchWrites(rng, 0, *benchBlock, *benchKeys, value)
		cpu += cpuTime() - before // making the block is not the state's cost
		b.StartTimer()
		start := time.Now()
		apply(ws)
		busy += time.Since(start)
		updates += len(ws)
		before = cpuTime()
		sm3 += pairTime()
		cpu += cpuTime() - before
	}
	report := func(name string, d time.Duration) {
		b.ReportMetric(float64(d.Nanoseconds())/1e3/float64(updates), name)
	}
	report("µs-cpu/update", cpuTime()-cpu)
	report("µs-wall/update", busy)
	b.ReportMetric(float64(sm3.Nanoseconds())/float64(updates / *benchBlock), "ns-sm3-pair")
	b.ReportMetric(float64(s.TreeBytes())/float64(s.Leaves()), "tree-B/key")
	b.ReportMetric(rss(b), "MB-rss")
	require.NoError(b, s.Close())
	start := time.Now()
	again, err := Open(db, benchParams())
	require.NoError(b, err)
	b.ReportMetric(time.Since(start).Seconds(), "s-rebuild")
	require.Equal(b, s.Root(), again.Root())
	require.NoError(b, again.Close())
	require.NoError(b, db.Close())
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

func benchParams() Params {
	return Params{CacheBytes: 32 << 20, LeafBytes: *benchLeaves << 20, Keep: 8, LeafHint: uint64(*benchKeys)}
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
