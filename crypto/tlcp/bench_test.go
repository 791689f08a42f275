package tlcp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkHandshake compares full handshakes with certificates on both sides: TLCP, and
// TLS 1.3 with P-256 of the standard library, in CPU of both sides together.
func BenchmarkHandshake(b *testing.B) {
	w := newWorld(b, "archives")
	for _, suite := range []Suite{ECCSM4GCMSM3, ECDHESM4GCMSM3} {
		b.Run(suite.String(), func(b *testing.B) {
			client, server := w.config("alice", suite), w.config("bob", suite)
			for b.Loop() {
				inner, outer := net.Pipe()
				cerr, serr := shake(Client(inner, client), Server(outer, server))
				if cerr != nil || serr != nil {
					b.Fatal(cerr, serr)
				}
				inner.Close()
				outer.Close()
			}
		})
	}
	b.Run("TLS13_P256", func(b *testing.B) {
		client, server := tls13(b)
		for b.Loop() {
			inner, outer := net.Pipe()
			c, s := tls.Client(inner, client), tls.Server(outer, server)
			done := make(chan error, 1)
			go func() { done <- s.Handshake() }()
			if err := c.Handshake(); err != nil {
				b.Fatal(err)
			}
			if err := <-done; err != nil {
				b.Fatal(err)
			}
			inner.Close()
			outer.Close()
		}
	})
}

// tls13 is a pair of configurations with P-256 certificates under one CA.
func tls13(t testing.TB) (client, server *tls.Config) {
	now := time.Now()
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		return k
	}
	caKey := key()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	require.NoError(t, err)
	root, err := x509.ParseCertificate(caDER)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(root)
	leaf := func(n int64) tls.Certificate {
		k := key()
		tmpl := &x509.Certificate{SerialNumber: big.NewInt(n), Subject: pkix.Name{CommonName: "x"}, DNSNames: []string{"x"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, root, &k.PublicKey, caKey)
		require.NoError(t, err)
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: k}
	}
	curves := []tls.CurveID{tls.CurveP256}
	return &tls.Config{Certificates: []tls.Certificate{leaf(2)}, RootCAs: pool, ServerName: "x", CurvePreferences: curves, MinVersion: tls.VersionTLS13},
		&tls.Config{Certificates: []tls.Certificate{leaf(3)}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, CurvePreferences: curves,
			MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true}
}

// BenchmarkThroughput writes at one end of a TCP connection and reads at the other, which
// takes two cores.
func BenchmarkThroughput(b *testing.B) {
	w := newWorld(b, "archives")
	for _, suite := range []Suite{ECCSM4GCMSM3, ECCSM4CBCSM3} {
		b.Run(suite.String(), func(b *testing.B) {
			c, s := pair(b, w.config("alice", suite), w.config("bob", suite))
			cerr, serr := shake(c, s)
			require.NoError(b, cerr)
			require.NoError(b, serr)
			data := make([]byte, 1<<20)
			b.SetBytes(int64(len(data)))
			go func() {
				for {
					if _, err := c.Write(data); err != nil {
						return
					}
				}
			}()
			buf := make([]byte, 1<<20)
			for b.Loop() {
				if _, err := io.ReadFull(s, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
