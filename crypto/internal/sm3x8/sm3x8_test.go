package sm3x8

import (
	"bytes"
	"math/rand"
	"slices"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"github.com/stretchr/testify/require"
)

// Every length around the block borders, with every number of messages around the
// lanes, against the one-lane hash.
func TestSumMany(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	sizes := []int{1000, 4096}
	for size := range 260 {
		sizes = append(sizes, size)
	}
	for _, size := range sizes {
		data := make([]byte, 20*size)
		r.Read(data)
		for n := range 21 {
			got := make([][32]byte, n)
			SumMany(got, data[:n*size], size)
			for i := range got {
				require.Equal(t, sm3.Sum(data[i*size:(i+1)*size]), got[i], "size %d, message %d of %d", size, i, n)
			}
		}
	}
}

// GB/T 32905-2016 appendix A in all lanes.
func TestVectors(t *testing.T) {
	for msg, want := range map[string]string{
		"abc": "\x66\xc7\xf0\xf4\x62\xee\xed\xd9\xd1\xf2\xd4\x6b\xdc\x10\xe4\xe2\x41\x67\xc4\x87\x5c\xf2\xf7\xa2\x29\x7d\xa0\x2b\x8f\x4b\xa8\xe0",
		"abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd": "\xde\xbe\x9f\xf9\x22\x75\xb8\xa1\x38\x60\x48\x89\xc1\x8e\x5a\x4d\x6f\xdb\x70\xe5\x38\x7e\x57\x65\x29\x3d\xcb\xa3\x9c\x0c\x57\x32",
	} {
		var got [lanes][32]byte
		SumMany(got[:], bytes.Repeat([]byte(msg), lanes), len(msg))
		for i := range got {
			require.Equal(t, want, string(got[i][:]))
		}
	}
}

func TestSumNodes(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	for n := range 40 {
		pairs := make([][32]byte, 2*n)
		for i := range pairs {
			r.Read(pairs[i][:])
		}
		want := make([][32]byte, n)
		for i := range want {
			want[i] = sm3.Sum(slices.Concat([]byte{byte(n)}, pairs[2*i][:], pairs[2*i+1][:]))
		}
		got := make([][32]byte, n)
		SumPairs(got, byte(n), pairs)
		require.Equal(t, want, got)
		SumPairs(pairs[:n], byte(n), pairs) // a level in place
		require.Equal(t, want, pairs[:n])

		hashes, nodes := make([][32]byte, 3*n), make([]Node[[32]byte], n)
		places := r.Perm(3 * n)
		for i := range nodes {
			nodes[i] = Node[[32]byte]{&hashes[places[i]], &hashes[places[n+2*i]], &hashes[places[n+2*i+1]]}
			r.Read(nodes[i].Left[:])
			r.Read(nodes[i].Right[:])
			want[i] = sm3.Sum(slices.Concat([]byte{byte(n)}, nodes[i].Left[:], nodes[i].Right[:]))
		}
		SumNodes(byte(n), nodes)
		for i := range nodes {
			require.Equal(t, want[i], *nodes[i].To)
		}
		copy(want, got)

		items := make([][32]byte, n)
		copy(items, want)
		for i := range want {
			want[i] = sm3.Sum(slices.Concat([]byte{byte(n)}, items[i][:]))
		}
		SumItems(got, byte(n), items)
		require.Equal(t, want, got)
		SumItems(items, byte(n), items)
		require.Equal(t, want, items)
	}
}

func TestWrongLengthsPanic(t *testing.T) {
	require.Panics(t, func() { SumMany(make([][32]byte, 2), make([]byte, 3), 2) })
	require.Panics(t, func() { SumMany(make([][32]byte, 1), nil, -1) })
	require.Panics(t, func() { SumPairs(make([][32]byte, 2), 0, make([][32]byte, 3)) })
	require.Panics(t, func() { SumItems(make([][32]byte, 2), 0, make([][32]byte, 3)) })
}

func TestNoAllocation(t *testing.T) {
	pairs := make([][32]byte, 40)
	data := make([]byte, 20*100)
	require.Zero(t, testing.AllocsPerRun(10, func() {
		SumPairs(pairs[:20], 1, pairs)
		SumMany(pairs[:20], data, 100)
	}))
}

// FuzzSumMany: any length and content.
func FuzzSumMany(f *testing.F) {
	f.Add([]byte("abcdefghijklmnopqrstuvwxyz"), uint8(9))
	f.Fuzz(func(t *testing.T, data []byte, count uint8) {
		n := int(count%19) + 1
		size := len(data) / n
		got := make([][32]byte, n)
		SumMany(got, data[:n*size], size)
		for i := range got {
			if got[i] != sm3.Sum(data[i*size:(i+1)*size]) {
				t.Fatalf("message %d of %d, size %d", i, n, size)
			}
		}
	})
}

// BenchmarkNodes hashes tree nodes eight at a time and one at a time; ns are per node.
func BenchmarkNodes(b *testing.B) {
	pairs := make([][32]byte, 2048)
	dst := make([][32]byte, 1024)
	per := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(dst)), "ns/node")
	}
	b.Run("eight", func(b *testing.B) {
		for b.Loop() {
			SumPairs(dst, 1, pairs)
		}
		per(b)
	})
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			for i := range dst {
				var node [65]byte
				copy(node[1:], pairs[2*i][:])
				copy(node[33:], pairs[2*i+1][:])
				dst[i] = sm3.Sum(node[:])
			}
		}
		per(b)
	})
	b.Run("fewest", func(b *testing.B) {
		for b.Loop() {
			for i := 0; i+worthwhile <= len(dst); i += worthwhile {
				SumPairs(dst[i:i+worthwhile], 1, pairs[2*i:2*i+2*worthwhile])
			}
		}
		per(b)
	})
}
