package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/emmansun/gmsm/smx509"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
)

var (
	begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end   = begin.AddDate(10, 0, 0)
	mid   = begin.AddDate(1, 0, 0)
)

func newKey(t testing.TB) *crypto.PrivateKey {
	t.Helper()
	k, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return k
}

func newCA(t testing.TB, org string) *CA {
	t.Helper()
	ca, err := NewCA(org, newKey(t), begin, end)
	require.NoError(t, err)
	return ca
}

func issue(t testing.TB, ca *CA, name string, roles ...string) *Certificate {
	t.Helper()
	c, err := ca.Issue(Request{Name: name, Roles: roles, PublicKey: newKey(t).Public(), NotBefore: begin, NotAfter: mid})
	require.NoError(t, err)
	return c
}

func TestIssueAndCheck(t *testing.T) {
	ca := newCA(t, "archives")
	key := newKey(t).Public()
	c, err := ca.Issue(Request{Name: "clerk", Roles: []string{"client", "auditor"}, PublicKey: key,
		NotBefore: begin.Add(300 * time.Millisecond), NotAfter: mid})
	require.NoError(t, err)
	require.Equal(t, "archives", c.Org)
	require.Equal(t, "clerk", c.Name)
	require.Equal(t, []string{"auditor", "client"}, c.Roles)
	require.Equal(t, key, c.PublicKey)
	require.Equal(t, begin, c.NotBefore)
	require.Equal(t, mid, c.NotAfter)
	require.False(t, c.IsCA)
	require.True(t, ca.Root().IsCA)
	require.NoError(t, ca.Root().CheckRoot(mid))

	other := newCA(t, "tax")
	roots := []*Certificate{other.Root(), ca.Root()}
	for _, at := range []time.Time{begin, mid} {
		require.NoError(t, c.Check(roots, at))
	}
	require.ErrorIs(t, c.Check(roots, begin.Add(-time.Second)), ErrExpired)
	require.ErrorIs(t, c.Check(roots, mid.Add(time.Second)), ErrExpired)
	require.ErrorIs(t, c.Check(roots[:1], mid), ErrForeignCA)
	require.ErrorIs(t, c.Check(nil, mid), ErrForeignCA)
	require.ErrorIs(t, ca.Root().Check(roots, mid), ErrForeignCA)
	require.Error(t, c.CheckRoot(mid))
	require.ErrorIs(t, ca.Root().CheckRoot(end.Add(time.Second)), ErrExpired)
}

// A CA that calls itself by the name of another organisation gets nowhere.
func TestForgedOrganisation(t *testing.T) {
	real, forged := newCA(t, "archives"), newCA(t, "archives")
	c := issue(t, forged, "clerk", "client")
	require.ErrorIs(t, c.Check([]*Certificate{real.Root()}, begin), ErrForeignCA)
	require.NoError(t, c.Check([]*Certificate{real.Root(), forged.Root()}, begin))
}

// An organisation that renewed its root keeps both; a certificate under the old one
// ends with it.
func TestRenewedRoot(t *testing.T) {
	key := newKey(t)
	old, err := NewCA("archives", key, begin, mid)
	require.NoError(t, err)
	renewed, err := NewCA("archives", key, mid.Add(-time.Hour), end)
	require.NoError(t, err)
	c, err := renewed.Issue(Request{Name: "clerk", Roles: []string{"client"}, PublicKey: newKey(t).Public(), NotBefore: mid, NotAfter: end})
	require.NoError(t, err)
	later := mid.Add(time.Hour)
	require.ErrorIs(t, c.Check([]*Certificate{old.Root()}, later), ErrExpired)
	require.NoError(t, c.Check([]*Certificate{old.Root(), renewed.Root()}, later))
}

func TestTampered(t *testing.T) {
	ca := newCA(t, "archives")
	c := issue(t, ca, "clerk", "client")
	roots := []*Certificate{ca.Root()}
	for i := range c.Raw {
		bad := append([]byte(nil), c.Raw...)
		bad[i] ^= 1
		if p, err := Parse(bad); err == nil {
			require.Error(t, p.Check(roots, begin), "byte %d", i)
		}
	}
	for _, bad := range [][]byte{append(c.Raw[:len(c.Raw):len(c.Raw)], 0), c.Raw[:len(c.Raw)-1], nil, make([]byte, MaxSize+1)} {
		_, err := Parse(bad)
		require.Error(t, err)
	}
}

func TestIssueRefuses(t *testing.T) {
	ca := newCA(t, "archives")
	good := Request{Name: "clerk", Roles: []string{"client"}, PublicKey: newKey(t).Public(), NotBefore: begin, NotAfter: mid}
	for name, change := range map[string]func(*Request){
		"no role":        func(r *Request) { r.Roles = nil },
		"role twice":     func(r *Request) { r.Roles = []string{"client", "client"} },
		"too many roles": func(r *Request) { r.Roles = []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} },
		"bad role":       func(r *Request) { r.Roles = []string{"client,admin"} },
		"bad name":       func(r *Request) { r.Name = "Clerk" },
		"empty name":     func(r *Request) { r.Name = "" },
		"no key":         func(r *Request) { r.PublicKey = crypto.PublicKey{} },
		"too early":      func(r *Request) { r.NotBefore = begin.Add(-time.Second) },
		"too late":       func(r *Request) { r.NotAfter = end.Add(time.Second) },
		"backwards":      func(r *Request) { r.NotBefore, r.NotAfter = mid, begin },
	} {
		r := good
		change(&r)
		_, err := ca.Issue(r)
		require.Error(t, err, name)
	}
	_, err := LoadCA(ca.Root().Raw, newKey(t))
	require.ErrorContains(t, err, "does not belong")
	_, err = LoadCA(issue(t, ca, "clerk", "client").Raw, newKey(t))
	require.ErrorContains(t, err, "self-signed")
	_, err = NewCA("Archives", newKey(t), begin, end)
	require.Error(t, err)
}

// Certificates of other algorithms or outside the profile are refused.
// covers: T.20
func TestParseRefusesForeignProfiles(t *testing.T) {
	sm2Key := newKey(t).Unwrap()
	nist, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	base := func() *smx509.Certificate {
		return &smx509.Certificate{
			SerialNumber: big.NewInt(7), NotBefore: begin, NotAfter: mid, BasicConstraintsValid: true,
			Subject:  pkix.Name{Organization: []string{"archives"}, OrganizationalUnit: []string{"client"}, CommonName: "clerk"},
			KeyUsage: smx509.KeyUsageDigitalSignature,
		}
	}
	parent := &smx509.Certificate{Subject: pkix.Name{Organization: []string{"archives"}, CommonName: "ca"}}
	make := func(c, parent *smx509.Certificate, pub, key any) error {
		der, err := smx509.CreateCertificate(rand.Reader, c, parent, pub, key)
		require.NoError(t, err)
		_, err = Parse(der)
		return err
	}
	require.NoError(t, make(base(), parent, &sm2Key.PublicKey, sm2Key))
	require.ErrorContains(t, make(base(), parent, &sm2Key.PublicKey, nist), "SM2-with-SM3")
	require.ErrorContains(t, make(base(), parent, &nist.PublicKey, sm2Key), "SM2 key")
	for name, change := range map[string]func(*smx509.Certificate){
		"country":         func(c *smx509.Certificate) { c.Subject.Country = []string{"CN"} },
		"no role":         func(c *smx509.Certificate) { c.Subject.OrganizationalUnit = nil },
		"two names":       func(c *smx509.Certificate) { c.Subject.Organization = []string{"archives", "tax"} },
		"no name":         func(c *smx509.Certificate) { c.Subject.CommonName = "" },
		"other org":       func(c *smx509.Certificate) { c.Subject.Organization = []string{"tax"} },
		"upper case":      func(c *smx509.Certificate) { c.Subject.CommonName = "Clerk" },
		"no usage":        func(c *smx509.Certificate) { c.KeyUsage = 0 },
		"may sign certs":  func(c *smx509.Certificate) { c.KeyUsage |= smx509.KeyUsageCertSign },
		"CA with a role":  func(c *smx509.Certificate) { c.IsCA = true; c.KeyUsage |= smx509.KeyUsageCertSign },
		"other extension": func(c *smx509.Certificate) { c.DNSNames = []string{"a.example"} },
		"backwards":       func(c *smx509.Certificate) { c.NotAfter = begin },
		"long serial":     func(c *smx509.Certificate) { c.SerialNumber = new(big.Int).Lsh(big.NewInt(1), 160) },
		"zero serial":     func(c *smx509.Certificate) { c.SerialNumber = new(big.Int) },
	} {
		c := base()
		change(c)
		require.Error(t, make(c, parent, &sm2Key.PublicKey, sm2Key), name)
	}
}

func TestPEM(t *testing.T) {
	c := issue(t, newCA(t, "archives"), "clerk", "client")
	text := EncodePEM(c.Raw)
	got, err := ParsePEM(append([]byte("Certificate:\n"), text...))
	require.NoError(t, err)
	require.Equal(t, c, got)
	for _, bad := range [][]byte{nil, c.Raw, append(text, text...), text[:len(text)/2]} {
		_, err := ParsePEM(bad)
		require.Error(t, err)
	}
}

// FuzzParse: no input panics, and what parses means the same when it is parsed again.
func FuzzParse(f *testing.F) {
	ca := newCA(f, "archives")
	f.Add(ca.Root().Raw)
	f.Add(issue(f, ca, "clerk", "client", "auditor").Raw)
	f.Fuzz(func(t *testing.T, der []byte) {
		c, err := Parse(der)
		if err != nil {
			return
		}
		require.Equal(t, der, c.Raw)
		require.True(t, c.NotBefore.Before(c.NotAfter))
		require.NotEqual(t, c.IsCA, len(c.Roles) > 0)
		if c.Check([]*Certificate{ca.Root()}, begin) == nil {
			require.Equal(t, "clerk", c.Name)
		}
	})
}
