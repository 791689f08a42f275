package sm2fast

// affine is a point of the curve other than infinity.
type affine struct{ x, y fe }

// jacobian is the point (x/z², y/z³), or infinity where z = 0.
type jacobian struct{ x, y, z fe }

// The curve y² = x³ - 3x + b and its generator, GB/T 32918.5-2017, in Montgomery form.
var (
	curveB    = fe{0x90d230632bc0dd42, 0x71cf379ae9b537ab, 0x527981505ea51c3c, 0x240fe188ba20e2c8}
	generator = affine{
		fe{0x61328990f418029e, 0x3e7981eddca6c050, 0xd6a1ed99ac24c3c3, 0x91167a5ee1c13b05},
		fe{0xc1354e593c2d0ddd, 0xc1f5e5788d3295fa, 0x8d4cfb066e2a48f8, 0x63cd65d481d735bd},
	}
)

// ValidKey reports whether pub is an uncompressed point of the curve, 0x04‖X‖Y, with
// coordinates below p.
func ValidKey(pub *[65]byte) bool {
	_, ok := parsePoint((*[64]byte)(pub[1:]))
	return ok && pub[0] == 4
}

// parsePoint reads X‖Y, 32 big-endian bytes each, below p and on the curve.
func parsePoint(xy *[64]byte) (p affine, ok bool) {
	x, y := scalar(limbs(xy[:32])), scalar(limbs(xy[32:]))
	prime := scalar{p0, p1, p2, p3}
	var t scalar
	if sub(&t, &x, &prime) == 0 || sub(&t, &y, &prime) == 0 {
		return p, false
	}
	feFromInt(&p.x, (*fe)(&x))
	feFromInt(&p.y, (*fe)(&y))
	return p, p.onCurve()
}

func (p *affine) onCurve() bool {
	var l, r, t fe
	feSqr(&l, &p.y)
	feSqr(&r, &p.x)
	feMul(&r, &r, &p.x)
	feAdd(&t, &p.x, &p.x)
	feAdd(&t, &t, &p.x)
	feSub(&r, &r, &t)
	feAdd(&r, &r, &curveB)
	return l == r
}

func (p *affine) jacobian() jacobian { return jacobian{p.x, p.y, feOne} }

// double sets p = 2a.
func (p *jacobian) double(a *jacobian) {
	if adx {
		doubleADX((*[4]uint64)(&p.x), (*[4]uint64)(&a.x))
		return
	}
	p.doubleGo(a)
}

// addAffine adds q, or -q if neg. It is complete: infinity, equal and opposite points
// are handled.
func (p *jacobian) addAffine(q *affine, neg bool) {
	if adx && addAffineADX((*[4]uint64)(&p.x), (*[4]uint64)(&q.x), bit(neg)) {
		return
	}
	p.addAffineGo(q, neg)
}

// addScaled adds q, which is not infinity, or -q if neg. It is complete.
func (p *jacobian) addScaled(q *scaled, neg bool) {
	if adx && addScaledADX((*[4]uint64)(&p.x), (*[4]uint64)(&q.x), bit(neg)) {
		return
	}
	p.addScaledGo(q, neg)
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// doubleGo computes M = 3(X-Z²)(X+Z²), S = 4XY², X' = M²-2S, Z' = 2YZ,
// Y' = M(S-X')-8Y⁴. Infinity stays infinity, and since the group order is a prime no
// other point doubles to it.
func (p *jacobian) doubleGo(a *jacobian) {
	var zz, yy, m, s, t, u fe
	feSqr(&zz, &a.z)
	feSqr(&yy, &a.y)
	feSub(&t, &a.x, &zz)
	feAdd(&u, &a.x, &zz)
	feMul(&m, &t, &u)
	feAdd(&t, &m, &m)
	feAdd(&m, &m, &t)
	feMul(&t, &a.y, &a.z)
	feAdd(&p.z, &t, &t)
	feAdd(&yy, &yy, &yy) // 2Y²
	feMul(&s, &a.x, &yy)
	feAdd(&s, &s, &s) // 4XY²
	feSqr(&u, &m)
	feSub(&u, &u, &s)
	feSub(&p.x, &u, &s)
	feSub(&s, &s, &p.x)
	feMul(&t, &m, &s)
	feSqr(&yy, &yy) // 4Y⁴
	feAdd(&yy, &yy, &yy)
	feSub(&p.y, &t, &yy)
}

func (p *jacobian) addAffineGo(q *affine, neg bool) {
	y2 := q.y
	if neg {
		feNeg(&y2, &q.y)
	}
	if p.z.isZero() {
		p.x, p.y, p.z = q.x, y2, feOne
		return
	}
	var zz, h, r, hh, hhh, v, t fe
	feSqr(&zz, &p.z)
	feMul(&h, &q.x, &zz)
	feSub(&h, &h, &p.x)
	feMul(&t, &zz, &p.z)
	feMul(&r, &t, &y2)
	feSub(&r, &r, &p.y)
	if h.isZero() {
		p.addSameX(&r)
		return
	}
	feMul(&p.z, &p.z, &h)
	feSqr(&hh, &h)
	feMul(&hhh, &hh, &h)
	feMul(&v, &p.x, &hh)
	feSqr(&t, &r)
	feSub(&t, &t, &hhh)
	feSub(&t, &t, &v)
	feSub(&p.x, &t, &v)
	feSub(&v, &v, &p.x)
	feMul(&v, &v, &r)
	feMul(&t, &p.y, &hhh)
	feSub(&p.y, &v, &t)
}

// scaled is a point with the powers of its z that addScaled needs.
type scaled struct {
	jacobian
	zz, zzz fe
}

func (s *scaled) set(p *jacobian) {
	s.jacobian = *p
	feSqr(&s.zz, &p.z)
	feMul(&s.zzz, &s.zz, &p.z)
}

func (p *jacobian) addScaledGo(q *scaled, neg bool) {
	y2 := q.y
	if neg {
		feNeg(&y2, &q.y)
	}
	if p.z.isZero() {
		p.x, p.y, p.z = q.x, y2, q.z
		return
	}
	var zz, u1, s1, h, r, hh, hhh, v, t fe
	feSqr(&zz, &p.z)
	feMul(&u1, &p.x, &q.zz)
	feMul(&h, &q.x, &zz)
	feSub(&h, &h, &u1)
	feMul(&s1, &p.y, &q.zzz)
	feMul(&t, &zz, &p.z)
	feMul(&r, &t, &y2)
	feSub(&r, &r, &s1)
	if h.isZero() {
		p.addSameX(&r)
		return
	}
	feMul(&t, &p.z, &q.z)
	feMul(&p.z, &t, &h)
	feSqr(&hh, &h)
	feMul(&hhh, &hh, &h)
	feMul(&v, &u1, &hh)
	feSqr(&t, &r)
	feSub(&t, &t, &hhh)
	feSub(&t, &t, &v)
	feSub(&p.x, &t, &v)
	feSub(&v, &v, &p.x)
	feMul(&v, &v, &r)
	feMul(&t, &s1, &hhh)
	feSub(&p.y, &v, &t)
}

// addSameX ends an addition of two points of equal x: r is zero where they are the same
// point, otherwise they are opposite.
func (p *jacobian) addSameX(r *fe) {
	if r.isZero() {
		p.double(p)
	} else {
		*p = jacobian{}
	}
}

// toAffine converts points other than infinity with one inversion.
func toAffine(out []affine, in []jacobian) {
	z := make([]fe, len(in))
	scratch := make([]fe, len(in))
	for i := range in {
		z[i] = in[i].z
	}
	invertAll(z, scratch)
	for i := range in {
		var zz fe
		feSqr(&zz, &z[i])
		feMul(&out[i].x, &in[i].x, &zz)
		feMul(&zz, &zz, &z[i])
		feMul(&out[i].y, &in[i].y, &zz)
	}
}
