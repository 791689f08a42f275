package api

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/node/access"
	"github.com/huchain/huchain/node/access/oidctest"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

var authRequest = regexp.MustCompile(`name="id" value="([^"]+)"`)

// throughProvider goes to the provider, gives a password there, and returns where the
// browser was sent back to.
func (b *browser) throughProvider(user, password string) (back *url.URL) {
	b.http.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == oidcPath+"callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	resp, err := b.http.Get(b.url + oidcPath + "login")
	require.NoError(b.t, err)
	page, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	resp.Body.Close()
	id := authRequest.FindStringSubmatch(string(page))
	require.NotNil(b.t, id, "%s: %s", resp.Status, page)
	at := *resp.Request.URL
	at.Path, at.RawQuery = "/login/username", ""
	resp, err = b.http.PostForm(at.String(), url.Values{"id": {id[1]}, "username": {user}, "password": {password}})
	require.NoError(b.t, err)
	resp.Body.Close()
	back, err = resp.Location()
	require.NoError(b.t, err, "%s", resp.Status)
	return back
}

// return to the console from the provider.
func (b *browser) comeBack(back *url.URL) (location string) {
	b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := b.http.Get(back.String())
	require.NoError(b.t, err)
	resp.Body.Close()
	require.Equal(b.t, http.StatusFound, resp.StatusCode)
	return resp.Header.Get("Location")
}

// People log in by an OpenID Connect provider as the member or with the roles that this node
// maps them to; altered, repeated, foreign and unmapped returns are refused, and the session
// ends as others do.
func TestProvider(t *testing.T) {
	s, a := guarded(t)
	issuer := oidctest.Start(t, s.url+oidcPath+"callback")
	at := base + "/" + s.chain.Name
	params := access.ProviderParams{
		Issuer: issuer, ClientID: "console", ClientSecret: oidctest.Secret, Redirect: s.url + oidcPath + "callback", Scopes: []string{"profile", "email"}, Chain: s.chain.Name,
		MemberClaim: "preferred_username", Members: map[string]types.MemberID{"test-user@localhost": "archives/clerk"},
		RoleClaim: "email", Roles: map[string]types.Role{"test-user2@zitadel.ch": types.RoleAuditor},
	}
	set := func(change func(*access.ProviderParams)) {
		p := params
		if change != nil {
			change(&p)
		}
		var err error
		a.Provider, err = access.NewProvider(p)
		require.NoError(t, err)
	}
	status, code := s.browser().ask(http.MethodGet, oidcPath+"login", "", "", nil)
	require.Equal(t, http.StatusNotFound, status, code)
	set(nil)
	s.put("a", "1") // the chain has seen the clerk

	member, who := s.browser(), rest.Caller{}
	back := member.throughProvider("test-user@localhost", "verysecure")
	for name, alter := range map[string]func(url.Values){
		"no state": func(q url.Values) { q.Del("state") }, "another state": func(q url.Values) { q.Set("state", strings.Repeat("0", 32)) },
		"refused": func(q url.Values) { q.Set("error", "access_denied") }, "another issuer": func(q url.Values) { q.Set("iss", "https://evil.example") },
	} {
		bad, q := *back, back.Query()
		alter(q)
		bad.RawQuery = q.Encode()
		require.Contains(t, member.comeBack(&bad), "refused=HC-2201", name)
	}
	require.Contains(t, s.browser().comeBack(back), "refused=HC-2201", "another browser")
	member = s.browser()
	back = member.throughProvider("test-user@localhost", "verysecure")
	require.Equal(t, consolePath, member.comeBack(back))
	member.ask(http.MethodGet, sessionPath, "", "", &who)
	require.Equal(t, "archives/clerk", who.Name)
	require.Equal(t, []types.Role{types.RoleClient}, who.Roles, "as on the chain")
	status, _ = member.ask(http.MethodGet, at+"/status", "", "", nil)
	require.Equal(t, http.StatusOK, status)
	_, code = member.ask(http.MethodGet, at+"/peers", "", "", nil)
	require.Equal(t, types.CodePermissionDenied.String(), code)
	require.Contains(t, member.comeBack(back), "refused=HC-2201", "a code is good once")

	auditor := s.browser()
	require.Equal(t, consolePath, auditor.comeBack(auditor.throughProvider("test-user2", "verysecure")))
	who = rest.Caller{}
	auditor.ask(http.MethodGet, sessionPath, "", "", &who)
	require.Equal(t, "oidc:id2", who.Name)
	require.Nil(t, who.Address)
	status, _ = auditor.ask(http.MethodGet, at+"/peers", "", "", nil)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, 1, a.Sessions.End("oidc:id2"))
	_, code = auditor.ask(http.MethodGet, at+"/peers", "", "", nil)
	require.Equal(t, types.CodeLoginRequired.String(), code, "ended by the operator")

	for name, change := range map[string]func(*access.ProviderParams){
		"mapped to nobody": func(p *access.ProviderParams) {
			p.Members, p.Roles = map[string]types.MemberID{"x": "archives/clerk"}, nil
		},
		"mapped to no member": func(p *access.ProviderParams) {
			p.Members = map[string]types.MemberID{"test-user@localhost": "archives/nobody"}
		},
		"the secret is another": func(p *access.ProviderParams) { p.ClientSecret = "another" },
	} {
		set(change)
		b := s.browser()
		require.Contains(t, b.comeBack(b.throughProvider("test-user@localhost", "verysecure")), "refused=HC-", name)
		_, code = b.ask(http.MethodGet, at+"/status", "", "", nil)
		require.Equal(t, types.CodeLoginRequired.String(), code, name)
	}
	set(func(p *access.ProviderParams) { p.Issuer = "http://" + freeAddress(t) + "/" })
	status, code = s.browser().ask(http.MethodGet, oidcPath+"login", "", "", nil)
	require.Equal(t, types.CodeLoginProvider.String(), code)
	require.Equal(t, http.StatusBadGateway, status)
	for _, bad := range []func(*access.ProviderParams){
		func(p *access.ProviderParams) { p.Issuer = "http://id.example/" }, func(p *access.ProviderParams) { p.Redirect = "javascript:alert(1)" },
		func(p *access.ProviderParams) { p.ClientID = "" }, func(p *access.ProviderParams) { p.Chain = "No Chain" },
		func(p *access.ProviderParams) { p.Members, p.Roles = nil, nil }, func(p *access.ProviderParams) { p.RoleClaim = "" },
		func(p *access.ProviderParams) { p.Roles = map[string]types.Role{"x": "king"} },
	} {
		p := params
		bad(&p)
		_, err := access.NewProvider(p)
		require.Equal(t, types.CodeConfig, types.CodeOf(err))
	}
	require.Less(t, len(a.Sessions.List(time.Now())), 3)
}
