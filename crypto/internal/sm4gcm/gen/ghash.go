package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// powersSize is the size of the table of powers in bytes, and powers how many there are.
const (
	powers     = 16
	powersSize = 16 * powers
)

// ghash writes GHASH of NIST SP 800-38D: up to sixteen blocks are multiplied by falling
// powers of the hash key, two at a time where registers of 256 bits can, and reduced once
// (Gueron and Kounavis, "Carry-less multiplication and its usage for computing the GCM
// mode", with the key shifted by one bit for the reflected order).
func ghash(wide bool) {
	name := "ghash"
	if wide {
		name = "ghashVPCLMULQDQ"
	}
	TEXT(name, 0, "func(sum *[16]byte, powers *[16][16]byte, data *byte, blocks int)")
	Doc(name+" adds blocks of 16 bytes, at least one, to sum. powers[i] is the power 16-i of the hash",
		"key, as double returns it.")
	Pragma("noescape")
	sum, table := Load(Param("sum"), RDI), Load(Param("powers"), RSI)
	data, blocks := Load(Param("data"), RDX), Load(Param("blocks"), RCX)
	swap := GLOBL(name+"Swap", RODATA|NOPTR)
	for i := range 32 {
		DATA(i, U8(15-i%16))
	}
	poly := GLOBL(name+"Poly", RODATA|NOPTR)
	DATA(0, U64(1))
	DATA(8, U64(0xc2<<56))
	low, middle, high := Y1, Y2, Y3
	VMOVDQU(swap, Y8)
	VMOVDQU(poly, X9)
	VMOVDQU(Mem{Base: sum}, X0)
	VPSHUFB(X8, X0, X0)

	Label("group")
	MOVQ(U32(powers), R8)
	CMPQ(blocks, R8)
	CMOVQLT(blocks, R8)
	SUBQ(R8, blocks)
	MOVQ(R8, R9)
	SHLQ(U8(4), R9)
	LEAQ(Mem{Base: table, Disp: powersSize}, R10)
	SUBQ(R9, R10)
	for _, y := range []VecPhysical{low, middle, high} {
		VPXOR(y, y, y)
	}
	if wide {
		SHRQ(U8(1), R8)
		JCC(LabelRef("even"))
		step(data, R10, VecPhysical.AsX)
		TESTQ(R8, R8)
		JZ(LabelRef("reduce"))
		Label("even")
		step(data, R10, VecPhysical.AsY)
		DECQ(R8)
		JNZ(LabelRef("even"))
		for _, y := range []VecPhysical{low, middle, high} {
			VEXTRACTI128(U8(1), y, X4)
			VPXOR(X4, y.AsX(), y.AsX())
		}
		Label("reduce")
	} else {
		Label("each")
		step(data, R10, VecPhysical.AsX)
		DECQ(R8)
		JNZ(LabelRef("each"))
	}
	VPSLLDQ(U8(8), X2, X4)
	VPXOR(X4, X1, X1)
	VPSRLDQ(U8(8), X2, X4)
	VPXOR(X4, X3, X3)
	for range 2 {
		VPCLMULQDQ(U8(0x01), X1, X9, X4)
		VPSHUFD(U8(78), X1, X1)
		VPXOR(X4, X1, X1)
	}
	VPXOR(X3, X1, X0)
	TESTQ(blocks, blocks)
	JNZ(LabelRef("group"))

	VPSHUFB(X8, X0, X0)
	VMOVDQU(X0, Mem{Base: sum})
	VZEROUPPER()
	RET()
}

// step multiplies one or two blocks and moves on. The sum so far, X0, goes into the first.
func step(data, power Register, as func(VecPhysical) Register) {
	x, h, product := as(Y4), as(Y5), as(Y6)
	size := int(x.Size())
	VMOVDQU(Mem{Base: data}, x)
	VPSHUFB(as(Y8), x, x)
	VPXOR(as(Y0), x, x)
	VPXOR(X0, X0, X0)
	VMOVDQU(Mem{Base: power}, h)
	for _, p := range []struct {
		halves uint8
		to     VecPhysical
	}{{0x00, Y1}, {0x11, Y3}, {0x01, Y2}, {0x10, Y2}} {
		VPCLMULQDQ(U8(p.halves), h, x, product)
		VPXOR(product, as(p.to), as(p.to))
	}
	ADDQ(U8(size), data)
	ADDQ(U8(size), power)
}

// leaf7 returns bits 9 and 10 of ECX of CPUID leaf 7: VAES and VPCLMULQDQ.
func leaf7() {
	MOVL(U32(7), EAX)
	XORL(ECX, ECX)
	CPUID()
	ANDL(U32(0x600), ECX)
	CMPL(ECX, U32(0x600))
	ret := GP8()
	SETEQ(ret)
	Store(ret, ReturnIndex(0))
}
