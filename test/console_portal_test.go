package test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/types"
)

// portal is who uses the evidence portal side by side: sessions of members, and the key
// file of a citizen who has a DID and no certificate. Logging in by the page is tested on
// the guarded node; deriving the key of each once more would cost seconds.
func (n *network) portal(t *testing.T) []string {
	admin, err := n.Member("archives/admin")
	require.NoError(t, err)
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	auditor, err := n.AddMember("archives/portal-auditor", []types.Role{types.RoleAuditor})
	require.NoError(t, err)
	sessions := map[string]string{}
	for name, who := range map[string]*client.Identity{"office": n.newMember(t, "archives/office"), "works": n.newMember(t, "city/works"), "auditor": auditor, "admin": admin} {
		sessions[name] = n.cookie(t, who)
	}
	told, err := json.Marshal(sessions)
	require.NoError(t, err)

	citizen := newPerson(n)
	_, err = n.client(0).Call(t.Context(), clerk, "identity", "create", map[string]any{"key": citizen.key.Public().String(), "signature": citizen.sign("create", 0, "archives")})
	require.NoError(t, err)
	passphrase, err := keystore.ReadPassphrase(n.PassphraseFile())
	require.NoError(t, err)
	key, err := keystore.Encode(citizen.key, passphrase)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "citizen.key")
	require.NoError(t, os.WriteFile(path, key, 0o600))
	return []string{"CONSOLE_SESSIONS=" + string(told), "CONSOLE_DID=" + citizen.did, "CONSOLE_DID_KEY=" + path}
}

// cookie logs a member in at the first node and returns the cookie of the session.
func (n *network) cookie(t *testing.T, who *client.Identity) string {
	seen := &cookies{next: http.DefaultTransport}
	p := client.DefaultParams(n.Nodes[0].URL())
	p.Chain, p.HTTP = n.Chain, &http.Client{Transport: seen}
	c, err := client.New(t.Context(), p)
	require.NoError(t, err)
	_, err = c.LogIn(t.Context(), who)
	require.NoError(t, err)
	require.NotEmpty(t, seen.last)
	return seen.last
}

// cookies remembers the last cookie that a server set.
type cookies struct {
	next http.RoundTripper
	last string
}

// RoundTrip implements http.RoundTripper.
func (c *cookies) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	if err == nil {
		for _, k := range resp.Cookies() {
			c.last = k.Name + "=" + k.Value
		}
	}
	return resp, err
}
