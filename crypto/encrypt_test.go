package crypto_test

import (
	"bytes"
	"crypto/rand"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/emmansun/gmsm/smx509"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/internal/openssl"
)

// What openssl encrypts opens here, and what is encrypted here opens there.
func TestEncryptionAgainstOpenSSL(t *testing.T) {
	dir := t.TempDir()
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := smx509.MarshalPKCS8PrivateKey(key.Unwrap())
	require.NoError(t, err)
	file := func(name string, content []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	file("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	file("pub.pem", []byte(openssl.Must(t, dir, nil, "pkey", "-in", "key.pem", "-pubout")))
	for _, n := range []int{1, 16, 200} {
		msg := bytes.Repeat([]byte{byte(n)}, n)
		file("msg", msg)
		openssl.Must(t, dir, nil, "pkeyutl", "-encrypt", "-pubin", "-inkey", "pub.pem", "-in", "msg", "-out", "theirs")
		theirs, err := os.ReadFile(filepath.Join(dir, "theirs"))
		require.NoError(t, err)
		got, err := key.Decrypt(theirs)
		require.NoError(t, err)
		require.Equal(t, msg, got)

		ours, err := key.Public().Encrypt(rand.Reader, msg)
		require.NoError(t, err)
		again, err := key.Public().Encrypt(rand.Reader, msg)
		require.NoError(t, err)
		require.NotEqual(t, ours, again)
		file("ours", ours)
		openssl.Must(t, dir, nil, "pkeyutl", "-decrypt", "-inkey", "key.pem", "-in", "ours", "-out", "opened")
		got, err = os.ReadFile(filepath.Join(dir, "opened"))
		require.NoError(t, err)
		require.Equal(t, msg, got)
	}
	other, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	wrap, err := other.Public().Encrypt(rand.Reader, []byte("for another"))
	require.NoError(t, err)
	_, err = key.Decrypt(wrap)
	require.Error(t, err)
}

// The example of GB/T 32918.5-2017 annex C decrypts to its plaintext.
func TestEncryptionExample(t *testing.T) {
	d, err := hex.DecodeString("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
	require.NoError(t, err)
	key, err := crypto.NewPrivateKey(d)
	require.NoError(t, err)
	c, err := hex.DecodeString("04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0" +
		"59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd876621886ca989ca9c7d58087307ca93092d651efa")
	require.NoError(t, err)
	der, err := asn1.Marshal(struct {
		X, Y         *big.Int
		Hash, Cipher []byte
	}{new(big.Int).SetBytes(c[:32]), new(big.Int).SetBytes(c[32:64]), c[64:96], c[96:]})
	require.NoError(t, err)
	got, err := key.Decrypt(der)
	require.NoError(t, err)
	require.Equal(t, "encryption standard", string(got))
}
