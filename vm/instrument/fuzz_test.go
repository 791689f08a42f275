package instrument_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"

	"github.com/huchain/huchain/vm/check"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/instrument"
	"github.com/huchain/huchain/vm/wasm"
	"github.com/huchain/huchain/vm/wasm/wasmtest"
)

func valid(code []byte) error {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, config(true))
	defer r.Close(ctx)
	c, err := r.CompileModule(ctx, code)
	if err == nil {
		c.Close(ctx)
	}
	return err
}

// mutated checks what must hold of any bytes: no panic, and what passes admission is
// valid exactly if it was valid before instrumentation.
func mutated(t *testing.T, code []byte) (admitted bool) {
	m, err := check.Module(code, check.LimitsV1())
	if err != nil {
		return false
	}
	s := instrument.ScheduleV1()
	out, err := instrument.Module(m, &s)
	bare := valid(wasm.Encode(m.Sections)) // custom sections are dropped, whatever they hold
	if err != nil {
		require.Error(t, bare, "instrumentation refused a valid module: %v", err)
		return false
	}
	after := valid(out.Code)
	require.Equal(t, bare == nil, after == nil, "before: %v\nafter: %v", bare, after)
	return after == nil
}

// TestMutatedModules flips bytes of generated modules.
func TestMutatedModules(t *testing.T) {
	admitted, total := 0, 0
	for seed := range uint64(40) {
		code := wasmtest.Generate(seed, true).Code
		require.True(t, mutated(t, code))
		state := seed
		for range 60 {
			bad := append([]byte{}, code...)
			for range 1 + state%2 {
				state = state*6364136223846793005 + 1442695040888963407
				bad[8+int(state>>33)%(len(bad)-8)] = byte(state >> 20)
			}
			total++
			if mutated(t, bad) {
				admitted++
			}
		}
	}
	t.Logf("%d of %d mutants are valid", admitted, total)
	require.Greater(t, admitted, total/50)
}

// A valid mutant does the same with and without instrumentation. Floats are left out:
// their NaN bits may differ.
func TestMutantsRunTheSame(t *testing.T) {
	ran := 0
	for seed := uint64(1000); seed < 1060; seed++ {
		code := wasmtest.Generate(seed, false).Code
		state := seed
		for range 40 {
			bad := append([]byte{}, code...)
			state = state*6364136223846793005 + 1442695040888963407
			// Constants and plain operators change; control flow might never end.
			at := len(bad)/3 + int(state>>33)%(len(bad)/2)
			if bad[at] < 0x45 || bad[at] > 0x8a {
				continue
			}
			bad[at] = 0x45 + byte(state>>20)%0x46
			if mutated(t, bad) && !endless(bad) {
				want := run(t, bad, false, 0)
				got := run(t, instrumented(t, bad), false, plenty)
				require.Equal(t, want.bare(), got.bare(), "seed %d byte %d", seed, at)
				ran++
			}
		}
	}
	require.Positive(t, ran)
}

// endless reports whether a mutant may run forever without gas.
func endless(bad []byte) bool {
	s := instrument.ScheduleV1()
	m, err := check.Module(bad, check.LimitsV1())
	if err != nil {
		return true
	}
	out, err := instrument.Module(m, &s)
	if err != nil {
		return true
	}
	return lastGas(out.Code) < 0
}

func lastGas(code []byte) int64 {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, config(false))
	defer r.Close(ctx)
	m, err := r.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		return -1
	}
	setGlobal(m, instrument.GasGlobal, 20_000_000)
	s := instrument.ScheduleV1()
	setGlobal(m, instrument.StackGlobal, uint64(s.StackSlots))
	_, _ = m.ExportedFunction("huchain_call").Call(ctx)
	return int64(m.ExportedGlobal(instrument.GasGlobal).Get())
}

// covers: T.08
func FuzzInstrument(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(wasmtest.Generate(seed, seed%2 == 0).Code)
	}
	b := wasmtest.New()
	for _, fn := range host.Functions()[:6] {
		b.Import(fn.Module, fn.Name, wasmtest.T("", ""))
	}
	f.Add(b.Call("", "nop").Bytes())
	f.Fuzz(func(t *testing.T, code []byte) { mutated(t, code) })
}

// FuzzSameOutcome edits generated modules and compares the run of what is still valid: with
// and without instrumentation, compiled and interpreted.
//
// covers: T.08
func FuzzSameOutcome(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, []byte{byte(seed * 31), 1, 0x6a, byte(seed * 17), 2, 0x6b})
	}
	f.Fuzz(func(t *testing.T, seed uint64, edits []byte) {
		code := wasmtest.Generate(seed, false).Code
		for ; len(edits) >= 3; edits = edits[3:] {
			code[8+(int(edits[0])|int(edits[1])<<8)%(len(code)-8)] = edits[2]
		}
		if !mutated(t, code) || endless(code) {
			return
		}
		inst := instrumented(t, code)
		got := run(t, inst, false, plenty)
		require.Equal(t, got, run(t, inst, true, plenty))
		if got.Stack >= 0 && !makesFloats(code) { // a stack budget, and canonical NaNs, are our own
			require.Equal(t, run(t, code, false, 0).bare(), got.bare())
		}
	})
}

// makesFloats reports whether a module computes with floats.
func makesFloats(code []byte) bool {
	m, err := wasm.Decode(code)
	if err != nil {
		return true
	}
	for i := range m.Code {
		c := m.Code[i].Instructions(i)
		var in wasm.Instr
		for c.More() && c.Next(&in) == nil {
			if in.Op >= 0x8b && in.Op <= 0xa6 || in.Op == 0xb6 || in.Op == 0xbb {
				return true
			}
		}
	}
	return false
}
