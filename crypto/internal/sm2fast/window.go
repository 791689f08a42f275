package sm2fast

import "sync"

// window is a table of multiples of one point P by which k·P takes additions alone:
// entry [i][d-1] = d·2^(w·i)·P for d = 1…2^(w-1).
type window struct {
	w       int
	windows int // rows
	half    int // entries a row, 2^(w-1)
	entries []affine
}

// wideWindow is the width of the table of a busy key: 52 rows of 16, 53,248 bytes.
// Width 6 would save a tenth of the time and cost two thirds more memory.
const (
	wideWindow = 5
	wideSize   = 52 * 16 * 64
)

// base returns the table of the generator, 256 KiB, made on first use in about 1 ms so
// that a process that verifies nothing does not wait for it.
var base = sync.OnceValue(func() *window { return newWindow(&generator, 8) })

// newWindow computes a table. Jacobian doublings give the first entry of each row; the
// rest follow in affine coordinates by doubling the known range (1, 2, 4, …), with one
// inversion for all rows a step.
func newWindow(p *affine, w int) *window {
	// A halved scalar has 255 bits. Where w divides 255 one more row takes the carry; in
	// all other cases the topmost row has a spare bit for it.
	rows := (255 + w - 1) / w
	if 255%w == 0 {
		rows++
	}
	t := &window{w: w, windows: rows, half: 1 << (w - 1)}
	t.entries = make([]affine, rows*t.half)
	first := make([]jacobian, rows)
	first[0] = p.jacobian()
	for i := 1; i < rows; i++ {
		first[i] = first[i-1]
		for range w {
			first[i].double(&first[i])
		}
	}
	bases := make([]affine, rows)
	toAffine(bases, first)
	for i := range bases {
		t.entries[i*t.half] = bases[i]
	}
	inverses := make([]fe, rows*t.half/2+1)
	scratch := make([]fe, len(inverses))
	for known := 1; known < t.half; known *= 2 {
		t.extend(known, inverses, scratch)
	}
	return t
}

// extend computes entries known+1…2·known of every row from the first known ones: the
// last known one plus each before it, and its own double.
func (t *window) extend(known int, inverses, scratch []fe) {
	n := 0
	for i := range t.windows {
		row := t.entries[i*t.half : (i+1)*t.half]
		last := &row[known-1]
		for d := range known - 1 {
			feSub(&inverses[n], &last.x, &row[d].x)
			n++
		}
		feAdd(&inverses[n], &last.y, &last.y)
		n++
	}
	invertAll(inverses[:n], scratch)
	n = 0
	for i := range t.windows {
		row := t.entries[i*t.half : (i+1)*t.half]
		last := &row[known-1]
		var slope, u fe
		for d := range known - 1 {
			feSub(&slope, &last.y, &row[d].y)
			feMul(&slope, &slope, &inverses[n])
			n++
			chord(&row[known+d], &row[d], &last.x, &slope)
		}
		feSqr(&slope, &last.x)
		feSub(&slope, &slope, &feOne)
		feAdd(&u, &slope, &slope)
		feAdd(&slope, &slope, &u) // 3x² - 3
		feMul(&slope, &slope, &inverses[n])
		n++
		chord(&row[2*known-1], last, &last.x, &slope)
	}
}

// chord sets out to the third intersection, mirrored, of the line of the given slope
// through a and a point with x-coordinate bx.
func chord(out, a *affine, bx, slope *fe) {
	var x, t fe
	feSqr(&x, slope)
	feSub(&x, &x, &a.x)
	feSub(&x, &x, bx)
	feSub(&t, &a.x, &x)
	feMul(&t, &t, slope)
	feSub(&out.y, &t, &a.y)
	out.x = x
}

// term is one entry of a sum, to be subtracted if neg.
type term struct {
	p   *affine
	neg bool
}

// terms appends the entries whose sum is k·P, for k < n: at most one a row, with digits
// in ±2^(w-1).
func (t *window) terms(dst []term, k *scalar) []term {
	abs, neg := halve(k)
	w, half := uint(t.w), uint64(t.half)
	var carry uint64
	for i := range t.windows {
		d := abs.digit(uint(i)*w, w) + carry
		carry = 0
		if d > half {
			carry = 1
			if d = 2*half - d; d != 0 {
				dst = append(dst, term{&t.entries[uint64(i)*half+d-1], !neg})
			}
		} else if d != 0 {
			dst = append(dst, term{&t.entries[uint64(i)*half+d-1], neg})
		}
	}
	return dst
}

func (p *jacobian) addTerms(terms []term) {
	for i := range terms {
		p.addAffine(terms[i].p, terms[i].neg)
	}
}
