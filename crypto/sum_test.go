package crypto_test

import (
	"crypto/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
)

func TestSumsOfMany(t *testing.T) {
	for n := range 20 {
		data := make([]byte, 64*n)
		_, _ = rand.Read(data)
		pairs := make([]crypto.Hash, 2*n)
		for i := range pairs {
			copy(pairs[i][:], data[32*i:])
		}
		nodes, plain := make([]crypto.Hash, n), make([]crypto.Hash, n)
		crypto.SumPairs(nodes, 1, pairs)
		crypto.SumMany(plain, data, 64)
		items := make([]crypto.Hash, n)
		crypto.SumItems(items, 2, nodes)
		for i := range n {
			require.Equal(t, crypto.Sum([]byte{1}, pairs[2*i][:], pairs[2*i+1][:]), nodes[i])
			require.Equal(t, crypto.Sum([]byte{2}, nodes[i][:]), items[i])
			require.Equal(t, crypto.Sum(data[64*i:64*i+64]), plain[i])
		}
	}
}
