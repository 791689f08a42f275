package crypto_test

import (
	"crypto/rand"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/smx509"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/internal/openssl"
)

// Signatures cross between this package and openssl, both ways, and tampering is seen on
// either side.
// covers: T.20
func TestSignaturesAgainstOpenSSL(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		p := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(p, content, 0o600))
		return p
	}
	for i := range 4 {
		key, err := crypto.GenerateKey(rand.Reader)
		require.NoError(t, err)
		der, err := smx509.MarshalPKCS8PrivateKey(key.Unwrap())
		require.NoError(t, err)
		keyFile := file("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		pubFile := file("pub.pem", []byte(openssl.Must(t, dir, nil, "pkey", "-in", keyFile, "-pubout")))
		msg := make([]byte, 100*i+1)
		_, _ = rand.Read(msg)
		msgFile := file("msg", msg)
		sm2 := []string{"-rawin", "-in", msgFile, "-digest", "sm3", "-pkeyopt", openssl.Distid}
		verify := append([]string{"pkeyutl", "-verify", "-pubin", "-inkey", pubFile, "-sigfile", "sig"}, sm2...)

		sig, err := key.Sign(msg)
		require.NoError(t, err)
		ours, err := crypto.EncodeSignature(sig)
		require.NoError(t, err)
		file("sig", ours)
		require.Contains(t, openssl.Must(t, dir, nil, verify...), "Verified Successfully")

		sig[40] ^= 1
		bad, err := crypto.EncodeSignature(sig)
		require.NoError(t, err)
		file("sig", bad)
		_, ok := openssl.Run(t, dir, nil, verify...)
		require.False(t, ok)

		openssl.Must(t, dir, nil, append([]string{"pkeyutl", "-sign", "-inkey", keyFile, "-out", "theirs"}, sm2...)...)
		theirs, err := os.ReadFile(filepath.Join(dir, "theirs"))
		require.NoError(t, err)
		raw, err := crypto.DecodeSignature(theirs)
		require.NoError(t, err)
		require.True(t, key.Public().Verify(msg, raw))
		require.False(t, key.Public().Verify(msg[:len(msg)-1], raw))
	}
}

// covers: T.20
func TestSM3AgainstOpenSSL(t *testing.T) {
	for _, n := range []int{0, 1, 55, 56, 63, 64, 65, 127, 128, 1000, 100_000} {
		msg := make([]byte, n)
		_, _ = rand.Read(msg)
		out := openssl.Must(t, t.TempDir(), msg, "dgst", "-sm3", "-r")
		want, _, _ := strings.Cut(out, " ")
		require.Equal(t, want, crypto.Sum(msg).String(), "length %d", n)
	}
}
