package client

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// LogIn returns a client whose requests to the web listener are those of a member: it signs
// a challenge of the node that the client talks to, and keeps the session's cookie. A
// session ends by itself after some hours; LogOut ends it at once. On a tlcp connection,
// where the certificate has been shown already, it returns the client itself.
func (c *Client) LogIn(ctx context.Context, as *Identity) (*Client, error) {
	node := c.p.Nodes[int(c.current.Load())%len(c.p.Nodes)]
	if strings.HasPrefix(node, secureScheme+"://") {
		return c, nil
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	in := &Client{p: c.p, chain: c.chain, genesis: c.genesis, pinned: c.pinned}
	in.p.Nodes = []string{node}
	in.http = &http.Client{Transport: &browsing{c.http.Transport, node}, Jar: jar, Timeout: c.http.Timeout}
	var challenge rest.Challenge
	if err := in.do(ctx, http.MethodPost, in.path(nil, "logins"), "", nil, &challenge); err != nil {
		return nil, err
	}
	u, err := url.Parse(node)
	if err != nil {
		return nil, types.Errorf(types.CodeConfig, "%w", err)
	}
	// A server that passes another's challenge on has that one's host in it.
	if challenge.Host != u.Host || challenge.Genesis != c.genesis {
		return nil, types.Errorf(types.CodePermissionDenied, "the challenge is for %s on chain %s, this is %s on %s", challenge.Host, challenge.Genesis, u.Host, c.genesis)
	}
	tx, err := c.Sign(as, rest.LoginContract, rest.LoginMethod, rest.LoginArgs{Challenge: challenge.Challenge, Host: challenge.Host})
	if err != nil {
		return nil, err
	}
	if len(as.Certificate) > 0 {
		if tx, err = tx.WithCertificate(as.Certificate); err != nil {
			return nil, err
		}
	}
	var who rest.Caller
	if err := in.do(ctx, http.MethodPost, in.path(nil, "sessions"), "application/octet-stream", tx.Bytes(), &who); err != nil {
		return nil, err
	}
	return in, nil
}

// LogOut ends the session of a client that LogIn returned.
func (c *Client) LogOut(ctx context.Context) error {
	if _, ok := c.http.Transport.(*browsing); !ok {
		return nil
	}
	var who rest.Caller
	return c.do(ctx, http.MethodDelete, "/api/v1/session", "", nil, &who)
}

// browsing says, as a browser does, where requests with a session come from.
type browsing struct {
	next   http.RoundTripper
	origin string
}

// RoundTrip implements http.RoundTripper.
func (b *browsing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Origin", strings.TrimRight(b.origin, "/"))
	return b.next.RoundTrip(r)
}
