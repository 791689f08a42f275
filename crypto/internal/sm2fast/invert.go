package sm2fast

// feSqrN sets z = x^(2^n).
func feSqrN(z, x *fe, n int) {
	*z = *x
	for range n {
		feSqr(z, z)
	}
}

// feInv sets z = 1/x = x^(p-2), and 0 for 0. In binary p-2 is 31 ones, a zero, 128 ones,
// 32 zeros, 62 ones, a zero, a one.
func feInv(z, x *fe) {
	var x2, x3, x6, x12, x15, x30, x31, x32, t fe
	feSqr(&t, x)
	feMul(&x2, &t, x)
	feSqr(&t, &x2)
	feMul(&x3, &t, x)
	feSqrN(&t, &x3, 3)
	feMul(&x6, &t, &x3)
	feSqrN(&t, &x6, 6)
	feMul(&x12, &t, &x6)
	feSqrN(&t, &x12, 3)
	feMul(&x15, &t, &x3)
	feSqrN(&t, &x15, 15)
	feMul(&x30, &t, &x15)
	feSqr(&t, &x30)
	feMul(&x31, &t, x)
	feSqr(&t, &x31)
	feMul(&x32, &t, x)
	feSqr(&t, &x31)
	for range 4 {
		feSqrN(&t, &t, 32)
		feMul(&t, &t, &x32)
	}
	feSqrN(&t, &t, 64)
	feMul(&t, &t, &x32)
	feSqrN(&t, &t, 30)
	feMul(&t, &t, &x30)
	feSqrN(&t, &t, 2)
	feMul(z, &t, x)
}

// invertAll inverts every element in place with one inversion (Montgomery's trick).
// None may be zero; scratch is as long as v.
func invertAll(v, scratch []fe) {
	acc := feOne
	for i := range v {
		scratch[i] = acc
		feMul(&acc, &acc, &v[i])
	}
	feInv(&acc, &acc)
	for i := len(v) - 1; i >= 0; i-- {
		var t fe
		feMul(&t, &acc, &scratch[i])
		feMul(&acc, &acc, &v[i])
		v[i] = t
	}
}
