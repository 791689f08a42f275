package crypto_test

import (
	"crypto/rand"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
)

func TestPublicKeyText(t *testing.T) {
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	text, err := key.Public().MarshalText()
	require.NoError(t, err)
	var back crypto.PublicKey
	require.NoError(t, back.UnmarshalText(text))
	require.Equal(t, key.Public(), back)

	text[50] ^= 1 // another digit, or none at all
	require.Error(t, back.UnmarshalText(text))
	require.Error(t, back.UnmarshalText(text[:129]))
	require.Equal(t, key.Public(), back, "a refused text changes nothing")
}

func TestVerifyDoesNotAllocate(t *testing.T) {
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	msg := make([]byte, 300)
	sig, err := key.Sign(msg)
	require.NoError(t, err)
	pub := key.Public()
	require.Zero(t, testing.AllocsPerRun(50, func() { pub.Verify(msg, sig) }))
	require.Zero(t, testing.AllocsPerRun(50, func() { _, _ = crypto.ParsePublicKey(pub[:]) }))
	stats := crypto.ReadVerifierStats()
	require.Positive(t, stats.Wide)
	require.Positive(t, stats.Windows)
}

// FuzzParsePublicKey: the same keys as gmsm takes in uncompressed form.
func FuzzParsePublicKey(f *testing.F) {
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(f, err)
	pub := key.Public()
	f.Add(pub[:])
	f.Add(make([]byte, 65))
	f.Add(pub[:33])
	f.Fuzz(func(t *testing.T, b []byte) {
		_, theirs := sm2.NewPublicKey(b)
		k, err := crypto.ParsePublicKey(b)
		require.Equal(t, theirs == nil && len(b) == 65 && b[0] == 4, err == nil)
		if err == nil {
			require.Equal(t, b, k[:])
		}
	})
}

// BenchmarkVerify is what a node pays for a transaction of a frequent sender.
func BenchmarkVerify(b *testing.B) {
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(b, err)
	pub, msg := key.Public(), make([]byte, 250)
	sig, err := key.Sign(msg)
	require.NoError(b, err)
	for b.Loop() {
		if !pub.Verify(msg, sig) {
			b.Fatal("refused")
		}
	}
}

func BenchmarkSign(b *testing.B) {
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(b, err)
	msg := make([]byte, 250)
	for b.Loop() {
		if _, err := key.Sign(msg); err != nil {
			b.Fatal(err)
		}
	}
}
