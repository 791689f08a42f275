package check_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/check"
	"github.com/huchain/huchain/vm/wasm"
	"github.com/huchain/huchain/vm/wasm/wasmtest"
)

// module is the smallest contract, changed.
func module(change func(b *wasmtest.Builder)) []byte {
	b := wasmtest.New()
	if change != nil {
		change(b)
	}
	return b.Call("", "nop").Bytes()
}

func body(locals, text string) func(b *wasmtest.Builder) {
	return func(b *wasmtest.Builder) { b.Func(wasmtest.T("", ""), locals, text) }
}

// covers: T.08, T.21
func TestRefusals(t *testing.T) {
	repeat := strings.Repeat
	sig := wasmtest.T("ii", "i")
	for _, c := range []struct {
		name string
		code []byte
		want string // part of the message: what is wrong, where, how to mend it
	}{
		{"no module", []byte("contract"), "not a WebAssembly module"},
		{"a component", []byte("\x00asm\x0d\x00\x01\x00"), "not a component"},
		{"unknown function", module(func(b *wasmtest.Builder) { b.Import("env", "printf", sig) }), `unknown function "env"."printf"; a symbol is undefined`},
		{"unknown host function", module(func(b *wasmtest.Builder) { b.Import("huchain", "steal", sig) }), `"huchain"."steal"`},
		{"js target", module(func(b *wasmtest.Builder) { b.Import("gojs", "runtime.wasmExit", wasmtest.T("i", "")) }), "GOOS=wasip1"},
		{"wrong signature", module(func(b *wasmtest.Builder) { b.Import("huchain", "args", wasmtest.T("i", "i")) }), "is imported as (i32) -> (i32), it is (i32 i32) -> (i32)"},
		{"imported memory", module(func(b *wasmtest.Builder) { b.RawImport("env", "memory", 2, 0, 1) }), "import of the memory"},
		{"imported table", module(func(b *wasmtest.Builder) { b.RawImport("env", "table", 1, wasm.FuncRef, 0, 1) }), "import of the table"},
		{"imported global", module(func(b *wasmtest.Builder) { b.RawImport("env", "g", 3, wasm.I32, 0) }), "import of the global"},
		{"start section", module(func(b *wasmtest.Builder) { b.Start(b.Func(wasmtest.T("", ""), "", "nop")) }), "a start section; export the function as _initialize"},
		{"shared memory", module(func(b *wasmtest.Builder) { b.RawMemory(3, 1, 2) }), "shared memory; build without threads"},
		{"no memory", module(func(b *wasmtest.Builder) { b.RawMemory() }), "0 memories"},
		{"too much memory", module(func(b *wasmtest.Builder) { b.Memory(513, 0) }), "513 pages"},
		{"two tables", module(func(b *wasmtest.Builder) { b.Table(1).Table(1) }), "2 tables"},
		{"huge table", module(func(b *wasmtest.Builder) { b.Table(100_001) }), "100001 elements"},
		{"mutable reference", module(func(b *wasmtest.Builder) { b.Global(wasm.FuncRef, true, "ref.null r") }), "mutable reference"},
		{"table.set", module(func(b *wasmtest.Builder) { body("", "i32.const 0 ref.null r table.set 0")(b.Table(1)) }), "function 0, byte 0x"},
		{"table.grow", module(func(b *wasmtest.Builder) { body("", "ref.null r i32.const 1 table.grow 0 drop")(b.Table(1)) }), "changes a table"},
		{"table.fill", module(func(b *wasmtest.Builder) { body("", "i32.const 0 ref.null r i32.const 1 table.fill 0")(b.Table(1)) }), "changes a table"},
		{"table.copy", module(func(b *wasmtest.Builder) { body("", "i32.const 0 i32.const 0 i32.const 1 table.copy")(b.Table(1)) }), "changes a table"},
		{"table.init", module(func(b *wasmtest.Builder) { body("", "i32.const 0 i32.const 0 i32.const 1 table.init 0")(b.Table(1, 0)) }), "changes a table"},
		{"elem.drop", module(func(b *wasmtest.Builder) { body("", "elem.drop 0")(b.Table(1, 0)) }), "drops a segment; leave segments"},
		{"data.drop", module(func(b *wasmtest.Builder) { body("", "data.drop 0")(b.Passive("x")) }), "drops a segment"},
		{"SIMD", module(body("", "0xfd 0x0c")), "SIMD instruction; build without SIMD"},
		{"threads", module(body("", "0xfe 0x03 0x00")), "thread or atomic instruction"},
		{"exceptions", module(body("", "0x06 0x40")), "exception-handling instruction; build with panic=abort"},
		{"throw", module(body("", "0x08 0x00")), "exception-handling"},
		{"tail call", module(body("", "0x12 0x00")), "tail call"},
		{"call_ref", module(body("", "0x14 0x00")), "typed-reference"},
		{"gc", module(body("", "0xfb 0x00")), "garbage-collection"},
		{"unassigned code", module(body("", "0xff")), "0xff is not supported"},
		{"many locals", module(body(repeat("i", 2001), "")), "2001 local variables, at most 2000 are allowed; split the function"},
		{"long function", module(body("", repeat("nop ", 513<<10))), "a function of 525313 bytes"},
		{"deep blocks", module(body("", repeat("block - ", 2001)+repeat("end ", 2001))), "nested more than 2000 deep"},
		{"deep loops", module(body("", repeat("loop - ", 65)+repeat("end ", 65))), "loops and ifs nested more than 64 deep"},
		{"many loops", module(body("", repeat("loop - end ", 1001))), "more than 1000 loops"},
		{"many blocks", module(body("", repeat("block - end ", 5001))), "more than 5000 blocks"},
		{"many grows", module(body("", repeat("i32.const 1 memory.grow drop ", 2501))), "more than 5000 blocks"},
		{"merges", module(body(repeat("i", 500), repeat("block - end ", 801))), "500 local variables with 801 blocks"},
		{"merges in all", module(func(b *wasmtest.Builder) {
			for range 11 {
				body(repeat("i", 480), repeat("block - end ", 800))(b)
			}
		}), "in functions with many blocks; split the contract"},
		{"reserved export", module(func(b *wasmtest.Builder) { b.Export("huchain:gas", wasm.KindMemory, 0) }), "reserved"},
		{"long export", module(func(b *wasmtest.Builder) { b.Export(repeat("x", 257), wasm.KindMemory, 0) }), "export name of 257 bytes"},
		{"no entry", wasmtest.New().Bytes(), `no exported function "huchain_call"; export it`},
		{"entry is a memory", wasmtest.New().Export("huchain_call", wasm.KindMemory, 0).Bytes(), "no exported function"},
		{"entry is imported", func() []byte {
			b := wasmtest.New()
			f := b.Import("wasi_snapshot_preview1", "sched_yield", wasmtest.T("", "i"))
			return b.Export("huchain_call", wasm.KindFunc, f).Bytes()
		}(), "no function of the module"},
		{"entry with parameters", func() []byte {
			b := wasmtest.New()
			return b.Export("huchain_call", wasm.KindFunc, b.Func(wasmtest.T("i", ""), "", "nop")).Bytes()
		}(), "signature (i32) -> ()"},
		{"memory not exported", (&wasmtest.Builder{}).Memory(1, 0).Call("", "nop").Bytes(), `no export "memory"`},
		{"initialize with results", module(func(b *wasmtest.Builder) {
			b.Export("_initialize", wasm.KindFunc, b.Func(wasmtest.T("", "i"), "", "i32.const 0"))
		}), `"_initialize" has the signature () -> (i32)`},
		{"global.get in a constant", module(func(b *wasmtest.Builder) { b.Global(wasm.I32, false, "global.get 0") }), "constant expression"},
		{"trailing bytes", append(module(nil), 0, 1), "1 bytes wanted, 0 left"},
		{"section twice", append(module(nil), 1, 1, 0), "twice or out of order"},
		{"unknown section", append(module(nil), 77, 0), "unknown section 77"},
		{"tag section", append(module(nil), 13, 1, 0), "unknown section 13"},
	} {
		_, err := check.Module(c.code, check.LimitsV1())
		require.Equal(t, types.CodeModuleRefused, types.CodeOf(err), "%s: %v", c.name, err)
		require.ErrorContains(t, err, c.want, c.name)
	}
	require.NoError(t, func() error { _, err := check.Module(module(nil), check.LimitsV1()); return err }())
}

func TestRefusalNamesTheFunction(t *testing.T) {
	b := wasmtest.New()
	b.Import("huchain", "block", wasmtest.T("i", ""))
	f := b.Func(wasmtest.T("", ""), "", "i32.const 1 drop data.drop 0")
	code := b.Passive("x").Call("", "nop").Name(f, "main.cleanUp").Bytes()
	_, err := check.Module(code, check.LimitsV1())
	require.ErrorContains(t, err, "HC-3301")
	at := strings.Index(string(code), "\xfc\x09\x00")
	require.ErrorContains(t, err, fmt.Sprintf("function 1 (main.cleanUp), byte 0x%x: an instruction that drops a segment", at))
}

func TestSizes(t *testing.T) {
	for name, c := range map[string]struct {
		change func(l *check.Limits)
		want   string
	}{
		"bytes":     {func(l *check.Limits) { l.CodeBytes = 20 }, "strip it"},
		"functions": {func(l *check.Limits) { l.Functions = 1 }, "2 functions"},
		"types":     {func(l *check.Limits) { l.Types = 0 }, "1 types"},
		"globals":   {func(l *check.Limits) { l.Globals = 0 }, "1 global variables"},
		"exports":   {func(l *check.Limits) { l.Exports = 1 }, "2 exports"},
		"elements":  {func(l *check.Limits) { l.Segments = 0 }, "1 element segments"},
		"values":    {func(l *check.Limits) { l.Values = 1 }, "type 1 has more than 1"},
	} {
		code := module(func(b *wasmtest.Builder) {
			b.Global(wasm.I32, true, "i32.const 0")
			b.Table(1, b.Func(wasmtest.T("", ""), "", "nop"))
			if name == "values" {
				b.Func(wasmtest.T("ii", ""), "", "nop")
			}
		})
		l := check.LimitsV1()
		c.change(&l)
		_, err := check.Module(code, l)
		require.Equal(t, types.CodeModuleRefused, types.CodeOf(err), name)
		require.ErrorContains(t, err, c.want, name)
	}
}
