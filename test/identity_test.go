package test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// person is somebody with a key and a DID, and no certificate.
type person struct {
	n       *network
	key     *crypto.PrivateKey
	id, did string
	version int // of the identity
}

func newPerson(n *network) *person {
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(n.t, err)
	id := types.AddressOf(key.Public()).String()
	return &person{n: n, key: key, id: id, did: "did:huchain:" + n.Chain + ":" + id}
}

// sign is the person's signature of what contract identity asks for.
func (p *person) sign(method string, version int, last string) string {
	text := fmt.Sprintf("huchain:identity:%s:%s:%s:%d", p.n.Genesis, method, p.did, version)
	if last != "" {
		text += ":" + last
	}
	sig, err := p.key.Sign([]byte(text))
	require.NoError(p.n.t, err)
	return fmt.Sprintf("%x", sig)
}

func (p *person) proof(method, last string) map[string]any {
	return map[string]any{"version": p.version, "signature": p.sign(method, p.version, last)}
}

// entry is one row of an identity's history.
type entry struct {
	Version  int         `json:"version"`
	Kind     string      `json:"kind"`
	Height   string      `json:"height"`
	Previous crypto.Hash `json:"previous"`
}

// traced is what trace answers.
type traced struct {
	Version int               `json:"version"`
	State   string            `json:"state"`
	Head    crypto.Hash       `json:"head"`
	Entries []json.RawMessage `json:"entries"`
}

// TestIdentityHistory: on the running chain a person's account is opened, changed by the
// person's own signature, frozen and unfrozen; a certificate and the DID log in to the
// same account, each challenge once; the auditor gets the history as of any height, and
// every entry is proven by any validator. Others are refused, and nothing removes an entry.
// covers: B5.01 B5.03 B5.04
func TestIdentityHistory(t *testing.T) {
	n := shared(t, "calm", beside, nil)
	ctx, cancel := context.WithTimeout(context.Background(), patience())
	defer cancel()
	member := func(name string) *client.Identity {
		id, err := n.Member(name)
		require.NoError(t, err)
		return id
	}
	clerk, admin, auditor := member("clerk"), member("archives/admin"), member("auditor")
	name, err := types.NewMemberID("archives", "teller")
	require.NoError(t, err)
	teller, err := n.AddMember(name, []types.Role{types.RoleClient})
	require.NoError(t, err)
	for _, m := range []*client.Identity{clerk, auditor} { // queries do not register
		_, err := n.client(0).Call(ctx, m, "membership", "register", struct{}{})
		require.NoError(t, err)
	}
	p := newPerson(n)
	call := func(by *client.Identity, method string, args map[string]any) error {
		_, err := n.client(0).Call(ctx, by, "identity", method, args)
		return err
	}
	change := func(by *client.Identity, method string, args map[string]any) {
		t.Helper()
		require.NoError(t, call(by, method, args))
		p.version++
	}
	refused := func(err error, name string) {
		t.Helper()
		require.Equal(t, "identity."+name, client.ContractError(err), "%v", err)
	}
	digest := crypto.Sum([]byte(p.did)).String()
	require.NoError(t, call(clerk, "create", map[string]any{"key": p.key.Public().String(), "signature": p.sign("create", 0, "archives")}))
	change(clerk, "openAccount", map[string]any{"did": p.did, "category": "citizen", "identity": digest})
	second := newPerson(n)
	require.NoError(t, call(clerk, "create", map[string]any{"key": second.key.Public().String(), "signature": second.sign("create", 0, "archives")}))
	refused(call(clerk, "openAccount", map[string]any{"did": second.did, "category": "citizen", "identity": digest}), "second_account")
	refused(call(clerk, "changeAccount", map[string]any{"did": p.did, "profile": digest}), "not_holder")
	change(clerk, "changeAccount", map[string]any{"did": p.did, "profile": digest, "proof": p.proof("changeAccount", digest)})
	change(teller, "bindMember", map[string]any{"did": p.did, "proof": p.proof("bindMember", string(name))})

	login := func(what string) string { return crypto.Sum([]byte(p.did + what)).String() }
	until := time.Now().Add(5 * time.Minute).UTC().Format("2006-01-02T15:04:05Z")
	byDID := func(challenge string, signer *person) error {
		return call(clerk, "loginByDid", map[string]any{"did": p.did, "challenge": challenge, "audience": "portal", "until": until,
			"signature": signer.sign("login", 0, challenge+":"+until+":portal")})
	}
	require.NoError(t, call(teller, "loginByCertificate", map[string]any{"challenge": login("a"), "audience": "portal"}))
	refused(byDID(login("b"), second), "bad_proof")
	require.NoError(t, byDID(login("b"), p))
	refused(byDID(login("b"), p), "challenge_used")
	for _, what := range []string{"a", "b"} {
		out, err := n.client(1).Query(ctx, clerk, "identity", "getLogin", map[string]string{"challenge": login(what)})
		require.NoError(t, err)
		require.Contains(t, string(out.Result), `"did":"`+p.did+`"`)
	}

	change(admin, "freeze", map[string]any{"did": p.did, "reason": "lost"})
	refused(call(teller, "loginByCertificate", map[string]any{"challenge": login("c"), "audience": "portal"}), "not_holder")
	change(admin, "unfreeze", map[string]any{"did": p.did, "reason": "request"})

	trace := func(as *client.Identity, height string) (traced, error) {
		args := map[string]any{"did": p.did}
		if height != "" {
			args["height"] = height
		}
		out, err := n.client(0).Query(ctx, as, "identity", "trace", args)
		var got traced
		if err == nil {
			require.NoError(t, json.Unmarshal(out.Result, &got))
		}
		return got, err
	}
	_, err = trace(clerk, "")
	refused(err, "not_holder")
	_, err = trace(nil, "")
	require.Equal(t, types.CodePermissionDenied, types.CodeOf(err))
	require.Equal(t, types.CodeUnknownMethod, types.CodeOf(call(admin, "removeChange", map[string]any{"did": p.did})))
	_, err = trace(teller, "")
	require.NoError(t, err, "the identity itself, by its member")
	full, err := trace(auditor, "")
	require.NoError(t, err)
	require.Equal(t, p.version, full.Version)
	require.Len(t, full.Entries, p.version)
	n.settle()
	p.proven(ctx, full)

	var fourth entry
	require.NoError(t, json.Unmarshal(full.Entries[3], &fourth))
	then, err := trace(auditor, fourth.Height)
	require.NoError(t, err)
	require.Equal(t, "frozen", then.State)
	require.Len(t, then.Entries, 4)
}

// proven holds each entry of a history against its row, which each validator proves to
// somebody who has the genesis file alone, and against the entry that follows.
func (p *person) proven(ctx context.Context, full traced) {
	t := p.n.t
	genesis, err := os.ReadFile(p.n.GenesisFile())
	require.NoError(t, err)
	trust, err := light.TrustGenesis(genesis)
	require.NoError(t, err)
	for i, raw := range full.Entries {
		c := p.n.client(i % len(p.n.Nodes))
		row, err := c.State(ctx, "identity", []byte("change/"+p.id+"\x00"+fmt.Sprintf("%08x", i+1)), true)
		require.NoError(t, err)
		proven, err := client.VerifyProof(row.Proof, trust)
		require.NoError(t, err)
		require.NoError(t, proven.IsState(row))
		require.JSONEq(t, string(row.Value), string(raw), "entry %d", i+1)
		var e entry
		require.NoError(t, json.Unmarshal(raw, &e))
		require.Equal(t, i+1, e.Version)
		_, err = strconv.ParseUint(e.Height, 10, 64)
		require.NoError(t, err)
		if i+1 < len(full.Entries) {
			var next entry
			require.NoError(t, json.Unmarshal(full.Entries[i+1], &next))
			require.Equal(t, crypto.Sum(row.Value), next.Previous, "the next entry covers this one")
		} else {
			require.Equal(t, crypto.Sum(row.Value), full.Head)
		}
		altered := append([]byte(nil), row.Proof...)
		altered[len(altered)/2] ^= 1
		if other, err := client.VerifyProof(altered, trust); err == nil {
			require.Error(t, other.IsState(row), "an altered proof")
		}
	}
}
