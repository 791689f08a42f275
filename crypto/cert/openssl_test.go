package cert

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/internal/openssl"
)

// openssl verifies our certificates, refuses a foreign one, and its own certificates
// under the same profile pass here.
// covers: T.20
func TestAgainstOpenSSL(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
		return name
	}
	ca, other := newCA(t, "archives"), newCA(t, "archives")
	c := issue(t, ca, "clerk", "client", "auditor")
	root := file("root.pem", EncodePEM(ca.Root().Raw))
	foreign := file("foreign.pem", EncodePEM(other.Root().Raw))
	leaf := file("leaf.pem", EncodePEM(c.Raw))
	verify := func(root, leaf string) bool {
		_, ok := openssl.Run(t, dir, nil, "verify", "-x509_strict", "-vfyopt", openssl.Distid,
			"-attime", "1770000000", "-CAfile", root, leaf)
		return ok
	}
	// The verify command applies the user id to the leaf alone, so the root's signature
	// on itself is checked by hand.
	der, err := crypto.EncodeSignature(ca.Root().signature)
	require.NoError(t, err)
	file("root.pub", []byte(openssl.Must(t, dir, nil, "x509", "-in", root, "-noout", "-pubkey")))
	openssl.Must(t, dir, nil, "pkeyutl", "-verify", "-pubin", "-inkey", "root.pub", "-rawin", "-in", file("tbs", ca.Root().tbs),
		"-digest", "sm3", "-sigfile", file("sig", der), "-pkeyopt", openssl.Distid)
	require.True(t, verify(root, leaf))
	require.False(t, verify(foreign, leaf))
	require.Contains(t, openssl.Must(t, dir, nil, "x509", "-in", leaf, "-noout", "-subject", "-nameopt", "RFC2253"), "CN=clerk")

	file("ca.cnf", []byte("[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nO=archives\nCN=ca\n"+
		"[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n"+
		"[leaf]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"))
	for _, name := range []string{"a", "b"} {
		openssl.Must(t, dir, nil, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", name+".key")
	}
	openssl.Must(t, dir, nil, "req", "-x509", "-new", "-config", "ca.cnf", "-extensions", "ca", "-key", "a.key", "-sm3",
		"-sigopt", openssl.Distid, "-days", "30", "-out", "a.pem")
	openssl.Must(t, dir, nil, "req", "-new", "-config", "ca.cnf", "-key", "b.key", "-sm3", "-sigopt", openssl.Distid,
		"-subj", "/O=archives/OU=client/CN=clerk", "-out", "b.csr")
	openssl.Must(t, dir, nil, "x509", "-req", "-in", "b.csr", "-CA", "a.pem", "-CAkey", "a.key", "-sm3", "-vfyopt", openssl.Distid,
		"-sigopt", openssl.Distid, "-extfile", "ca.cnf", "-extensions", "leaf", "-set_serial", "99", "-days", "20", "-out", "b.pem")
	load := func(name string) *Certificate {
		text, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		c, err := ParsePEM(text)
		require.NoError(t, err)
		return c
	}
	a, b := load("a.pem"), load("b.pem")
	require.NoError(t, a.CheckRoot(a.NotBefore))
	require.NoError(t, b.Check([]*Certificate{ca.Root(), a}, b.NotBefore))
	require.ErrorIs(t, b.Check([]*Certificate{ca.Root()}, b.NotBefore), ErrForeignCA)
	require.Equal(t, "63", b.Serial)
}
