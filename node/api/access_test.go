package api

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/node/access"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// guarded serves the site with logins required.
func guarded(t *testing.T) (*site, *Access) {
	s := newSite(t)
	keys, err := access.OpenKeys(t.TempDir() + "/keys.json")
	require.NoError(t, err)
	var notes []string
	a := &Access{Hosts: []string{"node.example"}, Required: true, Keys: keys, Sessions: access.NewSessions(), Record: func(actor, action, subject, outcome string) error {
		notes = append(notes, strings.Join([]string{actor, action, subject, outcome}, " "))
		return nil
	}}
	t.Cleanup(func() { require.NotContains(t, strings.Join(notes, "\n"), "hck_") })
	p := DefaultParams()
	p.Access = a
	s.serve(p, s.chain)
	return s, a
}

// browser is a browser: it keeps cookies and says where its requests come from.
type browser struct {
	*site
	http   *http.Client
	origin string
	header http.Header
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	return &browser{site: s, http: &http.Client{Jar: jar}, origin: s.url, header: http.Header{}}
}

func (b *browser) ask(method, path, contentType, body string, out any) (status int, code string) {
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	require.NoError(b.t, err)
	for k, v := range b.header {
		req.Header[k] = v
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if b.origin != "" && method != http.MethodGet {
		req.Header.Set("Origin", b.origin)
	}
	resp, err := b.http.Do(req)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	var e rest.Error
	_ = json.Unmarshal(raw, &e) // not every answer is an error
	if out != nil && resp.StatusCode == http.StatusOK {
		require.NoError(b.t, json.Unmarshal(raw, out))
	}
	return resp.StatusCode, e.Code
}

// logIn signs a challenge; change alters what is signed.
func (b *browser) logIn(who *client.Identity, change func(*rest.LoginArgs)) (rest.Caller, string) {
	at := base + "/" + b.chain.Name
	var c rest.Challenge
	status, code := b.ask(http.MethodPost, at+"/logins", "", "", &c)
	require.Equal(b.t, http.StatusOK, status, code)
	require.Equal(b.t, strings.TrimPrefix(b.url, "http://"), c.Host)
	args := rest.LoginArgs{Challenge: c.Challenge, Host: c.Host}
	if change != nil {
		change(&args)
	}
	tx, err := b.client.Sign(who, rest.LoginContract, rest.LoginMethod, args)
	require.NoError(b.t, err)
	if len(who.Certificate) > 0 {
		tx, err = tx.WithCertificate(who.Certificate)
		require.NoError(b.t, err)
	}
	var out rest.Caller
	_, code = b.ask(http.MethodPost, at+"/sessions", "application/octet-stream", string(tx.Bytes()), &out)
	return out, code
}

// Without a login nothing of a chain is seen; with one, the member's own chain, until the
// session ends, is ended, or the member is frozen.
func TestLogin(t *testing.T) {
	s, a := guarded(t)
	at := base + "/" + s.chain.Name
	b := s.browser()
	for _, path := range []string{base, at + "/status", at + "/blocks", at + "/stream", at + "/rpc/status", at + "/peers", "/nothing"} {
		status, code := b.ask(http.MethodGet, path, "", "", nil)
		require.Equal(t, http.StatusUnauthorized, status, path)
		require.Equal(t, types.CodeLoginRequired.String(), code, path)
	}
	for _, path := range []string{"/healthz", "/console/", "/api/v1/openapi.json", sessionPath} {
		status, _ := b.ask(http.MethodGet, path, "", "", nil)
		require.NotEqual(t, http.StatusUnauthorized, status, path)
	}
	var who rest.Caller
	b.ask(http.MethodGet, sessionPath, "", "", &who)
	require.Equal(t, "anonymous", who.Kind)
	require.Equal(t, []string{s.chain.Name}, who.Chains)

	stranger := &client.Identity{Signer: mustKey(t)}
	_, code := b.logIn(stranger, nil)
	require.Equal(t, types.CodeUnknownSender.String(), code)
	_, code = b.logIn(s.clerk, func(a *rest.LoginArgs) { a.Host = "evil.example:443" })
	require.Equal(t, types.CodePermissionDenied.String(), code, "signed for another server")
	_, code = b.logIn(s.clerk, func(a *rest.LoginArgs) { a.Challenge = strings.Repeat("0", len(a.Challenge)) })
	require.Equal(t, types.CodePermissionDenied.String(), code)
	tx, err := s.client.Sign(s.clerk, "notes", "put", map[string]string{"K": "a"})
	require.NoError(t, err)
	_, code = b.ask(http.MethodPost, at+"/sessions", "application/octet-stream", string(tx.Bytes()), nil)
	require.Equal(t, types.CodeBadArguments.String(), code, "a transaction is no login")

	who, code = b.logIn(s.clerk, nil)
	require.Empty(t, code)
	require.Equal(t, "archives/clerk", who.Name)
	status, _ := b.ask(http.MethodGet, at+"/status", "", "", nil)
	require.Equal(t, http.StatusOK, status)
	_, code = b.ask(http.MethodGet, at+"/peers", "", "", nil)
	require.Equal(t, types.CodePermissionDenied.String(), code, "network addresses are for operators and auditors")
	s.api.Add(&Chain{Name: "other", Genesis: s.chain.Genesis, Machine: s.chain.Machine, Ledger: s.chain.Ledger, Consensus: s.chain.Consensus})
	_, code = b.ask(http.MethodGet, base+"/other/status", "", "", nil)
	require.Equal(t, types.CodeNotFound.String(), code, "another chain of the node is not seen")
	var list rest.Chains
	b.ask(http.MethodGet, base, "", "", &list)
	require.Len(t, list.Items, 1)

	// A cookie alone is no permission: the request must come from a page of this server.
	for _, origin := range []string{"https://evil.example", "null", ""} {
		b.origin = origin
		_, code = b.ask(http.MethodPost, at+"/txs", "application/octet-stream", string(tx.Bytes()), nil)
		require.Equal(t, types.CodePermissionDenied.String(), code, "origin %q", origin)
	}
	b.origin = s.url
	status, code = b.ask(http.MethodPost, at+"/txs", "application/octet-stream", string(tx.Bytes()), nil)
	require.Contains(t, []int{http.StatusOK, http.StatusForbidden}, status, code)

	_, code = b.ask(http.MethodDelete, sessionPath, "", "", nil)
	require.Empty(t, code)
	_, code = b.ask(http.MethodGet, at+"/status", "", "", nil)
	require.Equal(t, types.CodeLoginRequired.String(), code)
	_, code = b.logIn(s.clerk, nil)
	require.Empty(t, code)
	require.Equal(t, 1, a.Sessions.End("archives/clerk"))
	_, code = b.ask(http.MethodGet, at+"/status", "", "", nil)
	require.Equal(t, types.CodeLoginRequired.String(), code, "ended by the operator")
}

// A key reads, and submits if its roles say so, on its chain, until it is revoked.
func TestAPIKeys(t *testing.T) {
	s, a := guarded(t)
	at := base + "/" + s.chain.Name
	key := func(chain string, roles ...types.Role) *browser {
		token, _, err := a.Keys.Create("portal", chain, roles, time.Hour, time.Now())
		require.NoError(t, err)
		b := s.browser()
		b.origin = ""
		b.header.Set("Authorization", "Bearer "+token)
		return b
	}
	writer, reader, elsewhere := key(s.chain.Name, types.RoleClient), key("", types.RoleLight), key("other", types.RoleClient)
	tx, err := s.client.Sign(s.clerk, "notes", "put", map[string]string{"K": "a", "V": "1"})
	require.NoError(t, err)
	tx, err = tx.WithCertificate(s.clerk.Certificate)
	require.NoError(t, err)
	submit := func(b *browser) string {
		_, code := b.ask(http.MethodPost, at+"/txs", "application/octet-stream", string(tx.Bytes()), nil)
		return code
	}
	require.Equal(t, types.CodePermissionDenied.String(), submit(reader))
	require.Equal(t, types.CodeNotFound.String(), submit(elsewhere))
	require.Empty(t, submit(writer))
	status, _ := reader.ask(http.MethodGet, at+"/blocks/latest", "", "", nil)
	require.Equal(t, http.StatusOK, status)
	_, code := reader.ask(http.MethodGet, at+"/peers", "", "", nil)
	require.Equal(t, types.CodePermissionDenied.String(), code)
	status, _ = key("", types.RoleAuditor).ask(http.MethodGet, at+"/peers", "", "", nil)
	require.Equal(t, http.StatusOK, status)
	for _, k := range a.Keys.List("", 100) {
		_, err := a.Keys.Revoke(k.ID, time.Now())
		require.NoError(t, err)
	}
	status, code = writer.ask(http.MethodGet, at+"/status", "", "", nil)
	require.Equal(t, http.StatusUnauthorized, status)
	require.Equal(t, types.CodeLoginRequired.String(), code)
	writer.header.Set("Authorization", "Bearer hck_'; DROP TABLE keys; --")
	status, _ = writer.ask(http.MethodGet, at+"/status", "", "", nil)
	require.Equal(t, http.StatusUnauthorized, status)
}

// Arguments, results, events and rows that a contract lets nobody read are seen by who sent
// them alone; whole blocks by auditors, administrators and validators.
// covers: A15.03
func TestPayloads(t *testing.T) {
	s, a := guarded(t)
	at := base + "/" + s.chain.Name
	key := func(roles ...types.Role) *browser {
		token, _, err := a.Keys.Create("portal", "", roles, time.Hour, time.Now())
		require.NoError(t, err)
		b := s.browser()
		b.origin = ""
		b.header.Set("Authorization", "Bearer "+token)
		return b
	}
	writer, auditor, clerk := key(types.RoleClient), key(types.RoleAuditor), s.browser()
	tx, err := s.client.Sign(s.clerk, "notes", "put", map[string]string{"K": "a", "V": "secret"})
	require.NoError(t, err)
	tx, err = tx.WithCertificate(s.clerk.Certificate)
	require.NoError(t, err)
	_, code := writer.ask(http.MethodPost, at+"/txs", "application/octet-stream", string(tx.Bytes()), nil)
	require.Empty(t, code)
	_, code = clerk.logIn(s.clerk, nil)
	require.Empty(t, code)

	id := tx.ID().String()
	var out, other rest.Tx
	clerk.ask(http.MethodGet, at+"/txs/"+id+"?prove=true", "", "", &out)
	require.Contains(t, string(out.Args), "secret")
	require.NotEmpty(t, out.Proof)
	require.False(t, out.Withheld)
	for _, b := range []*browser{writer, auditor} {
		other = rest.Tx{}
		status, _ := b.ask(http.MethodGet, at+"/txs/"+id+"?prove=true", "", "", &other)
		require.Equal(t, http.StatusOK, status)
		require.True(t, other.Withheld)
		raw, err := json.Marshal(other)
		require.NoError(t, err)
		require.NotContains(t, string(raw), "secret")
		require.Empty(t, other.Raw)
		require.Empty(t, other.Proof)
		require.Equal(t, out.Sender, other.Sender, "who, when and which call everybody sees")
		require.True(t, other.Events[0].Withheld)
		var events rest.Events
		b.ask(http.MethodGet, at+"/events?contract=notes", "", "", &events)
		require.Empty(t, events.Items[0].Data)
		for _, path := range []string{"/state/notes/a", "/state/notes/a?prove=true", "/history/notes/a"} {
			_, code := b.ask(http.MethodGet, at+path, "", "", nil)
			require.Equal(t, types.CodePermissionDenied.String(), code, path)
		}
		var rows rest.States
		b.ask(http.MethodGet, at+"/state/notes", "", "", &rows)
		require.Empty(t, rows.Items)
		status, _ = b.ask(http.MethodGet, at+"/state/membership", "", "", &rows)
		require.Equal(t, http.StatusOK, status)
		require.NotEmpty(t, rows.Items, "members are known to all")
	}
	for path, raw := range map[string]bool{"/contents?from=1": true, "/rpc/block": true, "/rpc/tx?hash=0x" + id: true, "/rpc/status": false} {
		_, code := writer.ask(http.MethodGet, at+path, "", "", nil)
		text := ""
		if strings.HasPrefix(path, "/rpc") {
			var answer RPCAnswer
			writer.ask(http.MethodGet, at+path, "", "", &answer)
			if answer.Error != nil {
				text = answer.Error.Data
			}
		}
		require.Equal(t, raw, strings.Contains(code+text, types.CodePermissionDenied.String()), "%s: %s %s", path, code, text)
		status, code := auditor.ask(http.MethodGet, at+path, "", "", nil)
		require.Equal(t, http.StatusOK, status, "%s %s", path, code)
	}
}
