package crypto_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm4"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// GB/T 32905-2016 appendix A.
// covers: T.20
func TestSM3Vectors(t *testing.T) {
	for msg, want := range map[string]string{
		"abc":                      "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
		strings.Repeat("abcd", 16): "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
	} {
		require.Equal(t, want, crypto.Sum([]byte(msg)).String())
		for i := range msg { // every way to cut it in two
			require.Equal(t, want, crypto.Sum([]byte(msg[:i]), []byte(msg[i:])).String())
		}
	}
}

// GB/T 32907-2016 appendix A: one block, and a million times over.
// covers: T.20
func TestSM4Vectors(t *testing.T) {
	key := unhex(t, "0123456789abcdeffedcba9876543210")
	c, err := sm4.NewCipher(key)
	require.NoError(t, err)
	b := append([]byte(nil), key...)
	c.Encrypt(b, b)
	require.Equal(t, "681edf34d206965e86b3e94f536e4246", hex.EncodeToString(b))
	for range 999_999 {
		c.Encrypt(b, b)
	}
	require.Equal(t, "595298c7c6fd271f0402f804c33d3f66", hex.EncodeToString(b))
	c.Decrypt(b, b)
	c.Encrypt(b, b)
	require.Equal(t, "595298c7c6fd271f0402f804c33d3f66", hex.EncodeToString(b))
}

// GB/T 32918.5-2017 appendix A.2 (GM/T 0003.5-2012 appendix A.2): key, ZA, e, signature
// of "message digest" by user 1234567812345678.
// covers: T.20
func TestSM2SignatureVector(t *testing.T) {
	key, err := crypto.NewPrivateKey(unhex(t, "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"))
	require.NoError(t, err)
	pub := key.Public()
	require.Equal(t, "04"+strings.ToLower("09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"+
		"CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"), pub.String())

	gmsmPub, err := sm2.NewPublicKey(pub[:])
	require.NoError(t, err)
	za, err := sm2.CalculateZA(gmsmPub, nil)
	require.NoError(t, err)
	require.Equal(t, "b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3", hex.EncodeToString(za))
	e := crypto.Sum(za, []byte("message digest"))
	require.Equal(t, "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640", e.String())

	sig := unhex(t, "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"+
		"B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA")
	for range 30 { // whatever the verifier prepares for a key it has met
		require.True(t, pub.Verify([]byte("message digest"), sig))
		require.False(t, pub.Verify([]byte("message digesu"), sig))
	}
	for i := range sig {
		bad := append([]byte(nil), sig...)
		bad[i] ^= 0x10
		require.False(t, pub.Verify([]byte("message digest"), bad))
	}
	_, err = crypto.NewPrivateKey(make([]byte, 32))
	require.Error(t, err)
}

// Signatures of other algorithms, or of SM2 under another user id or hash, are refused.
// covers: T.20
func TestOtherAlgorithmsAreRefused(t *testing.T) {
	msg := []byte("message")
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	own, err := key.Sign(msg)
	require.NoError(t, err)
	require.True(t, key.Public().Verify(msg, own))

	nist, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	digest := sha256.Sum256(msg)
	r, s, err := ecdsa.Sign(rand.Reader, nist, digest[:])
	require.NoError(t, err)
	ecdsaSig := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	require.False(t, key.Public().Verify(msg, ecdsaSig))
	nistPub, err := nist.PublicKey.Bytes()
	require.NoError(t, err)
	_, err = crypto.ParsePublicKey(nistPub)
	require.Error(t, err, "a point of another curve")
	require.False(t, crypto.PublicKey(nistPub).Verify(msg, ecdsaSig))

	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	require.False(t, key.Public().Verify(msg, ed25519.Sign(edKey, msg)))

	sm2Key := key.Unwrap()
	for name, opts := range map[string]*sm2.SM2SignerOption{
		"other user id": sm2.NewSM2SignerOption(true, []byte("ALICE123@YAHOO.COM")),
	} {
		der, err := sm2.SignASN1(rand.Reader, sm2Key, msg, opts)
		require.NoError(t, err)
		sig, err := crypto.DecodeSignature(der)
		require.NoError(t, err)
		require.False(t, key.Public().Verify(msg, sig), name)
		require.False(t, key.Public().Verify(msg, der), "DER is not the wire form")
	}
	der, err := sm2.SignASN1(rand.Reader, sm2Key, digest[:], nil)
	require.NoError(t, err)
	sig, err := crypto.DecodeSignature(der)
	require.NoError(t, err)
	require.False(t, key.Public().Verify(msg, sig), "SM2 over SHA-256 without ZA")
}

func TestSignIsDeterministic(t *testing.T) {
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	a, err := key.Sign([]byte("x"))
	require.NoError(t, err)
	b, err := key.Sign([]byte("x"))
	require.NoError(t, err)
	require.Equal(t, a, b)
	c, err := key.Sign([]byte("y"))
	require.NoError(t, err)
	require.NotEqual(t, a[:32], c[:32], "a nonce is never shared by two messages")
	empty, err := key.Sign(nil)
	require.NoError(t, err)
	require.True(t, key.Public().Verify(nil, empty))
}

func TestSecretsStayHidden(t *testing.T) {
	d := unhex(t, "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
	key, err := crypto.NewPrivateKey(d)
	require.NoError(t, err)
	for _, text := range []string{key.String(), key.GoString()} {
		require.NotContains(t, strings.ToLower(text), "3945208f")
	}
}
