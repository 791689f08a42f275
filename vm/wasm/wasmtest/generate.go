package wasmtest

import (
	"fmt"

	"github.com/huchain/huchain/vm/wasm"
)

// Generated is a random valid module whose functions all end by themselves: a fuel
// global is spent at function entries and loop turns.
type Generated struct {
	Code    []byte
	Globals int // mutable globals, exported as "g0", "g1", …; all are i64 or i32
}

// Generate makes a module from a seed. Its huchain_call runs all functions. Without
// floats its results don't depend on NaN bits.
func Generate(seed uint64, floats bool) Generated {
	g := &generator{state: seed, b: &Builder{}, floats: floats}
	return g.module()
}

type generator struct {
	state  uint64
	b      *Builder
	floats bool
	out    []byte
	locals []byte
	labels []byte // result letter of each open block, ' ' for none
	sigs   []wasm.FuncType
	depth  int
	result byte // letter of the function's result, ' ' for none
}

const (
	fuelGlobal = 0
	letters    = "iIfF"
)

// n returns a number below k (SplitMix64).
func (g *generator) n(k int) int {
	g.state += 0x9e3779b97f4a7c15
	z := g.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(k))
}

func (g *generator) letter() byte {
	if g.floats {
		return letters[g.n(4)]
	}
	return letters[g.n(2)]
}

func (g *generator) module() Generated {
	b := g.b
	b.Memory(1, uint64(2+g.n(3))).Export("memory", wasm.KindMemory, 0)
	b.Global(wasm.I32, true, "i32.const 400")
	b.Global(wasm.I64, true, "i64.const 7")
	b.Global(wasm.I32, true, "i32.const -3")
	b.Global(wasm.I64, false, "i64.const 99")
	b.Data(16, "some bytes to start from")
	b.Passive("a passive segment of bytes")
	for range 2 + g.n(6) {
		g.function()
	}
	all := make([]uint32, len(g.sigs))
	for i := range all {
		all[i] = uint32(i)
	}
	b.Table(uint64(len(all)+2), all...)
	g.main()
	for i := range 3 {
		b.Export(fmt.Sprintf("g%d", i), wasm.KindGlobal, uint32(i))
	}
	return Generated{Code: b.Bytes(), Globals: 3}
}

func (g *generator) emit(format string, args ...any) {
	g.out = append(g.out, Asm(fmt.Sprintf(format, args...))...)
}

// main calls every function and folds the results into global 1.
func (g *generator) main() {
	g.out, g.locals, g.labels, g.result = nil, nil, nil, ' '
	for i, t := range g.sigs {
		for _, p := range t.Params {
			g.constant(p)
		}
		g.emit("call %d", i)
		for j := len(t.Results) - 1; j >= 0; j-- {
			g.fold(t.Results[j])
		}
	}
	b := g.b
	b.Export("huchain_call", wasm.KindFunc, b.Raw(T("", ""), "", g.out))
}

// fold takes the value on top of the stack into global 1.
func (g *generator) fold(t byte) {
	switch t {
	case wasm.I32:
		g.emit("i64.extend_i32_u")
	case wasm.F32:
		g.emit("i32.reinterpret_f32 i64.extend_i32_u")
	case wasm.F64:
		g.emit("i64.reinterpret_f64")
	}
	g.emit("global.get 1 i64.const 31 i64.mul i64.add global.set 1")
}

func (g *generator) constant(t byte) {
	switch t {
	case wasm.I32:
		g.emit("i32.const %d", g.n(1<<20)-1000)
	case wasm.I64:
		g.emit("i64.const %d", g.n(1<<40)-1000)
	case wasm.F32:
		g.emit("f32.const %#x", []uint32{0, 0x3f800000, 0xbf800000, 0x7f800000, 0x80000000, 0x4b800001, 0x7fa00001}[g.n(7)])
	case wasm.F64:
		g.emit("f64.const %#x", []uint64{0, 0x3ff0000000000000, 0xbff8000000000000, 0x7ff0000000000000, 0x41dfffffffc00000, 0x7ff4000000000001}[g.n(6)])
	}
}

func (g *generator) function() {
	params, results, locals := "", "", ""
	for range g.n(4) {
		params += string(g.letter())
	}
	g.result = ' '
	for range g.n(3) {
		results += string(g.letter())
	}
	for range 1 + g.n(5) {
		locals += string(g.letter())
	}
	t := T(params, results)
	g.out, g.labels, g.depth = nil, nil, 0
	g.locals = valueTypes(params + locals)
	// Without fuel the function returns at once.
	g.emit("global.get 0 i32.eqz if -")
	for _, r := range t.Results {
		g.constant(r)
	}
	g.emit("return end global.get 0 i32.const 1 i32.sub global.set 0")
	for range 1 + g.n(5) {
		g.statement()
	}
	for _, r := range t.Results {
		g.value(r)
	}
	if g.n(3) == 0 {
		g.emit("return")
	}
	g.b.Raw(t, locals, g.out)
	g.sigs = append(g.sigs, t)
}

// local finds a local of type t, or false.
func (g *generator) local(t byte) (int, bool) {
	var have []int
	for i, l := range g.locals {
		if l == t {
			have = append(have, i)
		}
	}
	if len(have) == 0 {
		return 0, false
	}
	return have[g.n(len(have))], true
}

func (g *generator) anyType() byte { return valueTypes(string(g.letter()))[0] }

func (g *generator) address() {
	g.value(wasm.I32)
	if g.n(30) > 0 {
		g.emit("i32.const 0xfff i32.and")
	}
}

func (g *generator) statement() {
	if g.depth++; g.depth > 6 {
		g.depth--
		g.emit("nop")
		return
	}
	defer func() { g.depth-- }()
	switch g.n(14) {
	case 0, 1:
		t := g.anyType()
		if l, ok := g.local(t); ok {
			g.value(t)
			g.emit("local.set %d", l)
		}
	case 2:
		g.value(wasm.I64)
		g.emit("global.set 1")
	case 3:
		g.value(wasm.I32)
		g.emit("global.set 2")
	case 4, 5:
		g.store()
	case 6:
		g.value(g.anyType())
		g.emit("drop")
	case 7:
		g.value(wasm.I32)
		g.block("if")
		g.statement()
		if g.n(2) == 0 {
			g.emit("else")
			g.statement()
		}
		g.close()
	case 8:
		g.block("block")
		g.statement()
		g.branch()
		g.statement()
		g.close()
	case 9:
		g.loop()
	case 10:
		g.bulk()
	case 11:
		g.call()
	case 12:
		g.switchBlock()
	case 13:
		if g.n(40) == 0 {
			g.emit("unreachable")
		}
		g.statement()
	}
}

func (g *generator) block(op string) {
	g.emit("%s -", op)
	g.labels = append(g.labels, ' ')
}

func (g *generator) close() {
	g.emit("end")
	g.labels = g.labels[:len(g.labels)-1]
}

// branch leaves an open block, conditionally or not. All blocks here have no results;
// loops are never targeted but by loop itself.
func (g *generator) branch() {
	for i := len(g.labels) - 1; i >= 0; i-- {
		if g.labels[i] == ' ' && g.n(2) == 0 {
			depth := len(g.labels) - 1 - i
			if g.n(4) == 0 {
				g.emit("br %d", depth)
			} else {
				g.value(wasm.I32)
				g.emit("br_if %d", depth)
			}
			return
		}
	}
}

func (g *generator) loop() {
	g.block("block")
	g.emit("loop -")
	g.labels = append(g.labels, 'L')
	g.emit("global.get 0 i32.eqz br_if 1 global.get 0 i32.const 1 i32.sub global.set 0")
	g.statement()
	g.value(wasm.I32)
	g.emit("br_if 0")
	g.close()
	g.close()
}

func (g *generator) switchBlock() {
	g.block("block")
	g.block("block")
	g.block("block")
	g.value(wasm.I32)
	g.emit("i32.const 7 i32.and br_table [0,1,2,1]")
	g.close()
	g.statement()
	g.close()
	g.statement()
	g.close()
}

func (g *generator) store() {
	t := g.anyType()
	g.address()
	g.value(t)
	op := map[byte][]string{
		wasm.I32: {"i32.store", "i32.store8", "i32.store16"}, wasm.I64: {"i64.store", "i64.store8", "i64.store32"},
		wasm.F32: {"f32.store"}, wasm.F64: {"f64.store"},
	}[t]
	g.emit("%s %d", op[g.n(len(op))], g.n(64))
}

func (g *generator) bulk() {
	g.address()
	g.address()
	switch g.n(3) {
	case 0:
		g.emit("i32.const %d memory.copy", g.n(300))
	case 1:
		g.emit("i32.const %d memory.fill", g.n(300))
	case 2:
		g.emit("i32.const 15 i32.and i32.const %d memory.init 1", g.n(12))
	}
}

// call calls an earlier function, directly or through the table, and folds its results.
func (g *generator) call() {
	if len(g.sigs) == 0 {
		return
	}
	i := g.n(len(g.sigs))
	t := g.sigs[i]
	for _, p := range t.Params {
		g.value(p)
	}
	if g.n(2) == 0 {
		g.emit("call %d", i)
	} else {
		at := i
		if g.n(20) == 0 {
			at = g.n(len(g.sigs) + 4)
			if at >= len(g.sigs)-1 && at < len(g.sigs)+2 {
				at = 1000 // never a function that is being written: that would recurse
			}
		}
		g.emit("i32.const %d call_indirect %d", at, g.b.Type(t))
	}
	for j := len(t.Results) - 1; j >= 0; j-- {
		g.fold(t.Results[j])
	}
}
