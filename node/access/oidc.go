package access

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/huchain/huchain/types"
)

// ProviderParams say how a login by an OpenID Connect provider goes, and who comes of it.
type ProviderParams struct {
	Issuer       string // as the provider's discovery document names it
	ClientID     string
	ClientSecret string // empty: a public client, which PKCE alone protects
	Redirect     string // address of this server's callback, as registered with the provider
	Scopes       []string
	Chain        string         // that sessions are of
	Roots        *x509.CertPool // that certify the provider; nil: those of the system
	// MemberClaim names the claim by which Members finds a member of the chain, who then
	// reads with the roles and standing he has there.
	MemberClaim string
	Members     map[string]types.MemberID
	// RoleClaim names the claim, a text or a list of texts, by which Roles finds roles for
	// those who are no members.
	RoleClaim string
	Roles     map[string]types.Role
}

// Validate checks addresses and that somebody can log in.
func (p *ProviderParams) Validate() error {
	for _, a := range []struct{ what, url string }{{"issuer", p.Issuer}, {"redirect", p.Redirect}} {
		u, err := url.Parse(a.url)
		if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopbackName(u.Hostname())) {
			return types.Errorf(types.CodeConfig, "OIDC %s %q: https://…, or http:// on this machine", a.what, a.url)
		}
	}
	switch {
	case p.ClientID == "":
		return types.Errorf(types.CodeConfig, "OIDC: a client id is needed")
	case !types.ValidName(p.Chain):
		return types.Errorf(types.CodeConfig, "OIDC: %q is no chain name", p.Chain)
	case len(p.Members) == 0 && len(p.Roles) == 0:
		return types.Errorf(types.CodeConfig, "OIDC: nobody may log in; map claims to members or roles")
	case len(p.Members) > 0 && p.MemberClaim == "", len(p.Roles) > 0 && p.RoleClaim == "":
		return types.Errorf(types.CodeConfig, "OIDC: which claim do members or roles go by?")
	}
	for _, r := range p.Roles {
		if !types.ValidRole(r) {
			return types.Errorf(types.CodeConfig, "OIDC: %q is no role", r)
		}
	}
	return nil
}

func loopbackName(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// Bounds of logins by a provider.
const (
	ProviderLoginLife = 10 * time.Minute // between leaving for the provider and coming back
	providerTimeout   = 10 * time.Second
	maxProviderAnswer = 1 << 20
	maxLogins         = 10_000 // under way
	maxClaim          = 128    // bytes of a subject
)

// Provider logs people in by the authorization code flow with PKCE (RFC 7636). Nothing is
// asked of the provider before the first login. It is safe for concurrent use.
type Provider struct {
	p      ProviderParams
	client *http.Client

	mu    sync.Mutex
	found *oidc.Provider
	away  map[string]away // logins under way, by state
}

// away is a login under way.
type away struct {
	browser  string // secret in the cookie of the browser that began it
	nonce    string
	verifier string
	until    time.Time
}

// NewProvider checks the parameters, HC-1004.
func NewProvider(p ProviderParams) (*Provider, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.Roots}, IdleConnTimeout: time.Minute}
	return &Provider{p: p, client: &http.Client{Timeout: providerTimeout, Transport: bounded{transport}}, away: map[string]away{}}, nil
}

// Chain is the chain that sessions are of.
func (o *Provider) Chain() string { return o.p.Chain }

// Issuer names the provider.
func (o *Provider) Issuer() string { return o.p.Issuer }

// bounded cuts answers off that are longer than any of a provider.
type bounded struct{ next http.RoundTripper }

type cutBody struct {
	io.Reader
	io.Closer
}

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil {
		resp.Body = cutBody{io.LimitReader(resp.Body, maxProviderAnswer), resp.Body}
	}
	return resp, err
}

func (o *Provider) context(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, o.client)
}

func providerFailed(err error) error { return types.Errorf(types.CodeLoginProvider, "%w", err) }

// discover reads the provider's addresses, once. Its keys are read when they are needed.
func (o *Provider) discover() (*oidc.Provider, *oauth2.Config, error) {
	o.mu.Lock()
	p := o.found
	o.mu.Unlock()
	if p == nil {
		var err error
		// The context stays with the provider, which reads keys by it later.
		if p, err = oidc.NewProvider(o.context(context.Background()), o.p.Issuer); err != nil {
			return nil, nil, providerFailed(err)
		}
		o.mu.Lock()
		o.found = p
		o.mu.Unlock()
	}
	scopes := append([]string{oidc.ScopeOpenID}, slices.DeleteFunc(slices.Clone(o.p.Scopes), func(s string) bool { return s == oidc.ScopeOpenID })...)
	return p, &oauth2.Config{ClientID: o.p.ClientID, ClientSecret: o.p.ClientSecret, Endpoint: p.Endpoint(), RedirectURL: o.p.Redirect, Scopes: scopes}, nil
}

// Leave begins a login: the browser is sent to url and keeps the secret in a cookie. HC-1018
// if the provider cannot be reached.
func (o *Provider) Leave(now time.Time) (url, secret string, err error) {
	_, c, err := o.discover()
	if err != nil {
		return "", "", err
	}
	a := away{browser: random(32), nonce: random(16), verifier: oauth2.GenerateVerifier(), until: now.Add(ProviderLoginLife)}
	state := random(16)
	o.mu.Lock()
	defer o.mu.Unlock()
	for s, old := range o.away {
		if now.After(old.until) {
			delete(o.away, s)
		}
	}
	if len(o.away) >= maxLogins {
		return "", "", &types.Error{Code: types.CodeNotReady, Detail: "too many logins are under way", RetryAfterMs: 60_000}
	}
	o.away[state] = a
	return c.AuthCodeURL(state, oidc.Nonce(a.nonce), oauth2.S256ChallengeOption(a.verifier)), a.browser, nil
}

// Arrival is who came back from a provider.
type Arrival struct {
	Member types.MemberID // of the chain, or empty
	Name   string         // for those who are no members: the provider's subject
	Roles  []types.Role   // for those who are no members
}

// Return ends a login: state and code are those of the callback, secret that of the cookie.
// A state is good once. HC-2201 if the login was not begun by this browser, the provider's
// word does not hold, or the person is mapped to nobody.
func (o *Provider) Return(ctx context.Context, state, code, secret string, now time.Time) (*Arrival, error) {
	o.mu.Lock()
	a, ok := o.away[state]
	ours := ok && subtle.ConstantTimeCompare([]byte(a.browser), []byte(secret)) == 1
	if ours {
		delete(o.away, state)
	}
	o.mu.Unlock()
	if !ours || now.After(a.until) {
		return nil, types.Errorf(types.CodePermissionDenied, "this login was not begun in this browser, or has ended; begin anew")
	}
	p, c, err := o.discover()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(o.context(ctx), providerTimeout)
	defer cancel()
	token, err := c.Exchange(ctx, code, oauth2.VerifierOption(a.verifier))
	if err != nil {
		return nil, types.Errorf(types.CodePermissionDenied, "the provider takes the code for nobody's: %s", reason(err))
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := p.Verifier(&oidc.Config{ClientID: o.p.ClientID, Now: func() time.Time { return now }}).Verify(ctx, raw)
	if err != nil {
		return nil, types.Errorf(types.CodePermissionDenied, "the provider's word does not hold: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.nonce)) != 1 {
		return nil, types.Errorf(types.CodePermissionDenied, "the provider's word is of another login")
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return nil, types.Errorf(types.CodePermissionDenied, "claims: %w", err)
	}
	if err := o.complete(ctx, p, token, id.Subject, claims); err != nil {
		return nil, err
	}
	return o.judge(id.Subject, claims)
}

// reason says what a provider answered, without what was sent to it.
func reason(err error) string {
	if r := new(oauth2.RetrieveError); errors.As(err, &r) && r.ErrorCode != "" {
		return r.ErrorCode
	}
	return "it could not be exchanged"
}

// complete asks for claims that the id token has not, as providers leave them out for size.
func (o *Provider) complete(ctx context.Context, p *oidc.Provider, token *oauth2.Token, subject string, claims map[string]any) error {
	missing := slices.ContainsFunc([]string{o.p.MemberClaim, o.p.RoleClaim}, func(name string) bool { return name != "" && claims[name] == nil })
	if !missing || p.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return providerFailed(err)
	}
	if info.Subject != subject {
		return types.Errorf(types.CodePermissionDenied, "the provider speaks of another person")
	}
	more := map[string]any{}
	if err := info.Claims(&more); err != nil {
		return providerFailed(err)
	}
	for k, v := range more {
		if claims[k] == nil {
			claims[k] = v
		}
	}
	return nil
}

// judge maps claims to a member, or to roles.
func (o *Provider) judge(subject string, claims map[string]any) (*Arrival, error) {
	for _, v := range texts(claims[o.p.MemberClaim]) {
		if m, ok := o.p.Members[v]; ok {
			return &Arrival{Member: m}, nil
		}
	}
	out := &Arrival{Name: "oidc:" + types.CleanText(subject, maxClaim)}
	for _, v := range texts(claims[o.p.RoleClaim]) {
		if r, ok := o.p.Roles[v]; ok && !slices.Contains(out.Roles, r) {
			out.Roles = append(out.Roles, r)
		}
	}
	if len(out.Roles) == 0 {
		return nil, types.Errorf(types.CodePermissionDenied, "the provider knows you, this node maps you to no member and no role")
	}
	return out, nil
}

// texts reads a claim that is a text or a list of texts.
func texts(claim any) (out []string) {
	switch v := claim.(type) {
	case string:
		return []string{v}
	case []any:
		for _, x := range v {
			if s, ok := x.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}
