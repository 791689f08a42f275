package node

import (
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"github.com/huchain/huchain/node/access"
	"github.com/huchain/huchain/types"
)

// OIDCConfig lets people log in by an OpenID Connect provider, to read. An empty Issuer
// turns it off.
type OIDCConfig struct {
	Issuer     string   `koanf:"issuer"`
	ClientID   string   `koanf:"clientId"`
	SecretFile string   `koanf:"secretFile"` // with the client's secret, relative to the home; empty: a public client
	Redirect   string   `koanf:"redirect"`   // this server's address with /api/v1/oidc/callback
	Scopes     []string `koanf:"scopes"`     // besides openid; empty: profile
	Roots      string   `koanf:"roots"`      // PEM file of roots that certify the provider; empty: the system's
	Chain      string   `koanf:"chain"`      // that people log in to
	// MemberClaim and Members map a claim's value to a member of the chain.
	MemberClaim string       `koanf:"memberClaim"`
	Members     []OIDCMember `koanf:"members"`
	RoleClaim   string       `koanf:"roleClaim"`
	Roles       []OIDCRole   `koanf:"roles"`
}

// OIDCMember says which member of the chain a person is.
type OIDCMember struct {
	Value  string `koanf:"value"` // of the claim
	Member string `koanf:"member"`
}

// OIDCRole says which role a value of the claim gives those who are no members.
type OIDCRole struct {
	Value string `koanf:"value"`
	Role  string `koanf:"role"`
}

// provider makes the provider that node.toml names, or nil.
func (n *node) provider() (*access.Provider, error) {
	c := &n.cfg.Web.OIDC
	if c.Issuer == "" {
		return nil, nil
	}
	p := access.ProviderParams{
		Issuer: c.Issuer, ClientID: c.ClientID, Redirect: c.Redirect, Scopes: c.Scopes, Chain: c.Chain,
		MemberClaim: c.MemberClaim, Members: map[string]types.MemberID{}, RoleClaim: c.RoleClaim, Roles: map[string]types.Role{},
	}
	if len(p.Scopes) == 0 {
		p.Scopes = []string{"profile"}
	}
	for _, m := range c.Members {
		id, err := types.ParseMemberID(m.Member)
		if err != nil {
			return nil, types.Errorf(types.CodeConfig, "web.oidc.members: %w", err)
		}
		p.Members[m.Value] = id
	}
	for _, r := range c.Roles {
		p.Roles[r.Value] = types.Role(r.Role)
	}
	if c.SecretFile != "" {
		secret, err := os.ReadFile(n.inHome(c.SecretFile))
		if err != nil {
			return nil, types.Errorf(types.CodeConfig, "web.oidc.secretFile: %w", err)
		}
		p.ClientSecret = strings.TrimSpace(string(secret))
	}
	var err error
	if p.Roots, err = certPool(n.inHome, c.Roots); err != nil {
		return nil, types.Errorf(types.CodeConfig, "web.oidc.roots: %w", err)
	}
	return access.NewProvider(p)
}

// certPool reads a PEM file of roots; nil for no file.
func certPool(inHome func(string) string, file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(inHome(file))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return pool, nil
}
