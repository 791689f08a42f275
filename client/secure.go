package client

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/types"
)

// secureScheme is that of nodes which serve the API over TLCP to members.
const secureScheme = "tlcp"

// Secure returns the configuration for nodes with the scheme tlcp: the connection shows
// the identity's certificate, and takes nodes (role node) that one of roots certifies.
func Secure(id *Identity, roots []*cert.Certificate) (*tlcp.Config, error) {
	crt, err := cert.Parse(id.Certificate)
	if err != nil {
		return nil, types.Errorf(types.CodeCertFile, "certificate of %s: %w", id.Member, err)
	}
	return &tlcp.Config{
		Identity: tlcp.Fixed(&tlcp.Identity{Sign: crt, Signer: id.Signer}),
		Roots: func(org string) []*cert.Certificate {
			return slices.DeleteFunc(slices.Clone(roots), func(c *cert.Certificate) bool { return c.Org != org })
		},
		VerifyPeer: func(p *tlcp.Peer) error {
			if !p.HasRole(string(types.RoleNode)) {
				return fmt.Errorf("%s/%s is no node", p.Org, p.Name)
			}
			return nil
		},
	}, nil
}

// GenesisRoots reads the root certificates of all organisations in a genesis file.
func GenesisRoots(file []byte) ([]*cert.Certificate, error) {
	var g struct {
		Organisations []struct {
			Roots [][]byte `json:"roots"`
		} `json:"organisations"`
	}
	if err := json.Unmarshal(file, &g); err != nil {
		return nil, types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	var out []*cert.Certificate
	for _, o := range g.Organisations {
		for _, der := range o.Roots {
			c, err := cert.Parse(der)
			if err != nil {
				return nil, types.Errorf(types.CodeGenesisInvalid, "%w", err)
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// newHTTP returns a client for http, https and, with a configuration, tlcp addresses.
func newHTTP(p *Params) *http.Client {
	config := p.TLCP
	const dialTime = 3 * time.Second
	transport := func(dial func(context.Context, string, string) (net.Conn, error)) *http.Transport {
		return &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute}
	}
	plain := transport((&net.Dialer{Timeout: dialTime}).DialContext)
	plain.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.Roots}
	if config != nil {
		dialer := &tlcp.Dialer{Config: config, Net: net.Dialer{Timeout: dialTime}}
		plain.RegisterProtocol(secureScheme, &secureTransport{transport(func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil && !errors.As(err, new(*net.OpError)) {
				err = &net.OpError{Op: "dial", Net: secureScheme, Err: err} // no request was sent
			}
			return c, err
		})})
	}
	if p.APIKey != "" {
		return &http.Client{Transport: &keyTransport{plain, p.APIKey}}
	}
	return &http.Client{Transport: plain}
}

// keyTransport shows an application's key to nodes that nobody can read on the way to.
type keyTransport struct {
	*http.Transport
	key string
}

// RoundTrip implements http.RoundTripper.
func (t *keyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" || r.URL.Scheme == "http" && thisMachine(r.URL.Hostname()) {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+t.key)
	}
	return t.Transport.RoundTrip(r)
}

func thisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// secureTransport speaks HTTP over connections that are secure by themselves.
type secureTransport struct{ inner *http.Transport }

// RoundTrip implements http.RoundTripper.
func (t *secureTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme = "http"
	return t.inner.RoundTrip(r)
}

// CloseIdleConnections lets http.Client close them.
func (t *secureTransport) CloseIdleConnections() { t.inner.CloseIdleConnections() }
