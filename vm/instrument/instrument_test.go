package instrument_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/vm/check"
	"github.com/huchain/huchain/vm/instrument"
	"github.com/huchain/huchain/vm/wasm"
	"github.com/huchain/huchain/vm/wasm/wasmtest"
)

// outcome is all that a run leaves.
type outcome struct {
	Trap    string
	Memory  crypto.Hash
	Globals []uint64
	Gas     int64
	Stack   int64
	Flag    uint64
}

func config(interpreter bool) wazero.RuntimeConfig {
	c := wazero.NewRuntimeConfigCompiler()
	if interpreter {
		c = wazero.NewRuntimeConfigInterpreter()
	}
	return c.WithCoreFeatures(api.CoreFeaturesV2.SetEnabled(api.CoreFeatureSIMD, false)).WithMemoryLimitPages(64)
}

// run calls huchain_call and reads globals g0, g1 … as far as they are exported.
func run(t testing.TB, code []byte, interpreter bool, gas int64) outcome {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, config(interpreter))
	defer r.Close(ctx)
	m, err := r.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithStartFunctions())
	require.NoError(t, err)
	s := instrument.ScheduleV1()
	setGlobal(m, instrument.GasGlobal, uint64(gas))
	setGlobal(m, instrument.StackGlobal, uint64(s.StackSlots))
	var o outcome
	if _, err := m.ExportedFunction("huchain_call").Call(ctx); err != nil {
		o.Trap, _, _ = strings.Cut(err.Error(), "\n")
	}
	b, _ := m.Memory().Read(0, m.Memory().Size())
	o.Memory = crypto.Sum(b)
	for i := 0; ; i++ {
		g := m.ExportedGlobal(fmt.Sprintf("g%d", i))
		if g == nil {
			break
		}
		o.Globals = append(o.Globals, g.Get())
	}
	if g := m.ExportedGlobal(instrument.GasGlobal); g != nil {
		o.Gas = int64(g.Get())
		o.Stack = int64(int32(m.ExportedGlobal(instrument.StackGlobal).Get()))
		o.Flag = m.ExportedGlobal(instrument.FlagGlobal).Get()
	}
	return o
}

func setGlobal(m api.Module, name string, v uint64) {
	if g := m.ExportedGlobal(name); g != nil {
		g.(api.MutableGlobal).Set(v)
	}
}

func instrumented(t testing.TB, code []byte) []byte {
	t.Helper()
	m, err := check.Module(code, check.LimitsV1())
	require.NoError(t, err)
	s := instrument.ScheduleV1()
	out, err := instrument.Module(m, &s)
	require.NoError(t, err)
	return out.Code
}

const plenty = 1 << 40

// bare drops what an uninstrumented run can't know.
func (o outcome) bare() outcome {
	o.Gas, o.Stack, o.Flag = 0, 0, 0
	return o
}

func TestSameAsUninstrumented(t *testing.T) {
	traps := 0
	for seed := range uint64(150) {
		code := wasmtest.Generate(seed, false).Code
		want := run(t, code, false, 0)
		inst := instrumented(t, code)
		got := run(t, inst, false, plenty)
		require.Equal(t, want.bare(), got.bare(), "seed %d", seed)
		require.Equal(t, got, run(t, inst, true, plenty), "seed %d: interpreter", seed)
		if want.Trap == "" {
			s := instrument.ScheduleV1()
			require.EqualValues(t, s.StackSlots, got.Stack, "seed %d: the stack budget must be given back", seed)
		} else {
			traps++
		}
	}
	require.Positive(t, traps)
	require.Less(t, traps, 120)
}

func TestFloatsEqualInBothEngines(t *testing.T) {
	for seed := range uint64(150) {
		inst := instrumented(t, wasmtest.Generate(seed, true).Code)
		require.Equal(t, run(t, inst, false, plenty), run(t, inst, true, plenty), "seed %d", seed)
	}
}

// Running out of gas anywhere ends both engines in the same state.
func TestOutOfGasEqualInBothEngines(t *testing.T) {
	for seed := range uint64(60) {
		inst := instrumented(t, wasmtest.Generate(seed, true).Code)
		used := plenty - run(t, inst, false, plenty).Gas
		for part := int64(1); part < 8; part++ {
			gas := used * part / 8
			o := run(t, inst, false, gas)
			require.Equal(t, o, run(t, inst, true, gas), "seed %d gas %d", seed, gas)
			require.Less(t, o.Gas, gas)
		}
	}
}

func TestCanonicalNaN(t *testing.T) {
	const nan32, nan64 = "f32.const 0x7fa00001", "f64.const 0xfff4000000000123"
	for _, op := range []string{"add", "sub", "mul", "div", "min", "max"} {
		b := wasmtest.New()
		g := b.Global(wasm.I64, true, "i64.const 0")
		h := b.Global(wasm.I64, true, "i64.const 0")
		b.Call("", fmt.Sprintf("%s f32.const 0x3f800000 f32.%s i32.reinterpret_f32 i64.extend_i32_u global.set %d ", nan32, op, g)+
			fmt.Sprintf("f64.const 0 %s f64.%s i64.reinterpret_f64 global.set %d", nan64, op, h))
		b.Export("g0", wasm.KindGlobal, g).Export("g1", wasm.KindGlobal, h)
		for _, interpreter := range []bool{false, true} {
			o := run(t, instrumented(t, b.Bytes()), interpreter, plenty)
			require.Equal(t, []uint64{0x7fc00000, 0x7ff8000000000000}, o.Globals, op)
		}
	}
	for _, c := range []struct {
		code string
		want uint64
	}{
		{nan32 + " f32.sqrt i32.reinterpret_f32 i64.extend_i32_u", 0x7fc00000},
		{nan32 + " f32.floor i32.reinterpret_f32 i64.extend_i32_u", 0x7fc00000},
		{nan32 + " f64.promote_f32 i64.reinterpret_f64", 0x7ff8000000000000},
		{nan64 + " f64.nearest i64.reinterpret_f64", 0x7ff8000000000000},
		{nan64 + " f32.demote_f64 i32.reinterpret_f32 i64.extend_i32_u", 0x7fc00000},
		// These keep their bits.
		{nan32 + " f32.neg i32.reinterpret_f32 i64.extend_i32_u", 0xffa00001},
		{nan32 + " f32.const 0x80000000 f32.copysign i32.reinterpret_f32 i64.extend_i32_u", 0xffa00001},
		{nan64 + " f64.abs i64.reinterpret_f64", 0x7ff4000000000123},
		{"i32.const 8 " + nan32 + " f32.store 0 i64.const 0 drop i32.const 8 f32.load 0 i32.reinterpret_f32 i64.extend_i32_u", 0x7fa00001},
	} {
		b := wasmtest.New()
		g := b.Global(wasm.I64, true, "i64.const 0")
		b.Call("", fmt.Sprintf("%s global.set %d", c.code, g)).Export("g0", wasm.KindGlobal, g)
		for _, interpreter := range []bool{false, true} {
			require.Equal(t, []uint64{c.want}, run(t, instrumented(t, b.Bytes()), interpreter, plenty).Globals, "%s", c.code)
		}
	}
}

// TestGasOfSmallPrograms pins prices: they are consensus rules.
func TestGasOfSmallPrograms(t *testing.T) {
	for _, c := range []struct {
		name, locals, text string
		gas                int64
	}{
		{"nothing", "", "", 0},
		{"one drop", "", "i32.const 1 drop", 2},
		{"locals are paid at entry", "iiI", "nop", 3},
		{"division", "", "i32.const 6 i32.const 3 i32.div_u drop", 2 + 8 + 1},
		{"only the taken branch", "", "i32.const 1 if - i32.const 1 drop else i32.const 1 drop i32.const 1 drop end", 2 + 2},
		{"each turn of a loop", "i", "loop - local.get 0 i32.const 1 i32.add local.tee 0 i32.const 10 i32.lt_s br_if 0 end", 1 + 10*8},
		{"code behind a branch is free", "", "block - br 0 i32.const 1 drop end", 1},
		{"grow by a page", "", "i32.const 1 memory.grow drop", 3 + 8192},
		{"fill 80 bytes", "", "i32.const 0 i32.const 0 i32.const 80 memory.fill", 4 + 10},
		{"copy 7 bytes", "", "i32.const 0 i32.const 0 i32.const 7 memory.copy", 4},
		{"return", "", "return i32.const 1 drop", 1},
	} {
		b := wasmtest.New().Call(c.locals, c.text)
		for _, interpreter := range []bool{false, true} {
			o := run(t, instrumented(t, b.Bytes()), interpreter, plenty)
			require.Empty(t, o.Trap, c.name)
			require.Equal(t, c.gas, plenty-o.Gas, c.name)
		}
	}
	b := wasmtest.New()
	f := b.Func(wasmtest.T("i", "i"), "", "local.get 0 return")
	b.Call("", fmt.Sprintf("i32.const 1 call %d drop", f))
	require.EqualValues(t, 1+4+1+1+2, plenty-run(t, instrumented(t, b.Bytes()), false, plenty).Gas)
}

func TestRefusedGrowIsFlagged(t *testing.T) {
	b := wasmtest.New().Call("", "i32.const 100 memory.grow drop")
	require.EqualValues(t, instrument.FlagMemory, run(t, instrumented(t, b.Bytes()), false, plenty).Flag)
	b = wasmtest.New().Call("", "i32.const 3 memory.grow drop")
	require.Zero(t, run(t, instrumented(t, b.Bytes()), false, plenty).Flag)
	b = wasmtest.New().Call("", "i32.const -1 memory.grow drop")
	o := run(t, instrumented(t, b.Bytes()), false, 1<<30)
	require.Negative(t, o.Gas, "an absurd request costs more than any limit")
}

func TestSectionsAddedWhereMissing(t *testing.T) {
	b := wasmtest.New().Call("", "nop") // no globals of its own
	o := run(t, instrumented(t, b.Bytes()), false, plenty)
	require.Empty(t, o.Trap)
	b = wasmtest.New()
	// Several results need a block type that isn't there yet.
	f := b.Func(wasmtest.T("i", "iIi"), "", "local.get 0 if - i32.const 1 i64.const 2 i32.const 3 return end i32.const 0 call 0 drop drop drop i32.const 4 i64.const 5 i32.const 6")
	g := b.Global(wasm.I64, true, "i64.const 0")
	b.Call("", fmt.Sprintf("i32.const 1 call %d drop global.set %d drop", f, g)).Export("g0", wasm.KindGlobal, g)
	require.Equal(t, []uint64{2}, run(t, instrumented(t, b.Bytes()), false, plenty).Globals)
}

func TestReservedNames(t *testing.T) {
	b := wasmtest.New().Call("", "nop")
	g := b.Global(wasm.I64, true, "i64.const 0")
	b.Export("huchain:gas", wasm.KindGlobal, g)
	m, err := wasm.Decode(b.Bytes())
	require.NoError(t, err)
	s := instrument.ScheduleV1()
	_, err = instrument.Module(m, &s)
	require.ErrorContains(t, err, "reserved")
	m, err = wasm.Decode(wasmtest.New().Call("", "nop").Export("gas", wasm.KindGlobal, 0).Bytes())
	require.NoError(t, err)
	_, err = instrument.Module(m, &s)
	require.ErrorContains(t, err, `export "gas" of global 0, which doesn't exist`)
}

// Code that refers to globals or locals which only instrumentation would add is invalid.
func TestInjectedIndexesAreOutOfReach(t *testing.T) {
	for _, text := range []string{"global.get 0 drop", "i64.const 9 global.set 0", "i32.const 0 local.set 0 i32.const 0 call 0", "call 7", "i32.const 5 br_table [0,4]", "br 2"} {
		m, err := wasm.Decode(wasmtest.New().Call("", text).Bytes())
		require.NoError(t, err)
		s := instrument.ScheduleV1()
		_, err = instrument.Module(m, &s)
		require.Error(t, err, text)
	}
}

func TestScheduleValidate(t *testing.T) {
	s := instrument.ScheduleV1()
	require.NoError(t, s.Validate())
	for _, change := range []func(*instrument.Schedule){
		func(s *instrument.Schedule) { s.Version = 2 },
		func(s *instrument.Schedule) { s.CopyPer = 6 },
		func(s *instrument.Schedule) { s.FrameSlots = 1 },
		func(s *instrument.Schedule) { s.FrameSlots = 0 },
		func(s *instrument.Schedule) { s.Page = 1 << 40 },
	} {
		s := instrument.ScheduleV1()
		change(&s)
		require.Error(t, s.Validate())
	}
}
