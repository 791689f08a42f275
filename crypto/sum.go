package crypto

import "github.com/huchain/huchain/crypto/internal/sm3x8"

// SumPairs hashes the nodes of a tree, all of one level at once:
// dst[i] = Sum([]byte{prefix}, pairs[2i][:], pairs[2i+1][:]). pairs MUST be twice as long
// as dst, or it panics; dst may be pairs[:len(dst)]. On amd64 with AVX2 eight nodes take
// the time of less than three, so gather at least three; fewer cost what Sum costs. The result
// is the same everywhere.
func SumPairs(dst []Hash, prefix byte, pairs []Hash) { sm3x8.SumPairs(dst, prefix, pairs) }

// SumItems hashes the leaves of a tree over hashes: dst[i] = Sum([]byte{prefix},
// items[i][:]). items MUST be as long as dst, or it panics; dst may be items. It is fast
// like SumPairs.
func SumItems(dst []Hash, prefix byte, items []Hash) { sm3x8.SumItems(dst, prefix, items) }

// SumMany hashes messages of one length that stand one behind the other:
// dst[i] = Sum(data[i·size:(i+1)·size]). data MUST be len(dst)·size bytes, or it panics.
// It is as fast as SumPairs where there are eight messages or more, or three short ones
// (up to 119 bytes).
func SumMany(dst []Hash, data []byte, size int) { sm3x8.SumMany(dst, data, size) }
