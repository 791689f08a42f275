package sm2fast

import (
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"
)

// bothWays runs a test with the assembly, where the processor has it, and without.
func bothWays(t *testing.T, test func(t *testing.T)) {
	for _, on := range []bool{false, true} {
		name := "go"
		if on {
			name = "adx"
		}
		if on && !adx {
			t.Log("this build or processor has no ADX: the Go code alone is tested")
			continue
		}
		t.Run(name, func(t *testing.T) {
			was := adx
			adx = on
			defer func() { adx = was }()
			test(t)
		})
	}
}

// scale shortens a test under -short, which is how the race detector is run.
func scale(n int) int {
	if testing.Short() {
		return n/10 + 1
	}
	return n
}

// The assembly against the Go code, limb by limb. The formulas are the same, so they
// must agree for any field elements, on the curve or not; only these reach the carries
// that points on the curve never meet in practice.
func TestAssemblyAgainstGo(t *testing.T) {
	if !adx {
		t.Log("this build or processor has no ADX")
		return
	}
	r := rand.New(rand.NewSource(14))
	random := func() jacobian {
		p := jacobian{edgyFe(r), edgyFe(r), edgyFe(r)}
		if r.Intn(50) == 0 {
			p.z = fe{}
		}
		return p
	}
	for range scale(50_000) {
		p, q := random(), random()
		for q.y.isZero() || q.z.isZero() {
			q = random()
		}
		if r.Intn(20) == 0 { // the same point, or the opposite one
			q = p
			q.y = generator.y
		}
		got, want := p, p
		doubleADX((*[4]uint64)(&got.x), (*[4]uint64)(&got.x))
		want.doubleGo(&want)
		require.True(t, want == got, "2·%x", p)

		neg := r.Intn(2) == 1
		a := affine{q.x, q.y}
		got, want = p, p
		if addAffineADX((*[4]uint64)(&got.x), (*[4]uint64)(&a.x), bit(neg)) {
			want.addAffineGo(&a, neg)
		}
		require.True(t, want == got, "%x + %x", p, a)
		if got == p { // refused, and left alone
			require.True(t, p.z.isZero() || sameX(&p, &a), "%x + %x", p, a)
		}

		var s scaled
		s.set(&q)
		got, want = p, p
		if addScaledADX((*[4]uint64)(&got.x), (*[4]uint64)(&s.x), bit(neg)) {
			want.addScaledGo(&s, neg)
		}
		require.True(t, want == got, "%x + %x", p, q)
	}
}

func sameX(p *jacobian, q *affine) bool {
	var zz, x fe
	feSqr(&zz, &p.z)
	feMul(&x, &q.x, &zz)
	return x == p.x
}
