package main

import (
	"encoding/binary"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// What is in memory. All of SM4 runs on words whose bytes went through the linear part of
// inner once, at the beginning, and come back at the end. A round is then the inversion
// and two linear maps, front and side, in which outer, SM4's diffusion and the next
// round's inner are one: with bytes b0…b3 of a word, the most significant first,
//
//	out[j] = front(b[j]) ^ side(b[j+1]) ^ side(b[j+2]) ^ (front^side)(b[j+3])
type data struct {
	nibble          Mem // 0x0f
	enter, leave    pair
	front, side     pair
	schedule        [4]pair // diffusion of the key schedule, for b[j]…b[j+3]
	key             Mem     // for AESENCLAST: what outer adds, before outer
	shift           [4]Mem  // undoes ShiftRows and takes b[j+k] for b[j]
	swap            Mem     // bytes of words in the other order
	lanes           [2]Mem  // counters of blocks
	family, numbers Mem     // FK; CK with what inner adds, through inner
	innerAdd        Mem
}

// pair is a linear map as two tables, of the low and of the high four bits.
type pair struct{ low, high Mem }

func constants() (d data) {
	inner, innerAdd, outer, outerAdd := split()
	d.nibble = bytes32("nibble", func(int) byte { return 15 })
	d.enter, d.leave = tables("enter", inner), tables("leave", inner.inverse())
	through := func(name string, f func(b byte) byte) pair {
		return tables(name, outer.then(f).then(inner.apply))
	}
	d.front = through("front", func(b byte) byte { return b ^ b<<2 })
	d.side = through("side", func(b byte) byte { return b<<2 | b>>6 })
	d.schedule = [4]pair{
		through("schedule0", func(b byte) byte { return b }),
		through("schedule1", func(b byte) byte { return b << 5 }),
		through("schedule2", func(b byte) byte { return b>>3 ^ b<<7 }),
		through("schedule3", func(b byte) byte { return b >> 1 }),
	}
	d.key = bytes32("outerAdd", func(int) byte { return outer.inverse()[outerAdd] })
	d.innerAdd = bytes32("innerAdd", func(int) byte { return innerAdd })
	var back [16]byte
	for i := range 16 {
		col, row := i/4, i%4
		back[4*((col+row)%4)+row] = byte(i)
	}
	for k := range d.shift {
		d.shift[k] = bytes32("shift"+string(rune('0'+k)), func(i int) byte { return back[i&^3|(i+k)&3] })
	}
	d.swap = bytes32("swap", func(i int) byte { return byte(i&^3 | 3 - i&3) })
	for c := range d.lanes {
		m := GLOBL("lanes"+string(rune('0'+c)), RODATA|NOPTR)
		for i := range 8 {
			DATA(4*i, U32(8*c+2*(i%4)+i/4))
		}
		d.lanes[c] = m
	}
	d.family = GLOBL("family", RODATA|NOPTR)
	for i, fk := range []uint32{0xa3b1bac6, 0x56aa3350, 0x677d9197, 0xb27022dc} {
		DATA(4*i, U32(turned(fk)))
	}
	d.numbers = GLOBL("numbers", RODATA|NOPTR)
	for i := range 32 {
		var ck [4]byte
		for j := range ck {
			ck[j] = inner[byte((4*i+j)*7)] ^ innerAdd
		}
		DATA(4*i, U32(binary.LittleEndian.Uint32(ck[:])))
	}
	return d
}

func turned(x uint32) uint32 {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], x)
	return binary.LittleEndian.Uint32(b[:])
}

// bytes32 defines 32 bytes, the same sixteen twice.
func bytes32(name string, f func(i int) byte) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 32 {
		DATA(i, U8(f(i%16)))
	}
	return m
}

func tables(name string, m linear) pair {
	return pair{bytes32(name+"Low", func(i int) byte { return m[i] }), bytes32(name+"High", func(i int) byte { return m[i<<4] })}
}

// nibbles leaves the low four bits of each byte in x, and the high in high.
func nibbles(d data, x, high VecPhysical) {
	VPSRLD(U8(4), x, high)
	VPAND(d.nibble, high, high)
	VPAND(d.nibble, x, x)
}

// lookup sends the bytes of x through a map whose tables are in registers or in memory,
// from where it loads them.
func lookup(d data, low, high Op, x, t, u VecPhysical) {
	nibbles(d, x, t)
	table := func(op Op) Op {
		if m, ok := op.(Mem); ok {
			VMOVDQU(m, u)
			return u
		}
		return op
	}
	VPSHUFB(x, table(low), x)
	VPSHUFB(t, table(high), t)
	VPXOR(t, x, x)
}

// expandKey writes the round keys as rounds take them. A register holds a word four times,
// so that ShiftRows is undone as in rounds.
func expandKey(d data) {
	TEXT("expandKey", 0, "func(rk *[32]uint32, key *[16]byte)")
	Doc("expandKey writes the round keys, in the form that crypt16 takes.")
	Pragma("noescape")
	rk, key := Load(Param("rk"), RDI), Load(Param("key"), RSI)
	k := []VecPhysical{X0, X1, X2, X3}
	for i, w := range k {
		VPBROADCASTD(Mem{Base: key, Disp: 4 * i}, w)
		VPBROADCASTD(d.family.Offset(4*i), X4)
		VPXOR(X4, w, w)
		lookup(d, d.enter.low, d.enter.high, w, X4, X5)
	}
	VMOVDQU(d.innerAdd, X8)
	LEAQ(d.numbers, RDX)
	MOVQ(U32(8), RCX)
	Label("rounds")
	for i := range 4 {
		x, t := X4, X5
		VPBROADCASTD(Mem{Base: RDX, Disp: 4 * i}, x)
		for _, w := range k[1:] {
			VPXOR(w, x, x)
		}
		VAESENCLAST(d.key, x, x)
		nibbles(d, x, t)
		for j, p := range d.schedule {
			for n, nibble := range []VecPhysical{x, t} {
				VMOVDQU([]Mem{p.low, p.high}[n], X6)
				VPSHUFB(nibble, X6, X6)
				VPSHUFB(d.shift[j], X6, X6)
				VPXOR(X6, k[0], k[0])
			}
		}
		VPXOR(X8, k[0], X6)
		VMOVD(X6, Mem{Base: rk, Disp: 4 * i})
		k = append(k[1:], k[0])
	}
	ADDQ(U8(16), RDX)
	ADDQ(U8(16), rk)
	DECQ(RCX)
	JNZ(LabelRef("rounds"))
	RET()
}

// crypt writes the counter mode for sixteen blocks at a time: eight in each of two chains
// of four registers, word j of the blocks in register j, whose rounds overlap.
func crypt(d data, wide bool) {
	name := "crypt16"
	if wide {
		name = "crypt16VAES"
	}
	TEXT(name, 0, "func(dst, src *byte, groups int, rk *[32]uint32, nonce *[12]byte, counter uint32)")
	Doc(name+" sets dst to src XOR the key stream, for groups of 256 bytes. The first block of",
		"the stream is of the given counter. dst may be src.")
	Pragma("noescape")
	dst, src, groups := Load(Param("dst"), RDI), Load(Param("src"), RSI), Load(Param("groups"), RCX)
	rk, nonce := Load(Param("rk"), RDX), Load(Param("nonce"), R8)
	counter := Load(Param("counter"), R9L)
	words := AllocLocal(3 * 32)
	for j := range 3 {
		VPBROADCASTD(Mem{Base: nonce, Disp: 4 * j}, Y0)
		lookup(d, d.enter.low, d.enter.high, Y0, Y1, Y2)
		VMOVDQU(Y0, words.Offset(32*j))
	}
	for i, m := range []Mem{d.front.low, d.front.high, d.side.low, d.side.high} {
		VMOVDQU(m, []VecPhysical{Y8, Y9, Y10, Y11}[i])
	}
	chains := [2][]VecPhysical{{Y0, Y1, Y2, Y3}, {Y4, Y5, Y6, Y7}}

	Label("group")
	for c, t := range chains {
		for j := range 3 {
			VMOVDQU(words.Offset(32*j), t[j])
		}
		VMOVD(counter, t[3].AsX())
		VPBROADCASTD(t[3].AsX(), t[3])
		VPADDD(d.lanes[c], t[3], t[3])
		VPSHUFB(d.swap, t[3], t[3])
		lookup(d, d.enter.low, d.enter.high, t[3], Y12, Y13)
	}
	ADDL(U8(16), counter)
	MOVQ(rk, R10)
	MOVQ(U32(8), R11)
	Label("rounds")
	for i := range 4 {
		for c := range chains {
			round(d, chains[c], Mem{Base: R10, Disp: 4 * i}, wide)
			chains[c] = append(chains[c][1:], chains[c][0])
		}
	}
	ADDQ(U8(16), R10)
	DECQ(R11)
	JNZ(LabelRef("rounds"))

	VMOVDQU(d.leave.low, Y12)
	VMOVDQU(d.leave.high, Y13)
	for _, t := range chains {
		for _, w := range t {
			lookup(d, Y12, Y13, w, Y14, Y15)
		}
	}
	for c, t := range chains {
		transpose(t[3], t[2], t[1], t[0])
		for r := range 4 {
			block := t[3-r]
			VPXOR(Mem{Base: src, Disp: 128*c + 32*r}, block, block)
			VMOVDQU(block, Mem{Base: dst, Disp: 128*c + 32*r})
		}
	}
	ADDQ(U32(256), src)
	ADDQ(U32(256), dst)
	DECQ(groups)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}

// round replaces t[0] by the next word.
func round(d data, t []VecPhysical, key Mem, wide bool) {
	x, y, z, w := Y12, Y13, Y14, Y15
	VPBROADCASTD(key, x)
	for _, s := range t[1:] {
		VPXOR(s, x, x)
	}
	if wide {
		VAESENCLAST(d.key, x, x)
	} else {
		VEXTRACTI128(U8(1), x, y.AsX())
		VAESENCLAST(d.key, x.AsX(), x.AsX())
		VAESENCLAST(d.key, y.AsX(), y.AsX())
		VINSERTI128(U8(1), y.AsX(), x, x)
	}
	nibbles(d, x, y)
	VPSHUFB(x, Y8, z)
	VPSHUFB(y, Y9, w)
	VPXOR(w, z, z) // front
	VPSHUFB(x, Y10, x)
	VPSHUFB(y, Y11, y)
	VPXOR(y, x, x) // side
	VPXOR(z, x, w)
	VPSHUFB(d.shift[0], z, z)
	VPSHUFB(d.shift[1], x, y)
	VPSHUFB(d.shift[2], x, x)
	VPSHUFB(d.shift[3], w, w)
	for _, term := range []VecPhysical{z, y, x, w} {
		VPXOR(term, t[0], t[0])
	}
}

// transpose turns words of four blocks per half register into blocks.
func transpose(a, b, c, d VecPhysical) {
	VPUNPCKLDQ(b, a, Y12)
	VPUNPCKHDQ(b, a, Y13)
	VPUNPCKLDQ(d, c, Y14)
	VPUNPCKHDQ(d, c, Y15)
	VPUNPCKLQDQ(Y14, Y12, a)
	VPUNPCKHQDQ(Y14, Y12, b)
	VPUNPCKLQDQ(Y15, Y13, c)
	VPUNPCKHQDQ(Y15, Y13, d)
}
