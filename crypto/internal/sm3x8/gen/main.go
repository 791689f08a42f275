// Command gen writes the AVX2 assembly of package sm3x8 with avo. It is a module of its
// own, so that the product does not depend on its tools; run `go generate` beside it.
package main

import (
	"math/bits"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const lanes = 8

// The compression function of GB/T 32905-2016 on eight lanes: every register holds one
// word of eight independent messages.
func main() {
	ConstraintExpr("!purego")
	TEXT("blocks8", 0, "func(state *[64]uint32, data *byte, stride, blocks int)")
	Doc("blocks8 runs the compression function over the given number of 64-byte blocks of eight",
		"messages. Message i begins at data+i*stride; word j of its state is state[8*j+i].")
	Pragma("noescape")
	state := Load(Param("state"), GP64())
	data := Load(Param("data"), GP64())
	stride := Load(Param("stride"), GP64())
	blocks := Load(Param("blocks"), GP64())
	words := AllocLocal(68 * 32)
	swap := constant("swap", func(i int) byte { return byte(i&^3 | 3 - i&3) })
	left8 := constant("left8", func(i int) byte { return byte(i&^3 | (i+3)&3) })
	rounds := roundConstants()

	Label("block")
	loadWords(data, stride, swap, words)
	mask := YMM()
	VMOVDQU(left8, mask)
	v := make([]VecVirtual, 8) // A…H
	for i := range v {
		v[i] = YMM()
		VMOVDQU(Mem{Base: state, Disp: 32 * i}, v[i])
	}
	for j := range 64 {
		if j+4 >= 16 {
			expand(words, j+4, mask)
		}
		round(v, words, rounds, j, mask)
		v = []VecVirtual{v[3], v[0], v[1], v[2], v[7], v[4], v[5], v[6]}
	}
	for i := range v {
		VPXOR(Mem{Base: state, Disp: 32 * i}, v[i], v[i])
		VMOVDQU(v[i], Mem{Base: state, Disp: 32 * i})
	}
	ADDQ(U8(64), data)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
	Generate()
}

// constant defines 32 bytes, the same sixteen twice.
func constant(name string, f func(i int) byte) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 32 {
		DATA(i, U8(f(i%16)))
	}
	return m
}

// roundConstants defines T_j <<< j.
func roundConstants() Mem {
	m := GLOBL("rounds", RODATA|NOPTR)
	for j := range 64 {
		t := uint32(0x79cc4519)
		if j >= 16 {
			t = 0x7a879d8a
		}
		DATA(4*j, U32(bits.RotateLeft32(t, j)))
	}
	return m
}

// loadWords reads 64 bytes of each message, eight words at a time, turns them into host
// order and transposes them, so that words[j] holds word j of all messages.
func loadWords(data, stride Register, swap, words Mem) {
	for half := range 2 {
		p := GP64()
		MOVQ(data, p)
		row := make([]VecVirtual, lanes)
		mask := YMM()
		VMOVDQU(swap, mask)
		for i := range row {
			row[i] = YMM()
			VMOVDQU(Mem{Base: p, Disp: 32 * half}, row[i])
			if i < lanes-1 {
				ADDQ(stride, p)
			}
			VPSHUFB(mask, row[i], row[i])
		}
		pairs := make([]VecVirtual, lanes)
		for i := 0; i < lanes; i += 2 {
			pairs[i], pairs[i+1] = YMM(), YMM()
			VPUNPCKLDQ(row[i+1], row[i], pairs[i])
			VPUNPCKHDQ(row[i+1], row[i], pairs[i+1])
		}
		quads := make([]VecVirtual, lanes)
		for i := 0; i < lanes; i += 4 {
			for k := range 2 {
				quads[i+2*k], quads[i+2*k+1] = YMM(), YMM()
				VPUNPCKLQDQ(pairs[i+2+k], pairs[i+k], quads[i+2*k])
				VPUNPCKHQDQ(pairs[i+2+k], pairs[i+k], quads[i+2*k+1])
			}
		}
		for k := range 4 {
			low, high := YMM(), YMM()
			VPERM2I128(U8(0x20), quads[4+k], quads[k], low)
			VPERM2I128(U8(0x31), quads[4+k], quads[k], high)
			VMOVDQU(low, word(words, 8*half+k))
			VMOVDQU(high, word(words, 8*half+4+k))
		}
	}
}

func word(words Mem, j int) Mem { return words.Offset(32 * j) }

// rotate returns x <<< n in a new register.
func rotate(x VecVirtual, n uint8) VecVirtual {
	l, r := YMM(), YMM()
	VPSLLD(U8(n), x, l)
	VPSRLD(U8(32-n), x, r)
	VPOR(r, l, l)
	return l
}

// permute replaces x by x ^ (x <<< n) ^ (x <<< n+8), which is P0 for n = 9 and P1 for
// n = 15, with one rotation by 8 as a byte shuffle.
func permute(x VecVirtual, n uint8, left8 VecVirtual) {
	t := YMM()
	VPSHUFB(left8, x, t)
	VPXOR(x, t, t)
	VPXOR(rotate(t, n), x, x)
}

// expand computes W_j.
func expand(words Mem, j int, left8 VecVirtual) {
	x, y := YMM(), YMM()
	VMOVDQU(word(words, j-3), y)
	VMOVDQU(word(words, j-16), x)
	VPXOR(word(words, j-9), x, x)
	VPXOR(rotate(y, 15), x, x)
	permute(x, 15, left8)
	VMOVDQU(word(words, j-13), y)
	VPXOR(rotate(y, 7), x, x)
	VPXOR(word(words, j-6), x, x)
	VMOVDQU(x, word(words, j))
}

// round leaves the new A in the register of D and the new E in that of H, and rotates B
// and F in place; the caller renames.
func round(v []VecVirtual, words, constants Mem, j int, left8 VecVirtual) {
	a, b, c, d, e, f, g, h := v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]
	w := YMM()
	VMOVDQU(word(words, j), w)
	VPADDD(w, h, h)
	VPXOR(word(words, j+4), w, w)
	VPADDD(w, d, d)

	a12 := rotate(a, 12)
	t := YMM()
	VPBROADCASTD(constants.Offset(4*j), t)
	VPADDD(e, t, t)
	VPADDD(a12, t, t)
	ss1 := rotate(t, 7)
	ss2 := YMM()
	VPXOR(ss1, a12, ss2)
	VPADDD(ss1, h, h)
	VPADDD(ss2, d, d)

	ff, gg, u := YMM(), YMM(), YMM()
	if j < 16 {
		VPXOR(a, b, ff)
		VPXOR(c, ff, ff)
		VPXOR(e, f, gg)
		VPXOR(g, gg, gg)
	} else {
		VPOR(a, b, ff)
		VPAND(c, ff, ff)
		VPAND(a, b, u)
		VPOR(u, ff, ff)
		VPXOR(f, g, gg)
		VPAND(e, gg, gg)
		VPXOR(g, gg, gg)
	}
	VPADDD(ff, d, d)
	VPADDD(gg, h, h)
	permute(h, 9, left8)
	move(b, rotate(b, 9))
	move(f, rotate(f, 19))
}

func move(dst, src VecVirtual) { VMOVDQA(src, dst) }
