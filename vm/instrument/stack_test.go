package instrument_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/vm/instrument"
	"github.com/huchain/huchain/vm/wasm"
	"github.com/huchain/huchain/vm/wasm/wasmtest"
)

// recursive is a module whose function 0 calls itself without end and counts the calls
// in g0, with code before and behind the call.
func recursive(locals, before, behind string) []byte {
	b := wasmtest.New()
	g := b.Global(wasm.I32, true, "i32.const 0")
	f := b.Func(wasmtest.T("", ""), locals, fmt.Sprintf("global.get %d i32.const 1 i32.add global.set %d %s call 0 %s", g, g, before, behind))
	b.Call("", fmt.Sprintf("call %d", f)).Export("g0", wasm.KindGlobal, g)
	return b.Bytes()
}

// TestStackBudgetComesFirst: endless recursion of frames of many shapes ends by the
// budget, at the same depth in both engines, never by the limit of an engine.
func TestStackBudgetComesFirst(t *testing.T) {
	repeat := strings.Repeat
	operands := func(n int) (before, behind string) {
		return repeat("i32.const 64 i32.load 0 ", n), repeat("drop ", n)
	}
	manyBefore, manyBehind := operands(900)
	sum, _ := operands(1)
	shapes := map[string][]byte{
		"smallest frame": recursive("", "", ""),
		"locals":         recursive(repeat("I", 1900), "", "local.get 7 drop"),
		"operands":       recursive("", manyBefore, manyBehind),
		// Each value lives across a call of its own: the compiler gives each a slot.
		"spills": recursive("", "", repeat(sum+"call 0 drop ", 3000)),
		"phis":   recursive(phis(1000, 64)),
	}
	for name, code := range shapes {
		start := time.Now()
		inst := instrumented(t, code)
		o := run(t, inst, false, plenty)
		require.Negative(t, o.Stack, name)
		require.Contains(t, o.Trap, "unreachable", name)
		require.LessOrEqual(t, o.Globals[0], uint64(instrument.MaxDepth), name)
		require.Equal(t, o, run(t, inst, true, plenty), name)
		t.Logf("%s: depth %d, %v", name, o.Globals[0], time.Since(start).Round(time.Millisecond))
	}
}

// phis nests loops around a recursion; every local changes in the innermost.
func phis(locals, loops int) (string, string, string) {
	var b strings.Builder
	for range loops {
		b.WriteString("loop - ")
	}
	for i := range locals {
		fmt.Fprintf(&b, "local.get %d i64.const %d i64.add local.set %d ", i, i, (i+1)%locals)
	}
	b.WriteString("call 0 ")
	for i := range loops {
		fmt.Fprintf(&b, "local.get %d i64.eqz br_if 0 end ", i%locals)
	}
	return strings.Repeat("I", locals), b.String(), ""
}

// The budget counts what is open: calls that return give theirs back, by any way out.
func TestStackIsGivenBack(t *testing.T) {
	b := wasmtest.New()
	noop := b.Func(wasmtest.T("", ""), "", "nop")
	g := b.Func(wasmtest.T("i", "i"), "", fmt.Sprintf(`call %d
		block - block - local.get 0 br_table [0,1,1] end i32.const 1 return end
		local.get 0 i32.const 2 i32.eq if i i32.const 5 br 1 else i32.const 6 end`, noop))
	b.Call("i", fmt.Sprintf(`loop -
		local.get 0 i32.const 3 i32.rem_u call %d drop
		local.get 0 i32.const 1 i32.add local.tee 0 i32.const 10000 i32.lt_u br_if 0 end`, g))
	for _, interpreter := range []bool{false, true} {
		o := run(t, instrumented(t, b.Bytes()), interpreter, plenty)
		require.Empty(t, o.Trap)
		s := instrument.ScheduleV1()
		require.EqualValues(t, s.StackSlots, o.Stack)
	}
}

func TestFunctionTooLargeForTheStack(t *testing.T) {
	m, err := wasm.Decode(wasmtest.New().Call(strings.Repeat("I", 140_000), "").Bytes())
	require.NoError(t, err)
	s := instrument.ScheduleV1()
	_, err = instrument.Module(m, &s)
	require.ErrorContains(t, err, "stack frame")
}
