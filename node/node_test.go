package node_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/node/audit"
	"github.com/huchain/huchain/types"
)

// soloHome makes the home of the only validator of a chain without contracts.
func soloHome(t *testing.T) (node.Home, *devnet.Network) {
	n, err := devnet.Create(t.Context(), devnet.Params{Home: t.TempDir(), Validators: 1})
	require.NoError(t, err)
	return n.NodeHome("node0"), n
}

type runner struct {
	stop context.CancelFunc
	done chan error
	web  string
}

func run(t *testing.T, home node.Home) *runner {
	ctx, cancel := context.WithCancel(t.Context())
	r := &runner{stop: cancel, done: make(chan error, 1)}
	ready := make(chan string, 1)
	go func() {
		r.done <- node.Run(ctx, home, node.Options{Stderr: io.Discard, Ready: func(_, web string, _ []string) { ready <- web }})
	}()
	select {
	case r.web = <-ready:
	case err := <-r.done:
		require.NoError(t, err)
		t.Fatal("the node stopped by itself")
	case <-time.After(2 * time.Minute):
		t.Fatal("the node is not ready")
	}
	return r
}

func (r *runner) end(t *testing.T) error {
	r.stop()
	select {
	case err := <-r.done:
		return err
	case <-time.After(2 * time.Minute):
		t.Fatal("the node does not stop")
		return nil
	}
}

func get(t *testing.T, url string) (int, string) {
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

// TestNode shares one home: making keys is what costs time here.
func TestNode(t *testing.T) {
	home, n := soloHome(t)
	t.Run("run and restart", func(t *testing.T) { runAndRestart(t, home, n) })
	t.Run("over TLS", func(t *testing.T) { servesTLS(t, home) })
	t.Run("refuses", func(t *testing.T) { runRefuses(t, home, n) })
	t.Run("doctor", func(t *testing.T) { doctorFinds(t, home) })
	t.Run("foreign ledger", func(t *testing.T) { foreignLedger(t, home) })
}

// doctorFinds: a certificate that ends soon and a key file others can read are faults,
// each with what to do about it in both languages.
func doctorFinds(t *testing.T, home node.Home) {
	keys := home.Chain("gov").KeysDir()
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ca, err := cert.NewCA("archives", key, time.Now().Add(-time.Hour), time.Now().AddDate(0, 0, 20))
	require.NoError(t, err)
	ends, err := ca.Issue(cert.Request{Name: "soon", Roles: []string{"client"}, PublicKey: key.Public(), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 5)})
	require.NoError(t, err)
	file := filepath.Join(keys, "soon.pem")
	require.NoError(t, os.WriteFile(file, cert.EncodePEM(ends.Raw), 0o644))
	require.NoError(t, os.Chmod(filepath.Join(keys, "vote.json"), 0o644))
	defer os.Remove(file)
	defer os.Chmod(filepath.Join(keys, "vote.json"), 0o600)
	faults := map[string]node.Finding{}
	for _, f := range node.Diagnose(t.Context(), home) {
		if !f.OK {
			require.NotEmpty(t, f.Fix.ZH, "%+v", f)
			require.NotEmpty(t, f.Fix.EN, "%+v", f)
			faults[f.What] = f
		}
	}
	require.Contains(t, faults["chain gov: soon.pem"].Fix.EN, "huchain cert renew archives/soon")
	require.Contains(t, faults["chain gov: vote.json"].Fix.EN, "chmod 600")
	require.Len(t, faults, 2, "%+v", faults)
}

func runAndRestart(t *testing.T, home node.Home, n *devnet.Network) {
	r := run(t, home)
	require.Eventually(t, func() bool {
		st, errs := n.Statuses(t.Context())
		return errs[0] == nil && st[0].Height >= 1
	}, 15*time.Second, 50*time.Millisecond)
	code, _ := get(t, r.web+"/readyz")
	require.Equal(t, http.StatusOK, code)
	_, metrics := get(t, "http://"+n.Nodes[0].Metrics+"/metrics")
	for _, name := range []string{`huchain_node_info{`, `huchain_node_disk_free_bytes`, `huchain_consensus_height{chain="gov"}`, `huchain_api_requests_total`, `huchain_certificate_not_after_seconds{chain="gov",member="archives/node0"}`} {
		require.Contains(t, metrics, name)
	}
	code, _ = get(t, "http://"+n.Nodes[0].Metrics+"/healthz")
	require.Equal(t, http.StatusOK, code)

	err := node.Run(t.Context(), home, node.Options{Stderr: io.Discard})
	require.Equal(t, types.CodeHomeLocked, types.CodeOf(err), "a second node in the same home")
	_, err = node.Fsck(t.Context(), home, "", nil)
	require.Equal(t, types.CodeHomeLocked, types.CodeOf(err), "fsck beside a running node")
	for _, f := range node.Diagnose(t.Context(), home) {
		require.True(t, f.OK, "%+v", f)
	}
	ordersAreAudited(t, home)
	require.NoError(t, r.end(t), "a stop is no failure")

	r = run(t, home)
	require.NoError(t, r.end(t))
	reports, err := node.Fsck(t.Context(), home, "", nil)
	require.NoError(t, err)
	require.Equal(t, "gov", reports[0].Chain)
	require.GreaterOrEqual(t, reports[0].Height, uint64(1))
	log, err := os.ReadFile(filepath.Join(home.Dir, "logs", "node.log"))
	require.NoError(t, err)
	secret, err := os.ReadFile(n.PassphraseFile())
	require.NoError(t, err)
	require.NotContains(t, string(log), strings.TrimSpace(string(secret)))
}

// ordersAreAudited: each order is on record before it is carried out, with who gave it and
// what became of it; a refused one too.
func ordersAreAudited(t *testing.T, home node.Home) {
	_, err := node.StopChain(t.Context(), home, "other")
	require.Error(t, err)
	_, err = node.StopChain(t.Context(), home, "gov")
	require.NoError(t, err)
	_, err = node.StartChain(t.Context(), home, "gov")
	require.NoError(t, err)
	raw, err := os.ReadFile(home.AuditLog())
	require.NoError(t, err)
	var got []string
	for line := range strings.Lines(string(raw)) {
		var r audit.Record
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		require.Equal(t, fmt.Sprintf("uid:%d", os.Getuid()), r.Actor)
		got = append(got, strings.Join([]string{r.Action, r.Subject, r.Outcome}, " "))
	}
	require.Equal(t, []string{
		"chains.stop other ordered", "chains.stop other HC-1003", "chains.stop gov ordered", "chains.stop gov OK",
		"chains.start gov ordered", "chains.start gov OK",
	}, got)
	rep, err := audit.Check(home.AuditLog(), crypto.Hash{})
	require.NoError(t, err)
	log, err := os.ReadFile(filepath.Join(home.Dir, "logs", "node.log"))
	require.NoError(t, err)
	require.Contains(t, string(log), rep.Head.String(), "the node's own log names the hash too")
}

// servesTLS: with a certificate the web listener speaks TLS 1.3 and no less, and serves nobody
// who is not known.
func servesTLS(t *testing.T, home node.Home) {
	config, err := os.ReadFile(home.ConfigFile())
	require.NoError(t, err)
	defer os.WriteFile(home.ConfigFile(), config, 0o600) //nolint:errcheck // the next part fails if it is not
	roots := x509.NewCertPool()
	issue := func(lasts time.Duration) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		tmpl := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(lasts),
			DNSNames: []string{"Node.Example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
		require.NoError(t, err)
		crt, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		roots.AddCert(crt)
		raw, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(home.Dir, "web.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(home.Dir, "web.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600))
	}
	issue(90 * 24 * time.Hour)
	with := strings.Replace(string(config), "[web]\n", "[web]\ncertificate = \"web.pem\"\nkey = \"web.key\"\n", 1)
	require.NoError(t, os.WriteFile(home.ConfigFile(), []byte(with), 0o600))
	r := run(t, home)
	require.True(t, strings.HasPrefix(r.web, "https://"), r.web)
	ask := func(host, token string, version uint16) (int, error) {
		c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, MaxVersion: version}}} //nolint:gosec // an older version is to be refused
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.web+"/api/v1/chains/gov/status", nil)
		require.NoError(t, err)
		if host != "" {
			req.Host = host
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := c.Do(req)
		if err != nil {
			return 0, err
		}
		resp.Body.Close()
		return resp.StatusCode, nil
	}
	status, err := ask("", "", 0)
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, status)
	_, err = ask("", "", tls.VersionTLS12)
	require.Error(t, err)
	for _, f := range node.Diagnose(t.Context(), home) {
		require.True(t, f.OK, "whoever examines the home needs no login and no roots: %+v", f)
	}
	key, err := node.NewAPIKey(t.Context(), home, "portal", "gov", []string{"light"}, 1)
	require.NoError(t, err)
	status, err = ask("node.example:7443", key.Token, 0)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, "by the name in its certificate")
	status, err = ask("evil.example", key.Token, 0)
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, status)
	list, err := node.APIKeys(t.Context(), home)
	require.NoError(t, err)
	require.Len(t, list, 1)
	_, err = node.RevokeAPIKey(t.Context(), home, key.ID)
	require.NoError(t, err)
	status, err = ask("", key.Token, 0)
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, status)
	_, err = node.NewAPIKey(t.Context(), home, "portal", "gov", []string{"king"}, 1)
	require.Equal(t, types.CodeUsage, types.CodeOf(err))
	sessions, err := node.WebSessions(t.Context(), home)
	require.NoError(t, err)
	require.Empty(t, sessions)
	require.Equal(t, types.CodeNotFound, types.CodeOf(node.EndSessions(t.Context(), home, "archives/clerk")))
	issue(time.Hour)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l.Close()
	elsewhere := strings.Replace(with, strings.TrimPrefix(r.web, "https://"), l.Addr().String(), 1)
	require.NotEqual(t, with, elsewhere)
	require.NoError(t, os.WriteFile(home.ConfigFile(), []byte(elsewhere), 0o600))
	faults := map[string]string{}
	for _, f := range node.Diagnose(t.Context(), home) {
		if !f.OK {
			require.NotEmpty(t, f.Fix.ZH)
			faults[f.What] = f.Detail
		}
	}
	require.Len(t, faults, 2, "%v", faults)
	require.Contains(t, faults["web.certificate"], "0 days left")
	require.Contains(t, faults["ready"], types.CodeUnreachable.String())
	require.NoError(t, r.end(t))
	for _, file := range []string{home.AuditLog(), home.APIKeys(), filepath.Join(home.Dir, "logs", "node.log")} {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotContains(t, string(raw), key.Token, "%s holds the secret", file)
	}
}

func runRefuses(t *testing.T, home node.Home, n *devnet.Network) {
	config, err := os.ReadFile(home.ConfigFile())
	require.NoError(t, err)
	chainConfig := home.Chain("gov").ConfigFile()
	set := func(path, text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	refused := func(want types.Code) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		var stderr bytes.Buffer
		require.Equal(t, want, types.CodeOf(node.Run(ctx, home, node.Options{Stderr: &stderr})), stderr.String())
	}
	for _, addr := range []string{n.Nodes[0].Web, n.Nodes[0].Metrics} {
		l, err := net.Listen("tcp", addr)
		require.NoError(t, err)
		refused(types.CodePortTaken)
		l.Close()
	}
	set(home.ConfigFile(), string(config)+"\n[disk]\nminFreeMiB = 1000000000\n")
	refused(types.CodeDiskLow)
	set(home.ConfigFile(), string(config))
	records, err := os.ReadFile(home.AuditLog())
	require.NoError(t, err)
	set(home.AuditLog(), strings.Replace(string(records), "chains.stop", "chains.slip", 1))
	refused(types.CodeAuditBroken)
	set(home.AuditLog(), string(records))
	set(home.ConfigFile(), string(config)+"\nnonsense = 1\n")
	refused(types.CodeConfig)
	set(home.ConfigFile(), string(config))

	good, err := os.ReadFile(chainConfig)
	require.NoError(t, err)
	wrong := filepath.Join(t.TempDir(), "pass")
	set(wrong, "not the passphrase\n")
	set(chainConfig, strings.Replace(string(good), n.PassphraseFile(), wrong, 1))
	refused(types.CodePassphrase)
	set(chainConfig, string(good))

	genesis := home.Chain("gov").GenesisFile()
	raw, err := os.ReadFile(genesis)
	require.NoError(t, err)
	set(genesis, "{")
	refused(types.CodeGenesisInvalid)
	set(genesis, string(raw))
	require.NoError(t, os.Rename(home.Chain("gov").Dir, home.Chain("other").Dir))
	refused(types.CodeGenesisInvalid)
	require.NoError(t, os.Rename(home.Chain("other").Dir, home.Chain("gov").Dir))
	refusedHome := node.Home{Dir: t.TempDir()}
	require.Equal(t, types.CodeConfig, types.CodeOf(node.Run(t.Context(), refusedHome, node.Options{})))
}

// A node whose genesis changes under its ledger does not serve the old one as the new.
func foreignLedger(t *testing.T, home node.Home) {
	path := home.Chain("gov").GenesisFile()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(raw, '\n'), 0o600))
	err = node.Run(t.Context(), home, node.Options{Stderr: io.Discard})
	require.Error(t, err)
	require.NotEqual(t, types.CodeInternal, types.CodeOf(err), "%v", err)
}
