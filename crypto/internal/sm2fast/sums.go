package sm2fast

import "sync"

// sums adds up many lists of points at once, in affine coordinates: an addition takes the
// inverse of a difference, and the inverses of all additions that do not depend on one
// another come out of a single one (Montgomery's trick). That is 6 multiplications an
// addition where Jacobian coordinates take 11. A round halves each list.
//
// The lists stay sums of their own: nothing is weighed or mixed across them.
type sums struct {
	points, next []affine // the lists, one behind the other; what the round makes of them
	lists        []list
	pairs        []pair
	before       []fe   // per pair: the product of the differences of every second pair before it
	touched      uint64 // see touch
}

// list is a part of points.
type list struct {
	from, to int
	odd      bool // two of its points had the same x: their sum takes another formula
}

// pair is where the first of two points lies, and their sum shall.
type pair struct{ at, to int }

// inversionCost is what an inversion takes, in additions saved by a round: 255 squarings
// and 15 multiplications against 5 multiplications each.
const inversionCost = 54

var sumsPool = sync.Pool{New: func() any { return new(sums) }}

func (s *sums) reset() { s.points, s.lists = s.points[:0], s.lists[:0] }

// add appends a list, which is not empty.
func (s *sums) add(terms []term) {
	from := len(s.points)
	s.touched ^= touch(terms)
	for i := range terms {
		p := *terms[i].p
		if terms[i].neg {
			feNeg(&p.y, &p.y)
		}
		s.points = append(s.points, p)
	}
	s.lists = append(s.lists, list{from: from, to: len(s.points)})
}

// run shortens the lists while that pays.
func (s *sums) run() {
	for s.lay(); len(s.pairs) > inversionCost; s.lay() {
		s.halve()
	}
}

// lay finds the pairs of a round.
func (s *sums) lay() {
	s.pairs = s.pairs[:0]
	to := 0
	for i := range s.lists {
		l := &s.lists[i]
		at := l.from
		for ; at+1 < l.to; at += 2 {
			s.pairs = append(s.pairs, pair{at, to})
			to++
		}
		to += l.to - at
	}
	s.next = grown(s.next, to)
	s.before = grown(s.before, len(s.pairs))
}

func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// halve replaces each pair of points by its sum.
func (s *sums) halve() {
	// Two products, of every second pair each: a processor multiplies them side by side.
	acc := [2]fe{feOne, feOne}
	n := len(s.pairs)
	for i := 0; i < n; i += 2 {
		if i+1 == n || !s.gatherTwo(&acc, i) {
			s.gather(&acc[0], i)
			if i+1 < n {
				s.gather(&acc[1], i+1)
			}
		}
	}
	var inv [2]fe
	feProduct(&inv[1], &acc[0], &acc[1])
	feInv(&inv[1], &inv[1])
	feProduct(&inv[0], &inv[1], &acc[1])
	feProduct(&inv[1], &inv[1], &acc[0])
	for i := n - 1; i >= 0; i-- {
		if i%2 == 1 && s.spreadTwo(&inv, i-1) {
			i--
			continue
		}
		s.spread(&inv[i%2], i)
	}
	s.turn()
}

// turn takes up what a round has made, and the points that had no other.
func (s *sums) turn() {
	to := 0
	for i := range s.lists {
		l := &s.lists[i]
		from, n := to, l.to-l.from
		to += (n + 1) / 2
		if n%2 == 1 {
			s.next[to-1] = s.points[l.to-1]
		}
		l.from, l.to = from, to
	}
	s.points, s.next = s.next, s.points
}

// sum is the sum of a list; false if it has to be added up another way.
func (s *sums) sum(i int) (p jacobian, ok bool) {
	l := &s.lists[i]
	if l.odd {
		return p, false
	}
	for at := l.from; at < l.to; at++ {
		p.addAffine(&s.points[at], false)
	}
	return p, true
}

// gather notes acc for a pair and multiplies it by the difference of x within. A pair
// without one marks its list.
func (s *sums) gather(acc *fe, i int) {
	at := s.pairs[i].at
	var d fe
	feSub(&d, &s.points[at+1].x, &s.points[at].x)
	if d.isZero() {
		s.mark(at)
		return
	}
	s.before[i] = *acc
	feProduct(acc, acc, &d)
}

func (s *sums) mark(at int) {
	for i := range s.lists {
		if l := &s.lists[i]; at < l.to {
			l.odd = true
			return
		}
	}
}

// spread sets the sum of a pair, unless it has no difference of x, and multiplies inv by
// that: inv·before is its inverse.
func (s *sums) spread(inv *fe, i int) {
	p := s.pairs[i]
	a, b := &s.points[p.at], &s.points[p.at+1]
	var d, slope, t fe
	feSub(&d, &b.x, &a.x)
	if d.isZero() {
		s.next[p.to] = *a // any point: the list is marked
		return
	}
	feProduct(&slope, inv, &s.before[i])
	feProduct(inv, inv, &d)
	feSub(&t, &b.y, &a.y)
	feProduct(&slope, &slope, &t)
	chord(&s.next[p.to], a, &b.x, &slope)
}

// gatherTwo is gather of two pairs; false if it has to be done one by one.
func (s *sums) gatherTwo(acc *[2]fe, i int) bool {
	return adx && gatherADX((*[4]uint64)(&acc[0]), (*[4]uint64)(&s.before[i : i+2][0]),
		(*[4]uint64)(&s.points[s.pairs[i].at].x), (*[4]uint64)(&s.points[s.pairs[i+1].at].x))
}

// spreadTwo is spread of two pairs; false if it has to be done one by one.
func (s *sums) spreadTwo(inv *[2]fe, i int) bool {
	p, q := s.pairs[i], s.pairs[i+1]
	if !adx || p.to+1 != q.to || s.same(p) || s.same(q) {
		return false
	}
	spreadADX((*[4]uint64)(&s.next[p.to : p.to+2][0].x), (*[4]uint64)(&s.points[p.at].x), (*[4]uint64)(&s.points[q.at].x),
		(*[4]uint64)(&inv[0]), (*[4]uint64)(&s.before[i : i+2][0]))
	return true
}

// same reports whether a pair has no difference of x.
func (s *sums) same(p pair) bool { return s.points[p.at].x == s.points[p.at+1].x }
