package engine

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/vm/check"
	"github.com/huchain/huchain/vm/host"
)

// rustModule compiles the Rust contract of testdata with Debian's rustc (packages rustc,
// libstd-rust-dev-wasm32, lld-14); nil without it.
func rustModule(t testing.TB) []byte {
	t.Helper()
	if b, ok := built.Load("rust"); ok {
		return b.([]byte)
	}
	out := filepath.Join(t.TempDir(), "contract.wasm")
	cmd := exec.Command("/usr/bin/rustc", "--edition", "2021", "--crate-type", "cdylib", "--target", "wasm32-unknown-unknown",
		"-C", "opt-level=3", "-C", "panic=abort", "-C", "linker=rust-lld", "-C", "strip=symbols", "-o", out, "testdata/deposit_rust/lib.rs")
	msg, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("no Rust compiler for wasm32: %v %s", err, msg)
		return nil
	}
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	built.Store("rust", b)
	return b
}

// benchEnv is a chain that costs next to nothing.
type benchEnv struct {
	memEnv
	count []byte
}

func newBenchEnv() *benchEnv {
	return &benchEnv{memEnv: *newEnv("again"), count: binary.BigEndian.AppendUint64(nil, 41)}
}

func (e *benchEnv) Get(key []byte) ([]byte, bool, error) {
	if string(key) == "count" {
		return e.count, true, nil
	}
	return nil, false, nil
}
func (e *benchEnv) Put(_, _ []byte) error     { return nil }
func (e *benchEnv) Emit(string, []byte) error { return nil }

// variant is a way of calling the deposit contract.
type variant struct {
	name  string
	batch int // calls between looks at the clock
	call  func() error
}

// variants are: the engine's way; the same without a reset; without gas and reset; and a
// new instance with its own _initialize for each call.
func variants(tb testing.TB, code []byte) []variant {
	ctx := context.Background()
	e := newEngine(tb, nil)
	hash := load(tb, e, code)
	env := newBenchEnv()
	c := &Call{Code: hash, Schedule: &v1, Env: env, Args: []byte(sample), GasLimit: gasLimit}
	unreset, err := e.use(hash, &v1).build(ctx)
	require.NoError(tb, err)
	bare := bareInstance(tb, e, code)
	portable := newEngine(tb, func(p *Params) { p.NoCopyOnWrite = true })
	load(tb, portable, code)
	session := func() *host.Session { return &host.Session{Env: env, Args: c.Args} }
	return []variant{
		{"engine", 100, func() error { _, err := e.Call(ctx, c); return err }},
		{"gas-no-reset", 100, func() error { _, err := unreset.run(ctx, session(), unreset.call, gasLimit); return err }},
		{"bare", 100, func() error { _, err := bare.run(ctx, session(), bare.call, gasLimit); return err }},
		{"copy-all", 10, func() error { _, err := portable.Call(ctx, c); return err }},
		{"fresh-instance", 1, func() error {
			in, err := e.use(hash, &v1).instantiate(ctx, nil)
			if err != nil {
				return err
			}
			defer in.close(ctx)
			if f := in.mod.ExportedFunction(check.EntryInit); f != nil {
				if _, err := in.run(ctx, &host.Session{}, f, v1.InitGas); err != nil {
					return err
				}
			}
			_, err = in.run(ctx, session(), in.call, gasLimit)
			return err
		}},
	}
}

// bareInstance instantiates a module with exported globals but neither gas nor stack
// checks nor canonical NaNs, initialised and with its globals as they are.
func bareInstance(tb testing.TB, e *Engine, code []byte) *instance {
	ctx := context.Background()
	compiled, err := e.rt.CompileModule(ctx, withGlobals(tb, code))
	require.NoError(tb, err)
	m := &module{engine: e, key: key{schedule: v1}, compiled: compiled}
	in, err := m.instantiate(ctx, nil)
	require.NoError(tb, err)
	if f := in.mod.ExportedFunction(check.EntryInit); f != nil {
		_, err := in.run(ctx, &host.Session{}, f, v1.InitGas)
		require.NoError(tb, err)
	}
	return in
}

// BenchmarkDeposit: go test ./vm/engine -run '^$' -bench Deposit
func BenchmarkDeposit(b *testing.B) {
	for _, lang := range []struct {
		name string
		code []byte
	}{{"rust", rustModule(b)}, {"go", goModule(b, "deposit")}} {
		if lang.code == nil {
			continue
		}
		for _, v := range variants(b, lang.code) {
			b.Run(lang.name+"/"+v.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := v.call(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
			})
		}
	}
}

// BenchmarkDepositInterleaved prints the median of five interleaved runs of each variant,
// per second of processor time and per second by the clock:
// go test ./vm/engine -run '^$' -bench Interleaved -benchtime 1x
func BenchmarkDepositInterleaved(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, lang := range []struct {
		name string
		code []byte
	}{{"rust", rustModule(b)}, {"go", goModule(b, "deposit")}} {
		if lang.code == nil {
			continue
		}
		vs := variants(b, lang.code)
		cpu, wall := make([][]float64, len(vs)), make([][]float64, len(vs))
		for range 5 {
			for i, v := range vs {
				n, start, used := 0, time.Now(), threadTime()
				for threadTime()-used < 200*time.Millisecond {
					for range v.batch {
						if err := v.call(); err != nil {
							b.Fatal(err)
						}
					}
					n += v.batch
				}
				cpu[i] = append(cpu[i], float64(n)/(threadTime()-used).Seconds())
				wall[i] = append(wall[i], float64(n)/time.Since(start).Seconds())
			}
		}
		for i, v := range vs {
			slices.Sort(cpu[i])
			slices.Sort(wall[i])
			fmt.Printf("%-5s %-15s %8.0f/s of processor time %8.0f/s by the clock\n", lang.name, v.name, cpu[i][2], wall[i][2])
		}
	}
}

// BenchmarkLoadAgain loads a module that another process has compiled, as a node does when it
// starts: by its code, admitted anew, and by its hash.
func BenchmarkLoadAgain(b *testing.B) {
	ctx, code, dir := context.Background(), goModule(b, "deposit"), b.TempDir()
	cached := func(p *Params) { p.CacheDir, p.Interpreter = dir, false }
	hash := load(b, newEngine(b, cached), code)
	for _, way := range []struct {
		name string
		load func(e *Engine) bool
	}{
		{"load", func(e *Engine) bool { _, err := e.Load(ctx, code, &v1); return err == nil }},
		{"recall", func(e *Engine) bool { return e.Recall(ctx, hash, &v1) }},
	} {
		b.Run(way.name, func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var used time.Duration
			for b.Loop() {
				e := newEngine(b, cached)
				start := threadTime()
				if !way.load(e) {
					b.Fatal("not loaded")
				}
				used += threadTime() - start
			}
			b.ReportMetric(float64(used.Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}
