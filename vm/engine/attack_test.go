package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/wasm"
	"github.com/huchain/huchain/vm/wasm/wasmtest"
)

// A contract that reads clock, random numbers, map order, goroutine order, addresses and
// the environment gives the same bytes for the same gas in all modes and every time.
//
// covers: T.08
func TestRestlessContractCannotDiverge(t *testing.T) {
	code := goModule(t, "restless")
	var first Outcome
	for _, name := range []string{"copy-on-write", "interpreter", "copy"} {
		for engines := range 2 { // a second engine is a second node
			e := newEngine(t, modes[name])
			h := load(t, e, code)
			for i := range 3 {
				out, err := call(e, h, newEnv("look"), "")
				require.NoError(t, err)
				if first.Result == nil {
					first = out
					require.Contains(t, string(out.Result), "1700000000123000000", "the wall clock is block time")
					require.Contains(t, string(out.Result), "7ff8000000000000 7fc00000 7ff8000000000000")
				}
				require.Equal(t, string(first.Result), string(out.Result), "%s engine %d call %d", name, engines, i)
				require.Equal(t, first.GasUsed, out.GasUsed, "%s engine %d call %d", name, engines, i)
			}
		}
	}
}

// hostile returns a module with all ABI functions imported by the name of the function.
func hostile(body func(b *wasmtest.Builder, f map[string]uint32)) []byte {
	b := wasmtest.New()
	f := map[string]uint32{}
	for _, fn := range host.Functions() {
		if fn.Module == host.Module {
			f[fn.Name] = b.Import(fn.Module, fn.Name, wasm.FuncType{Params: fn.Params, Results: fn.Results})
		}
	}
	body(b, f)
	return b.Bytes()
}

// Each of these would run or grow without end; gas or a limit ends it in bounded time.
//
// covers: T.08
func TestAttacksAreBounded(t *testing.T) {
	storm := func(name string, args int, drop bool) func(b *wasmtest.Builder, f map[string]uint32) {
		return func(b *wasmtest.Builder, f map[string]uint32) {
			text := "loop - " + strings.Repeat("i32.const 1 ", args) + fmt.Sprintf("call %d ", f[name])
			if drop {
				text += "drop "
			}
			b.Call("", text+"br 0 end")
		}
	}
	attacks := map[string]struct {
		body func(b *wasmtest.Builder, f map[string]uint32)
		want types.Code
	}{
		"memory bomb": {func(b *wasmtest.Builder, _ map[string]uint32) {
			b.Call("", "loop - i32.const 64 memory.grow i32.const -1 i32.ne br_if 0 end unreachable")
		}, types.CodeMemoryLimit},
		"fill bomb": {func(b *wasmtest.Builder, _ map[string]uint32) {
			b.Call("", "i32.const 900 memory.grow drop loop - i32.const 0 i32.const 1 i32.const 59000000 memory.fill br 0 end")
		}, types.CodeOutOfGas},
		"copy of all memory, for ever": {func(b *wasmtest.Builder, _ map[string]uint32) {
			b.Call("", "loop - i32.const 0 i32.const 1 i32.const 65000 memory.copy br 0 end")
		}, types.CodeOutOfGas},
		"mutual recursion": {func(b *wasmtest.Builder, f map[string]uint32) {
			n := uint32(len(f))
			b.Func(wasmtest.T("", ""), "", fmt.Sprintf("call %d", n+1))
			b.Func(wasmtest.T("", ""), "", fmt.Sprintf("call %d", n))
			b.Call("", fmt.Sprintf("call %d", n))
		}, types.CodeStackOverflow},
		"read storm":   {storm("state_get", 4, true), types.CodeOutOfGas},
		"write storm":  {storm("state_put", 4, false), types.CodeOutOfGas},
		"emit storm":   {storm("emit", 4, false), types.CodeOutOfGas},
		"log storm":    {storm("log", 2, false), types.CodeOutOfGas},
		"args storm":   {storm("args", 2, true), types.CodeOutOfGas},
		"hash storm":   {storm("sm3", 3, false), types.CodeOutOfGas},
		"verify storm": {storm("sm2_verify", 4, true), types.CodeOutOfGas},
		"scan storm": {func(b *wasmtest.Builder, f map[string]uint32) {
			b.Call("", fmt.Sprintf("loop - i32.const 0 i32.const 0 i32.const 0 i32.const -1 i32.const -1 i32.const 64 i32.const 60000 call %d drop br 0 end", f["state_scan"]))
		}, types.CodeOutOfGas},
		"huge event": {func(b *wasmtest.Builder, f map[string]uint32) {
			b.Memory(3, 0).Data(0, "name").Call("", fmt.Sprintf("i32.const 0 i32.const 4 i32.const 0 i32.const 70000 call %d", f["emit"]))
		}, types.CodeLimitExceeded},
		"huge value": {func(b *wasmtest.Builder, f map[string]uint32) {
			b.Memory(3, 0).Call("", fmt.Sprintf("i32.const 0 i32.const 4 i32.const 0 i32.const 70000 call %d", f["state_put"]))
		}, types.CodeLimitExceeded},
		"huge key": {func(b *wasmtest.Builder, f map[string]uint32) {
			b.Call("", fmt.Sprintf("i32.const 0 i32.const 300 i32.const 0 i32.const 7 call %d", f["state_put"]))
		}, types.CodeLimitExceeded},
		"empty key": {func(b *wasmtest.Builder, f map[string]uint32) {
			b.Call("", fmt.Sprintf("i32.const 0 i32.const 0 i32.const 0 i32.const 7 call %d drop", f["state_get"]))
		}, types.CodeHostMisuse},
	}
	e := newEngine(t, nil)
	good := load(t, e, scribbler())
	want, err := call(e, good, newEnv("x"), "")
	require.NoError(t, err)
	for name, a := range attacks {
		code := load(t, e, hostile(a.body))
		env := newEnv("attack")
		for i := range 2000 {
			env.state[fmt.Sprintf("key %04d", i)] = make([]byte, 100)
		}
		start := time.Now()
		out, err := call(e, code, env, strings.Repeat("x", 100_000))
		require.Equal(t, a.want, types.CodeOf(err), "%s: %v", name, err)
		require.LessOrEqual(t, out.GasUsed, uint64(gasLimit), name)
		require.Less(t, time.Since(start), 20*time.Second, name)
		require.Less(t, env.reads, 60_000, name)
		require.Less(t, len(env.events), 60_000, name)
		again, err := call(e, good, newEnv("x"), "")
		require.NoError(t, err)
		require.Equal(t, want, again)
	}
}

// Host functions called with any arguments end in a result or a coded error.
func TestMalformedABIUse(t *testing.T) {
	e := newEngine(t, nil)
	n := random(5)
	interesting := []int64{0, 1, -1, 7, 100, 65_535, 65_536, 65_537, 1 << 20, 1 << 30, 1<<31 - 1, -1 << 31, -100}
	for _, fn := range host.Functions() {
		b := wasmtest.New()
		at := b.Import(fn.Module, fn.Name, wasm.FuncType{Params: fn.Params, Results: fn.Results})
		text := ""
		for i, p := range fn.Params { // the arguments are read from the call's arguments
			text += fmt.Sprintf("i32.const 512 %s.load %d ", map[byte]string{wasm.I32: "i32", wasm.I64: "i64"}[p], i*8)
		}
		text += fmt.Sprintf("call %d ", at) + strings.Repeat("drop ", len(fn.Results))
		args := b.Import(host.Module, "args", wasmtest.T("ii", "i"))
		code := load(t, e, b.Call("", fmt.Sprintf("i32.const 512 i32.const 80 call %d drop ", args)+text).Bytes())
		for range 60 {
			var in []byte
			for range fn.Params {
				v := interesting[n(len(interesting))]
				for range 8 {
					in = append(in, byte(v))
					v >>= 8
				}
			}
			env := newEnv("x")
			env.state["k"] = []byte("v")
			_, err := call(e, code, env, string(in))
			if err == nil {
				continue
			}
			var failure *host.Failure
			if !errors.As(err, &failure) {
				require.NotEqual(t, types.CodeInternal, types.CodeOf(err), "%s % x: %v", fn.Name, in, err)
			}
		}
	}
}

func TestCancelledCall(t *testing.T) {
	e := newEngine(t, nil)
	code := load(t, e, hostile(func(b *wasmtest.Builder, f map[string]uint32) {
		b.Call("", fmt.Sprintf("loop - i32.const 0 i32.const 1 call %d br 0 end", f["log"]))
	}))
	ctx, cancel := context.WithCancel(context.Background())
	env := newEnv("x")
	defer time.AfterFunc(20*time.Millisecond, cancel).Stop()
	_, err := e.Call(ctx, &Call{Code: code, Schedule: &v1, Env: env, GasLimit: MaxGas})
	require.ErrorIs(t, err, context.Canceled)
	_, err = e.Call(ctx, &Call{Code: code, Schedule: &v1, Env: env, GasLimit: MaxGas})
	require.ErrorIs(t, err, context.Canceled)
	requireSnapshot(t, e.use(code, &v1))
}

// panicking is a chain with a bug.
type panicking struct{ *memEnv }

func (panicking) Get([]byte) ([]byte, bool, error) { panic("the chain has a bug") }

func TestPanicAndErrorsOfTheChain(t *testing.T) {
	e := newEngine(t, nil)
	code := load(t, e, hostile(func(b *wasmtest.Builder, f map[string]uint32) {
		b.Call("", fmt.Sprintf("i32.const 0 i32.const 1 i32.const 8 i32.const 9 call %d drop", f["state_get"]))
	}))
	_, err := e.Call(context.Background(), &Call{Code: code, Schedule: &v1, Env: panicking{newEnv("x")}, GasLimit: gasLimit})
	require.Equal(t, types.CodeInternal, types.CodeOf(err))
	require.ErrorContains(t, err, "the chain has a bug")
	_, err = call(e, code, newEnv("x"), "")
	require.NoError(t, err)
	requireSnapshot(t, e.use(code, &v1))
	require.Empty(t, e.modules[key{code, v1}].Value.(*module).idle[0].failed)
}

// Contracts call contracts: gas is handed down and counted, failures can be handled,
// other errors end all.
func TestNestedCalls(t *testing.T) {
	e := newEngine(t, nil)
	inner := load(t, e, goModule(t, "deposit"))
	outer := load(t, e, hostile(func(b *wasmtest.Builder, f map[string]uint32) {
		b.Data(0, "evidence").Data(16, "get").Data(32, "ev-9")
		b.Call("i", fmt.Sprintf(`i32.const 0 i32.const 8 i32.const 16 i32.const 3 i32.const 32 i32.const 4 call %d local.set 0
			i32.const 100 local.get 0 i32.store 0
			i32.const 100 i32.const 104 i32.const 200 call %d i32.const 4 i32.add call %d`, f["call"], f["call_result"], f["output"]))
	}))
	env := newEnv("outer")
	var used uint64
	env.call = func(contract, method string, args []byte, gas uint64) ([]byte, uint64, error) {
		require.Equal(t, "evidence get ev-9", contract+" "+method+" "+string(args))
		require.Less(t, gas, uint64(gasLimit))
		in := newEnv(method)
		in.state = env.state
		out, err := e.Call(context.Background(), &Call{Code: inner, Schedule: &v1, Env: in, Args: args, GasLimit: gas})
		used = out.GasUsed
		return out.Result, out.GasUsed, err
	}
	out, err := call(e, outer, env, "")
	require.NoError(t, err)
	require.Equal(t, "\xff\xff\xff\xffevidence.not_found: no such record", string(out.Result))
	require.Greater(t, out.GasUsed, used)
	env.state["ev/ev-9"] = []byte("record")
	out, err = call(e, outer, env, "")
	require.NoError(t, err)
	require.Equal(t, "\x06\x00\x00\x00record", string(out.Result))
	env.call = nil
	_, err = call(e, outer, env, "")
	require.Equal(t, types.CodeUnknownContract, types.CodeOf(err))
	env.call = func(string, string, []byte, uint64) ([]byte, uint64, error) { return nil, MaxGas, nil }
	out, err = call(e, outer, env, "")
	require.Equal(t, types.CodeOutOfGas, types.CodeOf(err))
	require.EqualValues(t, gasLimit, out.GasUsed)
}

func TestConcurrentCallsAndLoads(t *testing.T) {
	e := newEngine(t, func(p *Params) { p.MaxModules, p.MaxInstances = 2, 2 })
	codes := [][]byte{scribbler(), hostile(func(b *wasmtest.Builder, _ map[string]uint32) { b.Call("", "nop") }),
		hostile(func(b *wasmtest.Builder, _ map[string]uint32) { b.Call("", "nop nop") })}
	want := make([]trace, 0, 50)
	for i := range 50 {
		n := random(uint64(i))
		args, gas := script(n)
		env := newEnv("x")
		load(t, e, codes[0])
		out, err := e.Call(context.Background(), &Call{Code: crypto.Sum(codes[0]), Schedule: &v1, Env: env, Args: args, GasLimit: gas + 5000})
		want = append(want, trace{Out: out.Result, Left: out.GasUsed, Err: fmt.Sprint(err), Effects: env.effects()})
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 200 {
				k := (i*7 + w*13) % 50
				args, gas := script(random(uint64(k)))
				// Other modules come and push this one out; it is loaded again.
				if _, err := e.Load(context.Background(), codes[i%3], &v1); err != nil {
					t.Error(err)
				}
				h, err := e.Load(context.Background(), codes[0], &v1)
				if err != nil {
					t.Error(err)
				}
				env := newEnv("x")
				out, err := e.Call(context.Background(), &Call{Code: h, Schedule: &v1, Env: env, Args: args, GasLimit: gas + 5000})
				got := trace{Out: out.Result, Left: out.GasUsed, Err: fmt.Sprint(err), Effects: env.effects()}
				if !strings.Contains(got.Err, "not loaded") && fmt.Sprint(got) != fmt.Sprint(want[k]) {
					t.Errorf("worker %d call %d: %v, want %v", w, i, got, want[k])
				}
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, e.recent.Len(), 2)
}

func TestLoadRefusals(t *testing.T) {
	e := newEngine(t, nil)
	for name, c := range map[string]struct {
		init string
		want string
	}{
		"trap":         {"unreachable", "_initialize failed: HC-3202"},
		"endless":      {"loop - br 0 end", "HC-3201"},
		"reads state":  {"i32.const 0 i32.const 1 i32.const 0 i32.const 1 call 0 drop", "read state in a call"},
		"invalid code": {"i64.const 1 i32.eqz drop", "function 1, byte 0x"},
	} {
		b := wasmtest.New()
		b.Import("huchain", "state_get", wasmtest.T("iiii", "i"))
		b.Export("_initialize", wasm.KindFunc, b.Func(wasmtest.T("", ""), "", c.init))
		_, err := e.Load(context.Background(), b.Call("", "nop").Bytes(), &v1)
		require.Equal(t, types.CodeModuleRefused, types.CodeOf(err), name)
		require.ErrorContains(t, err, c.want, name)
	}
}

func TestParamsValidate(t *testing.T) {
	for name, change := range map[string]func(p *Params){
		"no modules":   func(p *Params) { p.MaxModules = 0 },
		"no instances": func(p *Params) { p.MaxInstances = 0 },
		"no memory":    func(p *Params) { p.MaxBytes = 0 },
		"no disk":      func(p *Params) { p.MaxCachedBytes = 0 },
	} {
		p := DefaultParams()
		change(&p)
		_, err := New(context.Background(), p)
		require.Error(t, err, name)
	}
}

// The contract in Rust and in Go leaves the same.
//
// covers: T.21
func TestRustAndGoAgree(t *testing.T) {
	e := newEngine(t, nil)
	rust := rustModule(t)
	if rust == nil {
		t.Log("not compared: Debian's rustc, libstd-rust-dev-wasm32 and lld-14 are not installed")
		return
	}
	a, b := newEnv("deposit"), newEnv("deposit")
	fromRust, err := call(e, load(t, e, rust), a, sample)
	require.NoError(t, err)
	fromGo, err := call(e, load(t, e, goModule(t, "deposit")), b, sample)
	require.NoError(t, err)
	require.Equal(t, string(fromGo.Result), string(fromRust.Result))
	require.Equal(t, b.effects(), a.effects())
}
