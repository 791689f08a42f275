package api

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// covers: T.05 T.09
//
// One call is committed and found by every way the API offers; its proofs hold against
// the genesis file alone, and fail with any byte altered.
func TestCommitAndRead(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	done := s.put("alpha", "1")
	require.NotZero(t, done.Height)
	require.JSONEq(t, `{"stored":true}`, string(done.Receipt.Result))

	tx, err := s.client.Tx(ctx, done.ID, true)
	require.NoError(t, err)
	require.Equal(t, done.Height, tx.Height)
	require.Equal(t, "archives/clerk", tx.Member)
	require.Len(t, tx.Events, 1)
	require.JSONEq(t, `{"k":"alpha"}`, string(tx.Events[0].Data))

	block, err := s.client.Block(ctx, "latest")
	require.NoError(t, err)
	require.GreaterOrEqual(t, block.Header.Height, done.Height)
	same, err := s.client.Block(ctx, block.Header.Hash.String())
	require.NoError(t, err)
	require.Equal(t, block.Header.Hash, same.Header.Hash)
	list, err := s.client.Txs(ctx, client.TxsBy{Sender: "archives/clerk"}, client.Page{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	list, err = s.client.Txs(ctx, client.TxsBy{Contract: "notes"}, client.Page{})
	require.NoError(t, err)
	require.Equal(t, done.ID, list.Items[0].ID)
	events, err := s.client.Events(ctx, "notes", "stored", client.Page{})
	require.NoError(t, err)
	require.Equal(t, done.ID, events.Items[0].TxID)
	member, err := s.client.Member(ctx, "archives/clerk")
	require.NoError(t, err)
	require.Equal(t, s.clerk.Address(), member.Address)
	contract, err := s.client.Contract(ctx, "notes")
	require.NoError(t, err)
	require.Len(t, contract.Methods, 3)
	answer, err := s.client.Query(ctx, nil, "notes", "getOne", map[string]string{"K": "alpha"})
	require.NoError(t, err)
	require.JSONEq(t, `{"v":"1"}`, string(answer.Result))
	_, err = s.client.Query(ctx, nil, "notes", "getOne", map[string]string{"K": "omega"})
	require.Equal(t, types.CodeContractError, types.CodeOf(err))
	require.Contains(t, err.Error(), "notes.not_found")
	rows, err := s.client.States(ctx, "notes", []byte("al"), nil, 10)
	require.NoError(t, err)
	require.Len(t, rows.Items, 1)

	trust, err := s.client.Trust(ctx)
	require.NoError(t, err)
	proven, err := client.VerifyProof(tx.Proof, trust)
	require.NoError(t, err)
	require.NoError(t, proven.IsTx(tx))
	row, err := s.client.State(ctx, "notes", []byte("alpha"), true)
	require.NoError(t, err)
	require.True(t, row.Found)
	proven, err = client.VerifyProof(row.Proof, trust)
	require.NoError(t, err)
	require.NoError(t, proven.IsState(row))
	absent, err := s.client.State(ctx, "notes", []byte("omega"), true)
	require.NoError(t, err)
	require.False(t, absent.Found)
	proven, err = client.VerifyProof(absent.Proof, trust)
	require.NoError(t, err)
	require.Equal(t, "absence", proven.Fact)
	require.Error(t, proven.IsState(row), "a proof of absence shows no presence")

	for i := range row.Proof {
		bad := append([]byte(nil), row.Proof...)
		bad[i] ^= 1
		_, err := client.VerifyProof(bad, trust)
		require.Equal(t, types.CodeProofInvalid, types.CodeOf(err), "byte %d", i)
	}
}

// Submitting the same bytes again, by anyone, answers with the first commit.
func TestSubmitIsIdempotent(t *testing.T) {
	s := newSite(t)
	tx, err := s.client.Sign(s.clerk, "notes", "put", map[string]string{"K": "a", "V": "1"})
	require.NoError(t, err)
	first, err := s.client.Submit(t.Context(), s.clerk, tx)
	require.NoError(t, err)
	again, err := s.client.Submit(t.Context(), s.clerk, tx)
	require.NoError(t, err)
	require.Equal(t, first.Height, again.Height)
	require.Equal(t, first.ID, again.ID)

	other, err := s.client.Sign(s.clerk, "notes", "put", map[string]string{"K": "b", "V": "1"})
	require.NoError(t, err)
	id, err := s.client.SubmitAsync(t.Context(), s.clerk, other)
	require.NoError(t, err)
	done, err := s.client.Submit(t.Context(), s.clerk, other) // waits, whether pooled or committed
	require.NoError(t, err)
	require.Equal(t, id, done.ID)
}

// Every refusal has its code and status, and leaves no trace in the state.
func TestRefusals(t *testing.T) {
	s := newSite(t)
	s.put("first", "1") // registers the clerk
	root := s.chain.Ledger.StateRoot()
	post := base + "/" + s.chain.Name + "/txs"
	sign := func(change func(*types.Body), der []byte) string {
		body := types.Body{
			Genesis: s.client.Genesis(), Sender: s.clerk.Address(), Contract: "notes", Method: "put", Args: []byte(`{"K":"x","V":"y"}`),
			GasLimit: 100_000_000, ValidUntil: time.Now().Add(time.Minute).UnixMilli(),
		}
		change(&body)
		tx, err := types.SignTx(&body, der, s.clerk.Signer)
		require.NoError(t, err)
		return string(tx.Bytes())
	}
	good := sign(func(b *types.Body) { b.Salt[0] = 9 }, nil)
	forged := []byte(good)
	forged[len(forged)-1] ^= 1
	for _, c := range []struct {
		name, body string
		code       types.Code
		status     int
	}{
		{"garbage", "garbage", types.CodeTxMalformed, 400},
		{"empty", "", types.CodeUsage, 400},
		{"oversize", strings.Repeat("x", types.MaxTxBytes+2), types.CodeRequestTooLarge, 413},
		{"bad signature", string(forged), types.CodeBadSignature, 400},
		{"wrong genesis", sign(func(b *types.Body) { b.Genesis = crypto.Sum([]byte("other")) }, nil), types.CodeWrongGenesis, 400},
		{"expired", sign(func(b *types.Body) { b.ValidUntil = time.Now().Add(-time.Minute).UnixMilli() }, nil), types.CodeTxExpired, 400},
		{"too far ahead", sign(func(b *types.Body) { b.ValidUntil = time.Now().Add(time.Hour).UnixMilli() }, nil), types.CodeTxTooFar, 400},
		{"unknown contract", sign(func(b *types.Body) { b.Contract = "nothing" }, nil), types.CodeUnknownContract, 404},
		{"unknown method", sign(func(b *types.Body) { b.Method = "nothing" }, nil), types.CodeUnknownMethod, 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, e, text := s.raw(http.MethodPost, post, "application/octet-stream", c.body)
			require.Equal(t, c.code.String(), e.Code, text)
			require.Equal(t, c.status, resp.StatusCode)
			require.NotEmpty(t, e.Message.ZH)
			require.NotEmpty(t, e.Fix.EN)
			require.Equal(t, resp.Header.Get("X-Request-Id"), e.RequestID)
		})
	}
	_, err := s.client.Call(t.Context(), s.clerk, "notes", "put", map[string]string{})
	require.Equal(t, types.CodeContractError, types.CodeOf(err), "a failing contract is committed without effect")
	require.Contains(t, err.Error(), "notes.bad_key")
	stranger := &client.Identity{Signer: mustKey(t)}
	_, err = s.client.Call(t.Context(), stranger, "notes", "put", map[string]string{"K": "x"})
	require.Equal(t, types.CodeUnknownSender, types.CodeOf(err))
	require.Equal(t, root, s.chain.Ledger.StateRoot())
}

func mustKey(t *testing.T) *crypto.PrivateKey {
	k, err := crypto.NewPrivateKey([]byte(strings.Repeat("k", 32)))
	require.NoError(t, err)
	return k
}

// Requests that are wrong in themselves get coded answers too.
func TestBadRequests(t *testing.T) {
	s := newSite(t)
	at := base + "/" + s.chain.Name
	for _, c := range []struct {
		path   string
		code   types.Code
		status int
	}{
		{"/nothing", types.CodeNotFound, 404},
		{base + "/other/status", types.CodeNotFound, 404},
		{at + "/blocks/abc", types.CodeUsage, 400},
		{at + "/blocks/999999", types.CodeHeightUnknown, 404},
		{at + "/blocks/" + strings.Repeat("0", 64), types.CodeNotFound, 404},
		{at + "/blocks/" + strings.Repeat("0", 65), types.CodeUsage, 422},
		{at + "/txs/xyz", types.CodeUsage, 422},
		{at + "/txs/" + strings.Repeat("0", 64), types.CodeNotFound, 404},
		{at + "/txs", types.CodeUsage, 400},
		{at + "/txs?sender=nobody/here", types.CodeNotFound, 404},
		{at + "/txs?contract=notes&cursor=zz", types.CodeUsage, 400},
		{at + "/events", types.CodeUsage, 422},
		{at + "/status?surprise=1", types.CodeUsage, 422},
		{at + "/contracts/nothing", types.CodeUnknownContract, 404},
		{at + "/state/notes/0xzz", types.CodeUsage, 400},
		{at + "/member?id=???", types.CodeUsage, 400},
	} {
		t.Run(c.path, func(t *testing.T) {
			resp, e, text := s.raw(http.MethodGet, c.path, "", "")
			require.Equal(t, c.code.String(), e.Code, text)
			require.Equal(t, c.status, resp.StatusCode)
		})
	}
	resp, e, _ := s.raw(http.MethodPost, at+"/query", "application/json", `{"contract":"notes","method":"put","args":{"K":"a"}}`)
	require.NotEmpty(t, e.Code)
	require.GreaterOrEqual(t, resp.StatusCode, 400)
	_, e, _ = s.raw(http.MethodPost, at+"/query", "application/json", `{"contract":`)
	require.Equal(t, types.CodeUsage.String(), e.Code)
}

// A method that is not public answers who proves to be allowed.
func TestSignedQuery(t *testing.T) {
	s := newSite(t)
	s.put("a", "1")
	out, err := s.client.Query(t.Context(), s.clerk, "notes", "getMine", map[string]string{"K": "a"})
	require.NoError(t, err)
	require.JSONEq(t, `{"caller":"archives/clerk"}`, string(out.Result))
	_, err = s.client.Query(t.Context(), nil, "notes", "getMine", map[string]string{"K": "a"})
	require.Equal(t, types.CodePermissionDenied, types.CodeOf(err))

	tx, err := s.client.Sign(s.clerk, "notes", "getMine", map[string]string{"K": "a"})
	require.NoError(t, err)
	body := `{"contract":"notes","method":"getMine","args":{"K":"other"},"tx":"` + hex.EncodeToString(tx.Bytes()) + `"}`
	_, e, text := s.raw(http.MethodPost, base+"/"+s.chain.Name+"/query", "application/json", body)
	require.Equal(t, types.CodeBadArguments.String(), e.Code, text)
}

func TestGenesisAndOpenAPI(t *testing.T) {
	s := newSite(t)
	file, err := s.client.GenesisFile(t.Context())
	require.NoError(t, err)
	require.Equal(t, s.chain.GenesisFile, file)
	_, _, text := s.raw(http.MethodGet, "/api/v1/openapi.json", "", "")
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct{ OperationID string }
	}
	require.NoError(t, json.Unmarshal([]byte(text), &doc))
	require.Equal(t, "3.1.0", doc.OpenAPI)
	require.Equal(t, "submitTx", doc.Paths[base+"/{chain}/txs"]["post"].OperationID)
	require.Contains(t, text, `"retryAfterMs"`, "the error form is described")
	_, err = client.Dial(t.Context(), s.url, "", crypto.Sum([]byte("other")))
	require.Equal(t, types.CodeWrongGenesis, types.CodeOf(err))

	var status rest.Status
	_, _, text = s.raw(http.MethodGet, base+"/"+s.chain.Genesis.CometChainID()+"/status", "", "")
	require.NoError(t, json.Unmarshal([]byte(text), &status), "the CometBFT chain id names the chain too")
	require.True(t, status.Validator)
}

// What was accepted stays what was sent: the pool must not hold on to a request's
// buffer, which serves the next request.
func TestAcceptedBytesAreKept(t *testing.T) {
	s := newSite(t)
	s.put("first", "1") // registers the clerk
	ids := make([]crypto.Hash, 300)
	for i := range ids {
		tx, err := s.client.Sign(s.clerk, "notes", "put", map[string]string{"K": strings.Repeat("k", 1+i%200), "V": "v"})
		require.NoError(t, err)
		ids[i], err = s.client.SubmitAsync(t.Context(), nil, tx)
		require.NoError(t, err)
	}
	for _, id := range ids {
		require.Eventually(t, func() bool {
			_, err := s.client.Tx(t.Context(), id, false)
			return err == nil
		}, 10*time.Second, 10*time.Millisecond, id.String())
	}
}
