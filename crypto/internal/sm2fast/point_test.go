package sm2fast

import (
	"math/big"
	"math/rand"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/stretchr/testify/require"
)

// oracle is the group in gmsm. Its interface is not crypto/elliptic's, whose low-level
// methods are deprecated for use in programs; as a reference they are what is wanted.
var oracle interface {
	Add(x1, y1, x2, y2 *big.Int) (x, y *big.Int)
	ScalarMult(x1, y1 *big.Int, k []byte) (x, y *big.Int)
	ScalarBaseMult(k []byte) (x, y *big.Int)
} = sm2.P256()

// edgyScalar favours scalars whose recoding is unusual: small, close to n or to a
// fraction of it, sparse.
func edgyScalar(r *rand.Rand) *big.Int {
	v := new(big.Int)
	switch r.Intn(5) {
	case 0:
		v.SetInt64(int64(r.Intn(70)))
	case 1:
		v.Sub(bigN, big.NewInt(int64(r.Intn(70))))
	case 2:
		for range 1 + r.Intn(3) {
			v.SetBit(v, r.Intn(256), 1)
		}
	case 3:
		v.Rsh(bigN, uint(1+r.Intn(8)))
		v.Add(v, big.NewInt(int64(r.Intn(5)-2)))
	default:
		v.Rand(r, bigN)
	}
	return v.Mod(v, bigN)
}

func pointOf(x, y *big.Int) affine { return affine{montgomery(x), montgomery(y)} }

// requirePoint compares with affine coordinates from gmsm, where (0, 0) is infinity.
func requirePoint(t *testing.T, x, y *big.Int, p *jacobian) {
	t.Helper()
	if x.Sign() == 0 && y.Sign() == 0 {
		require.True(t, p.z.isZero())
		return
	}
	require.False(t, p.z.isZero())
	var got [1]affine
	toAffine(got[:], []jacobian{*p})
	require.Equal(t, pointOf(x, y), got[0])
}

// Every way of multiplying against gmsm.
func TestMultiply(t *testing.T) { bothWays(t, testMultiply) }

func testMultiply(t *testing.T) {
	r := rand.New(rand.NewSource(4))
	for range scale(12) {
		px, py := oracle.ScalarBaseMult(edgyNonZero(r))
		p := pointOf(px, py)
		windows := []*window{newWindow(&p, 2), newWindow(&p, 4), newWindow(&p, 5), newWindow(&p, 8)}
		require.Len(t, windows[2].entries, wideSize/64)
		c := newComb(&p)
		for range scale(150) {
			k := edgyScalar(r)
			s := scalar(fromBig(k))
			x, y := new(big.Int), new(big.Int)
			if k.Sign() != 0 {
				b := bytes32(k)
				x, y = oracle.ScalarMult(px, py, b[:])
			}
			var acc jacobian
			multiplyCold(&acc, &p, &s)
			requirePoint(t, x, y, &acc)
			c.multiply(&acc, &s)
			requirePoint(t, x, y, &acc)
			for _, w := range windows {
				acc = jacobian{}
				terms := w.terms(nil, &s)
				require.LessOrEqual(t, len(terms), w.windows)
				acc.addTerms(terms)
				requirePoint(t, x, y, &acc)
			}
		}
	}
}

func edgyNonZero(r *rand.Rand) []byte {
	for {
		if k := edgyScalar(r); k.Sign() != 0 {
			b := bytes32(k)
			return b[:]
		}
	}
}

// The cases that incomplete formulas get wrong.
func TestAdditionIsComplete(t *testing.T) { bothWays(t, testAdditionIsComplete) }

func testAdditionIsComplete(t *testing.T) {
	var acc, twice jacobian
	acc.addAffine(&generator, false)
	acc.addAffine(&generator, false)
	one := generator.jacobian()
	twice.double(&one)
	var got [2]affine
	toAffine(got[:], []jacobian{acc, twice})
	require.Equal(t, got[0], got[1])
	require.True(t, got[0].onCurve())

	acc.addAffine(&got[0], true)
	require.True(t, acc.z.isZero(), "opposite points")
	acc.double(&acc)
	require.True(t, acc.z.isZero(), "twice infinity")

	var s scaled
	s.set(&twice)
	acc.addScaled(&s, true) // from infinity
	acc.addScaled(&s, true) // equal
	acc.addScaled(&s, false)
	acc.addScaled(&s, false) // opposite
	require.True(t, acc.z.isZero())
}

func TestParsePoint(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	encode := func(x, y *big.Int) *[64]byte {
		var b [64]byte
		x.FillBytes(b[:32])
		y.FillBytes(b[32:])
		return &b
	}
	for range 200 {
		x, y := oracle.ScalarBaseMult(edgyNonZero(r))
		p, ok := parsePoint(encode(x, y))
		require.True(t, ok)
		require.Equal(t, pointOf(x, y), p)
		b := encode(x, y)
		b[r.Intn(64)] ^= 1 << r.Intn(8)
		_, ok = parsePoint(b)
		_, err := sm2.NewPublicKey(append([]byte{4}, b[:]...))
		require.Equal(t, err == nil, ok)
	}
	for _, bad := range [][2]*big.Int{{new(big.Int), new(big.Int)}, {bigP, bigP}, {new(big.Int).Sub(bigR, big.NewInt(1)), big.NewInt(1)}} {
		_, ok := parsePoint(encode(bad[0], bad[1]))
		require.False(t, ok)
	}
	// A coordinate that is right modulo p but not below it.
	for x := int64(0); ; x++ {
		if y := sqrtOnCurve(big.NewInt(x)); y != nil {
			_, ok := parsePoint(encode(big.NewInt(x), y))
			require.True(t, ok)
			_, ok = parsePoint(encode(new(big.Int).Add(bigP, big.NewInt(x)), y))
			require.False(t, ok)
			break
		}
	}
}

// sqrtOnCurve returns a y with (x, y) on the curve, or nil.
func sqrtOnCurve(x *big.Int) *big.Int {
	y2 := new(big.Int).Exp(x, big.NewInt(3), bigP)
	y2.Sub(y2, new(big.Int).Mul(x, big.NewInt(3))).Add(y2, sm2.P256().Params().B).Mod(y2, bigP)
	return new(big.Int).ModSqrt(y2, bigP)
}
