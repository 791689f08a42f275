package sm2fast

import (
	"math/big"
	"math/rand"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/stretchr/testify/require"
)

var (
	bigP = sm2.P256().Params().P
	bigN = sm2.P256().Params().N
	bigR = new(big.Int).Lsh(big.NewInt(1), 256)
)

func toBig(x [4]uint64) *big.Int {
	v := new(big.Int)
	for i := 3; i >= 0; i-- {
		v.Lsh(v, 64).Or(v, new(big.Int).SetUint64(x[i]))
	}
	return v
}

func fromBig(v *big.Int) [4]uint64 {
	b := bytes32(v)
	return limbs(b[:])
}

func requireFe(t *testing.T, want, got fe) {
	if want != got { // require.Equal is slow, and this runs half a million times
		t.Helper()
		require.Equal(t, want, got)
	}
}

func bytes32(v *big.Int) (b [32]byte) {
	v.FillBytes(b[:])
	return b
}

// montgomery returns v·2^256 mod p.
func montgomery(v *big.Int) fe {
	m := new(big.Int).Mul(v, bigR)
	return fromBig(m.Mod(m, bigP))
}

// edgyLimbs favours limbs at which carries and borrows run through.
func edgyLimbs(r *rand.Rand) (x [4]uint64) {
	for i := range x {
		switch r.Intn(6) {
		case 0:
		case 1:
			x[i] = ^uint64(0)
		case 2:
			x[i] = 1
		case 3:
			x[i] = 0xffffffff00000000 >> uint(r.Intn(64))
		default:
			x[i] = r.Uint64()
		}
	}
	return x
}

func edgyFe(r *rand.Rand) fe {
	if r.Intn(17) == 0 {
		return fromBig(new(big.Int).Sub(bigP, big.NewInt(int64(1+r.Intn(5)))))
	}
	for {
		if x := edgyLimbs(r); toBig(x).Cmp(bigP) < 0 {
			return x
		}
	}
}

// The field against math/big.
func TestField(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	inverseR := new(big.Int).ModInverse(bigR, bigP)
	mod := func(v *big.Int) fe { return fromBig(v.Mod(v, bigP)) }
	for range scale(100_000) {
		x, y := edgyFe(r), edgyFe(r)
		bx, by := toBig(x), toBig(y)
		var z fe
		product := new(big.Int).Mul(bx, by)
		feMul(&z, &x, &y)
		requireFe(t, mod(product.Mul(product, inverseR)), z)
		square := new(big.Int).Mul(bx, bx)
		feSqr(&z, &x)
		requireFe(t, mod(square.Mul(square, inverseR)), z)
		feAdd(&z, &x, &y)
		requireFe(t, mod(new(big.Int).Add(bx, by)), z)
		feSub(&z, &x, &y)
		requireFe(t, mod(new(big.Int).Sub(bx, by)), z)
		feNeg(&z, &x)
		requireFe(t, mod(new(big.Int).Neg(bx)), z)

		same := x // results may overwrite operands
		feMul(&same, &same, &same)
		feSqr(&z, &x)
		requireFe(t, z, same)
	}
}

func TestInvert(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	v, scratch := make([]fe, 40), make([]fe, 40)
	for i := range v {
		for v[i].isZero() {
			v[i] = edgyFe(r)
		}
	}
	all := append([]fe(nil), v...)
	invertAll(all, scratch)
	for i := range v {
		var z fe
		feInv(&z, &v[i])
		require.Equal(t, z, all[i])
		feMul(&z, &z, &v[i])
		require.Equal(t, feOne, z)
	}
	var zero fe
	feInv(&zero, &zero)
	require.True(t, zero.isZero())
}

func TestConstants(t *testing.T) {
	c := sm2.P256().Params()
	require.Equal(t, fromBig(bigP), [4]uint64{p0, p1, p2, p3})
	require.Equal(t, scalar(fromBig(bigN)), order)
	require.Equal(t, scalar(fromBig(new(big.Int).Sub(bigP, bigN))), primeMinusOrder)
	require.Equal(t, montgomery(big.NewInt(1)), feOne)
	require.Equal(t, montgomery(bigR), feRR)
	require.Equal(t, montgomery(c.B), curveB)
	require.Equal(t, affine{montgomery(c.Gx), montgomery(c.Gy)}, generator)
	require.True(t, generator.onCurve())
}

func TestScalars(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	half := new(big.Int).Rsh(bigN, 1)
	for range scale(5000) {
		x, y := scalar(edgyLimbs(r)), scalar(edgyLimbs(r))
		bx, by := toBig(x), toBig(y)
		require.Equal(t, bx.Sign() > 0 && bx.Cmp(bigN) < 0, x.inRange())
		if bx.Cmp(bigN) >= 0 || by.Cmp(bigN) >= 0 {
			continue
		}
		var z scalar
		addModOrder(&z, &x, &y)
		sum := new(big.Int).Add(bx, by)
		require.Equal(t, scalar(fromBig(sum.Mod(sum, bigN))), z)

		abs, neg := halve(&x)
		require.True(t, toBig(abs).Cmp(half) <= 0)
		if neg {
			abs = scalar(fromBig(new(big.Int).Sub(bigN, toBig(abs))))
		}
		require.Equal(t, x, abs)

		w := uint(2 + r.Intn(6))
		digits := make([]int8, 264)
		n := wnaf(digits, &x, w)
		sum.SetInt64(0)
		for i := len(digits) - 1; i >= 0; i-- {
			d := int(digits[i])
			require.True(t, d == 0 || d%2 != 0 && d < 1<<(w-1) && d > -1<<(w-1))
			require.True(t, i < n || d == 0)
			sum.Lsh(sum, 1).Add(sum, big.NewInt(int64(d)))
		}
		require.Zero(t, bx.Cmp(sum))
	}
}
