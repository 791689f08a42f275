package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	comet "github.com/cometbft/cometbft/rpc/client/http"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// CometBFT's own client reads blocks, transactions, results, validators and commits of a
// chain; what it reads is what our own API says.
func TestCometBFTClient(t *testing.T) {
	s := newSite(t)
	done := s.put("alpha", "1")
	_, err := s.client.Call(t.Context(), s.clerk, "notes", "put", map[string]string{})
	require.Equal(t, types.CodeContractError, types.CodeOf(err))
	s.chain.waitCertified(t.Context(), func(certified uint64) bool { return certified >= done.Height })
	c, err := comet.New(s.url+base+"/"+s.chain.Name+"/rpc", "/websocket")
	require.NoError(t, err)
	ctx := t.Context()

	st, err := c.Status(ctx)
	require.NoError(t, err)
	require.Equal(t, s.chain.Genesis.CometChainID(), st.NodeInfo.Network)
	require.GreaterOrEqual(t, st.SyncInfo.LatestBlockHeight, int64(done.Height))
	require.EqualValues(t, 1, st.SyncInfo.EarliestBlockHeight)
	require.True(t, st.TxIndexEnabled())

	height := int64(done.Height)
	want, err := s.client.Block(ctx, "latest")
	require.NoError(t, err)
	latest := int64(want.Header.Height)
	b, err := c.Block(ctx, &latest)
	require.NoError(t, err)
	require.Equal(t, want.Header.Hash[:], []byte(b.BlockID.Hash))
	require.Equal(t, want.Header.Content[:], []byte(b.Block.AppHash))
	require.True(t, want.Header.Time.Equal(b.Block.Time))
	first, one := int64(1), 1
	_, err = c.Block(ctx, &first)
	require.NoError(t, err)

	b, err = c.Block(ctx, &height)
	require.NoError(t, err)
	require.Len(t, b.Block.Txs, 1)
	tx, err := c.Tx(ctx, done.ID[:], false)
	require.NoError(t, err)
	require.Equal(t, b.Block.Txs[0], tx.Tx)
	require.Equal(t, done.ID[:], []byte(tx.Hash))
	require.Equal(t, height, tx.Height)
	require.Zero(t, tx.TxResult.Code)
	require.EqualValues(t, done.Receipt.GasUsed, tx.TxResult.GasUsed)
	require.JSONEq(t, `{"stored":true}`, string(tx.TxResult.Data))
	require.Equal(t, "notes.stored", tx.TxResult.Events[0].Type)
	results, err := c.BlockResults(ctx, &height)
	require.NoError(t, err)
	require.Equal(t, tx.TxResult, *results.TxsResults[0])
	refused := height + 1
	for ; ; refused++ { // the call without effect stands in a later block
		results, err = c.BlockResults(ctx, &refused)
		require.NoError(t, err)
		if len(results.TxsResults) > 0 {
			break
		}
	}
	require.EqualValues(t, types.CodeContractError, results.TxsResults[0].Code)
	require.Equal(t, "huchain", results.TxsResults[0].Codespace)

	set, err := c.Validators(ctx, &height, &one, &one)
	require.NoError(t, err)
	require.Equal(t, 1, set.Total)
	commit, err := c.Commit(ctx, &height)
	require.NoError(t, err)
	require.Equal(t, b.BlockID.Hash, commit.Commit.BlockID.Hash)
	require.Equal(t, set.Validators[0].Address, commit.Commit.Signatures[0].ValidatorAddress)
	require.Len(t, commit.Commit.Signatures[0].Signature, 64)

	_, err = c.Tx(ctx, make([]byte, 32), false)
	require.ErrorContains(t, err, types.CodeNotFound.String())
	_, err = c.Tx(ctx, done.ID[:], true)
	require.ErrorContains(t, err, "prove=true")
	beyond := latest + 1000
	_, err = c.Block(ctx, &beyond)
	require.ErrorContains(t, err, types.CodeHeightUnknown.String())
	_, err = c.Health(ctx)
	require.ErrorContains(t, err, "Method not found")
}

// Calls by URI and in lists are answered; what is malformed or too much is refused.
func TestRPCForms(t *testing.T) {
	s := newSite(t)
	done := s.put("alpha", "1")
	at := base + "/" + s.chain.Name + "/rpc"
	for path, want := range map[string]string{
		"/status": `"network":"`, "/block?height=1": `"block_id":`, `/block?height="1"`: `"block_id":`, "/block": `"block_id":`,
		"/tx?hash=0x" + done.ID.String(): `"tx_result":`, "/validators?height=1&page=1": `"total":"1"`, "/validators?page=3": types.CodeUsage.String(),
		"/block?height=x": types.CodeUsage.String(), "/block?height=-1": types.CodeUsage.String(), "/tx": types.CodeUsage.String(),
		"/tx?hash=0xzz": types.CodeUsage.String(), "/broadcast_tx_sync": "-32601", "/block?height=" + done.ID.String()[:20]: types.CodeUsage.String(),
	} {
		_, _, text := s.raw(http.MethodGet, at+strings.ReplaceAll(path, `"`, "%22"), "", "")
		require.Contains(t, text, want, path)
		require.Contains(t, text, `"jsonrpc":"2.0"`, path)
	}
	post := func(body string) string {
		_, _, text := s.raw(http.MethodPost, at, "application/json", body)
		return text
	}
	require.Contains(t, post(`{"jsonrpc":"2.0","id":"x","method":"block","params":["1"]}`), `"id":"x"`)
	var list []RPCAnswer
	require.NoError(t, json.Unmarshal([]byte(post(`[{"id":1,"method":"status"},{"id":2,"method":"nothing"},{"id":3,"method":"block","params":[1,2]}]`)), &list))
	require.Len(t, list, 3)
	require.Nil(t, list[0].Error)
	require.Equal(t, rpcNoMethod, list[1].Error.Code)
	require.Equal(t, rpcBadParams, list[2].Error.Code)
	for _, bad := range []string{"", "[]", "{", `"x"`, "[" + strings.Repeat(`{"id":1,"method":"status"},`, 20) + `{"id":1,"method":"status"}]`} {
		require.Contains(t, post(bad), types.CodeUsage.String(), bad)
	}
	require.Contains(t, post("["+strings.Repeat(" ", maxRPCBytes)+"]"), types.CodeRequestTooLarge.String())
}

func FuzzRPCArgs(f *testing.F) {
	for _, s := range []string{`{}`, `[]`, `null`, `["1"]`, `{"height":1}`, `{"hash":"AA=="}`, `[`, `{"page":"9999999999"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(_ *testing.T, raw []byte) {
		args, err := parseRPCArgs(raw, []string{"hash", "page"})
		if err != nil {
			return
		}
		_, _ = args.hash()
		_, _ = args.number("page", 1)
	})
}
