package chain_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
)

// An organisation comes in by vote, is frozen and comes back; while it is frozen its
// members can do nothing and it counts in no majority.
func TestOrganisations(t *testing.T) {
	c := newCouncil(t)
	fourth, err := cert.NewCA("city", chaintest.NewKey(), start.Add(-time.Hour), start.AddDate(10, 0, 0))
	require.NoError(t, err)
	add := fmt.Sprintf(`{"org":"city","roots":[%q]}`, b64(fourth.Root().Raw))
	two := c.admins[1]
	c.no(types.CodePermissionDenied, c.admins[0], "membership", "addOrganisation", add)
	c.no(types.CodeBadCertificate, c.admins[0], "membership", "addOrganisation", fmt.Sprintf(`{"org":"town","roots":[%q]}`, b64(fourth.Root().Raw)), two)
	c.w.Orgs["city"] = fourth
	mayor := c.w.Member("city", "mayor", "admin", "client")
	c.refused(types.CodeForeignCA, c.call(mayor, "membership", "register", `{}`))
	c.ok(c.admins[0], "membership", "addOrganisation", add, two)
	c.ok(mayor, "membership", "register", `{}`)
	c.no(types.CodeAlreadyExists, c.admins[0], "membership", "addOrganisation", add, two, c.admins[2])

	c.no(types.CodePermissionDenied, c.admins[0], "membership", "freezeOrganisation", `{"org":"city"}`, two) // 2 of 4 is no majority
	c.ok(c.admins[0], "membership", "freezeOrganisation", `{"org":"city","reason":"inquiry"}`, two, c.admins[2])
	c.no(types.CodeMemberFrozen, mayor, "notebook", "put", `{"Key":"a","Value":"1"}`)
	c.refused(types.CodeMemberFrozen, chaintest.Call(c.g, mayor, c.now, "notebook", "put", `{}`, false))
	c.ok(c.admins[0], "governance", "setParams", `{}`, two) // 2 of 3 again
	c.ok(c.admins[0], "membership", "unfreezeOrganisation", `{"org":"city"}`, two)
	r := c.run(c.call(mayor, "notebook", "put", `{"Key":"a","Value":"1"}`)).Receipts[0]
	require.True(t, r.OK(), r.Error)
	c.ok(c.admins[0], "membership", "revokeOrganisation", `{"org":"city"}`, two, c.admins[2])
	c.no(types.CodeMemberFrozen, c.admins[0], "membership", "unfreezeOrganisation", `{"org":"city"}`, two, c.admins[2])

	c.ok(c.admins[0], "governance", "setRule", `{"contract":"governance","method":"setRule","allow":"ALL org:court"}`, two)
	c.no(types.CodeBadArguments, c.admins[0], "membership", "freezeOrganisation", `{"org":"court"}`, two) // nobody could change rules any more
}

// A member is frozen by an admin of its own, or by the majority.
func TestMajorityFreezes(t *testing.T) {
	c := newCouncil(t)
	c.no(types.CodePermissionDenied, c.admins[1], "membership", "freeze", `{"member":"archives/head"}`)
	c.ok(c.admins[1], "membership", "freeze", `{"member":"archives/head"}`, c.admins[2])
	c.no(types.CodeMemberFrozen, c.admins[0], "notebook", "put", `{"Key":"a","Value":"1"}`)
	c.ok(c.admins[1], "governance", "setRule", `{"contract":"membership","method":"revoke","allow":"forbidden"}`, c.admins[2])
	c.no(types.CodePermissionDenied, c.admins[1], "membership", "revoke", `{"member":"archives/head"}`, c.admins[2])
}

// A key that an organisation vouches for acts without a certificate, in harmless roles,
// until its time is over.
func TestVouchedKeys(t *testing.T) {
	c := newCouncil(t)
	citizen := &chaintest.Member{ID: "archives/citizen-1", Key: chaintest.NewKey()}
	vouch := func(key crypto.PublicKey, member, role string, d time.Duration) string {
		return fmt.Sprintf(`{"member":%q,"key":"%s","roles":[%q],"notAfter":%q}`, member, key, role, c.now.Add(d).Format(time.RFC3339))
	}
	key := citizen.Key.Public()
	c.no(types.CodePermissionDenied, c.admins[1], "membership", "vouch", vouch(key, "archives/citizen-1", "client", time.Hour))
	c.no(types.CodeBadArguments, c.admins[0], "membership", "vouch", vouch(key, "archives/citizen-1", "admin", time.Hour))
	c.no(types.CodeBadArguments, c.admins[0], "membership", "vouch", vouch(key, "archives/citizen-1", "client", 10*365*24*time.Hour))
	c.no(types.CodeIdentityBound, c.admins[0], "membership", "vouch", vouch(key, "archives/head", "client", time.Hour))
	c.no(types.CodeIdentityBound, c.admins[0], "membership", "vouch", vouch(c.admins[1].Key.Public(), "archives/citizen-1", "client", time.Hour))
	put := func() *types.Tx {
		return chaintest.Call(c.g, citizen, c.now, "notebook", "put", `{"Key":"a","Value":"1"}`, false)
	}
	c.refused(types.CodeUnknownSender, put())
	c.ok(c.admins[0], "membership", "vouch", vouch(key, "archives/citizen-1", "client", time.Hour))
	require.True(t, c.run(put()).Receipts[0].OK())
	c.now = c.now.Add(2 * time.Hour)
	c.refused(types.CodeCertExpired, put())
	c.ok(c.admins[0], "membership", "vouch", vouch(key, "archives/citizen-1", "client", time.Hour))
	require.True(t, c.run(put()).Receipts[0].OK())
}

// Revocation by serial number: registered or not, under whatever key.
func TestRevokedCertificates(t *testing.T) {
	c := newCouncil(t)
	serial := func(m *chaintest.Member) string {
		crt, err := cert.Parse(m.Cert)
		require.NoError(t, err)
		return crt.Serial
	}
	revoke := func(m *chaintest.Member) string {
		return fmt.Sprintf(`{"org":"archives","serials":[%q],"reason":"key lost"}`, serial(m))
	}
	known, unknown := c.w.Member("archives", "known", "client"), c.w.Member("archives", "unknown", "client")
	c.ok(known, "membership", "register", `{}`)
	c.no(types.CodePermissionDenied, c.admins[1], "membership", "revokeCertificates", revoke(known))
	c.no(types.CodeBadArguments, c.admins[0], "membership", "revokeCertificates", `{"org":"archives","serials":["0A"]}`)
	c.ok(c.admins[0], "membership", "revokeCertificates", revoke(known))
	c.ok(c.admins[0], "membership", "revokeCertificates", revoke(unknown))
	c.no(types.CodeCertRevoked, known, "notebook", "put", `{"Key":"a","Value":"1"}`)
	c.refused(types.CodeMemberFrozen, chaintest.Call(c.g, known, c.now, "notebook", "put", `{}`, false))
	c.refused(types.CodeCertRevoked, c.call(unknown, "membership", "register", `{}`))
	again := c.w.Member("archives", "known", "client")
	c.ok(again, "membership", "register", `{}`)

	c.ok(c.admins[0], "membership", "freeze", `{"member":"archives/known"}`)
	c.ok(c.admins[0], "membership", "revokeCertificates", revoke(again))
	c.refused(types.CodeMemberFrozen, c.call(c.w.Member("archives", "known", "client"), "membership", "register", `{}`))
	list, _, err := c.c.Query(t.Context(), c.st, &chain.Query{Contract: "membership", Method: "revoked", Args: []byte(`{"org":"archives"}`)}, c.height, c.now.UnixNano())
	require.NoError(t, err)
	require.Contains(t, string(list), serial(unknown))
}

// A root is followed by another: both certify for a while, then members of the old one
// who did not move on end; the organisation stays throughout.
func TestRootRotation(t *testing.T) {
	c := newCouncil(t)
	old := c.w.Orgs["archives"]
	key := chaintest.NewKey()
	next, err := cert.NewCA("archives", key, start.Add(-time.Hour), start.AddDate(10, 0, 0))
	require.NoError(t, err)
	mover, stayer := c.w.Member("archives", "mover", "client"), c.w.Member("archives", "stayer", "client")
	c.ok(mover, "membership", "register", `{}`)
	c.ok(stayer, "membership", "register", `{}`)
	c.w.Orgs["archives"] = next
	renewed := &chaintest.Member{ID: mover.ID, Key: mover.Key, Cert: c.w.CertifyKey("archives", "mover", mover.Key, "client")}
	c.refused(types.CodeForeignCA, c.call(renewed, "membership", "register", `{}`))

	add := func(by crypto.Signer) string {
		sig, err := by.Sign(types.RootSignBytes(c.g.Hash(), next.Root().Raw))
		require.NoError(t, err)
		return fmt.Sprintf(`{"org":"archives","root":%q,"signature":%q}`, b64(next.Root().Raw), b64(sig))
	}
	oldKey := c.w.RootKeys["archives"]
	c.no(types.CodeBadSignature, c.admins[0], "membership", "addRoot", add(key))
	c.no(types.CodePermissionDenied, c.admins[1], "membership", "addRoot", add(oldKey))
	c.ok(c.admins[0], "membership", "addRoot", add(oldKey))
	c.no(types.CodeAlreadyExists, c.admins[0], "membership", "addRoot", add(oldKey))
	c.ok(renewed, "membership", "register", `{}`)
	c.ok(stayer, "membership", "register", `{}`) // both roots hold

	end := c.now.Add(time.Hour)
	retire := func(root []byte, at time.Time) string {
		return fmt.Sprintf(`{"org":"archives","root":"%s","at":%q}`, crypto.Sum(root), at.Format(time.RFC3339))
	}
	c.no(types.CodeBadArguments, c.admins[0], "membership", "retireRoot", retire(old.Root().Raw, c.now.Add(-time.Hour)))
	c.no(types.CodeNotFound, c.admins[0], "membership", "retireRoot", retire([]byte("x"), end))
	c.ok(c.admins[0], "membership", "retireRoot", retire(old.Root().Raw, end))
	c.no(types.CodeBadArguments, c.admins[0], "membership", "retireRoot", retire(next.Root().Raw, end))
	c.ok(stayer, "membership", "register", `{}`)
	c.now = end.Add(time.Second)
	c.no(types.CodeCertExpired, stayer, "membership", "register", `{}`)
	c.no(types.CodeCertExpired, c.admins[0], "membership", "register", `{}`)
	c.ok(renewed, "membership", "register", `{}`)
	r := c.run(chaintest.Call(c.g, renewed, c.now, "notebook", "put", `{"Key":"a","Value":"1"}`, false)).Receipts[0]
	require.True(t, r.OK(), r.Error)
}
