package keystore

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/smx509"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto/internal/openssl"
)

// openssl opens a key file step by step: PBKDF2 with HMAC-SM3, SM4-CBC, PKCS#8. (As a
// whole only versions that know the identifier of HMAC-SM3 can; 3.0 does not.)
// covers: T.20
func TestAgainstOpenSSL(t *testing.T) {
	dir := t.TempDir()
	k := newKey(t)
	text, err := Encode(k, []byte("open sesame"))
	require.NoError(t, err)
	var e envelope
	mustUnmarshal(t, derOf(t, text), &e)
	p := &e.Algorithm.Params
	kdf := &p.Derivation.Params
	require.Equal(t, Iterations, kdf.Iterations)

	key := openssl.Must(t, dir, nil, "kdf", "-keylen", "16", "-kdfopt", "digest:SM3", "-kdfopt", "pass:open sesame",
		"-kdfopt", "hexsalt:"+hex.EncodeToString(kdf.Salt), "-kdfopt", "iter:"+strconv.Itoa(kdf.Iterations), "PBKDF2")
	key = strings.ReplaceAll(strings.TrimSpace(key), ":", "")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data"), e.Data, 0o600))
	openssl.Must(t, dir, nil, "enc", "-d", "-sm4-cbc", "-K", key, "-iv", hex.EncodeToString(p.Cipher.IV), "-in", "data", "-out", "key.der")
	der, err := os.ReadFile(filepath.Join(dir, "key.der"))
	require.NoError(t, err)
	want, err := smx509.MarshalPKCS8PrivateKey(k.Unwrap())
	require.NoError(t, err)
	require.Equal(t, want, der)

	pub := openssl.Must(t, dir, nil, "pkey", "-inform", "DER", "-in", "key.der", "-noout", "-text_pub")
	require.Contains(t, pub, "SM2")
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune("0123456789abcdef", r) {
			return r
		}
		return -1
	}, pub)
	require.Contains(t, digits, k.Public().String())

	require.NoError(t, os.WriteFile(filepath.Join(dir, "key.pem"), text, 0o600))
	whole, ok := openssl.Run(t, dir, nil, "pkey", "-in", "key.pem", "-passin", "pass:open sesame", "-noout", "-text_pub")
	t.Logf("this openssl opens the file as it is: %v", ok)
	if ok {
		require.Equal(t, pub, whole)
	}
}
