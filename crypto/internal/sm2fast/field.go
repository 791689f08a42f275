package sm2fast

import (
	"encoding/binary"
	"math/bits"
)

// fe is an element of GF(p), p = 2^256 - 2^224 - 2^96 + 2^64 - 1, as x·2^256 mod p
// (Montgomery form) in little-endian limbs, always fully reduced to [0, p). Equal
// elements are equal arrays.
type fe [4]uint64

const (
	p0 = 0xffffffffffffffff
	p1 = 0xffffffff00000000
	p2 = 0xffffffffffffffff
	p3 = 0xfffffffeffffffff
)

var (
	feOne = fe{1, 0xffffffff, 0, 0x100000000}                                                  // 2^256 mod p
	feRR  = fe{0x0000000200000003, 0x00000002ffffffff, 0x0000000100000001, 0x0000000400000002} // 2^512 mod p
)

// limbs reads 32 big-endian bytes.
func limbs(b []byte) [4]uint64 {
	_ = b[31]
	return [4]uint64{
		binary.BigEndian.Uint64(b[24:]), binary.BigEndian.Uint64(b[16:]),
		binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[0:]),
	}
}

// feFromInt brings an integer below p into Montgomery form.
func feFromInt(z, x *fe) { feMul(z, x, &feRR) }

func (z *fe) isZero() bool { return z[0]|z[1]|z[2]|z[3] == 0 }

func feAdd(z, x, y *fe) {
	t0, c := bits.Add64(x[0], y[0], 0)
	t1, c := bits.Add64(x[1], y[1], c)
	t2, c := bits.Add64(x[2], y[2], c)
	t3, c := bits.Add64(x[3], y[3], c)
	feReduce(z, t0, t1, t2, t3, c)
}

func feSub(z, x, y *fe) {
	t0, b := bits.Sub64(x[0], y[0], 0)
	t1, b := bits.Sub64(x[1], y[1], b)
	t2, b := bits.Sub64(x[2], y[2], b)
	t3, b := bits.Sub64(x[3], y[3], b)
	m := -b // all ones after a borrow: add p back
	t0, c := bits.Add64(t0, m, 0)
	t1, c = bits.Add64(t1, m<<32, c)
	t2, c = bits.Add64(t2, m, c)
	t3, _ = bits.Add64(t3, m&p3, c)
	z[0], z[1], z[2], z[3] = t0, t1, t2, t3
}

func feNeg(z, x *fe) {
	var zero fe
	feSub(z, &zero, x)
}

// feReduce stores the 257-bit number c‖t3…t0, which is below 2p, reduced to [0, p).
func feReduce(z *fe, t0, t1, t2, t3, c uint64) {
	t0, b := bits.Sub64(t0, p0, 0)
	t1, b = bits.Sub64(t1, p1, b)
	t2, b = bits.Sub64(t2, p2, b)
	t3, b = bits.Sub64(t3, p3, b)
	m := c - b // all ones if it was below p
	t0, d := bits.Add64(t0, m, 0)
	t1, d = bits.Add64(t1, m<<32, d)
	t2, d = bits.Add64(t2, m, d)
	t3, _ = bits.Add64(t3, m&p3, d)
	z[0], z[1], z[2], z[3] = t0, t1, t2, t3
}

// feMul sets z = x·y: the full product first, then the reduction.
func feMul(z, x, y *fe) {
	y0, y1, y2, y3 := y[0], y[1], y[2], y[3]
	var c, t0, t1, t2, t3, t4, t5, t6, t7, h0, h1, h2, h3, l0, l1, l2, l3 uint64
	a := x[0]
	h0, t0 = bits.Mul64(a, y0)
	h1, t1 = bits.Mul64(a, y1)
	h2, t2 = bits.Mul64(a, y2)
	h3, t3 = bits.Mul64(a, y3)
	t1, c = bits.Add64(t1, h0, 0)
	t2, c = bits.Add64(t2, h1, c)
	t3, c = bits.Add64(t3, h2, c)
	t4 = h3 + c

	a = x[1]
	h0, l0 = bits.Mul64(a, y0)
	h1, l1 = bits.Mul64(a, y1)
	h2, l2 = bits.Mul64(a, y2)
	h3, l3 = bits.Mul64(a, y3)
	l1, c = bits.Add64(l1, h0, 0)
	l2, c = bits.Add64(l2, h1, c)
	l3, c = bits.Add64(l3, h2, c)
	h3 += c
	t1, c = bits.Add64(t1, l0, 0)
	t2, c = bits.Add64(t2, l1, c)
	t3, c = bits.Add64(t3, l2, c)
	t4, c = bits.Add64(t4, l3, c)
	t5 = h3 + c

	a = x[2]
	h0, l0 = bits.Mul64(a, y0)
	h1, l1 = bits.Mul64(a, y1)
	h2, l2 = bits.Mul64(a, y2)
	h3, l3 = bits.Mul64(a, y3)
	l1, c = bits.Add64(l1, h0, 0)
	l2, c = bits.Add64(l2, h1, c)
	l3, c = bits.Add64(l3, h2, c)
	h3 += c
	t2, c = bits.Add64(t2, l0, 0)
	t3, c = bits.Add64(t3, l1, c)
	t4, c = bits.Add64(t4, l2, c)
	t5, c = bits.Add64(t5, l3, c)
	t6 = h3 + c

	a = x[3]
	h0, l0 = bits.Mul64(a, y0)
	h1, l1 = bits.Mul64(a, y1)
	h2, l2 = bits.Mul64(a, y2)
	h3, l3 = bits.Mul64(a, y3)
	l1, c = bits.Add64(l1, h0, 0)
	l2, c = bits.Add64(l2, h1, c)
	l3, c = bits.Add64(l3, h2, c)
	h3 += c
	t3, c = bits.Add64(t3, l0, 0)
	t4, c = bits.Add64(t4, l1, c)
	t5, c = bits.Add64(t5, l2, c)
	t6, c = bits.Add64(t6, l3, c)
	t7 = h3 + c
	feReduceWide(z, t0, t1, t2, t3, t4, t5, t6, t7)
}

// feSqr sets z = x².
func feSqr(z, x *fe) {
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	var c, t0, t1, t2, t3, t4, t5, t6, t7, h, l uint64
	// the six cross products
	t2, t1 = bits.Mul64(x0, x1)
	t4, t3 = bits.Mul64(x0, x3)
	h, l = bits.Mul64(x0, x2)
	t2, c = bits.Add64(t2, l, 0)
	t3, c = bits.Add64(t3, h, c)
	t6, t5 = bits.Mul64(x2, x3)
	h, l = bits.Mul64(x1, x3)
	t4, c = bits.Add64(t4, l, c)
	t5, c = bits.Add64(t5, h, c)
	t6 += c
	h, l = bits.Mul64(x1, x2)
	t3, c = bits.Add64(t3, l, 0)
	t4, c = bits.Add64(t4, h, c)
	t5, c = bits.Add64(t5, 0, c)
	t6 += c
	// twice
	t7 = t6 >> 63
	t6 = t6<<1 | t5>>63
	t5 = t5<<1 | t4>>63
	t4 = t4<<1 | t3>>63
	t3 = t3<<1 | t2>>63
	t2 = t2<<1 | t1>>63
	t1 = t1 << 1
	// and the squares
	h, t0 = bits.Mul64(x0, x0)
	t1, c = bits.Add64(t1, h, 0)
	h, l = bits.Mul64(x1, x1)
	t2, c = bits.Add64(t2, l, c)
	t3, c = bits.Add64(t3, h, c)
	h, l = bits.Mul64(x2, x2)
	t4, c = bits.Add64(t4, l, c)
	t5, c = bits.Add64(t5, h, c)
	h, l = bits.Mul64(x3, x3)
	t6, c = bits.Add64(t6, l, c)
	t7 = t7 + h + c
	feReduceWide(z, t0, t1, t2, t3, t4, t5, t6, t7)
}

// feReduceWide divides a 512-bit product by 2^256 modulo p. Since p = -1 mod 2^64, the
// Montgomery digit of a round is the low limb m itself, and (t + m·p)/2^64 is
// (t>>64) + m·(2^192 - 2^160 - 2^32 + 1): shifts instead of multiplications. The four
// rounds run on the low half alone; the high half is added at the end.
func feReduceWide(z *fe, t0, t1, t2, t3, t4, t5, t6, t7 uint64) {
	var c, m, r0, r1, r2, r3 uint64
	m = t0
	r0, c = bits.Sub64(m, m<<32, 0)
	r1, c = bits.Sub64(0, m>>32, c)
	r2, c = bits.Sub64(0, m<<32, c)
	r3, _ = bits.Sub64(m, m>>32, c)
	t0, c = bits.Add64(t1, r0, 0)
	t1, c = bits.Add64(t2, r1, c)
	t2, c = bits.Add64(t3, r2, c)
	t3 = r3 + c
	m = t0
	r0, c = bits.Sub64(m, m<<32, 0)
	r1, c = bits.Sub64(0, m>>32, c)
	r2, c = bits.Sub64(0, m<<32, c)
	r3, _ = bits.Sub64(m, m>>32, c)
	t0, c = bits.Add64(t1, r0, 0)
	t1, c = bits.Add64(t2, r1, c)
	t2, c = bits.Add64(t3, r2, c)
	t3 = r3 + c
	m = t0
	r0, c = bits.Sub64(m, m<<32, 0)
	r1, c = bits.Sub64(0, m>>32, c)
	r2, c = bits.Sub64(0, m<<32, c)
	r3, _ = bits.Sub64(m, m>>32, c)
	t0, c = bits.Add64(t1, r0, 0)
	t1, c = bits.Add64(t2, r1, c)
	t2, c = bits.Add64(t3, r2, c)
	t3 = r3 + c
	m = t0
	r0, c = bits.Sub64(m, m<<32, 0)
	r1, c = bits.Sub64(0, m>>32, c)
	r2, c = bits.Sub64(0, m<<32, c)
	r3, _ = bits.Sub64(m, m>>32, c)
	t0, c = bits.Add64(t1, r0, 0)
	t1, c = bits.Add64(t2, r1, c)
	t2, c = bits.Add64(t3, r2, c)
	t3 = r3 + c

	t0, c = bits.Add64(t0, t4, 0)
	t1, c = bits.Add64(t1, t5, c)
	t2, c = bits.Add64(t2, t6, c)
	t3, c = bits.Add64(t3, t7, c)
	feReduce(z, t0, t1, t2, t3, c)
}
