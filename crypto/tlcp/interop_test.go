package tlcp

import (
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tjfoc/gmsm/gmtls"
	tjsm2 "github.com/tjfoc/gmsm/sm2"
	tjx509 "github.com/tjfoc/gmsm/x509"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
)

// gmKeys is a pair of certificates in the form of the other implementation.
func gmKeys(id *Identity) []gmtls.Certificate {
	key := func(k any) *tjsm2.PrivateKey {
		own := k.(*crypto.PrivateKey).Unwrap()
		curve := tjsm2.P256Sm2()
		out := &tjsm2.PrivateKey{D: new(big.Int).Set(own.D)}
		out.Curve = curve
		out.X, out.Y = curve.ScalarBaseMult(own.D.Bytes())
		return out
	}
	return []gmtls.Certificate{
		{Certificate: [][]byte{id.Sign.Raw, id.Encrypt.Raw}, PrivateKey: key(id.Signer)},
		{Certificate: [][]byte{id.Encrypt.Raw}, PrivateKey: key(id.Decrypter)},
	}
}

func gmPool(t *testing.T, roots ...*cert.Certificate) *tjx509.CertPool {
	pool := tjx509.NewCertPool()
	for _, r := range roots {
		parsed, err := tjx509.ParseCertificate(r.Raw)
		require.NoError(t, err)
		pool.AddCert(parsed)
	}
	return pool
}

// An implementation that others wrote and use, in both roles, with certificates on both
// sides. It speaks one suite, ECC_SM4_CBC_SM3.
// covers: T.07
func TestInteroperability(t *testing.T) {
	w := newWorld(t, "archives")
	theirs := w.identity("theirs", time.Now().AddDate(1, 0, 0), "client")
	gm := &gmtls.Config{
		GMSupport: &gmtls.GMSupport{}, Certificates: gmKeys(theirs),
		ClientCAs: gmPool(t, w.ca.Root()), ClientAuth: gmtls.RequireAndVerifyClientCert,
	}
	// Our certificates name members, not hosts; signatures of the handshake are checked.
	gmClient := &gmtls.Config{GMSupport: &gmtls.GMSupport{}, Certificates: gm.Certificates, InsecureSkipVerify: true}
	t.Run("we are the server", func(t *testing.T) {
		c, s := pair(t, w.config("unused"), w.config("ours", ECCSM4CBCSM3))
		other := gmtls.Client(c.conn, gmClient)
		result := make(chan error, 1)
		go func() { result <- other.Handshake() }()
		require.NoError(t, s.Handshake())
		require.NoError(t, <-result)
		require.Equal(t, "theirs", s.Peer().Name)
		echo(t, other, s)
		echo(t, s, other)
		require.NoError(t, other.Close())
		_, err := s.Read(make([]byte, 1))
		require.Error(t, err) // it does not always say goodbye
	})
	t.Run("we are the client", func(t *testing.T) {
		c, s := pair(t, w.config("ours", ECCSM4CBCSM3), w.config("unused"))
		other := gmtls.Server(s.conn, gm)
		result := make(chan error, 1)
		go func() { result <- other.Handshake() }()
		require.NoError(t, c.Handshake())
		require.NoError(t, <-result)
		require.Equal(t, "theirs", c.Peer().Name)
		require.Equal(t, ECCSM4CBCSM3, c.Suite())
		echo(t, other, c)
		echo(t, c, other)
		require.NoError(t, c.Close())
		_, err := other.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
	})
	t.Run("only GCM", func(t *testing.T) {
		c, s := pair(t, w.config("unused"), w.config("ours"))
		other := gmtls.Client(c.conn, gmClient)
		go other.Handshake()
		var a *AlertError
		require.ErrorAs(t, s.Handshake(), &a)
		require.Equal(t, AlertHandshakeFailure, a.Alert)
	})
}

// echo sends sizes around the block and record bounds one way.
func echo(t *testing.T, from io.Writer, to io.Reader) {
	t.Helper()
	for _, size := range []int{1, 15, 16, 31, 32, 33, 1000, maxPlaintext, 40_000} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(i * 7)
		}
		go from.Write(data)
		got := make([]byte, size)
		_, err := io.ReadFull(to, got)
		require.NoError(t, err)
		require.Equal(t, data, got)
	}
}
