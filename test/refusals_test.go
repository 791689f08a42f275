package test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
	"github.com/huchain/huchain/vm/wasm/wasmtest"
)

// post submits bytes to one validator as they are, without the client's second tries.
// The answer comes as soon as the pool has taken them.
func (n *network) post(i int, raw []byte) *types.Error {
	n.t.Helper()
	c := http.Client{Timeout: patience()}
	resp, err := c.Post(n.Nodes[i].URL()+"/api/v1/chains/"+n.Chain+"/txs?mode=accepted", "application/octet-stream", bytes.NewReader(raw))
	require.NoError(n.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(n.t, err)
	if resp.StatusCode < 300 {
		return nil
	}
	var e rest.Error
	require.NoError(n.t, json.Unmarshal(body, &e), "%s: %s", resp.Status, body)
	require.NotEmpty(n.t, e.Message.ZH, "a refusal comes with words: %s", body)
	require.NotEmpty(n.t, e.Fix.EN)
	return e.Coded()
}

// body makes the body of a deposit by a key.
func (n *network) body(from crypto.PublicKey, change func(*types.Body)) *types.Body {
	args, err := json.Marshal(newDeposit())
	require.NoError(n.t, err)
	genesis, err := crypto.ParseHash(n.Genesis)
	require.NoError(n.t, err)
	b := &types.Body{
		Genesis: genesis, Sender: types.AddressOf(from), Contract: "evidence", Method: "deposit", Args: args,
		GasLimit: 500_000_000, ValidUntil: time.Now().Add(time.Minute).UnixMilli(),
	}
	rand.Read(b.Salt[:])
	if change != nil {
		change(b)
	}
	return b
}

// signed makes the complete transaction of a body.
func (n *network) signed(b *types.Body, certificate []byte, by crypto.Signer) []byte {
	tx, err := types.SignTx(b, certificate, by)
	require.NoError(n.t, err)
	return tx.Bytes()
}

// newcomer is a key with a certificate that the chain has not seen.
func (n *network) newcomer(org string, authority *cert.CA, from, to time.Time) (*crypto.PrivateKey, []byte) {
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(n.t, err)
	c, err := authority.Issue(cert.Request{
		Name: fmt.Sprintf("guest-%d", depositCount.Add(1)), Roles: []string{"client"}, PublicKey: key.Public(), NotBefore: from, NotAfter: to,
	})
	require.NoError(n.t, err)
	require.Equal(n.t, org, c.Org)
	return key, c.Raw
}

// authority opens the CA of an organisation of the network.
func (n *network) authority(org string) *cert.CA {
	base := filepath.Join(n.MembersDir(), org, "ca")
	pem, err := os.ReadFile(base + ".pem")
	require.NoError(n.t, err)
	root, err := cert.ParsePEM(pem)
	require.NoError(n.t, err)
	secret, err := keystore.ReadPassphrase(n.PassphraseFile())
	require.NoError(n.t, err)
	key, err := keystore.Load(base+".key", secret)
	require.NoError(n.t, err)
	ca, err := cert.LoadCA(root.Raw, key)
	require.NoError(n.t, err)
	return ca
}

// roots returns height and content root of every validator.
func (n *network) roots() []string {
	var out []string
	for i := range n.Nodes {
		st, err := n.status(i)
		require.NoError(n.t, err)
		out = append(out, fmt.Sprintf("%d %s", st.Height, st.ContentRoot))
	}
	return out
}

// settle waits until all validators are silent at one height.
func (n *network) settle() []string {
	n.t.Helper()
	last := n.roots()
	n.eventually("all validators settle", func() error {
		time.Sleep(time.Second)
		now := n.roots()
		for i := range now {
			if now[i] != now[0] || now[i] != last[i] {
				last = now
				return fmt.Errorf("%v", now)
			}
		}
		return nil
	})
	return last
}

// TestRefusedAtTheDoor: what every validator refuses before it reaches a block, with its
// code, and without a trace in the state.
// covers: T.05 T.20
func TestRefusedAtTheDoor(t *testing.T) {
	n := shared(t, "calm", beside, nil)
	ctx := context.Background()
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	done, err := n.client(0).Call(ctx, clerk, "evidence", "deposit", newDeposit())
	require.NoError(t, err)
	used, err := n.client(0).Tx(ctx, done.ID, false)
	require.NoError(t, err)
	auditor, err := n.Member("auditor")
	require.NoError(t, err)
	before := n.settle()

	key, now := clerk.Signer, time.Now()
	good := func(change func(*types.Body)) []byte { return n.signed(n.body(key.Public(), change), nil, key) }
	altered := func(raw []byte) []byte { raw[len(raw)-1] ^= 1; return raw }
	pasted := func() []byte { // a good signature by the right key, of another body
		tx, err := types.DecodeTx(good(nil))
		require.NoError(t, err)
		other, err := types.DecodeTx(good(nil))
		require.NoError(t, err)
		return bytes.Replace(tx.Bytes(), tx.Signatures[0], other.Signatures[0], 1)
	}
	stranger, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	archives := n.authority("archives")
	expired, expiredCert := n.newcomer("archives", archives, now.Add(-2*time.Hour), now.Add(-time.Hour))
	early, earlyCert := n.newcomer("archives", archives, now.Add(2*time.Hour), now.Add(3*time.Hour))
	caKey, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	impostor, err := cert.NewCA("archives", caKey, now.Add(-time.Hour), now.Add(time.Hour))
	require.NoError(t, err)
	foreign, foreignCert := n.newcomer("archives", impostor, now.Add(-time.Minute), now.Add(time.Hour))

	for _, c := range []struct {
		name string
		raw  []byte
		code types.Code
	}{
		{"altered signature", altered(good(nil)), types.CodeBadSignature},
		{"pasted signature", pasted(), types.CodeBadSignature},
		{"signature by another key", n.signed(n.body(key.Public(), nil), nil, stranger), types.CodeBadSignature},
		{"unknown sender", n.signed(n.body(stranger.Public(), nil), nil, stranger), types.CodeUnknownSender},
		{"nonsense as certificate", n.signed(n.body(stranger.Public(), nil), []byte("nonsense"), stranger), types.CodeUnknownSender},
		{"expired certificate", n.signed(n.body(expired.Public(), nil), expiredCert, expired), types.CodeCertExpired},
		{"certificate not valid yet", n.signed(n.body(early.Public(), nil), earlyCert, early), types.CodeCertExpired},
		{"certificate of a foreign CA", n.signed(n.body(foreign.Public(), nil), foreignCert, foreign), types.CodeForeignCA},
		{"another member's certificate", n.signed(n.body(stranger.Public(), nil), expiredCert, stranger), types.CodeUnknownSender},
		{"wrong genesis", good(func(b *types.Body) { b.Genesis[0] ^= 1 }), types.CodeWrongGenesis},
		{"used id", used.Raw, types.CodeTxDuplicate},
		{"expired validity", good(func(b *types.Body) { b.ValidUntil = now.Add(-time.Minute).UnixMilli() }), types.CodeTxExpired},
		{"validity too far ahead", good(func(b *types.Body) { b.ValidUntil = now.Add(time.Hour).UnixMilli() }), types.CodeTxTooFar},
		{"oversize", make([]byte, types.MaxTxBytes+1), types.CodeTxTooLarge},
		{"nonsense", []byte("nonsense"), types.CodeTxMalformed},
		{"unknown contract", good(func(b *types.Body) { b.Contract = "nothing" }), types.CodeUnknownContract},
		{"unknown method", good(func(b *types.Body) { b.Method = "nothing" }), types.CodeUnknownMethod},
		{"not permitted", n.signed(n.body(auditor.Signer.Public(), nil), auditor.Certificate, auditor.Signer), types.CodePermissionDenied},
	} {
		for i := range n.Nodes {
			got := n.post(i, c.raw)
			require.NotNil(t, got, "%s: %s took it", c.name, n.Nodes[i].Name)
			if got.Code == types.CodeRequestTooLarge && c.code == types.CodeTxTooLarge {
				continue // the API did not read it to its end
			}
			require.Equal(t, c.code, got.Code, "%s at %s: %v", c.name, n.Nodes[i].Name, got)
		}
	}
	require.Equal(t, before, n.settle(), "a refusal left a trace")
}

// TestRefusedInExecution: what is committed without effect: the receipt says why, and
// nothing but the receipt is there.
func TestRefusedInExecution(t *testing.T) {
	n := shared(t, "calm", beside, nil)
	ctx := context.Background()
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	d := newDeposit()
	for _, c := range []struct {
		name, contract, method string
		args                   any
		code                   types.Code
	}{
		{"arguments of another type", "evidence", "deposit", json.RawMessage(`{"hash":7,"title":"x"}`), types.CodeBadArguments},
		{"unknown argument", "evidence", "deposit", json.RawMessage(`{"hash":"` + d.Hash + `","title":"x","more":1}`), types.CodeBadArguments},
		{"no JSON", "evidence", "deposit", []byte(`{"hash":`), types.CodeBadArguments},
		{"endless loop", "loop", "spin", nil, types.CodeOutOfGas},
	} {
		out, err := n.client(0).Call(ctx, clerk, c.contract, c.method, c.args)
		require.Equal(t, c.code, types.CodeOf(err), "%s: %v", c.name, err)
		if out != nil { // committed without effect
			require.Zero(t, out.Receipt.Events)
			n.reaches(out.Height, 0, 1, 2, 3)
		}
		for i := range n.Nodes {
			st, err := n.client(i).State(ctx, "evidence", evidenceKey(d.Hash), false)
			require.NoError(t, err)
			require.False(t, st.Found, "%s left a trace on %s", c.name, n.Nodes[i].Name)
		}
	}
	_, err = n.client(0).Call(ctx, clerk, "evidence", "deposit", d)
	require.NoError(t, err, "the chain goes on")
	n.settle()
	n.sameHeaders(0, 1, 2, 3)
}

// TestForbiddenImport: a package whose code imports what is not in the ABI is refused
// before it can be installed.
func TestForbiddenImport(t *testing.T) {
	n := shared(t, "calm", beside, nil)
	ctx := context.Background()
	admin, err := n.Member("archives/admin")
	require.NoError(t, err)
	c := n.client(1)
	stage := func(module []byte) error {
		raw, err := bundle.Build("testdata/loop", module)
		require.NoError(t, err)
		require.Less(t, len(raw), chain.PartBytes)
		pkg := crypto.Sum(raw)
		_, err = c.Call(ctx, admin, "contracts", "begin", map[string]any{"package": pkg, "bytes": len(raw), "parts": []crypto.Hash{pkg}})
		require.NoError(t, err)
		_, err = c.Call(ctx, admin, "contracts", "upload", map[string]any{"package": pkg, "part": 0, "data": raw})
		require.NoError(t, err)
		signature, err := admin.Signer.Sign(chain.PackageSignBytes(pkg))
		require.NoError(t, err)
		_, err = c.Call(ctx, admin, "contracts", "stage", map[string]any{"package": pkg, "publisher": "archives/admin", "signature": signature})
		return err
	}
	b := wasmtest.New()
	b.Import("env", "now", wasmtest.T("", "I"))
	require.Equal(t, types.CodeModuleRefused, types.CodeOf(stage(loopModuleOn(b))))
	require.Equal(t, types.CodeModuleRefused, types.CodeOf(stage([]byte("\x00asm\x01\x00\x00\x00"))), "a module without entries")
	require.NoError(t, stage(loopModuleOn(wasmtest.New().Memory(2, 4))), "the same without the import")
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	_, err = c.Call(ctx, clerk, "contracts", "upload", map[string]any{"package": crypto.Sum(nil), "part": 0, "data": []byte("x")})
	require.Equal(t, types.CodePermissionDenied, types.CodeOf(err))
	n.settle()
	n.sameHeaders(0, 1, 2, 3)
}

// TestPastedOntoKnownBody: validators that hold a transaction, and so remember its good
// signature, refuse the same body with another signature. Half of the validators are
// down, so that the transaction stays pending; the others, catching up, agree.
func TestPastedOntoKnownBody(t *testing.T) {
	n := shared(t, "small", beside, smallPools)
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	_, err = n.client(0).Call(context.Background(), clerk, "evidence", "deposit", newDeposit())
	require.NoError(t, err)
	n.settle()
	n.kill(2)
	n.kill(3)
	pending, err := types.SignTx(n.body(clerk.Signer.Public(), nil), nil, clerk.Signer)
	require.NoError(t, err)
	other, err := types.SignTx(n.body(clerk.Signer.Public(), nil), nil, clerk.Signer)
	require.NoError(t, err)
	bad := bytes.Replace(pending.Bytes(), pending.Signatures[0], other.Signatures[0], 1)
	refuse := func(nodes ...int) {
		t.Helper()
		for _, i := range nodes {
			e := n.post(i, bad)
			require.NotNil(t, e, n.Nodes[i].Name)
			require.Equal(t, types.CodeBadSignature, e.Code, "%s: %v", n.Nodes[i].Name, e)
		}
	}
	require.Nil(t, n.post(0, pending.Bytes()))
	n.eventually("the transaction reaches the other validator's pool", func() error {
		if e := n.post(1, pending.Bytes()); e == nil || e.Code != types.CodeTxKnown {
			return fmt.Errorf("%v", e)
		}
		return nil
	})
	refuse(0, 1)
	n.start(2, 3)
	n.ready(2, 3)
	n.eventually("the good transaction is committed", func() error {
		_, err := n.client(0).Tx(context.Background(), pending.ID(), false)
		return err
	})
	n.settle()
	refuse(0, 1, 2, 3)
	for i := range n.Nodes {
		tx, err := n.client(i).Tx(context.Background(), pending.ID(), false)
		require.NoError(t, err)
		require.Equal(t, pending.Bytes(), []byte(tx.Raw), "%s holds the good signature", n.Nodes[i].Name)
	}
	n.sameHeaders(0, 1, 2, 3)
}

// smallPools lets each validator hold 20 pending transactions.
func smallPools(n *network) {
	for i := range n.Nodes {
		path := n.NodeHome(n.Nodes[i].Name).Chain(n.Chain).ConfigFile()
		text, err := os.ReadFile(path)
		require.NoError(n.t, err)
		require.NoError(n.t, os.WriteFile(path, append(text, "\n[pool]\nmaxTxs = 20\n"...), 0o644))
	}
}

// TestPoolFull: a full pool refuses with a hint, and takes the same bytes later.
func TestPoolFull(t *testing.T) {
	n := shared(t, "small", beside, smallPools)
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	_, err = n.client(0).Call(context.Background(), clerk, "evidence", "deposit", newDeposit())
	require.NoError(t, err)
	n.settle()
	n.kill(2)
	n.kill(3)
	var refused []byte
	for range 60 {
		raw := n.signed(n.body(clerk.Signer.Public(), nil), nil, clerk.Signer)
		if e := n.post(0, raw); e != nil {
			require.Equal(t, types.CodePoolFull, e.Code, "%v", e)
			require.Positive(t, e.RetryAfterMs, "a hint when to try again")
			refused = raw
			break
		}
	}
	require.NotNil(t, refused, "the pool took everything")
	n.start(2, 3)
	n.ready(2, 3)
	n.eventually("the same transaction is taken later", func() error {
		if e := n.post(0, refused); e != nil && e.Code != types.CodeTxKnown {
			return e
		}
		return nil
	})
	n.settle()
	n.sameHeaders(0, 1, 2, 3)
}
