package chain_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// council is a chain whose three organisations have admins that the chain knows.
type council struct {
	*bed
	admins [3]*chaintest.Member
	salt   int
}

func newCouncil(t *testing.T) *council {
	c := &council{bed: newBed(t)}
	for i, org := range []string{"archives", "court", "notary"} {
		c.admins[i] = c.w.Member(org, "head", "admin", "client")
		c.ok(c.admins[i], "membership", "register", `{}`)
	}
	return c
}

// ok runs one call that must take effect and returns its result.
func (c *council) ok(m *chaintest.Member, contract, method, args string, with ...*chaintest.Member) map[string]any {
	c.t.Helper()
	r := c.run(c.call(m, contract, method, args, with...)).Receipts[0]
	require.True(c.t, r.OK(), "%s %s", r.Code, r.Error)
	var out map[string]any
	require.NoError(c.t, json.Unmarshal(r.Result, &out))
	return out
}

func (c *council) no(code types.Code, m *chaintest.Member, contract, method, args string, with ...*chaintest.Member) {
	c.t.Helper()
	c.refused(code, c.call(m, contract, method, args, with...))
}

func (c *council) document(actions ...string) []byte {
	c.salt++
	doc := fmt.Sprintf(`{"genesis":"%s","title":"test","actions":[`, c.g.Hash())
	for i, a := range actions {
		if i > 0 {
			doc += ","
		}
		doc += a
	}
	return fmt.Appendf(nil, `%s],"validUntil":%q,"salt":"salt-salt-salt-%d"}`, doc, c.now.Add(time.Hour).Format(time.RFC3339), c.salt)
}

func act(contract, method, args string) string {
	return fmt.Sprintf(`{"contract":%q,"method":%q,"args":%s}`, contract, method, args)
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func (c *council) propose(by *chaintest.Member, actions ...string) (id crypto.Hash, state string) {
	c.t.Helper()
	doc := c.document(actions...)
	out := c.ok(by, "governance", "propose", fmt.Sprintf(`{"document":%q}`, b64(doc)))
	return types.ProposalID(doc), out["state"].(string)
}

func (c *council) vote(by *chaintest.Member, id crypto.Hash, approve bool) string {
	c.t.Helper()
	return c.ok(by, "governance", "vote", fmt.Sprintf(`{"proposal":"%s","approve":%v}`, id, approve))["state"].(string)
}

func (c *council) endorsement(m *chaintest.Member, id crypto.Hash, withCert bool) string {
	sig, err := m.Key.Sign(types.EndorsementSignBytes(id))
	require.NoError(c.t, err)
	e := types.Endorsement{Member: m.ID, Signature: sig}
	if withCert {
		e.Certificate = m.Cert
	}
	raw, err := json.Marshal(e)
	require.NoError(c.t, err)
	return string(raw)
}

func (c *council) params() chain.Params {
	p, _, err := c.c.Params(c.st)
	require.NoError(c.t, err)
	return p
}

// A parameter is changed by the majority and not before: one vote of three does nothing,
// the second takes effect in its block, a third comes too late.
func TestProposal(t *testing.T) {
	c := newCouncil(t)
	c.no(types.CodePermissionDenied, c.admins[0], "governance", "setParams", `{"maxTxGas":200000000}`)
	c.no(types.CodePermissionDenied, c.clerk, "governance", "propose", fmt.Sprintf(`{"document":%q}`, b64(c.document(act("governance", "setParams", `{}`)))))
	id, state := c.propose(c.admins[0], act("governance", "setParams", `{"maxTxGas":200000000}`))
	require.Equal(t, "open", state)
	require.Equal(t, "open", c.vote(c.admins[0], id, true), "a second vote of one organisation is one vote")
	c.ok(c.clerk, "membership", "register", `{}`)
	require.Equal(t, "open", c.vote(c.clerk, id, true), "a clerk's vote satisfies no rule of admins")
	require.Equal(t, "open", c.vote(c.admins[1], id, false))
	require.NotEqualValues(t, 200000000, c.params().MaxTxGas, "without the votes nothing takes effect")
	require.Equal(t, "adopted", c.vote(c.admins[1], id, true))
	require.EqualValues(t, 200000000, c.params().MaxTxGas)
	c.no(types.CodeProposalClosed, c.admins[2], "governance", "vote", fmt.Sprintf(`{"proposal":"%s","approve":true}`, id))

	// Several signers of one transaction do the same at once.
	c.ok(c.admins[0], "governance", "setParams", `{"maxTxGas":300000000}`, c.admins[2])
	require.EqualValues(t, 300000000, c.params().MaxTxGas)
	c.no(types.CodeBadArguments, c.admins[0], "governance", "setParams", `{"maxTxGas":1}`, c.admins[2])
	c.no(types.CodeBadArguments, c.admins[0], "governance", "setParams", `{"unknown":1}`, c.admins[2])
}

// Endorsements collected off line count like votes, whoever brings them; forged ones,
// those of others and of another proposal are refused.
func TestEndorsements(t *testing.T) {
	c := newCouncil(t)
	doc := c.document(act("governance", "setParams", `{"maxTxGas":200000000}`))
	id := types.ProposalID(doc)
	fresh := c.w.Member("court", "deputy", "admin")
	other, _ := c.propose(c.admins[0], act("governance", "setParams", `{"maxTxGas":250000000}`))
	bring := func(list ...string) string {
		out := ""
		for i, e := range list {
			if i > 0 {
				out += ","
			}
			out += e
		}
		return fmt.Sprintf(`{"proposal":"%s","endorsements":[%s]}`, other, out)
	}
	c.no(types.CodeBadEndorsement, c.clerk, "governance", "endorse", bring(c.endorsement(c.admins[1], id, false)))
	c.no(types.CodeBadEndorsement, c.clerk, "governance", "endorse", bring(c.endorsement(fresh, other, false)))
	stolen := c.endorsement(c.admins[1], other, false)
	c.no(types.CodeBadEndorsement, c.clerk, "governance", "endorse", bring(fmt.Sprintf(`{"member":"notary/head","signature":%s`, stolen[len(`{"member":"court/head","signature":`):])))
	c.no(types.CodeBadArguments, c.clerk, "governance", "endorse", bring())
	require.EqualValues(t, "adopted", c.ok(c.clerk, "governance", "endorse", bring(c.endorsement(fresh, other, true)))["state"])
	require.EqualValues(t, 250000000, c.params().MaxTxGas)

	out := c.ok(c.admins[0], "governance", "propose", fmt.Sprintf(`{"document":%q,"endorsements":[%s]}`, b64(doc), c.endorsement(c.admins[2], id, false)))
	require.Equal(t, "adopted", out["state"])
	require.EqualValues(t, 200000000, c.params().MaxTxGas)
	c.no(types.CodeAlreadyExists, c.admins[0], "governance", "propose", fmt.Sprintf(`{"document":%q}`, b64(doc)))
}

// What is proposed is checked; actions take effect all together or not at all; a vote of
// somebody who is frozen meanwhile does not count; time runs out.
func TestProposalEnds(t *testing.T) {
	c := newCouncil(t)
	refuse := func(code types.Code, doc []byte) {
		c.no(code, c.admins[0], "governance", "propose", fmt.Sprintf(`{"document":%q}`, b64(doc)))
	}
	refuse(types.CodeUnknownContract, c.document(act("nothing", "put", `{}`)))
	refuse(types.CodeUnknownMethod, c.document(act("notebook", "getNote", `{}`)))
	refuse(types.CodeBadArguments, c.document(act("governance", "propose", `{}`)))
	refuse(types.CodeBadArguments, c.document(act("governance", "vote", `{}`)))
	refuse(types.CodeBadArguments, c.document())
	refuse(types.CodeBadArguments, []byte(`{}`))
	late := c.document(act("governance", "setParams", `{}`))
	c.now = c.now.Add(2 * time.Hour)
	refuse(types.CodeBadArguments, late)

	id, _ := c.propose(c.admins[0], act("governance", "setParams", `{"maxTxGas":200000000}`), act("contracts", "freeze", `{"name":"nothing"}`))
	require.Equal(t, "failed", c.vote(c.admins[1], id, true))
	require.NotEqualValues(t, 200000000, c.params().MaxTxGas, "the first action is taken back with the second")
	answer, _, err := c.c.Query(t.Context(), c.st, &chain.Query{Contract: "governance", Method: "proposal", Args: fmt.Appendf(nil, `{"proposal":"%s"}`, id)}, c.height, c.now.UnixNano())
	require.NoError(t, err)
	require.Contains(t, string(answer), types.CodeUnknownContract.String())

	id, _ = c.propose(c.admins[0], act("governance", "setParams", `{"maxTxGas":200000000}`))
	deputy := c.w.Member("archives", "deputy", "admin")
	c.ok(deputy, "membership", "freeze", `{"member":"archives/head"}`)
	require.Equal(t, "open", c.vote(c.admins[1], id, true), "a frozen member's vote does not count")
	c.no(types.CodePermissionDenied, c.admins[1], "governance", "withdraw", fmt.Sprintf(`{"proposal":"%s"}`, id))
	c.ok(deputy, "membership", "unfreeze", `{"member":"archives/head"}`)
	c.now = c.now.Add(2 * time.Hour)
	c.no(types.CodeProposalClosed, c.admins[2], "governance", "vote", fmt.Sprintf(`{"proposal":"%s","approve":true}`, id))

	id, _ = c.propose(c.admins[0], act("notebook", "put", `{"Key":"a","Value":"1"}`))
	require.Equal(t, "adopted", c.state(id), "a call that one admin with the role client may make")
	id, _ = c.propose(c.admins[0], act("governance", "setParams", `{}`))
	c.ok(c.admins[0], "governance", "withdraw", fmt.Sprintf(`{"proposal":"%s"}`, id))
	require.Equal(t, "withdrawn", c.state(id))
	list, _, err := c.c.Query(t.Context(), c.st, &chain.Query{Contract: "governance", Method: "proposals", Args: []byte(`{"state":"withdrawn"}`)}, c.height, c.now.UnixNano())
	require.NoError(t, err)
	require.Contains(t, string(list), id.String())
}

func (c *council) state(id crypto.Hash) string {
	answer, _, err := c.c.Query(c.t.Context(), c.st, &chain.Query{Contract: "governance", Method: "proposal", Args: fmt.Appendf(nil, `{"proposal":"%s"}`, id)}, c.height, c.now.UnixNano())
	require.NoError(c.t, err)
	var out struct{ State string }
	require.NoError(c.t, json.Unmarshal(answer, &out))
	return out.State
}

// Rules per method: each quantifier on an installed contract and on a native one.
func TestRules(t *testing.T) {
	c := newCouncil(t)
	put := `{"Key":"a","Value":"1"}`
	set := func(contract, method, allow string) {
		t.Helper()
		c.ok(c.admins[0], "governance", "setRule", fmt.Sprintf(`{"contract":%q,"method":%q,"allow":%q}`, contract, method, allow), c.admins[1])
	}
	set("notebook", "put", "2-of role:admin")
	c.no(types.CodePermissionDenied, c.admins[0], "notebook", "put", put)
	r := c.run(c.call(c.admins[0], "notebook", "put", put, c.admins[2])).Receipts[0]
	require.True(t, r.OK(), r.Error)
	set("notebook", "put", "ALL role:admin")
	c.no(types.CodePermissionDenied, c.admins[0], "notebook", "put", put, c.admins[1])
	r = c.run(c.call(c.admins[0], "notebook", "put", put, c.admins[1], c.admins[2])).Receipts[0]
	require.True(t, r.OK(), r.Error)
	set("notebook", "put", "ANY org:court")
	c.no(types.CodePermissionDenied, c.admins[0], "notebook", "put", put)
	r = c.run(c.call(c.admins[1], "notebook", "put", put)).Receipts[0]
	require.True(t, r.OK(), r.Error)
	set("notebook", "put", "self")
	r = c.run(c.call(c.auditor, "notebook", "put", put)).Receipts[0]
	require.True(t, r.OK(), r.Error)
	set("notebook", "put", "forbidden")
	c.no(types.CodePermissionDenied, c.admins[0], "notebook", "put", put, c.admins[1], c.admins[2])
	set("notebook", "put", "")
	r = c.run(c.call(c.clerk, "notebook", "put", put)).Receipts[0]
	require.True(t, r.OK(), "the package's own rule again: %s", r.Error)

	set("contracts", "freeze", "MAJORITY role:admin")
	c.no(types.CodePermissionDenied, c.admins[0], "contracts", "freeze", `{"name":"notebook"}`)
	id, state := c.propose(c.admins[0], act("contracts", "freeze", `{"name":"notebook"}`))
	require.Equal(t, "open", state)
	require.Equal(t, "adopted", c.vote(c.admins[2], id, true))
	c.no(types.CodeContractFrozen, c.clerk, "notebook", "put", put)

	for _, bad := range []string{
		`{"contract":"notebook","method":"getNote","allow":"self"}`, `{"contract":"notebook","method":"none","allow":"self"}`,
		`{"contract":"governance","method":"params","allow":"self"}`,
	} {
		c.no(types.CodeUnknownMethod, c.admins[0], "governance", "setRule", bad, c.admins[1])
	}
	for _, bad := range []string{
		`{"contract":"notebook","method":"put","allow":"public"}`, `{"contract":"notebook","method":"put","allow":"ANY"}`,
		`{"contract":"governance","method":"setRule","allow":"forbidden"}`, `{"contract":"governance","method":"setRule","allow":"ANY org:ghost"}`,
		`{"contract":"governance","method":"setRule","allow":"4-of role:admin"}`,
	} {
		c.no(types.CodeBadArguments, c.admins[0], "governance", "setRule", bad, c.admins[1])
	}
}

// Validators come and go by vote; keys must be proven and unique.
func TestValidatorChanges(t *testing.T) {
	c := newCouncil(t)
	founders, err := c.c.Validators(c.st)
	require.NoError(t, err)
	add := func(org, name string, key *crypto.PrivateKey, by *crypto.PrivateKey, ed [32]byte, power int) string {
		sig, err := by.Sign(types.PossessionSignBytes(c.g.Hash(), org, name, key.Public(), ed))
		require.NoError(t, err)
		return fmt.Sprintf(`{"org":%q,"name":%q,"key":"%s","ed25519":%q,"power":%d,"possession":%q}`, org, name, key.Public(), hex.EncodeToString(ed[:]), power, b64(sig))
	}
	key := chaintest.NewKey()
	c.no(types.CodePermissionDenied, c.admins[0], "governance", "addValidator", add("court", "node1", key, key, [32]byte{2}, 10))
	two := c.admins[1]
	c.no(types.CodeValidatorRefused, c.admins[0], "governance", "addValidator", add("court", "node1", key, chaintest.NewKey(), [32]byte{2}, 10), two)
	c.no(types.CodeValidatorRefused, c.admins[0], "governance", "addValidator", add("court", "node1", key, key, [32]byte{1}, 10), two)
	c.no(types.CodeValidatorRefused, c.admins[0], "governance", "addValidator", add("court", "node1", c.admins[2].Key, c.admins[2].Key, [32]byte{2}, 10), two)
	c.no(types.CodeBadArguments, c.admins[0], "governance", "addValidator", add("court", "node1", key, key, [32]byte{2}, 0), two)
	c.no(types.CodeForeignCA, c.admins[0], "governance", "addValidator", add("nobody", "node1", key, key, [32]byte{2}, 10), two)
	c.no(types.CodeValidatorRefused, c.admins[0], "governance", "removeValidator", `{"org":"archives","name":"node0"}`, two)
	c.ok(c.admins[0], "governance", "addValidator", add("court", "node1", key, key, [32]byte{2}, 10), two)
	c.no(types.CodeValidatorRefused, c.admins[0], "governance", "addValidator", add("court", "node2", key, key, [32]byte{3}, 10), two)
	set, err := c.c.Validators(c.st)
	require.NoError(t, err)
	require.Len(t, set, len(founders)+1)

	// A replacement is one proposal: never both, never neither.
	next := chaintest.NewKey()
	id, _ := c.propose(c.admins[0], act("governance", "removeValidator", `{"org":"archives","name":"node0"}`),
		act("governance", "addValidator", add("archives", "node9", next, next, [32]byte{9}, 10)))
	require.Equal(t, "adopted", c.vote(c.admins[2], id, true))
	set, err = c.c.Validators(c.st)
	require.NoError(t, err)
	require.Len(t, set, 2)
	for _, v := range set {
		require.NotEqual(t, founders[0].Key, v.Key)
	}
	c.no(types.CodeNotFound, c.admins[0], "governance", "removeValidator", `{"org":"archives","name":"node0"}`, two)
	// The same node with another key: rotation.
	rotated := chaintest.NewKey()
	c.ok(c.admins[0], "governance", "addValidator", add("archives", "node9", rotated, rotated, [32]byte{10}, 12), two)
	set, err = c.c.Validators(c.st)
	require.NoError(t, err)
	require.Len(t, set, 2)
}
