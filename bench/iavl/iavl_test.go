// Package iavl measures cosmos/iavl with the workload of BenchmarkState in ledger/state.
// It is a module of its own, so that the product does not depend on iavl.
package iavl

import (
	"encoding/binary"
	"flag"
	"math/rand"
	"syscall"
	"testing"
	"time"

	"github.com/cosmos/iavl"
	"github.com/cosmos/iavl/db"
)

var (
	keys  = flag.Int("iavl.keys", 100_000, "keys in the tree before the benchmark begins")
	block = flag.Int("iavl.block", 5_000, "updates per block")
)

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkIAVL measures blocks of random updates, saved as versions, on goleveldb.
func BenchmarkIAVL(b *testing.B) {
	store, err := db.NewGoLevelDB("bench", b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	tree := iavl.NewMutableTree(store, 500_000, false, iavl.NewNopLogger())
	value := make([]byte, 180)
	set := func(k int) {
		if _, err := tree.Set(binary.BigEndian.AppendUint64([]byte("evidence/"), uint64(k)), value); err != nil {
			b.Fatal(err)
		}
	}
	save := func() {
		if _, _, err := tree.SaveVersion(); err != nil {
			b.Fatal(err)
		}
	}
	for k := range *keys {
		set(k)
		if k%20_000 == 19_999 {
			save()
		}
	}
	save()
	rng := rand.New(rand.NewSource(1))
	updates, before := 0, cpuTime()
	for b.Loop() {
		rng.Read(value)
		for range *block {
			set(rng.Intn(*keys))
		}
		save()
		updates += *block
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64((cpuTime()-before).Nanoseconds())/1e3/float64(updates), "µs/update")
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
}
