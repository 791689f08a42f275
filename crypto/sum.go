package crypto

import (
	"slices"

	"github.com/huchain/huchain/crypto/internal/sm3x8"
)

// SumPairs hashes the nodes of a tree, all of one level at once:
// dst[i] = Sum([]byte{prefix}, pairs[2i][:], pairs[2i+1][:]). pairs MUST be twice as long
// as dst, or it panics; dst may be pairs[:len(dst)]. On amd64 with AVX2 eight nodes take
// the time of less than three, so gather at least three; fewer cost what Sum costs. The result
// is the same everywhere.
func SumPairs(dst []Hash, prefix byte, pairs []Hash) { sm3x8.SumPairs(dst, prefix, pairs) }

// Node is an inner node of a tree: where its children's hashes lie and where its own goes.
type Node = sm3x8.Node[Hash]

// SumNodes is SumPairs for nodes whose children need not be brought together first:
// *To = Sum([]byte{prefix}, Left[:], Right[:]). None may be a child of another.
func SumNodes(prefix byte, nodes []Node) { sm3x8.SumNodes(prefix, nodes) }

// SumItems hashes the leaves of a tree over hashes: dst[i] = Sum([]byte{prefix},
// items[i][:]). items MUST be as long as dst, or it panics; dst may be items. It is fast
// like SumPairs.
func SumItems(dst []Hash, prefix byte, items []Hash) { sm3x8.SumItems(dst, prefix, items) }

// SumMany hashes messages of one length that stand one behind the other:
// dst[i] = Sum(data[i·size:(i+1)·size]). data MUST be len(dst)·size bytes, or it panics.
// It is as fast as SumPairs where there are eight messages or more, or three short ones
// (up to 119 bytes).
func SumMany(dst []Hash, data []byte, size int) { sm3x8.SumMany(dst, data, size) }

const (
	// sumGroup is the number of messages of equal length from which they are hashed together.
	sumGroup = 3
	// sumBytes is about how many bytes are brought together for that.
	sumBytes = 16 << 10
)

// SumEach hashes messages of any lengths, those of equal length together.
func SumEach(msgs [][]byte) []Hash {
	out := make([]Hash, len(msgs))
	order := make([]int32, len(msgs))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return len(msgs[a]) - len(msgs[b]) })
	buf := make([]byte, 0, 2*sumBytes)
	var sums []Hash
	for len(order) > 0 {
		size, n := len(msgs[order[0]]), 1
		for n < len(order) && len(msgs[order[n]]) == size && n*size < sumBytes {
			n++
		}
		if n < sumGroup {
			for _, i := range order[:n] {
				out[i] = Sum(msgs[i])
			}
			order = order[n:]
			continue
		}
		buf = buf[:0]
		for _, i := range order[:n] {
			buf = append(buf, msgs[i]...)
		}
		sums = slices.Grow(sums[:0], n)[:n]
		SumMany(sums, buf, size)
		for k, i := range order[:n] {
			out[i] = sums[k]
		}
		order = order[n:]
	}
	return out
}
