package loadsign_test

import (
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/loadsign"
)

// Signatures hold before our verifier and before gmsm's, for their message alone.
func TestSignaturesHold(t *testing.T) {
	for i := range 20 {
		key, err := crypto.GenerateKey(rand.Reader)
		require.NoError(t, err)
		s, err := loadsign.New(key)
		require.NoError(t, err)
		require.Equal(t, key.Public(), s.Public())
		for n := range 20 {
			msg := fmt.Appendf(nil, "transaction %d of %d", n, i)
			sig, err := s.Sign(msg)
			require.NoError(t, err)
			require.True(t, key.Public().Verify(msg, sig))
			require.False(t, key.Public().Verify(append(msg, '!'), sig))
			der, err := crypto.EncodeSignature(sig)
			require.NoError(t, err)
			require.True(t, sm2.VerifyASN1WithSM2(&key.Unwrap().PublicKey, []byte("1234567812345678"), msg, der))
		}
	}
}

// BenchmarkSign compares with crypto.PrivateKey, whose time tells nothing of the key.
func BenchmarkSign(b *testing.B) {
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(b, err)
	load, err := loadsign.New(key)
	require.NoError(b, err)
	msg := make([]byte, 250)
	for _, c := range []struct {
		name string
		crypto.Signer
	}{{"load", load}, {"constant-time", key}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Sign(msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
