package bench

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets that are at most 1/32 apart, from 1 µs to more
// than an hour, in constant memory. It is not safe for concurrent use.
type histogram struct {
	counts [27 * 32]uint64
	n      uint64
	max    time.Duration
	sum    time.Duration
}

func bucketOf(d time.Duration) int {
	us := uint64(max(d.Microseconds(), 0))
	if us < 32 {
		return int(us)
	}
	shift := bits.Len64(us) - 6 // keeps 6 significant bits
	return min((shift+1)*32+int(us>>shift)-32, 27*32-1)
}

// upperOf is the largest duration of a bucket.
func upperOf(b int) time.Duration {
	if b < 32 {
		return time.Duration(b) * time.Microsecond
	}
	shift := b/32 - 1
	us := (uint64(b%32+32)+1)<<shift - 1
	return time.Duration(us) * time.Microsecond
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucketOf(d)]++
	h.n++
	h.sum += d
	h.max = max(h.max, d)
}

// merge adds what o has counted.
func (h *histogram) merge(o *histogram) {
	for i, c := range o.counts {
		h.counts[i] += c
	}
	h.n += o.n
	h.sum += o.sum
	h.max = max(h.max, o.max)
}

// quantile returns a duration that a share q of the counted ones do not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	want := uint64(q * float64(h.n))
	var seen uint64
	for b, c := range h.counts {
		seen += c
		if seen > want || seen == h.n {
			return min(upperOf(b), h.max)
		}
	}
	return h.max
}

func (h *histogram) mean() time.Duration {
	if h.n == 0 {
		return 0
	}
	return h.sum / time.Duration(h.n)
}

// Bucket is one bar of a distribution: how many were at most UpTo and more than the bar
// before.
type Bucket struct {
	UpTo  float64 `json:"upTo"`
	Count uint64  `json:"count"`
}

// bars sums the buckets up to 8 a power of two, in milliseconds, leaving out empty ends.
func (h *histogram) bars() []Bucket {
	const each = 4
	var out []Bucket
	for from := 0; from < len(h.counts); from += each {
		b := Bucket{UpTo: float64(upperOf(from+each-1).Microseconds()+1) / 1000}
		for _, c := range h.counts[from : from+each] {
			b.Count += c
		}
		if b.Count > 0 || len(out) > 0 {
			out = append(out, b)
		}
	}
	return trimmed(out)
}

func trimmed(out []Bucket) []Bucket {
	for len(out) > 0 && out[len(out)-1].Count == 0 {
		out = out[:len(out)-1]
	}
	return out
}

// sizes counts how many transactions blocks hold.
type sizes struct {
	byPower [20]uint64 // blocks of 2^(i-1)+1 to 2^i transactions
	max     int
}

func (s *sizes) add(n int) {
	s.byPower[min(bits.Len(uint(n-1)), len(s.byPower)-1)]++
	s.max = max(s.max, n)
}

func (s *sizes) bars() []Bucket {
	var out []Bucket
	for i, c := range s.byPower {
		if c > 0 || len(out) > 0 {
			out = append(out, Bucket{UpTo: float64(uint64(1) << i), Count: c})
		}
	}
	return trimmed(out)
}
