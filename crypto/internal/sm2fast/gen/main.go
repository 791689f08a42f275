// Command gen writes the amd64 assembly of package sm2fast with avo: the point operations,
// with every field operation inline, and the two field operations of an inversion. It needs MULX and ADCX/ADOX (Broadwell,
// Zen and later). It is a module of its own, so that the product does not depend on its
// tools; run `go generate` beside it.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Limbs 1 and 3 of p; 0 and 2 are all ones.
const (
	p1 = 0xffffffff00000000
	p3 = 0xfffffffeffffffff
)

func main() {
	ConstraintExpr("!purego")
	addAffine()
	addScaled()
	double()
	gather()
	spread()
	product()
	squares()
	Generate()
}

// point is a Jacobian point in memory.
type point struct{ x, y, z Mem }

func pointAt(base Register) point {
	return point{Mem{Base: base}, Mem{Base: base, Disp: 32}, Mem{Base: base, Disp: 64}}
}

func local() Mem { return AllocLocal(32) }

func addAffine() {
	TEXT("addAffineADX", 0, "func(p, q *[4]uint64, neg uint64) bool")
	Doc("addAffineADX adds q, or -q if neg is 1. It returns false and leaves p alone where p is",
		"infinity or has the x of q. The arguments are the x of a jacobian and of an affine, which",
		"y and z follow.")
	Pragma("noescape")
	p := pointAt(Load(Param("p"), GP64()))
	q := pointAt(Load(Param("q"), GP64()))
	zz, h, r, hhh, v, t, y2 := local(), local(), local(), local(), local(), local(), local()
	signedY(y2, q.y)
	refuseZero(p.z)
	sqr(zz, p.z)
	mul(h, q.x, zz)
	sub(h, h, p.x)
	refuseZero(h)
	mul(t, zz, p.z)
	mul(r, t, y2)
	sub(r, r, p.y)
	mul(p.z, p.z, h)
	finishAdd(p, p.x, p.y, h, r, hhh, v, t, zz)
}

func addScaled() {
	TEXT("addScaledADX", 0, "func(p, q *[4]uint64, neg uint64) bool")
	Doc("addScaledADX adds q, or -q if neg is 1. It returns false and leaves p alone where p is",
		"infinity or has the x of q. The arguments are the x of a jacobian and of a scaled, which",
		"the rest follows.")
	Pragma("noescape")
	p := pointAt(Load(Param("p"), GP64()))
	qBase := Load(Param("q"), GP64())
	q := pointAt(qBase)
	qzz, qzzz := Mem{Base: qBase, Disp: 96}, Mem{Base: qBase, Disp: 128}
	zz, u1, s1, h, r, hhh, v, t, y2 := local(), local(), local(), local(), local(), local(), local(), local(), local()
	signedY(y2, q.y)
	refuseZero(p.z)
	sqr(zz, p.z)
	mul(u1, p.x, qzz)
	mul(h, q.x, zz)
	sub(h, h, u1)
	refuseZero(h)
	mul(s1, p.y, qzzz)
	mul(t, zz, p.z)
	mul(r, t, y2)
	sub(r, r, s1)
	mul(t, p.z, q.z)
	mul(p.z, t, h)
	finishAdd(p, u1, s1, h, r, hhh, v, t, zz)
}

// finishAdd computes x and y of a sum from h = u2-u1 and r = s2-s1; hh, hhh, v and t are
// scratch, and u1 and s1 may be p's own coordinates.
func finishAdd(p point, u1, s1, h, r, hhh, v, t, hh Mem) {
	sqr(hh, h)
	mul(hhh, hh, h)
	mul(v, u1, hh)
	mul(h, s1, hhh)
	sqr(t, r)
	sub(t, t, hhh)
	sub(t, t, v)
	sub(p.x, t, v)
	sub(v, v, p.x)
	mul(v, v, r)
	sub(p.y, v, h)
	answer(1)
}

func double() {
	TEXT("doubleADX", 0, "func(p, a *[4]uint64)")
	Doc("doubleADX sets p = 2a; the two may be the same. The arguments are the x of two jacobians.")
	Pragma("noescape")
	p := pointAt(Load(Param("p"), GP64()))
	a := pointAt(Load(Param("a"), GP64()))
	zz, yy, m, s, t, u := local(), local(), local(), local(), local(), local()
	sqr(zz, a.z)
	sqr(yy, a.y)
	sub(t, a.x, zz)
	add(u, a.x, zz)
	mul(m, t, u)
	add(t, m, m)
	add(m, m, t)
	mul(t, a.y, a.z)
	add(p.z, t, t)
	add(yy, yy, yy)
	mul(s, a.x, yy)
	add(s, s, s)
	sqr(u, m)
	sub(u, u, s)
	sub(p.x, u, s)
	sub(s, s, p.x)
	mul(t, m, s)
	sqr(yy, yy)
	add(yy, yy, yy)
	sub(p.y, t, yy)
	RET()
}

func answer(ok uint8) {
	r := GP8()
	MOVB(U8(ok), r)
	Store(r, ReturnIndex(0))
	RET()
}

var labels int

// refuseZero ends the function with false if x is zero.
func refuseZero(x Mem) {
	t := GP64()
	MOVQ(x, t)
	for i := 1; i < 4; i++ {
		ORQ(x.Offset(8*i), t)
	}
	labels++
	label := "nonzero" + string(rune('a'+labels))
	JNZ(LabelRef(label))
	answer(0)
	Label(label)
}

// signedY sets y2 = y, or p - y if the parameter neg is 1. y is not zero.
func signedY(y2, y Mem) {
	neg := Load(Param("neg"), GP64())
	minus, plus := prime(), load(y)
	SUBQ(plus[0], minus[0])
	SBBQ(plus[1], minus[1])
	SBBQ(plus[2], minus[2])
	SBBQ(plus[3], minus[3])
	TESTQ(neg, neg)
	for i := range 4 {
		CMOVQNE(minus[i], plus[i])
	}
	store(y2, plus)
}

type limbs [4]GPVirtual

func load(x Mem) (l limbs) {
	for i := range l {
		l[i] = GP64()
		MOVQ(x.Offset(8*i), l[i])
	}
	return l
}

func store(z Mem, l limbs) {
	for i := range l {
		MOVQ(l[i], z.Offset(8*i))
	}
}

func prime() (l limbs) {
	for i, v := range [4]uint64{^uint64(0), p1, ^uint64(0), p3} {
		l[i] = GP64()
		MOVQ(U64(v), l[i])
	}
	return l
}

func add(z, x, y Mem) {
	t := load(x)
	carry := zero()
	ADDQ(y, t[0])
	ADCQ(y.Offset(8), t[1])
	ADCQ(y.Offset(16), t[2])
	ADCQ(y.Offset(24), t[3])
	ADCQ(I8(0), carry)
	reduceOnce(z, t, carry)
}

func sub(z, x, y Mem) {
	t := load(x)
	m := zero()
	SUBQ(y, t[0])
	SBBQ(y.Offset(8), t[1])
	SBBQ(y.Offset(16), t[2])
	SBBQ(y.Offset(24), t[3])
	SBBQ(I8(0), m) // all ones after a borrow: add p back
	m1, m3 := GP64(), GP64()
	MOVQ(m, m1)
	SHLQ(U8(32), m1)
	MOVQ(U64(p3), m3)
	ANDQ(m, m3)
	ADDQ(m, t[0])
	ADCQ(m1, t[1])
	ADCQ(m, t[2])
	ADCQ(m3, t[3])
	store(z, t)
}

func zero() GPVirtual {
	r := GP64()
	XORQ(r, r)
	return r
}

// reduceOnce stores the number carry‖t, which is below 2p, reduced to [0, p).
func reduceOnce(z Mem, t limbs, carry GPVirtual) {
	var s limbs
	for i := range s {
		s[i] = GP64()
		MOVQ(t[i], s[i])
	}
	k := GP64()
	MOVQ(U64(p1), k)
	SUBQ(I8(-1), s[0])
	SBBQ(k, s[1])
	SBBQ(I8(-1), s[2])
	MOVQ(U64(p3), k)
	SBBQ(k, s[3])
	SBBQ(I8(0), carry)
	for i := range s {
		CMOVQCS(t[i], s[i]) // it was below p
	}
	store(z, s)
}

func mul(z, x, y Mem) {
	t := wide()
	lo, hi := GP64(), GP64()
	MOVQ(x, RDX)
	MULXQ(y, t[0], t[1])
	MULXQ(y.Offset(8), lo, t[2])
	ADDQ(lo, t[1])
	MULXQ(y.Offset(16), lo, t[3])
	ADCQ(lo, t[2])
	MULXQ(y.Offset(24), lo, t[4])
	ADCQ(lo, t[3])
	ADCQ(I8(0), t[4])
	for i := 1; i < 4; i++ {
		MOVQ(x.Offset(8*i), RDX)
		XORQ(t[i+4], t[i+4]) // clears both carries too
		for j := range 4 {
			MULXQ(y.Offset(8*j), lo, hi)
			ADCXQ(lo, t[i+j])
			ADOXQ(hi, t[i+j+1])
		}
		ADCQ(I8(0), t[i+4])
	}
	reduceWide(z, t)
}

func sqr(z, x Mem) {
	t := wide()
	lo, hi := GP64(), GP64()
	MOVQ(x, RDX)
	zero := zero()
	MULXQ(x.Offset(8), t[1], t[2])
	MULXQ(x.Offset(16), lo, t[3])
	ADCXQ(lo, t[2])
	MULXQ(x.Offset(24), lo, t[4])
	ADCXQ(lo, t[3])
	MOVQ(x.Offset(8), RDX)
	MULXQ(x.Offset(16), lo, hi)
	ADOXQ(lo, t[3])
	ADCXQ(hi, t[4])
	MULXQ(x.Offset(24), lo, t[5])
	ADOXQ(lo, t[4])
	ADCXQ(zero, t[5])
	MOVQ(x.Offset(16), RDX)
	MULXQ(x.Offset(24), lo, t[6])
	ADOXQ(lo, t[5])
	ADOXQ(zero, t[6])
	XORQ(t[7], t[7])
	MOVQ(x, RDX)
	MULXQ(RDX, t[0], hi)
	ADCXQ(t[1], t[1])
	ADOXQ(hi, t[1])
	for i := 1; i < 4; i++ {
		MOVQ(x.Offset(8*i), RDX)
		MULXQ(RDX, lo, hi)
		ADCXQ(t[2*i], t[2*i])
		ADOXQ(lo, t[2*i])
		ADCXQ(t[2*i+1], t[2*i+1])
		ADOXQ(hi, t[2*i+1])
	}
	reduceWide(z, t)
}

func wide() (t [8]GPVirtual) {
	for i := range t {
		t[i] = GP64()
	}
	return t
}

// reduceWide divides by 2^256 modulo p. A round takes m = t0, adds m·p, which clears t0,
// and shifts by a limb: with p = 2^256 - 2^224 - 2^96 + 2^64 - 1 that is m added to t1 and
// to a new top limb, and m·2^32 taken from t1‖t2 and from t3‖top.
func reduceWide(z Mem, t [8]GPVirtual) {
	l := limbs{t[0], t[1], t[2], t[3]}
	for range 4 {
		m := l[0] // becomes the top limb
		low, high := GP64(), GP64()
		MOVQ(m, low)
		SHLQ(U8(32), low)
		MOVQ(m, high)
		SHRQ(U8(32), high)
		ADDQ(m, l[1])
		ADCQ(I8(0), l[2])
		ADCQ(I8(0), l[3])
		ADCQ(I8(0), m)
		SUBQ(low, l[1])
		SBBQ(high, l[2])
		SBBQ(low, l[3])
		SBBQ(high, m)
		l = limbs{l[1], l[2], l[3], m}
	}
	carry := zero()
	ADDQ(t[4], l[0])
	ADCQ(t[5], l[1])
	ADCQ(t[6], l[2])
	ADCQ(t[7], l[3])
	ADCQ(I8(0), carry)
	reduceOnce(z, l, carry)
}
