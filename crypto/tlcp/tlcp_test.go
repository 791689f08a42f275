package tlcp

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
)

func allSuites() []Suite { return []Suite{ECCSM4GCMSM3, ECDHESM4GCMSM3, ECCSM4CBCSM3, ECDHESM4CBCSM3} }

// world is an organisation with its CA, valid from an hour ago for ten years.
type world struct {
	t  testing.TB
	ca *cert.CA
}

func newKey(t testing.TB) *crypto.PrivateKey {
	t.Helper()
	k, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return k
}

func newWorld(t testing.TB, org string) *world {
	t.Helper()
	now := time.Now()
	ca, err := cert.NewCA(org, newKey(t), now.AddDate(-1, 0, 0), now.AddDate(10, 0, 0))
	require.NoError(t, err)
	return &world{t, ca}
}

// identity issues a pair of certificates that ends at end.
func (w *world) identity(name string, end time.Time, roles ...string) *Identity {
	w.t.Helper()
	issue := func(key *crypto.PrivateKey, encryption bool) *cert.Certificate {
		c, err := w.ca.Issue(cert.Request{Name: name, Roles: roles, PublicKey: key.Public(),
			NotBefore: time.Now().AddDate(0, -1, 0), NotAfter: end, Encryption: encryption})
		require.NoError(w.t, err)
		return c
	}
	sign, enc := newKey(w.t), newKey(w.t)
	return &Identity{Sign: issue(sign, false), Signer: sign, Encrypt: issue(enc, true), Decrypter: enc}
}

func (w *world) config(name string, suites ...Suite) *Config {
	return &Config{Identity: Fixed(w.identity(name, time.Now().AddDate(1, 0, 0), "validator")), Roots: w.roots, Suites: suites}
}

func (w *world) roots(string) []*cert.Certificate { return []*cert.Certificate{w.ca.Root()} }

// pair connects two sides over TCP; the handshake has not run.
func pair(t testing.TB, client, server *Config) (c, s *Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	dialled := make(chan net.Conn, 1)
	go func() {
		n, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			close(dialled)
			return
		}
		dialled <- n
	}()
	accepted, err := l.Accept()
	require.NoError(t, err)
	n, ok := <-dialled
	require.True(t, ok)
	c, s = Client(n, client), Server(accepted, server)
	t.Cleanup(func() { c.Close(); s.Close() })
	return c, s
}

// shake runs both handshakes and returns their errors.
func shake(c, s *Conn) (clientErr, serverErr error) {
	var wg sync.WaitGroup
	wg.Go(func() { serverErr = s.Handshake() })
	clientErr = c.Handshake()
	wg.Wait()
	return clientErr, serverErr
}

// covers: T.07
func TestSuites(t *testing.T) {
	w := newWorld(t, "archives")
	for _, suite := range allSuites() {
		t.Run(suite.String(), func(t *testing.T) {
			c, s := pair(t, w.config("alice", suite), w.config("bob", suite))
			cerr, serr := shake(c, s)
			require.NoError(t, cerr)
			require.NoError(t, serr)
			require.Equal(t, suite, c.Suite())
			require.Equal(t, suite, s.Suite())
			require.Equal(t, "bob", c.Peer().Name)
			require.Equal(t, "alice", s.Peer().Name)
			require.Equal(t, "archives", s.Peer().Org)
			require.True(t, s.Peer().HasRole("validator"))
			exchangeData(t, c, s)
			exchangeData(t, s, c)
			require.NoError(t, c.Close())
			_, err := s.Read(make([]byte, 1))
			require.Equal(t, io.EOF, err)
		})
	}
}

// exchangeData sends sizes around the bounds of a record from one side to the other.
func exchangeData(t *testing.T, from, to *Conn) {
	t.Helper()
	for _, size := range []int{1, 15, 16, 17, 1000, maxPlaintext - 1, maxPlaintext, maxPlaintext + 1, 300_000} {
		data := make([]byte, size)
		_, err := rand.Read(data)
		require.NoError(t, err)
		go from.Write(data)
		got := make([]byte, size)
		_, err = io.ReadFull(to, got)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got), "%d bytes", size)
	}
}

func TestPreferredSuite(t *testing.T) {
	w := newWorld(t, "archives")
	c, s := pair(t, w.config("alice"), w.config("bob"))
	cerr, serr := shake(c, s)
	require.NoError(t, cerr)
	require.NoError(t, serr)
	require.Equal(t, ECDHESM4GCMSM3, c.Suite())

	onlySigns := w.config("alice") // no encryption certificate: ECC is what is left
	id, _ := onlySigns.Identity()
	onlySigns.Identity = Fixed(&Identity{Sign: id.Sign, Signer: id.Signer})
	c, s = pair(t, onlySigns, w.config("bob"))
	cerr, serr = shake(c, s)
	require.NoError(t, cerr)
	require.NoError(t, serr)
	require.Equal(t, ECCSM4GCMSM3, s.Suite())
	require.Nil(t, s.Peer().Encrypt)

	anonymous := w.config("bob")
	anonymous.AnonymousClients = true
	c, s = pair(t, w.config("alice"), anonymous)
	cerr, serr = shake(c, s)
	require.NoError(t, cerr)
	require.NoError(t, serr)
	require.Nil(t, s.Peer())
	require.Equal(t, "bob", c.Peer().Name)
}

// Every way in which a peer may be the wrong one ends at the handshake, with an alert
// that says why.
// covers: T.07
func TestRefusals(t *testing.T) {
	w, foreign, forged := newWorld(t, "archives"), newWorld(t, "tax"), newWorld(t, "archives")
	good := w.config("bob")
	expired := &Config{Identity: Fixed(w.identity("alice", time.Now().Add(-time.Hour), "validator")), Roots: w.roots}
	own := func(change func(*Identity)) *Config {
		id := w.identity("alice", time.Now().AddDate(1, 0, 0), "validator")
		change(id)
		return &Config{Identity: Fixed(id), Roots: w.roots}
	}
	stranger := func(o *world) *Config {
		c := o.config("alice")
		c.Roots = w.roots
		return c
	}
	judged := func(err error) *Config {
		c := w.config("bob")
		c.VerifyPeer = func(p *Peer) error {
			if p.Name == "alice" {
				return err
			}
			return nil
		}
		return c
	}
	for name, c := range map[string]struct {
		bad, judge *Config
		alert      Alert
	}{
		"expired":        {expired, good, AlertCertificateExpired},
		"foreign CA":     {stranger(foreign), good, AlertUnknownCA},
		"forged CA":      {stranger(forged), good, AlertUnknownCA},
		"revoked":        {w.config("alice"), judged(ErrRevoked), AlertCertificateRevoked},
		"wrong role":     {w.config("alice"), judged(errors.New("role client where validator is due")), AlertAccessDenied},
		"key of another": {own(func(id *Identity) { id.Signer = lying{id.Signer, newKey(t)} }), good, AlertDecryptError},
		"only CBC":       {w.config("alice", ECCSM4CBCSM3), good, AlertHandshakeFailure},
	} {
		for _, badIsClient := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				if !badIsClient && name == "only CBC" {
					return
				}
				client, server := c.bad, c.judge
				if !badIsClient {
					client, server = c.judge, c.bad
				}
				cc, sc := pair(t, client, server)
				cerr, serr := shake(cc, sc)
				judge, told := serr, cerr
				if !badIsClient {
					judge, told = cerr, serr
				}
				var a *AlertError
				require.ErrorAs(t, judge, &a)
				require.Equal(t, c.alert, a.Alert, "%v", judge)
				require.False(t, a.Remote)
				require.ErrorAs(t, told, &a)
				require.Equal(t, c.alert, a.Alert, "%v", told)
				require.True(t, a.Remote)
			})
		}
	}
}

// lying claims one key and signs with another.
type lying struct{ claimed, real crypto.Signer }

func (l lying) Public() crypto.PublicKey            { return l.claimed.Public() }
func (l lying) Sign(message []byte) ([]byte, error) { return l.real.Sign(message) }

// A pair of certificates is of one member, and each serves its own use.
func TestPairs(t *testing.T) {
	w := newWorld(t, "archives")
	judge := w.config("bob")
	alice, carol := w.identity("alice", time.Now().AddDate(1, 0, 0), "client"), w.identity("carol", time.Now().AddDate(1, 0, 0), "client")
	for name, c := range map[string]struct {
		chain [][]byte
		alert Alert
	}{
		"two members":    {[][]byte{alice.Sign.Raw, carol.Encrypt.Raw}, AlertUnsupportedCertificate},
		"wrong order":    {[][]byte{alice.Encrypt.Raw, alice.Sign.Raw}, AlertUnsupportedCertificate},
		"signing twice":  {[][]byte{alice.Sign.Raw, alice.Sign.Raw}, AlertUnsupportedCertificate},
		"one":            {[][]byte{alice.Sign.Raw}, AlertBadCertificate},
		"none":           {nil, AlertBadCertificate},
		"a root":         {[][]byte{w.ca.Root().Raw, alice.Encrypt.Raw}, AlertUnknownCA},
		"no certificate": {[][]byte{{1, 2, 3}, alice.Encrypt.Raw}, AlertBadCertificate},
	} {
		_, err := judge.judgePeer(c.chain, true)
		var a *AlertError
		require.ErrorAs(t, err, &a, name)
		require.Equal(t, c.alert, a.Alert, "%s: %v", name, err)
	}
	_, err := judge.judgePeer(alice.chain(), true)
	require.NoError(t, err)
}

func TestNonTLCP(t *testing.T) {
	w := newWorld(t, "archives")
	for name, c := range map[string]struct {
		sent  []byte
		alert Alert
	}{
		"plain":   {[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), AlertUnexpectedMessage},
		"TLS 1.2": {[]byte{22, 3, 1, 0, 5, 1, 0, 0, 1, 0}, AlertProtocolVersion},
	} {
		t.Run(name, func(t *testing.T) {
			inner, outer := net.Pipe()
			s := Server(inner, w.config("bob"))
			go func() {
				outer.Write(c.sent)
				io.Copy(io.Discard, outer)
			}()
			var a *AlertError
			require.ErrorAs(t, s.Handshake(), &a)
			require.Equal(t, c.alert, a.Alert)
		})
	}
}

func TestTampering(t *testing.T) {
	w := newWorld(t, "archives")
	for _, suite := range allSuites() {
		for _, at := range []int{0, 1, 3, recordHeader, recordHeader + 9, -1} {
			inner, outer := net.Pipe()
			tap := &tap{Conn: inner}
			c, s := Client(tap, w.config("alice", suite)), Server(outer, w.config("bob", suite))
			cerr, serr := shake(c, s)
			require.NoError(t, cerr)
			require.NoError(t, serr)
			tap.flip, tap.at = true, at
			go func() {
				c.Write([]byte("to be altered on its way"))
				inner.Close()
			}()
			_, err := s.Read(make([]byte, 100))
			require.Error(t, err, "%v byte %d", suite, at)
			_, again := s.Read(make([]byte, 100))
			require.Equal(t, err, again, "the connection is over")
			outer.Close()
		}
	}
}

// tap alters one byte of what is written through it.
type tap struct {
	net.Conn
	flip bool
	at   int
}

func (p *tap) Write(b []byte) (int, error) {
	if p.flip {
		b = bytes.Clone(b)
		b[(p.at+len(b))%len(b)] ^= 1
	}
	return p.Conn.Write(b)
}

func TestDeadlines(t *testing.T) {
	w := newWorld(t, "archives")
	c, s := pair(t, w.config("alice"), w.config("bob"))
	cerr, serr := shake(c, s)
	require.NoError(t, cerr)
	require.NoError(t, serr)
	require.NoError(t, s.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
	_, err := s.Read(make([]byte, 1))
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
	require.NoError(t, s.SetReadDeadline(time.Time{}))
	exchangeData(t, c, s) // a read deadline ends nothing

	silent, _ := net.Pipe()
	slow := w.config("bob")
	slow.HandshakeTimeout = 20 * time.Millisecond
	require.ErrorIs(t, Server(silent, slow).Handshake(), context.DeadlineExceeded)
	silent, _ = net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, Client(silent, w.config("alice")).HandshakeContext(ctx), context.Canceled)
}

func TestSessionLimits(t *testing.T) {
	w := newWorld(t, "archives")
	few := w.config("alice")
	few.SessionBytes = 20_000
	c, s := pair(t, few, w.config("bob"))
	cerr, serr := shake(c, s)
	require.NoError(t, cerr)
	require.NoError(t, serr)
	go io.Copy(io.Discard, s)
	var err error
	for range 30 {
		if _, err = c.Write(make([]byte, 1000)); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, ErrSessionLimit)

	short := w.config("alice")
	short.SessionAge = time.Nanosecond
	c, s = pair(t, short, w.config("bob"))
	cerr, _ = shake(c, s)
	require.ErrorIs(t, cerr, ErrSessionLimit)
}

func TestCutConnection(t *testing.T) {
	w := newWorld(t, "archives")
	c, s := pair(t, w.config("alice"), w.config("bob"))
	cerr, serr := shake(c, s)
	require.NoError(t, cerr)
	require.NoError(t, serr)
	require.NoError(t, c.conn.Close()) // without close_notify
	_, err := s.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// covers: T.07
func TestHTTP(t *testing.T) {
	w := newWorld(t, "archives")
	l, err := Listen("127.0.0.1:0", w.config("server"))
	require.NoError(t, err)
	type peerKey struct{}
	server := &http.Server{
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, peerKey{}, c) },
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			io.WriteString(rw, r.Context().Value(peerKey{}).(*Conn).Peer().Name)
		}),
	}
	go server.Serve(l)
	defer server.Close()
	dialer := &Dialer{Config: w.config("alice")}
	client := &http.Client{Transport: &http.Transport{DialTLSContext: dialer.DialContext}}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				res, err := client.Get("https://" + l.Addr().String() + "/")
				if err != nil {
					t.Error(err)
					return
				}
				body, _ := io.ReadAll(res.Body)
				res.Body.Close()
				if string(body) != "alice" {
					t.Errorf("the server saw %q", body)
				}
			}
		})
	}
	wg.Wait()
	_, err = http.Get("http://" + l.Addr().String() + "/")
	require.Error(t, err, "a plain client")
}

// A peer that was good at the handshake is judged anew while the connection lives.
// covers: T.07
func TestCheckAgain(t *testing.T) {
	w := newWorld(t, "archives")
	later, revoked, dissolved := time.Duration(0), false, false
	server := w.config("bob")
	server.Time = func() time.Time { return time.Now().Add(later) }
	server.VerifyPeer = func(*Peer) error {
		if revoked {
			return ErrRevoked
		}
		return nil
	}
	server.Roots = func(org string) []*cert.Certificate {
		if dissolved {
			return nil
		}
		return w.roots(org)
	}
	c, s := pair(t, w.config("alice"), server)
	cerr, serr := shake(c, s)
	require.NoError(t, cerr)
	require.NoError(t, serr)
	require.NoError(t, server.Check(s.Peer()))
	var a *AlertError
	later = 2 * 365 * 24 * time.Hour
	require.ErrorAs(t, server.Check(s.Peer()), &a)
	require.Equal(t, AlertCertificateExpired, a.Alert)
	later, revoked = 0, true
	require.ErrorAs(t, server.Check(s.Peer()), &a)
	require.Equal(t, AlertCertificateRevoked, a.Alert)
	revoked, dissolved = false, true
	require.ErrorAs(t, server.Check(s.Peer()), &a)
	require.Equal(t, AlertUnknownCA, a.Alert)
}
