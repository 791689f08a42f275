package sm2fast

import (
	"crypto/ecdsa"
	"math/big"
	"math/rand"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// subject is a key with every set of tables it can have.
type subject struct {
	pub    *ecdsa.PublicKey
	point  affine
	stages [3]tables
}

func newSubject(t testing.TB, x, y *big.Int) *subject {
	s := &subject{pub: &ecdsa.PublicKey{Curve: sm2.P256(), X: x, Y: y}, point: pointOf(x, y)}
	require.True(t, s.point.onCurve())
	s.stages[1].comb = newComb(&s.point)
	s.stages[2].wide = newWindow(&s.point, wideWindow)
	return s
}

func subjectOf(t testing.TB, d *big.Int) *subject {
	b := bytes32(d)
	x, y := oracle.ScalarBaseMult(b[:])
	return newSubject(t, x, y)
}

func asn1Signature(r, s *big.Int) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(r)
		b.AddASN1BigInt(s)
	})
	return b.BytesOrPanic()
}

var compared, accepted int

// check compares all stages with gmsm's VerifyASN1 and returns its verdict. Numbers that
// do not fit 32 bytes have no wire form here and are passed over.
func (s *subject) check(t testing.TB, what string, e, r, sv *big.Int) bool {
	if e.BitLen() > 256 || r.BitLen() > 256 || sv.BitLen() > 256 {
		return false
	}
	digest := bytes32(e)
	want := sm2.VerifyASN1(s.pub, digest[:], asn1Signature(r, sv))
	var raw [64]byte
	r.FillBytes(raw[:32])
	sv.FillBytes(raw[32:])
	parsed, ok := parseSignature(&raw)
	for stage, tables := range s.stages {
		got := ok && verify(&s.point, tables, &digest, &parsed)
		if got != want {
			t.Fatalf("%s: stage %d says %v, gmsm %v: e=%x r=%x s=%x P=%x,%x", what, stage, got, want, e, r, sv, s.pub.X, s.pub.Y)
		}
		compared++
	}
	if want {
		accepted++
	}
	return want
}

// forge returns e and r that make (r, s) valid under the private key d for chosen s and
// t = r+s, or false where the sum of points is infinity or r is zero.
func forge(d, s, t *big.Int) (e, r *big.Int, ok bool) {
	k := new(big.Int).Mul(t, d)
	k.Add(k, s).Mod(k, bigN)
	if k.Sign() == 0 {
		return nil, nil, false
	}
	b := bytes32(k)
	x, _ := oracle.ScalarBaseMult(b[:])
	r = new(big.Int).Sub(t, s)
	r.Mod(r, bigN)
	e = new(big.Int).Sub(r, x)
	return e.Mod(e, bigN), r, r.Sign() != 0
}

func flip(r *rand.Rand, v *big.Int) *big.Int {
	i := r.Intn(256)
	return new(big.Int).SetBit(v, i, v.Bit(i)^1)
}

func TestAgainstGmsm(t *testing.T) { bothWays(t, testAgainstGmsm) }

func testAgainstGmsm(t *testing.T) {
	r := rand.New(rand.NewSource(7))
	compared, accepted = 0, 0
	for range scale(12) {
		d := new(big.Int).Rand(r, bigN)
		key := subjectOf(t, d)
		for j := range 60 {
			s, sum := new(big.Int).Rand(r, bigN), new(big.Int).Rand(r, bigN)
			if j%4 == 0 {
				s, sum = edgyScalar(r), edgyScalar(r)
			}
			e, rv, ok := forge(d, s, sum)
			if !ok {
				continue
			}
			valid := key.check(t, "forged", e, rv, s)
			require.Equal(t, s.Sign() != 0 && sum.Sign() != 0, valid)
			key.check(t, "other e", flip(r, e), rv, s)
			key.check(t, "other r", e, flip(r, rv), s)
			key.check(t, "other s", e, rv, flip(r, s))
			key.check(t, "r+n", e, new(big.Int).Add(rv, bigN), s)
			key.check(t, "s+n", e, rv, new(big.Int).Add(s, bigN))
			key.check(t, "e+n", new(big.Int).Add(e, bigN), rv, s)
			key.check(t, "n-s", e, rv, new(big.Int).Sub(bigN, s))
		}
	}
	t.Logf("%d comparisons, %d valid signatures", compared, accepted)
	require.Greater(t, accepted, scale(500))
}

// Values at the edges of their ranges, under keys that make entries of the tables of P
// and G coincide or cancel.
func TestEdges(t *testing.T) { bothWays(t, testEdges) }

func testEdges(t *testing.T) {
	r := rand.New(rand.NewSource(8))
	one := big.NewInt(1)
	top := new(big.Int).Sub(bigR, one)
	edges := []*big.Int{new(big.Int), one, big.NewInt(2), new(big.Int).Sub(bigN, one), bigN, new(big.Int).Add(bigN, one),
		new(big.Int).Rsh(bigN, 1), bigP, top}
	keys := []*big.Int{new(big.Int).Rand(r, bigN), new(big.Int).Sub(bigN, one)}
	for _, v := range []int64{1, 2, 3, 15, 16, 32, 128, 256} {
		keys = append(keys, big.NewInt(v), new(big.Int).Sub(bigN, big.NewInt(v)), new(big.Int).ModInverse(big.NewInt(v), bigN))
	}
	for _, shift := range []uint{64, 80, 128, 192, 250} {
		keys = append(keys, new(big.Int).Lsh(one, shift))
	}
	for i, d := range keys {
		key := subjectOf(t, d)
		if i < 3 {
			for _, rv := range edges {
				for _, s := range edges {
					for _, e := range []*big.Int{edges[0], one, bigN, top} {
						key.check(t, "edge", e, rv, s)
					}
				}
				key.check(t, "t=0", edges[0], rv, new(big.Int).Sub(bigN, new(big.Int).Mod(rv, bigN)))
			}
		}
		for j := range scale(25) {
			key.checkDegenerate(t, r, d, j)
		}
	}
}

// checkDegenerate tries sums in which additions meet equal or opposite points.
func (key *subject) checkDegenerate(t *testing.T, r *rand.Rand, d *big.Int, j int) {
	s, sum := edgyScalar(r), edgyScalar(r)
	shift := new(big.Int).Lsh(big.NewInt(1), uint(r.Intn(255)))
	product := new(big.Int).Mul(sum, d)
	switch j % 5 {
	case 0: // s·G = t·P: the last addition is a doubling
		s.Mod(product, bigN)
	case 1: // s·G = -t·P: the sum is infinity, to be refused whatever e
		s.Neg(product).Mod(s, bigN)
		if rv := new(big.Int).Sub(sum, s); s.Sign() != 0 && sum.Sign() != 0 {
			rv.Mod(rv, bigN)
			require.False(t, key.check(t, "infinity", rv, rv, s))
			require.False(t, key.check(t, "infinity", new(big.Int), rv, s))
		}
		return
	case 2: // partial sums cancel
		s.Sub(shift, product).Mod(s, bigN)
	case 3:
		s.Add(product, shift).Mod(s, bigN)
	}
	e, rv, ok := forge(d, s, sum)
	if ok && s.Sign() != 0 && sum.Sign() != 0 {
		require.True(t, key.check(t, "degenerate", e, rv, s))
	}
}

// Zero r, s or t with an e that fits: only the explicit tests refuse these.
func TestFittedZeros(t *testing.T) { bothWays(t, testFittedZeros) }

func testFittedZeros(t *testing.T) {
	r := rand.New(rand.NewSource(11))
	for range 10 {
		d, v := new(big.Int).Rand(r, bigN), new(big.Int).Rand(r, bigN)
		key := subjectOf(t, d)
		e, rv, ok := forge(d, v, new(big.Int))
		require.True(t, ok)
		require.False(t, key.check(t, "t=0", e, rv, v))
		e, rv, _ = forge(d, new(big.Int), v)
		require.False(t, key.check(t, "s=0", e, rv, new(big.Int)))
		e, rv, _ = forge(d, v, v)
		require.False(t, key.check(t, "r=0", e, rv, v))
	}
}

// keyFor returns a key under which s·G + t·P has the x-coordinate x, or nil if there is
// no such point.
func keyFor(t *testing.T, x, s, sum *big.Int) *subject {
	y := sqrtOnCurve(x)
	if y == nil {
		return nil
	}
	minusS, inverse := bytes32(new(big.Int).Sub(bigN, s)), bytes32(new(big.Int).ModInverse(sum, bigN))
	gx, gy := oracle.ScalarBaseMult(minusS[:])
	qx, qy := oracle.Add(x, y, gx, gy)
	qx, qy = oracle.ScalarMult(qx, qy, inverse[:])
	return newSubject(t, qx, qy)
}

// An x-coordinate in [n, p), where x mod n = x - n.
func TestXBeyondOrder(t *testing.T) { bothWays(t, testXBeyondOrder) }

func testXBeyondOrder(t *testing.T) {
	r := rand.New(rand.NewSource(12))
	for x, found := new(big.Int).Set(bigN), 0; found < 10; x.Add(x, big.NewInt(1)) {
		s, sum := new(big.Int).Rand(r, bigN), new(big.Int).Rand(r, bigN)
		key := keyFor(t, new(big.Int).Set(x), s, sum)
		if key == nil {
			continue
		}
		found++
		rv := new(big.Int).Sub(sum, s)
		rv.Mod(rv, bigN)
		e := new(big.Int).Sub(rv, x)
		require.True(t, key.check(t, "x >= n", e.Mod(e, bigN), rv, s))
	}
}

// A digest in [n, 2^256) and an r below e - n: a missing reduction of e shows only here.
func TestDigestBeyondOrder(t *testing.T) { bothWays(t, testDigestBeyondOrder) }

func testDigestBeyondOrder(t *testing.T) {
	r := rand.New(rand.NewSource(13))
	for found := 0; found < 10; {
		e := new(big.Int).Sub(bigR, big.NewInt(1+int64(r.Intn(1000))))
		rv := big.NewInt(1 + int64(r.Intn(1_000_000)))
		x := new(big.Int).Sub(rv, e)
		s := new(big.Int).Rand(r, bigN)
		sum := new(big.Int).Add(rv, s)
		key := keyFor(t, x.Mod(x, bigN), s, sum.Mod(sum, bigN))
		if key == nil {
			continue
		}
		found++
		require.True(t, key.check(t, "e >= n", e, rv, s))
	}
}

// FuzzAgainstGmsm lets the fuzzer choose all four numbers, and forges a valid signature
// from them as well.
func FuzzAgainstGmsm(f *testing.F) {
	n := bytes32(bigN)
	f.Add([]byte{1}, []byte{2}, []byte{3}, []byte{4})
	f.Add([]byte{2}, n[:], n[:], n[:])
	f.Fuzz(func(t *testing.T, key, e, r, s []byte) {
		if len(key) > 32 || len(e) > 32 || len(r) > 32 || len(s) > 32 {
			return
		}
		d := new(big.Int).SetBytes(key)
		if d.Mod(d, bigN).Sign() == 0 {
			return
		}
		sub := subjectOf(t, d)
		ev, rv, sv := new(big.Int).SetBytes(e), new(big.Int).SetBytes(r), new(big.Int).SetBytes(s)
		sub.check(t, "given", ev, rv, sv)
		if ev, rv, ok := forge(d, sv.Mod(sv, bigN), rv.Mod(rv, bigN)); ok {
			sub.check(t, "forged", ev, rv, sv)
		}
	})
}
