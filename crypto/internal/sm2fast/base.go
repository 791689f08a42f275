package sm2fast

import "encoding/binary"

// BaseX returns the x-coordinate of k·G, both 32 big-endian bytes; false unless 1 ≤ k < n.
// Its time depends on k: k MUST NOT be worth anything.
func BaseX(k *[32]byte) (x [32]byte, ok bool) {
	s := scalar(limbs(k[:]))
	if !s.inRange() {
		return x, false
	}
	var acc jacobian
	var store [32]term
	acc.addTerms(base().terms(store[:0], &s))
	var zz, one, out fe
	feSqr(&zz, &acc.z)
	feInv(&zz, &zz)
	feMul(&out, &acc.x, &zz)
	one[0] = 1
	feMul(&out, &out, &one) // out of Montgomery form
	for i := range out {
		binary.BigEndian.PutUint64(x[24-8*i:], out[i])
	}
	return x, true
}
