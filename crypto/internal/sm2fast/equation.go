package sm2fast

// signature is r and s, both in [1, n), and t = r+s mod n, not zero.
type signature struct{ r, s, t scalar }

// parseSignature reads r‖s, 32 big-endian bytes each, and makes the checks of GB/T
// 32918.2-2016 section 7.1 steps B1, B2 and B5.
func parseSignature(b *[64]byte) (sig signature, ok bool) {
	sig.r, sig.s = scalar(limbs(b[:32])), scalar(limbs(b[32:]))
	if !sig.r.inRange() || !sig.s.inRange() {
		return sig, false
	}
	addModOrder(&sig.t, &sig.r, &sig.s)
	return sig, !sig.t.isZero()
}

// verify reports whether the x-coordinate of s·G + t·P plus the digest e is r modulo n
// (steps B6 and B7). tables may be empty.
func verify(p *affine, tables tables, digest *[32]byte, sig *signature) bool {
	var acc jacobian
	var store [84]term // 52 of a wide window and 32 of the base
	terms := store[:0]
	switch {
	case tables.wide != nil:
		terms = tables.wide.terms(terms, &sig.t)
		acc.x[0] = touch(terms) // acc is infinity: its x is free
	case tables.comb != nil:
		tables.comb.multiply(&acc, &sig.t)
	default:
		multiplyCold(&acc, p, &sig.t)
	}
	terms = base().terms(terms, &sig.s)
	acc.addTerms(terms)
	return acc.hasX(digest, &sig.r)
}

// touch reads from every entry once. The additions that follow depend on one another,
// so without this their cache misses would queue up instead of overlapping. The result
// means nothing, but must be stored, or the compiler drops the reads.
func touch(terms []term) (x uint64) {
	for i := range terms {
		x |= terms[i].p.x[0] | terms[i].p.y[3]
	}
	return x
}

// hasX reports whether x(p) + e = r mod n. It compares in projective form, X = c·Z² with
// c = r - e mod n, to save the inversion; x lies in [0, p), so c + n is the other
// candidate where that is below p.
func (p *jacobian) hasX(digest *[32]byte, r *scalar) bool {
	if p.z.isZero() {
		return false // infinity has no x, though X = c·Z² would hold
	}
	e := scalar(limbs(digest[:]))
	var c, t scalar
	if sub(&t, &e, &order) == 0 {
		e = t // e < 2^256 < 2n
	}
	if sub(&c, r, &e) == 1 {
		add(&c, &c, &order)
	}
	var zz, x fe
	feSqr(&zz, &p.z)
	x = fe(c)
	feFromInt(&x, &x)
	feMul(&x, &x, &zz)
	if x == p.x {
		return true
	}
	if sub(&t, &c, &primeMinusOrder) == 0 {
		return false
	}
	add(&c, &c, &order)
	x = fe(c)
	feFromInt(&x, &x)
	feMul(&x, &x, &zz)
	return x == p.x
}
