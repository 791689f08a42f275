package chain_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
)

// Who may link is what the chain says of organisations, roots, members and certificates.
// covers: T.06 T.07
func TestLinkRights(t *testing.T) {
	c := newCouncil(t)
	roots := func(org string, at time.Time) (out []string) {
		list, err := c.c.LinkRoots(c.st, org, at)
		require.NoError(t, err)
		for _, r := range list {
			out = append(out, crypto.Sum(r.Raw).String())
		}
		return out
	}
	end := c.now.AddDate(1, 0, 0)
	node := c.w.LinkIdentity("archives", "node0", end, "node")
	require.Len(t, roots("archives", c.now), 1)
	require.Empty(t, roots("nowhere", c.now))
	require.NoError(t, c.c.CheckLink(c.st, node.Sign, node.Encrypt), "a node need not be registered")

	// Either certificate of the pair may be revoked; others of the name stay good.
	renewed := c.w.LinkIdentity("archives", "node0", end, "node")
	for _, serial := range []string{node.Sign.Serial, renewed.Encrypt.Serial} {
		c.ok(c.admins[0], "membership", "revokeCertificates", fmt.Sprintf(`{"org":"archives","serials":[%q]}`, serial))
	}
	require.Equal(t, types.CodeCertRevoked, types.CodeOf(c.c.CheckLink(c.st, node.Sign, node.Encrypt)))
	require.Equal(t, types.CodeCertRevoked, types.CodeOf(c.c.CheckLink(c.st, renewed.Sign, renewed.Encrypt)))
	again := c.w.LinkIdentity("archives", "node0", end, "node")
	require.NoError(t, c.c.CheckLink(c.st, again.Sign, again.Encrypt))

	// The name is registered, and frozen as a member.
	member := c.w.Member("archives", "node0", "validator")
	c.ok(member, "membership", "register", `{}`)
	require.NoError(t, c.c.CheckLink(c.st, again.Sign, again.Encrypt))
	c.ok(c.admins[0], "membership", "freeze", `{"member":"archives/node0"}`)
	require.Equal(t, types.CodeMemberFrozen, types.CodeOf(c.c.CheckLink(c.st, again.Sign, again.Encrypt)))

	// A root that follows counts at once, one that is retired until its end.
	next, err := cert.NewCA("archives", chaintest.NewKey(), start.Add(-time.Hour), start.AddDate(10, 0, 0))
	require.NoError(t, err)
	old := c.w.Orgs["archives"].Root().Raw
	sig, err := c.w.RootKeys["archives"].Sign(types.RootSignBytes(c.g.Hash(), next.Root().Raw))
	require.NoError(t, err)
	c.ok(c.admins[0], "membership", "addRoot", fmt.Sprintf(`{"org":"archives","root":%q,"signature":%q}`, b64(next.Root().Raw), b64(sig)))
	until := c.now.Add(time.Hour)
	c.ok(c.admins[0], "membership", "retireRoot", fmt.Sprintf(`{"org":"archives","root":"%s","at":%q}`, crypto.Sum(old), until.Format(time.RFC3339)))
	require.Len(t, roots("archives", c.now), 2)
	require.Equal(t, []string{crypto.Sum(next.Root().Raw).String()}, roots("archives", until.Add(time.Second)))

	// An organisation that is frozen links with nobody.
	require.Len(t, roots("court", c.now), 1)
	c.ok(c.admins[0], "membership", "freezeOrganisation", `{"org":"court"}`, c.admins[2])
	require.Empty(t, roots("court", c.now))
}
