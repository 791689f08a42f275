package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/check"
	"github.com/huchain/huchain/vm/instrument"
	"github.com/huchain/huchain/vm/wasm/wasmtest"
)

// nops is a small module, another one for each n.
func nops(n int) []byte {
	return hostile(func(b *wasmtest.Builder, _ map[string]uint32) { b.Call("", strings.Repeat("nop ", n)) })
}

func TestLeastRecentlyUsedModuleGoes(t *testing.T) {
	e := newEngine(t, func(p *Params) { p.MaxModules = 2 })
	var hs []crypto.Hash
	for i := range 3 {
		hs = append(hs, load(t, e, nops(i)))
		require.True(t, e.Loaded(hs[0], &v1))
	}
	require.False(t, e.Loaded(hs[1], &v1))
	require.True(t, e.Loaded(hs[2], &v1))
	_, err := call(e, hs[1], newEnv("x"), "")
	require.ErrorIs(t, err, ErrNotLoaded)
}

// Compiled code is bounded in bytes as well as in number; the last loaded module stays.
func TestModulesAreBoundedInBytes(t *testing.T) {
	e := newEngine(t, nil)
	load(t, e, nops(0))
	one := e.bytes
	require.Positive(t, one)
	small := newEngine(t, func(p *Params) { p.MaxBytes = 2*one + one/2 })
	for i := range 5 {
		h := load(t, small, nops(i))
		require.True(t, small.Loaded(h, &v1))
		require.LessOrEqual(t, small.bytes, small.p.MaxBytes)
		require.Equal(t, min(i+1, 2), small.recent.Len())
	}
	tiny := newEngine(t, func(p *Params) { p.MaxBytes = 1 })
	h := load(t, tiny, nops(1))
	_, err := call(tiny, h, newEnv("x"), "")
	require.NoError(t, err, "larger than the bound, but the only one")
	require.Equal(t, 1, tiny.recent.Len())
}

// The estimate of what a module takes is of the size that its compiled form has on disk.
func TestFootprintIsNearTheTruth(t *testing.T) {
	dir := t.TempDir()
	e := newEngine(t, func(p *Params) { p.CacheDir, p.Interpreter = dir, false })
	m := e.use(load(t, e, goModule(t, "deposit")), &v1)
	files, err := filepath.Glob(filepath.Join(dir, "wazero-*", "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	compiled := m.bytes - int64(len(m.image.bytes())) - int64(e.p.MaxInstances)*m.image.kept()
	t.Logf("estimate %d KiB, on disk %d KiB, image %d KiB", compiled>>10, info.Size()>>10, len(m.image.bytes())>>10)
	require.Greater(t, compiled, info.Size()/2)
	require.Less(t, compiled, info.Size()*2)
}

// Under another schedule the same code is another module, with its own prices and memory;
// both can be called side by side.
func TestSchedulesSideBySide(t *testing.T) {
	e := newEngine(t, nil)
	code := hostile(func(b *wasmtest.Builder, f map[string]uint32) {
		b.Call("", fmt.Sprintf("i32.const 700 memory.grow drop i32.const 0 i32.const 1 i32.const 0 i32.const 1 call %d", f["state_put"]))
	})
	dear := v1
	dear.Op, dear.StateWrite, dear.MaxPages = 3, 9000, 512
	used := map[*instrument.Schedule]uint64{}
	for range 2 {
		for _, s := range []*instrument.Schedule{&v1, &dear} {
			h, err := e.Load(context.Background(), code, s)
			require.NoError(t, err)
			out, err := e.Call(context.Background(), &Call{Code: h, Schedule: s, Env: newEnv("x"), GasLimit: gasLimit})
			require.NoError(t, err)
			require.Contains(t, []uint64{0, out.GasUsed}, used[s])
			used[s] = out.GasUsed
		}
	}
	const instructions = 7 // of the body, but for the call
	require.EqualValues(t, instructions*2+4000, used[&dear]-used[&v1])

	bomb := hostile(func(b *wasmtest.Builder, f map[string]uint32) {
		b.Call("", "i32.const 700 memory.grow i32.const -1 i32.eq if - unreachable end")
	})
	h, err := e.Load(context.Background(), bomb, &dear)
	require.NoError(t, err)
	_, err = e.Call(context.Background(), &Call{Code: h, Schedule: &dear, Env: newEnv("x"), GasLimit: gasLimit})
	require.Equal(t, types.CodeMemoryLimit, types.CodeOf(err))
	require.ErrorContains(t, err, "at most 32 MiB")
	_, err = e.Call(context.Background(), &Call{Code: h, Schedule: &v1, Env: newEnv("x"), GasLimit: gasLimit})
	require.ErrorIs(t, err, ErrNotLoaded, "loaded under one schedule is not loaded under another")
	_, err = call(e, load(t, e, bomb), newEnv("x"), "")
	require.NoError(t, err)
}

// A load goes on when whoever asked first goes away: others wait for it.
func TestLoadOutlivesItsCaller(t *testing.T) {
	e := newEngine(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b := hostile(func(b *wasmtest.Builder, _ map[string]uint32) { b.Call("", "nop") })
	h, err := e.Load(ctx, b, &v1)
	require.NoError(t, err)
	require.True(t, e.Loaded(h, &v1))
}

func TestCacheOfCompiledCode(t *testing.T) {
	dir := t.TempDir()
	code := goModule(t, "deposit")
	cached := func(p *Params) { p.CacheDir, p.MaxCached, p.Interpreter = dir, 2, false }
	files := func() []string {
		names, err := filepath.Glob(filepath.Join(dir, "wazero-*", "*"))
		require.NoError(t, err)
		return names
	}
	run := func() Outcome {
		e := newEngine(t, cached)
		out, err := call(e, load(t, e, code), newEnv("deposit"), sample)
		require.NoError(t, err)
		return out
	}
	want := run()
	require.Len(t, files(), 1)
	require.Equal(t, want, run(), "from the cache")

	// A damaged file is thrown away, not blamed on the contract.
	require.NoError(t, os.Truncate(files()[0], 1000))
	require.Equal(t, want, run(), "from a damaged cache")
	e := newEngine(t, cached)
	_, err := e.Load(context.Background(), hostile(func(b *wasmtest.Builder, _ map[string]uint32) { b.Call("", "i64.const 1 i32.eqz drop") }), &v1)
	require.Equal(t, types.CodeModuleRefused, types.CodeOf(err))
	for i := range 5 { // bounded at all times, not only when a node starts
		load(t, e, nops(i))
		require.LessOrEqual(t, len(files()), 2)
	}
	size := func() (sum int64) {
		all, err := filepath.Glob(filepath.Join(dir, "*", "*"))
		require.NoError(t, err)
		for _, f := range all {
			info, err := os.Stat(f)
			require.NoError(t, err)
			sum += info.Size()
		}
		return sum
	}
	most := size() - 1
	newEngine(t, func(p *Params) { cached(p); p.MaxCachedBytes = most })
	require.Positive(t, size())
	require.LessOrEqual(t, size(), most, "in bytes, too")
}

// A module is recalled by its hash from what another process kept, and then behaves as one
// that was loaded; a file that is damaged, another module's or made under other rules is never
// taken, and is replaced by the next Load.
func TestRecall(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	code := goModule(t, "deposit")
	fresh := func(change func(*Params)) *Engine {
		return newEngine(t, func(p *Params) {
			if p.CacheDir, p.Interpreter = dir, false; change != nil {
				change(p)
			}
		})
	}
	first := fresh(nil)
	require.False(t, first.Recall(ctx, crypto.Sum(code), &v1), "nobody has loaded it")
	h := load(t, first, code)
	want, err := call(first, h, newEnv("deposit"), sample)
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(dir, keptDir, "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	raw, err := os.ReadFile(files[0])
	require.NoError(t, err)

	again := fresh(nil)
	require.True(t, again.Recall(ctx, h, &v1))
	require.True(t, again.Loaded(h, &v1))
	require.Equal(t, first.bytes, again.bytes)
	got, err := call(again, h, newEnv("deposit"), sample)
	require.NoError(t, err)
	require.Equal(t, want, got)

	// Other rules are another module, and no cache has none.
	dear := v1
	dear.Op++
	require.False(t, fresh(nil).Recall(ctx, h, &dear))
	require.False(t, fresh(func(p *Params) { p.Limits.Loops-- }).Recall(ctx, h, &v1))
	require.False(t, fresh(func(p *Params) { p.CacheDir = "" }).Recall(ctx, h, &v1))

	other := load(t, first, nops(1))
	k, o := key{h, v1}, key{other, v1}
	strange, err := os.ReadFile(filepath.Join(dir, keptDir, keptKey(o, first.p.Limits).String()))
	require.NoError(t, err)
	torn := func(at int) []byte {
		b := slices.Clone(raw)
		b[at] ^= 1
		return b
	}
	for name, b := range map[string][]byte{
		"empty": {}, "cut": raw[:len(raw)-1], "longer": append(slices.Clone(raw), 0), "checksum": torn(0), "fields": torn(crypto.HashSize + 3),
		"code": torn(len(raw) - 1), "another module's": strange,
	} {
		require.NoError(t, os.WriteFile(files[0], b, 0o600))
		require.False(t, fresh(nil).Recall(ctx, h, &v1), name)
	}
	e := fresh(nil)
	require.False(t, e.Recall(ctx, h, &v1))
	load(t, e, code)
	mended, err := os.ReadFile(filepath.Join(dir, keptDir, keptKey(k, e.p.Limits).String()))
	require.NoError(t, err)
	require.Equal(t, raw, mended)

	// Code that was compiled anew since, or damaged, is no hindrance.
	compiled, err := filepath.Glob(filepath.Join(dir, compiledPrefix+"*", "*"))
	require.NoError(t, err)
	for _, f := range compiled {
		require.NoError(t, os.Truncate(f, 1000))
	}
	e = fresh(nil)
	require.False(t, e.Recall(ctx, h, &v1))
	load(t, e, code)
	require.True(t, fresh(nil).Recall(ctx, h, &v1))
}

// Whoever waits for a module that another cannot recall loads it himself.
func TestRecallAndLoadSideBySide(t *testing.T) {
	dir := t.TempDir()
	e := newEngine(t, func(p *Params) { p.CacheDir, p.Interpreter = dir, false })
	code := nops(5)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			if i%2 == 0 {
				e.Recall(context.Background(), crypto.Sum(code), &v1)
				return
			}
			_, err := e.Load(context.Background(), code, &v1)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	require.True(t, e.Loaded(crypto.Sum(code), &v1))
}

// Caches hold instrumented code by the number of the rules that made it.
func TestRuling(t *testing.T) {
	body := "loop - i32.const 1 memory.grow drop local.get 0 i32.eqz if - return end br 0 end " +
		"f32.const 1 f32.const 2 f32.div drop f64.const 1 f64.sqrt drop i32.const 0 i32.const 0 i32.const 9 memory.fill"
	b := wasmtest.New()
	helper := b.Func(wasmtest.T("i", ""), "", body)
	decoded, err := check.Module(b.Call("", fmt.Sprintf("i32.const 0 call %d", helper)).Bytes(), check.LimitsV1())
	require.NoError(t, err)
	out, err := instrument.Module(decoded, &v1)
	require.NoError(t, err)
	require.Equal(t, map[int]string{1: "65f6ee6623db442a0b8f12fc8f812d5ee2bd453a3c0386f41af8bb1e583fb915"}[ruling], crypto.Sum(out.Code).String(),
		"instrumented code has changed: a chain's modules must not, and ruling needs another number")
}

// FuzzKept: no file of the cache does more than be refused.
func FuzzKept(f *testing.F) {
	k := &kept{Globals: []string{"g"}, Init: true, code: []byte("code")}
	good, err := k.encode()
	require.NoError(f, err)
	f.Add(good[crypto.HashSize:])
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, rest []byte) {
		sum := crypto.Sum(rest)
		if got, err := decodeKept(append(sum[:], rest...), k.Key); err == nil {
			_, err := got.encode()
			require.NoError(t, err)
		}
	})
}
