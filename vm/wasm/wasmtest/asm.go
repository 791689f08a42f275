package wasmtest

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/huchain/huchain/vm/wasm"
)

// Asm assembles instructions separated by blanks, each with its immediates: indexes and
// constants in decimal or 0x form (of floats: their bits); block, loop and if take a type letter of T, "-" for
// none, or @n for type index n; memory accesses take an offset (alignment is left 0);
// br_table takes its targets in brackets without blanks, [0,1,2]; 0x.. alone is a raw
// byte. It panics on unknown words.
func Asm(text string) []byte {
	var out []byte
	words := strings.Fields(text)
	for i := 0; i < len(words); i++ {
		word := words[i]
		if strings.HasPrefix(word, "0x") {
			v, err := strconv.ParseUint(word, 0, 8)
			must(err)
			out = append(out, byte(v))
			continue
		}
		op, ok := opcodes[word]
		if !ok {
			panic("wasmtest: unknown instruction " + word)
		}
		arg := func() string { i++; return words[i] }
		if op > 0xff {
			out = wasm.AppendU(append(out, 0xfc), uint64(op&0xff))
		} else {
			out = append(out, byte(op))
		}
		out = immediates(out, op, arg)
	}
	return out
}

func immediates(out []byte, op uint16, arg func() string) []byte {
	switch {
	case op == wasm.OpBlock || op == wasm.OpLoop || op == wasm.OpIf:
		switch a := arg(); {
		case a == "-":
			return append(out, 0x40)
		case a[0] == '@':
			return wasm.AppendS(out, int64(number(a[1:])))
		default:
			return append(out, valueTypes(a)...)
		}
	case op == wasm.OpBrTable:
		ts := strings.Split(strings.Trim(arg(), "[]"), ",")
		out = wasm.AppendU(out, uint64(len(ts)-1))
		for _, t := range ts {
			out = wasm.AppendU(out, number(t))
		}
		return out
	case op == wasm.OpBr, op == wasm.OpBrIf, op == wasm.OpCall, op >= wasm.OpLocalGet && op <= wasm.OpTableSet, op == wasm.OpRefFunc:
		return wasm.AppendU(out, number(arg()))
	case op == wasm.OpCallIndirect:
		return append(wasm.AppendU(out, number(arg())), 0)
	case op >= 0x28 && op <= 0x3e:
		return wasm.AppendU(append(out, 0), number(arg()))
	case op == wasm.OpMemorySize || op == wasm.OpMemoryGrow || op == wasm.OpMemoryFill:
		return append(out, 0)
	case op == 0x41:
		v, err := strconv.ParseInt(arg(), 0, 64)
		must(err)
		return wasm.AppendS(out, int64(int32(v)))
	case op == 0x42:
		v, err := strconv.ParseInt(arg(), 0, 64)
		must(err)
		return wasm.AppendS(out, v)
	case op == 0x43:
		return binary.LittleEndian.AppendUint32(out, uint32(number(arg())))
	case op == 0x44:
		return binary.LittleEndian.AppendUint64(out, number(arg()))
	case op == wasm.OpMemoryCopy || op == wasm.OpTableCopy:
		return append(out, 0, 0)
	case op == wasm.OpMemoryInit || op == wasm.OpTableInit:
		return append(wasm.AppendU(out, number(arg())), 0)
	case op == wasm.OpDataDrop || op == wasm.OpElemDrop || op == wasm.OpTableGrow || op == wasm.OpTableSize || op == wasm.OpTableFill:
		return wasm.AppendU(out, number(arg()))
	case op == wasm.OpRefNull:
		return append(out, valueTypes(arg())...)
	}
	return out
}

func number(s string) uint64 {
	v, err := strconv.ParseUint(s, 0, 64)
	must(err)
	return v
}

func must(err error) {
	if err != nil {
		panic(fmt.Sprint("wasmtest: ", err))
	}
}

// opcodes maps instruction names to codes.
var opcodes = func() map[string]uint16 {
	m := map[string]uint16{
		"memory.init": 0xfc08, "data.drop": 0xfc09, "memory.copy": 0xfc0a, "memory.fill": 0xfc0b,
		"table.init": 0xfc0c, "elem.drop": 0xfc0d, "table.copy": 0xfc0e, "table.grow": 0xfc0f, "table.size": 0xfc10, "table.fill": 0xfc11,
		"ref.null": 0xd0, "ref.is_null": 0xd1, "ref.func": 0xd2,
		"drop": 0x1a, "select": 0x1b, "unreachable": 0, "nop": 1, "block": 2, "loop": 3, "if": 4, "else": 5, "end": 0x0b,
		"br": 0x0c, "br_if": 0x0d, "br_table": 0x0e, "return": 0x0f, "call": 0x10, "call_indirect": 0x11,
	}
	run := func(first uint16, names string) {
		for i, n := range strings.Fields(names) {
			m[n] = first + uint16(i)
		}
	}
	run(0x20, "local.get local.set local.tee global.get global.set table.get table.set")
	run(0x28, `i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u
		i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u
		i32.store i64.store f32.store f64.store i32.store8 i32.store16 i64.store8 i64.store16 i64.store32
		memory.size memory.grow i32.const i64.const f32.const f64.const
		i32.eqz i32.eq i32.ne i32.lt_s i32.lt_u i32.gt_s i32.gt_u i32.le_s i32.le_u i32.ge_s i32.ge_u
		i64.eqz i64.eq i64.ne i64.lt_s i64.lt_u i64.gt_s i64.gt_u i64.le_s i64.le_u i64.ge_s i64.ge_u
		f32.eq f32.ne f32.lt f32.gt f32.le f32.ge f64.eq f64.ne f64.lt f64.gt f64.le f64.ge
		i32.clz i32.ctz i32.popcnt i32.add i32.sub i32.mul i32.div_s i32.div_u i32.rem_s i32.rem_u
		i32.and i32.or i32.xor i32.shl i32.shr_s i32.shr_u i32.rotl i32.rotr
		i64.clz i64.ctz i64.popcnt i64.add i64.sub i64.mul i64.div_s i64.div_u i64.rem_s i64.rem_u
		i64.and i64.or i64.xor i64.shl i64.shr_s i64.shr_u i64.rotl i64.rotr
		f32.abs f32.neg f32.ceil f32.floor f32.trunc f32.nearest f32.sqrt f32.add f32.sub f32.mul f32.div f32.min f32.max f32.copysign
		f64.abs f64.neg f64.ceil f64.floor f64.trunc f64.nearest f64.sqrt f64.add f64.sub f64.mul f64.div f64.min f64.max f64.copysign
		i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u
		i64.extend_i32_s i64.extend_i32_u i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u
		f32.convert_i32_s f32.convert_i32_u f32.convert_i64_s f32.convert_i64_u f32.demote_f64
		f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s f64.convert_i64_u f64.promote_f32
		i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64
		i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s`)
	run(0xfc00, `i32.trunc_sat_f32_s i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u
		i64.trunc_sat_f32_s i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u`)
	return m
}()
