package cms

import (
	"bytes"
	"crypto/rand"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/emmansun/gmsm/pkcs7"
	"github.com/emmansun/gmsm/smx509"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/internal/openssl"
)

func member(t testing.TB, name string) (*crypto.PrivateKey, *cert.Certificate) {
	t.Helper()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	root, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ca, err := cert.NewCA("archives", root, from, from.AddDate(10, 0, 0))
	require.NoError(t, err)
	k, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	c, err := ca.Issue(cert.Request{Name: name, PublicKey: k.Public(), NotBefore: from, NotAfter: from.AddDate(20, 0, 0), Roles: []string{"client"}})
	if err != nil { // bounded by the root
		c, err = ca.Issue(cert.Request{Name: name, PublicKey: k.Public(), NotBefore: from, NotAfter: from.AddDate(9, 0, 0), Roles: []string{"client"}})
	}
	require.NoError(t, err)
	return k, c
}

// gmsm, which knows GM/T 0010 on its own, and openssl, which knows SM2, accept what is
// signed here.
func TestOthersAcceptIt(t *testing.T) {
	k, c := member(t, "notary")
	content := []byte("存证证书")
	s, err := Sign(k, c, Data, content[:3], content[3:])
	require.NoError(t, err)
	der, err := s.Encode()
	require.NoError(t, err)

	p, err := pkcs7.Parse(der)
	require.NoError(t, err)
	p.Content = content
	require.NoError(t, p.Verify())
	p.Content = []byte("别的内容")
	require.Error(t, p.Verify())
	s.Content = content
	attached, err := s.Encode()
	require.NoError(t, err)
	p, err = pkcs7.Parse(attached)
	require.NoError(t, err)
	require.NoError(t, p.Verify())

	dir := t.TempDir()
	write := func(name string, b []byte) { require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600)) }
	x, err := smx509.ParseCertificate(c.Raw)
	require.NoError(t, err)
	write("pub.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: x.RawSubjectPublicKeyInfo}))
	attributes, err := s.Attributes()
	require.NoError(t, err)
	write("attributes", attributes)
	sig, err := crypto.EncodeSignature(s.Signature)
	require.NoError(t, err)
	write("sig", sig)
	require.Contains(t, openssl.Must(t, dir, nil, "dgst", "-sm3", "-verify", "pub.pem", "-sigopt", openssl.Distid, "-signature", "sig", "attributes"), "Verified OK")
	write("der", der)
	require.Contains(t, openssl.Must(t, dir, nil, "asn1parse", "-inform", "DER", "-in", "der"), "1.2.156.10197.6.1.4.2.2")
}

// Any altered, cut or added byte is noticed: by the form, or by the signature.
func TestEveryByteCounts(t *testing.T) {
	k, c := member(t, "notary")
	content := []byte("内容")
	s, err := Sign(k, c, Data, content)
	require.NoError(t, err)
	der, err := s.Encode()
	require.NoError(t, err)
	got, err := Decode(der)
	require.NoError(t, err)
	require.NoError(t, got.Verify(content))
	require.Error(t, got.Verify(content, []byte{0}))
	holds := func(in []byte) bool {
		got, err := Decode(in)
		return err == nil && bytes.Equal(got.Certificate.Raw, c.Raw) && got.Verify(content) == nil
	}
	require.True(t, holds(der))
	for at := range der {
		bad := bytes.Clone(der)
		bad[at] ^= 1 << (at % 8)
		require.False(t, holds(bad), "byte %d", at)
	}
	require.False(t, holds(der[:len(der)-1]))
	require.False(t, holds(append(bytes.Clone(der), 0)))

	other, _ := member(t, "clerk")
	_, err = Sign(other, c, Data, content)
	require.ErrorContains(t, err, "another key")
}

func FuzzDecode(f *testing.F) {
	k, c := member(f, "notary")
	s, err := Sign(k, c, Data, nil)
	require.NoError(f, err)
	for _, stamp := range [][]byte{nil, {0x30, 0}} {
		s.TimeStamp = stamp
		der, err := s.Encode()
		require.NoError(f, err)
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if s, err := Decode(in); err == nil {
			again, err := s.Encode()
			require.NoError(t, err)
			require.Equal(t, in, again)
		}
	})
}

// BenchmarkSign signs and encodes; BenchmarkVerify decodes and verifies.
func BenchmarkSign(b *testing.B) {
	k, c := member(b, "notary")
	for b.Loop() {
		s, err := Sign(k, c, Data, []byte("x"))
		require.NoError(b, err)
		_, err = s.Encode()
		require.NoError(b, err)
	}
}
