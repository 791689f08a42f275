package sm2fast

// feProduct sets z = x·y, by assembly where there is any.
func feProduct(z, x, y *fe) {
	if adx {
		mulADX((*[4]uint64)(z), (*[4]uint64)(x), (*[4]uint64)(y))
		return
	}
	feMul(z, x, y)
}

// feSqrN sets z = x^(2^n), n > 0.
func feSqrN(z, x *fe, n int) {
	*z = *x
	if adx {
		sqrNADX((*[4]uint64)(z), uint64(n))
		return
	}
	for range n {
		feSqr(z, z)
	}
}

// feInv sets z = 1/x = x^(p-2), and 0 for 0. In binary p-2 is 31 ones, a zero, 128 ones,
// 32 zeros, 62 ones, a zero, a one.
func feInv(z, x *fe) {
	var x2, x3, x6, x12, x15, x30, x31, x32, t fe
	feSqrN(&t, x, 1)
	feProduct(&x2, &t, x)
	feSqrN(&t, &x2, 1)
	feProduct(&x3, &t, x)
	feSqrN(&t, &x3, 3)
	feProduct(&x6, &t, &x3)
	feSqrN(&t, &x6, 6)
	feProduct(&x12, &t, &x6)
	feSqrN(&t, &x12, 3)
	feProduct(&x15, &t, &x3)
	feSqrN(&t, &x15, 15)
	feProduct(&x30, &t, &x15)
	feSqrN(&t, &x30, 1)
	feProduct(&x31, &t, x)
	feSqrN(&t, &x31, 1)
	feProduct(&x32, &t, x)
	feSqrN(&t, &x31, 1)
	for range 4 {
		feSqrN(&t, &t, 32)
		feProduct(&t, &t, &x32)
	}
	feSqrN(&t, &t, 64)
	feProduct(&t, &t, &x32)
	feSqrN(&t, &t, 30)
	feProduct(&t, &t, &x30)
	feSqrN(&t, &t, 2)
	feProduct(z, &t, x)
}

// invertAll inverts every element in place with one inversion (Montgomery's trick).
// None may be zero; scratch is as long as v.
func invertAll(v, scratch []fe) {
	acc := feOne
	for i := range v {
		scratch[i] = acc
		feProduct(&acc, &acc, &v[i])
	}
	feInv(&acc, &acc)
	for i := len(v) - 1; i >= 0; i-- {
		var t fe
		feProduct(&t, &acc, &scratch[i])
		feProduct(&acc, &acc, &v[i])
		v[i] = t
	}
}
