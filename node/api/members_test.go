package api

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/types"
)

// members serves the site's chain over TLCP and returns the address.
func (s *site) members() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(s.t, err)
	served := make(chan error, 1)
	go func() {
		served <- s.api.ServeMembers(l, s.chain.Name, s.chain.Consensus.(engine).Node.ServeTLCP(), 0)
	}()
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		require.NoError(s.t, s.api.Stop(ctx))
		require.NoError(s.t, <-served)
	})
	return "tlcp://" + l.Addr().String()
}

// as returns a client of the TLCP listener that shows a member's certificate.
func (s *site) as(url string, m *chaintest.Member, change func(*tlcp.Config)) (*client.Client, error) {
	p := client.DefaultParams(url)
	p.Timeout = 30 * time.Second
	var err error
	p.TLCP, err = client.Secure(&client.Identity{Signer: m.Key, Certificate: m.Cert, Member: m.ID}, s.roots())
	require.NoError(s.t, err)
	if change != nil {
		change(p.TLCP)
	}
	return client.New(s.t.Context(), p)
}

// Members call and query over TLCP, and nobody else gets in.
// covers: T.07 T.06
func TestMembersOverTLCP(t *testing.T) {
	s := newSite(t)
	s.api.Add(&Chain{Name: "other", Genesis: s.chain.Genesis, Machine: s.chain.Machine, Ledger: s.chain.Ledger, Consensus: s.chain.Consensus})
	url := s.members()
	clerk := s.world.Member("archives", "reader", "client")
	as := &client.Identity{Signer: clerk.Key, Certificate: clerk.Cert, Member: clerk.ID}
	c, err := s.as(url, clerk, nil)
	require.NoError(t, err, "one chain is seen, so it need not be named")
	_, err = c.Call(t.Context(), as, "notes", "put", map[string]string{"K": "a", "V": "1"})
	require.NoError(t, err)
	p := client.DefaultParams(url)
	p.Chain = "other"
	p.TLCP, err = client.Secure(as, s.roots())
	require.NoError(t, err)
	_, err = client.New(t.Context(), p)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err), "%v", err)

	// Who may not.
	foreign := chaintest.NewWorld(time.Now().Add(-time.Minute), "archives", "tax")
	refused := func(m *chaintest.Member, change func(*tlcp.Config), text string) {
		t.Helper()
		_, err := s.as(url, m, change)
		require.ErrorContains(t, err, text)
		require.Equal(t, types.CodeUnreachable, types.CodeOf(err))
	}
	refused(s.world.MemberUntil("archives", "late", time.Now().Add(-time.Second), "client"), nil, "certificate_expired")
	refused(foreign.Member("archives", "forged", "client"), nil, "unknown_ca")
	refused(foreign.Member("tax", "stranger", "client"), nil, "unknown_ca")
	refused(clerk, func(c *tlcp.Config) { c.Suites = []tlcp.Suite{tlcp.ECCSM4CBCSM3} }, "handshake_failure")
	refused(clerk, func(c *tlcp.Config) { c.Roots = func(string) []*cert.Certificate { return nil } }, "unknown_ca")
	refused(clerk, func(c *tlcp.Config) { c.VerifyPeer = func(*tlcp.Peer) error { return fmt.Errorf("not the one meant") } }, "not the one meant")
	address := url[len("tlcp://"):]
	_, err = http.Get("http://" + address + "/api/v1/chains")
	require.Error(t, err, "plain HTTP")
	_, err = tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it must fail
	require.Error(t, err, "TLS")

	// A path of another chain, or none of the API, by whatever spelling.
	for _, path := range []string{"/api/v1/chains/other/status", "/api/v1/chains/%6fther/status", "/healthz", "/"} {
		resp, err := s.secureGet(as, url+path)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusNotFound, resp.StatusCode, path)
	}
}

func (s *site) roots() []*cert.Certificate {
	out, err := client.GenesisRoots(s.chain.GenesisFile)
	require.NoError(s.t, err)
	return out
}

// secureGet asks with a connection of its own.
func (s *site) secureGet(as *client.Identity, url string) (*http.Response, error) {
	config, err := client.Secure(as, s.roots())
	require.NoError(s.t, err)
	d := &tlcp.Dialer{Config: config}
	h := &http.Client{Transport: &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}}
	return h.Get("http" + url[len("tlcp"):])
}

// A member that is revoked while it is connected is refused on its open connection, and
// at the next handshake.
// covers: T.07
func TestRevokedMemberIsCutOff(t *testing.T) {
	s := newSite(t)
	url := s.members()
	m := s.world.Member("archives", "leaver", "client")
	c, err := s.as(url, m, nil)
	require.NoError(t, err)
	crt, err := cert.Parse(m.Cert)
	require.NoError(t, err)
	boss := s.world.Member("archives", "boss", "admin")
	_, err = s.client.Call(t.Context(), &client.Identity{Signer: boss.Key, Certificate: boss.Cert, Member: boss.ID}, "membership", "revokeCertificates",
		map[string]any{"org": "archives", "serials": []string{crt.Serial}})
	require.NoError(t, err)
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if _, err = c.Status(t.Context()); err != nil {
			break
		}
		require.True(t, time.Now().Before(end), "still served")
	}
	require.Equal(t, types.CodePermissionDenied, types.CodeOf(err), "%v", err)
	_, err = s.as(url, m, nil)
	require.ErrorContains(t, err, "certificate_revoked")
}
