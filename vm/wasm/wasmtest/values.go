package wasmtest

import "github.com/huchain/huchain/vm/wasm"

var unaryOps = map[byte][]string{
	wasm.I32: {"i32.clz", "i32.ctz", "i32.popcnt", "i32.eqz", "i32.extend8_s", "i32.extend16_s"},
	wasm.I64: {"i64.clz", "i64.ctz", "i64.popcnt", "i64.extend8_s", "i64.extend32_s"},
	wasm.F32: {"f32.abs", "f32.neg", "f32.ceil", "f32.floor", "f32.trunc", "f32.nearest", "f32.sqrt"},
	wasm.F64: {"f64.abs", "f64.neg", "f64.ceil", "f64.floor", "f64.trunc", "f64.nearest", "f64.sqrt"},
}

var binaryOps = map[byte][]string{
	wasm.I32: {"i32.add", "i32.sub", "i32.mul", "i32.and", "i32.or", "i32.xor", "i32.shl", "i32.shr_s", "i32.rotr", "i32.lt_s", "i32.eq", "i32.ge_u", "i32.div_s", "i32.rem_u"},
	wasm.I64: {"i64.add", "i64.sub", "i64.mul", "i64.and", "i64.or", "i64.xor", "i64.shl", "i64.shr_u", "i64.rotl", "i64.div_u", "i64.rem_s"},
	wasm.F32: {"f32.add", "f32.sub", "f32.mul", "f32.div", "f32.min", "f32.max", "f32.copysign"},
	wasm.F64: {"f64.add", "f64.sub", "f64.mul", "f64.div", "f64.min", "f64.max", "f64.copysign"},
}

// convert lists conversions to a type, by the type they take.
var convert = map[byte]map[byte][]string{
	wasm.I32: {wasm.I64: {"i32.wrap_i64", "i64.eqz"}, wasm.F32: {"i32.reinterpret_f32", "i32.trunc_sat_f32_s", "i32.trunc_f32_s"}, wasm.F64: {"i32.trunc_sat_f64_u"}},
	wasm.I64: {wasm.I32: {"i64.extend_i32_s", "i64.extend_i32_u"}, wasm.F32: {"i64.trunc_sat_f32_u"}, wasm.F64: {"i64.reinterpret_f64", "i64.trunc_sat_f64_s", "i64.trunc_f64_u"}},
	wasm.F32: {wasm.I32: {"f32.convert_i32_s", "f32.reinterpret_i32"}, wasm.I64: {"f32.convert_i64_u"}, wasm.F64: {"f32.demote_f64"}},
	wasm.F64: {wasm.I32: {"f64.convert_i32_u"}, wasm.I64: {"f64.reinterpret_i64", "f64.convert_i64_s"}, wasm.F32: {"f64.promote_f32"}},
}

// value writes code that leaves a value of type t.
func (g *generator) value(t byte) {
	if g.depth++; g.depth > 7 {
		g.depth--
		g.constant(t)
		return
	}
	defer func() { g.depth-- }()
	switch g.n(12) {
	case 0:
		g.constant(t)
	case 1, 2:
		if l, ok := g.local(t); ok {
			g.emit("local.get %d", l)
		} else {
			g.constant(t)
		}
	case 3:
		g.value(t)
		g.emit("%s", unaryOps[t][g.n(len(unaryOps[t]))])
	case 4, 5:
		g.value(t)
		g.value(t)
		g.emit("%s", binaryOps[t][g.n(len(binaryOps[t]))])
	case 6:
		from := g.anyType()
		if ops := convert[t][from]; len(ops) > 0 {
			g.value(from)
			g.emit("%s", ops[g.n(len(ops))])
		} else {
			g.value(t)
		}
	case 7:
		g.load(t)
	case 8:
		g.value(t)
		g.value(t)
		g.value(wasm.I32)
		g.emit("select")
	case 9:
		g.ifValue(t)
	case 10:
		g.misc(t)
	case 11:
		if l, ok := g.local(t); ok {
			g.value(t)
			g.emit("local.tee %d", l)
		} else {
			g.value(t)
		}
	}
}

func letterOf(t byte) string {
	return map[byte]string{wasm.I32: "i", wasm.I64: "I", wasm.F32: "f", wasm.F64: "F"}[t]
}

func (g *generator) load(t byte) {
	g.address()
	ops := map[byte][]string{
		wasm.I32: {"i32.load", "i32.load8_u", "i32.load16_s"}, wasm.I64: {"i64.load", "i64.load32_s"},
		wasm.F32: {"f32.load"}, wasm.F64: {"f64.load"},
	}[t]
	g.emit("%s %d", ops[g.n(len(ops))], g.n(64))
}

// ifValue writes an if with a result, or a block left early with its result.
func (g *generator) ifValue(t byte) {
	if g.n(2) == 0 {
		g.value(wasm.I32)
		g.emit("if %s", letterOf(t))
		g.labels = append(g.labels, 'V')
		g.value(t)
		g.emit("else")
		g.value(t)
		g.close()
		return
	}
	g.emit("block %s", letterOf(t))
	g.labels = append(g.labels, 'V')
	g.value(t)
	g.value(wasm.I32)
	g.emit("br_if 0 drop")
	g.statement()
	g.value(t)
	g.close()
}

func (g *generator) misc(t byte) {
	switch {
	case t == wasm.I32 && g.n(3) == 0:
		g.emit("memory.size")
	case t == wasm.I32 && g.n(3) == 0:
		g.emit("i32.const %d memory.grow", g.n(3))
	case t == wasm.I32:
		g.emit("global.get 2")
	case t == wasm.I64:
		g.emit("global.get %d", 1+2*g.n(2))
	default:
		g.constant(t)
	}
}
