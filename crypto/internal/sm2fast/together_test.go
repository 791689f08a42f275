package sm2fast

import (
	"encoding/binary"
	"math/rand"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// signedCheck is a check that holds.
func signedCheck(t testing.TB, s *signer, i int) Check {
	msg := binary.BigEndian.AppendUint64(nil, uint64(i))
	sig, _ := s.sign(t, msg)
	return Check{&s.pub, msg, sig}
}

// Any mixture of keys at any stage, of good, altered and malformed signatures, gets the
// verdicts that each would get alone, and counts alike.
func TestVerifyEach(t *testing.T) { bothWays(t, testVerifyEach) }

func testVerifyEach(t *testing.T) {
	r := rand.New(rand.NewSource(21))
	together, alone := New(userID, 0), New(userID, 0)
	signers := make([]*signer, 6)
	for i := range signers {
		signers[i] = newSigner(t)
	}
	good, groups := 0, 0
	for round := range scale(24) {
		checks := make([]Check, r.Intn(80))
		for i := range checks {
			s := signers[r.Intn(min(len(signers), 1+round/2))]
			c := signedCheck(t, s, r.Int())
			switch r.Intn(12) {
			case 0:
				c.Sig[r.Intn(64)] ^= 1 << r.Intn(8)
			case 1:
				c.Msg[r.Intn(8)] ^= 1
			case 2:
				c.Pub = &signers[r.Intn(len(signers))].pub
			case 3:
				c.Sig = c.Sig[:r.Intn(64)]
			case 4:
				pub := s.pub
				pub[r.Intn(65)] ^= 1
				c.Pub = &pub
			case 5:
				clear(c.Sig[32*r.Intn(2):][:32])
			}
			checks[i] = c
		}
		got := make([]bool, len(checks))
		for i := range got {
			got[i] = r.Intn(2) == 1 // what stood there does not matter
		}
		together.VerifyEach(checks, got)
		for i := range checks {
			want := alone.Verify(checks[i].Pub, checks[i].Msg, checks[i].Sig)
			require.Equal(t, want, got[i], "round %d, check %d", round, i)
			if want {
				good++
			}
		}
		if together.Stats().Windows > 0 {
			groups++
		}
	}
	require.Equal(t, together.Stats().Keys, alone.Stats().Keys)
	require.Equal(t, together.Stats().Windows, alone.Stats().Windows)
	require.Positive(t, good)
	require.Positive(t, groups)
}

// One bad signature in a group takes no other with it, wherever it stands.
func TestOneBadOfMany(t *testing.T) { bothWays(t, testOneBadOfMany) }

func testOneBadOfMany(t *testing.T) {
	v := New(userID, 0)
	s := newSigner(t)
	checks := make([]Check, togetherMost)
	ok := make([]bool, len(checks))
	for i := range checks {
		checks[i] = signedCheck(t, s, i)
	}
	v.VerifyEach(checks, ok)
	for bad := range checks {
		checks[bad].Sig[bad] ^= 4
		v.VerifyEach(checks, ok)
		for i := range ok {
			require.Equal(t, i != bad, ok[i], "%d of %d", i, bad)
		}
		checks[bad].Sig[bad] ^= 4
	}
}

// Sums of many lists equal those added up one by one; lists that meet the same point or
// its opposite say so instead, and disturb no other.
func TestSums(t *testing.T) { bothWays(t, testSums) }

func testSums(t *testing.T) {
	r := rand.New(rand.NewSource(22))
	w := newWindow(&generator, 6)
	for range scale(60) {
		var s sums
		lists := make([][]term, 1+r.Intn(40))
		for i := range lists {
			lists[i] = make([]term, 1+r.Intn(84))
			for k := range lists[i] {
				lists[i][k] = term{&w.entries[r.Intn(len(w.entries))], r.Intn(2) == 1}
			}
			if n := len(lists[i]); r.Intn(4) == 0 && n > 2 { // the same x, next to one another or not
				lists[i][r.Intn(n)].p = lists[i][r.Intn(n)].p
			}
			s.add(lists[i])
		}
		s.run()
		right := 0
		for i := range lists {
			got, ok := s.sum(i)
			if !ok {
				continue
			}
			right++
			var want jacobian
			want.addTerms(lists[i])
			require.Equal(t, want.z.isZero(), got.z.isZero())
			if !want.z.isZero() {
				var both [2]affine
				toAffine(both[:], []jacobian{want, got})
				require.Equal(t, both[0], both[1])
			}
		}
		require.Positive(t, right)
	}
	twice := []term{{&w.entries[3], false}, {&w.entries[3], false}}
	opposite := []term{{&w.entries[3], false}, {&w.entries[3], true}}
	var s sums
	var rest []term
	for i := range 2 * inversionCost { // enough for a round
		rest = append(rest, term{&w.entries[i], i%3 == 0})
	}
	for _, l := range [][]term{twice, rest, opposite} {
		s.add(l)
	}
	s.run()
	for i, want := range []bool{false, true, false} {
		_, ok := s.sum(i)
		require.Equal(t, want, ok)
	}
}

// The assembly of sums against the Go code, limb by limb, for any field elements: points
// that no curve has reach the carries that others never meet.
func TestSumsAssembly(t *testing.T) {
	if !adx {
		t.Log("this build or processor has no ADX")
		return
	}
	defer func() { adx = true }()
	r := rand.New(rand.NewSource(23))
	for range scale(3_000) {
		var ours, theirs sums
		for range 1 + r.Intn(3) {
			points := make([]affine, 1+r.Intn(9))
			terms := make([]term, len(points))
			for i := range points {
				points[i] = affine{edgyFe(r), edgyFe(r)}
				if i > 0 && r.Intn(20) == 0 {
					points[i].x = points[i-1].x
				}
				terms[i].p = &points[i]
			}
			ours.add(terms)
			theirs.add(terms)
		}
		for _, s := range []*sums{&ours, &theirs} {
			adx = s == &ours
			s.lay()
			s.halve()
		}
		require.True(t, slices.Equal(theirs.points, ours.points))
		require.Equal(t, theirs.lists, ours.lists)

		x, y := edgyFe(r), edgyFe(r)
		n := 1 + r.Intn(4)
		var p, q [3]fe
		for _, way := range []*[3]fe{&p, &q} {
			adx = way == &p
			feProduct(&way[0], &x, &y)
			feSqrN(&way[1], &x, n)
			feInv(&way[2], &y)
		}
		require.Equal(t, q, p, "%x %x", x, y)
	}
}

// FuzzVerifyEach: a signature in the midst of others, against the same alone.
func FuzzVerifyEach(f *testing.F) {
	v := New(userID, 0)
	s := newSigner(f)
	checks := make([]Check, togetherMost)
	ok := make([]bool, len(checks))
	for i := range checks {
		checks[i] = signedCheck(f, s, i)
	}
	v.VerifyEach(checks, ok)
	f.Add([]byte("message"), checks[0].Sig, byte(3), byte(20))
	f.Fuzz(func(t *testing.T, msg, sig []byte, at, n byte) {
		group := append([]Check(nil), checks[:1+int(n)%togetherMost]...)
		i := int(at) % len(group)
		group[i] = Check{&s.pub, msg, sig}
		ok := make([]bool, len(group))
		v.VerifyEach(group, ok)
		for k := range group {
			require.Equal(t, k != i || v.Verify(&s.pub, msg, sig), ok[k])
		}
	})
}
