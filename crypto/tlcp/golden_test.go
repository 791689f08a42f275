package tlcp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
)

var update = flag.Bool("update", false, "rewrite the golden transcripts (with new certificates)")

// stream is a random source that everybody can repeat: SM3(name‖counter)‖….
type stream struct {
	mu   sync.Mutex
	name string
	n    uint64
	rest []byte
}

func (s *stream) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range b {
		if len(s.rest) == 0 {
			sum := crypto.Sum([]byte(s.name), binary.BigEndian.AppendUint64(nil, s.n))
			s.rest, s.n = sum[:], s.n+1
		}
		b[i], s.rest = s.rest[0], s.rest[1:]
	}
	return len(b), nil
}

var goldenTime = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

func goldenKey(t *testing.T, name string) *crypto.PrivateKey {
	d := crypto.Sum([]byte(name))
	k, err := crypto.NewPrivateKey(d[:])
	require.NoError(t, err)
	return k
}

// goldenCertificates are root, then signing and encryption certificates of both sides.
func goldenCertificates(t *testing.T) []*cert.Certificate {
	file := filepath.Join("testdata", "certificates.pem")
	if *update {
		ca, err := cert.NewCA("archives", goldenKey(t, "ca"), goldenTime.AddDate(-1, 0, 0), goldenTime.AddDate(20, 0, 0))
		require.NoError(t, err)
		text := cert.EncodePEM(ca.Root().Raw)
		for _, name := range []string{"client", "server"} {
			for _, use := range []string{"sign", "encrypt"} {
				c, err := ca.Issue(cert.Request{Name: name, Roles: []string{"validator"}, PublicKey: goldenKey(t, name+use).Public(),
					NotBefore: goldenTime.AddDate(-1, 0, 0), NotAfter: goldenTime.AddDate(10, 0, 0), Encryption: use == "encrypt"})
				require.NoError(t, err)
				text = append(text, cert.EncodePEM(c.Raw)...)
			}
		}
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, text, 0o644))
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var out []*cert.Certificate
	for _, part := range strings.SplitAfter(string(text), "-----END CERTIFICATE-----\n") {
		if part == "" {
			continue
		}
		c, err := cert.ParsePEM([]byte(part))
		require.NoError(t, err)
		out = append(out, c)
	}
	require.Len(t, out, 5)
	return out
}

// Handshakes, data and good-bye of every suite, byte for byte as checked in.
// covers: T.07
func TestGolden(t *testing.T) {
	certs := goldenCertificates(t)
	for _, suite := range allSuites() {
		t.Run(suite.String(), func(t *testing.T) {
			side := func(name string, sign, enc *cert.Certificate) *Config {
				return &Config{
					Identity: Fixed(&Identity{Sign: sign, Signer: goldenKey(t, name+"sign"), Encrypt: enc, Decrypter: goldenKey(t, name+"encrypt")}),
					Roots:    func(string) []*cert.Certificate { return certs[:1] }, Suites: []Suite{suite},
					Rand: &stream{name: name}, Time: func() time.Time { return goldenTime },
				}
			}
			got := talk(t, side("client", certs[1], certs[2]), side("server", certs[3], certs[4]))
			file := filepath.Join("testdata", strings.ToLower(suite.String())+".txt")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}

// talk runs a short conversation and returns its records.
func talk(t *testing.T, client, server *Config) string {
	inner, outer := net.Pipe()
	log := &recorder{Conn: inner}
	c, s := Client(log, client), Server(outer, server)
	cerr, serr := shake(c, s)
	require.NoError(t, cerr)
	require.NoError(t, serr)
	for _, text := range []string{"ping", strings.Repeat("more than a block ", 5)} {
		go c.Write([]byte(text))
		got := make([]byte, len(text))
		_, err := io.ReadFull(s, got)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
		go s.Write(bytes.ToUpper(got))
		_, err = io.ReadFull(c, got)
		require.NoError(t, err)
		require.Equal(t, strings.ToUpper(text), string(got))
	}
	done := make(chan error)
	go func() { done <- c.Close() }()
	_, err := s.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
	require.NoError(t, <-done)
	return log.text.String()
}

// recorder writes down records: direction, type, length, body.
type recorder struct {
	net.Conn
	text strings.Builder
	in   []byte
}

func (r *recorder) Write(b []byte) (int, error) {
	r.note("client", b)
	return r.Conn.Write(b)
}

func (r *recorder) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.in = r.note("server", append(r.in, b[:n]...))
	return n, err
}

func (r *recorder) note(who string, b []byte) (rest []byte) {
	names := map[byte]string{recordChangeCipherSpec: "change_cipher_spec", recordAlert: "alert", recordHandshake: "handshake", recordApplication: "application_data"}
	for len(b) >= recordHeader {
		n := recordHeader + int(binary.BigEndian.Uint16(b[3:]))
		if len(b) < n {
			break
		}
		fmt.Fprintf(&r.text, "%s %s %s\n", who, names[b[0]], hex.EncodeToString(b[:n]))
		b = b[n:]
	}
	return b
}
