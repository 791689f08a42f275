package engine

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/wasm"
	"github.com/huchain/huchain/vm/wasm/wasmtest"
)

// modes are the ways of resetting and running that must not differ.
var modes = map[string]func(e *Params){
	"copy-on-write": func(p *Params) { p.NoCopyOnWrite, p.Interpreter = false, false },
	"copy":          func(p *Params) { p.NoCopyOnWrite, p.Interpreter = true, false },
	"interpreter":   func(p *Params) { p.NoCopyOnWrite, p.Interpreter = false, true },
}

// Operations of the scribbler, each with one argument.
const (
	opStore = iota // a word at an address
	opGrow         // by pages
	opFill         // 300 bytes at an address
	opTrap
	opSpin // without end
	opRecurse
	opGlobal
	opOutput // that many bytes from 0
	opBadPointer
	opExitCode // proc_exit
	opDivide   // by the argument
	opIndirect // through table element
	opCount
)

// scribbler does what its arguments tell: records of operation and argument, u32le each.
func scribbler() []byte {
	b := wasmtest.New().Memory(3, 0)
	args := b.Import("huchain", "args", wasmtest.T("ii", "i"))
	output := b.Import("huchain", "output", wasmtest.T("ii", ""))
	put := b.Import("huchain", "state_put", wasmtest.T("iiii", ""))
	exit := b.Import("wasi_snapshot_preview1", "proc_exit", wasmtest.T("i", ""))
	g := b.Global(wasm.I32, true, "i32.const 11")
	h := b.Global(wasm.F64, true, "f64.const 0x3ff0000000000000")
	b.Data(70_000, "data at seventy thousand")
	recurse := b.Func(wasmtest.T("i", "i"), "", fmt.Sprintf("local.get 0 i32.const 1 i32.add call %d", exit+1))
	other := b.Func(wasmtest.T("I", ""), "", "nop")
	b.Table(4, recurse, other)
	b.Export("_initialize", wasm.KindFunc, b.Func(wasmtest.T("", ""), "", fmt.Sprintf(
		"i32.const 1 memory.grow drop i32.const 200000 i32.const 77 i32.store 0 i32.const 12 global.set %d", g)))
	b.Call("iii", fmt.Sprintf(`
		i32.const 1024 i32.const 8192 call %[1]d local.set 1
		block - loop -
		  local.get 0 local.get 1 i32.ge_u br_if 1
		  local.get 0 i32.load 1028 local.set 2
		  block - block - block - block - block - block - block - block - block - block - block - block - block -
		    local.get 0 i32.load 1024 br_table [0,1,2,3,4,5,6,7,8,9,10,11]
		  end local.get 2 local.get 2 i32.store 0 i32.const 0 local.get 2 i32.store 512 br 11
		  end local.get 2 memory.grow drop br 10
		  end local.get 2 i32.const 90 i32.const 300 memory.fill br 9
		  end unreachable
		  end loop - br 0 end br 7
		  end local.get 2 call %[5]d drop br 6
		  end local.get 2 global.get %[3]d i32.add global.set %[3]d global.get %[4]d f64.const 0x4000000000000000 f64.mul global.set %[4]d br 5
		  end i32.const 0 local.get 2 call %[2]d i32.const 512 i32.const 4 i32.const 0 local.get 2 i32.const 255 i32.and call %[6]d br 4
		  end i32.const -8 local.get 2 call %[2]d br 3
		  end local.get 2 call %[7]d br 2
		  end i32.const 100 local.get 2 i32.div_s drop br 1
		  end i32.const 5 local.get 2 call_indirect %[8]d drop
		  local.get 0 drop
		end local.get 0 i32.const 8 i32.add local.set 0 br 0
		end end`, args, output, g, h, recurse, put, exit, b.Type(wasmtest.T("i", "i"))))
	return b.Bytes()
}

// script makes random operations; most calls do nothing bad.
func script(n func(k int) int) (args []byte, gas uint64) {
	for range 1 + n(12) {
		op, arg := []int{opStore, opGrow, opFill, opGlobal, opOutput}[n(5)], n(262_000)
		switch op {
		case opGrow:
			arg = n(4)
		case opOutput:
			arg = n(2000)
		}
		if n(40) == 0 {
			op, arg = n(opCount), n(5)
		}
		args = binary.LittleEndian.AppendUint32(args, uint32(op))
		args = binary.LittleEndian.AppendUint32(args, uint32(arg))
	}
	gas = 3_000_000
	if n(10) == 0 {
		gas = uint64(n(60_000))
	}
	return args, gas
}

// random returns a SplitMix64 generator.
func random(seed uint64) func(k int) int {
	return func(k int) int {
		seed += 0x9e3779b97f4a7c15
		z := seed
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return int((z ^ z>>31) % uint64(k))
	}
}

// rounds is how many calls the oracle compares: 10,000 unless HUCHAIN_VM_CALLS says more.
func rounds(t *testing.T) int {
	if s := os.Getenv("HUCHAIN_VM_CALLS"); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(t, err)
		return n
	}
	return 10_000
}

// trace is all that one run shows.
type trace struct {
	Out     []byte
	Left    uint64
	Err     string
	Effects string
	Memory  uint64
	Globals []uint64
}

var memorySeed = maphash.MakeSeed()

func (in *instance) trace(args []byte, gas uint64) trace {
	env := newEnv("script")
	s := &host.Session{Env: env, Args: args}
	left, err := in.run(context.Background(), s, in.call, gas)
	t := trace{Out: s.Result, Left: left, Effects: env.effects()}
	if err != nil {
		t.Err = err.Error()
	}
	mem := in.mod.Memory()
	b, _ := mem.Read(0, mem.Size())
	t.Memory = maphash.Bytes(memorySeed, b)
	for _, g := range in.globals {
		t.Globals = append(t.Globals, g.Get())
	}
	return t
}

// fresh instantiates and initialises.
func (m *module) fresh(t testing.TB) *instance {
	in, err := m.instantiate(context.Background(), nil)
	require.NoError(t, err)
	if f := in.mod.ExportedFunction("_initialize"); f != nil {
		_, err = in.run(context.Background(), &host.Session{}, f, m.key.schedule.InitGas)
		require.NoError(t, err)
	}
	return in
}

// requireSnapshot compares an idle instance with the snapshot, byte for byte.
func requireSnapshot(t testing.TB, m *module) {
	for _, in := range m.idle {
		mem := in.mod.Memory()
		b, _ := mem.Read(0, mem.Size())
		require.Equal(t, len(m.image.bytes()), len(b))
		require.Equal(t, string(m.image.bytes()), string(b), "memory after a reset")
		for i, g := range in.globals {
			require.Equal(t, m.values[i], g.Get())
		}
	}
}

// TestFreshInstanceOracle: mixed calls, traps, exhausted gas and growing memory included,
// leave the same result, gas, memory and globals as a new instance, every time, and the
// process no larger.
//
// covers: T.08
func TestFreshInstanceOracle(t *testing.T) {
	for name, mode := range modes {
		for _, noShrink := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/rebuild=%v", name, noShrink), func(t *testing.T) {
				calls := rounds(t)
				if name != "copy-on-write" || noShrink {
					calls /= 20
				}
				e := newEngine(t, mode)
				e.noShrink = noShrink
				m := e.use(load(t, e, scribbler()), &v1)
				ctx := context.Background()
				n := random(uint64(len(name)))
				codes := map[string]int{}
				early := 0
				for i := range calls {
					if i == calls/4 {
						runtime.GC()
						early = residentKiB(t)
					}
					args, gas := script(n)
					in, err := m.acquire(ctx)
					require.NoError(t, err)
					got := in.trace(args, gas)
					m.release(ctx, in)
					f := m.fresh(t)
					want := f.trace(args, gas)
					f.close(ctx)
					require.Equal(t, want, got, "call %d", i)
					codes[want.Err]++
					if i%16 == 0 {
						requireSnapshot(t, m)
					}
				}
				runtime.GC()
				late := residentKiB(t)
				t.Logf("%d calls, %d kinds of ending, %d MiB resident at a quarter, %d MiB at the end", calls, len(codes), early>>10, late>>10)
				if calls >= 10_000 { // fewer only warm up
					require.Less(t, late, early+64<<10, "memory grows with the number of calls")
				}
				if calls >= 1000 {
					require.Greater(t, len(codes), 8, "%v", codes)
				}
			})
		}
	}
}

// The same calls cost the same gas and leave the same in all modes.
func TestModesAgree(t *testing.T) {
	var ms []*module
	for _, name := range []string{"copy-on-write", "copy", "interpreter"} {
		e := newEngine(t, modes[name])
		ms = append(ms, e.use(load(t, e, scribbler()), &v1))
	}
	n := random(99)
	for i := range 300 {
		args, gas := script(n)
		var first trace
		for j, m := range ms {
			in, err := m.acquire(context.Background())
			require.NoError(t, err)
			got := in.trace(args, gas)
			m.release(context.Background(), in)
			if j == 0 {
				first = got
			}
			require.Equal(t, first, got, "call %d mode %d", i, j)
		}
	}
}

// Every kind of ending in turn, and an ordinary call after each.
func TestEndings(t *testing.T) {
	op := func(op, arg uint32) []byte {
		return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, op), arg)
	}
	for name, mode := range modes {
		e := newEngine(t, mode)
		code := load(t, e, scribbler())
		good := op(opOutput, 5)
		want, err := call(e, code, newEnv("x"), string(good))
		require.NoError(t, err)
		for _, c := range []struct {
			name string
			args []byte
			code types.Code
			text string
		}{
			{"unreachable", op(opTrap, 0), types.CodeTrap, "unreachable"},
			{"outside memory", op(opStore, 1<<31), types.CodeTrap, "out of bounds memory access"},
			{"division by zero", op(opDivide, 0), types.CodeTrap, "integer divide by zero"},
			{"empty table element", op(opIndirect, 3), types.CodeTrap, "invalid table access"},
			{"table element out of range", op(opIndirect, 77), types.CodeTrap, "invalid table access"},
			{"wrong signature", op(opIndirect, 1), types.CodeTrap, "indirect call type mismatch"},
			{"endless loop", op(opSpin, 0), types.CodeOutOfGas, ""},
			{"endless recursion", op(opRecurse, 0), types.CodeStackOverflow, ""},
			{"recursion through a table", op(opIndirect, 0), types.CodeStackOverflow, ""},
			{"exit", op(opExitCode, 3), types.CodeTrap, "exited with status 3"},
			{"bad pointer", op(opBadPointer, 64), types.CodeHostMisuse, "0xfffffff8 with length 64 lies outside memory"},
			{"negative length", op(opOutput, 0xfffffff0), types.CodeLimitExceeded, "a result of 4294967280 bytes"},
			{"huge output", op(opOutput, 257<<10), types.CodeLimitExceeded, "a result of 263168 bytes"},
		} {
			_, err := call(e, code, newEnv("x"), string(c.args))
			require.Equal(t, c.code, types.CodeOf(err), "%s/%s: %v", name, c.name, err)
			require.ErrorContains(t, err, c.text, "%s/%s", name, c.name)
			got, err := call(e, code, newEnv("x"), string(good))
			require.NoError(t, err, "%s after %s", name, c.name)
			require.Equal(t, want, got, "%s after %s", name, c.name)
			requireSnapshot(t, e.use(code, &v1))
		}
	}
}
