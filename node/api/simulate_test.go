package api

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// A dry run says what the commit then says, and leaves no trace; permission, signature and
// gas are judged as in a block.
func TestSimulate(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	root := s.chain.Ledger.StateRoot()
	sign := func(who *client.Identity, method, k string) *types.Tx {
		tx, err := s.client.Sign(who, "notes", method, map[string]string{"K": k, "V": "1"})
		require.NoError(t, err)
		return tx
	}
	tx := sign(s.clerk, "put", "alpha")
	dry, err := s.client.Simulate(ctx, s.clerk, tx) // the chain has not seen the clerk's certificate
	require.NoError(t, err)
	require.Equal(t, "OK", dry.Receipt.Code, dry.Receipt.Error)
	require.JSONEq(t, `{"stored":true}`, string(dry.Receipt.Result))
	require.Len(t, dry.Events, 1)
	require.Equal(t, "stored", dry.Events[0].Name)
	var wrote bool
	for _, w := range dry.Writes {
		wrote = wrote || w.NS == "notes" && w.Text == "alpha" && string(w.Value) == `{"v":"1"}`
	}
	require.True(t, wrote)
	require.Equal(t, root, s.chain.Ledger.StateRoot())
	row, err := s.client.State(ctx, "notes", []byte("alpha"), false)
	require.NoError(t, err)
	require.False(t, row.Found)
	_, err = s.client.Tx(ctx, tx.ID(), false)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))

	done, err := s.client.Submit(ctx, s.clerk, tx)
	require.NoError(t, err, "what was tried may still be submitted")
	require.Equal(t, dry.Receipt.GasUsed, done.Receipt.GasUsed)
	_, err = s.client.Simulate(ctx, s.clerk, tx)
	require.Equal(t, types.CodeTxDuplicate, types.CodeOf(err))

	refused := func(tx *types.Tx, code types.Code) {
		t.Helper()
		out, err := s.client.Simulate(ctx, nil, tx)
		require.NoError(t, err)
		require.Equal(t, code.String(), out.Receipt.Code)
		require.Empty(t, out.Events)
		for _, w := range out.Writes {
			require.NotEqual(t, "notes", w.NS)
		}
	}
	refused(sign(s.clerk, "put", ""), types.CodeContractError)
	refused(sign(s.clerk, "nothing", "a"), types.CodeUnknownMethod)
	refused(sign(&client.Identity{Signer: mustKey(t)}, "put", "a"), types.CodeUnknownSender)
	body := sign(s.clerk, "put", "a").Body
	body.GasLimit = 1
	tight, err := types.SignTx(&body, nil, s.clerk.Signer)
	require.NoError(t, err)
	refused(tight, types.CodeOutOfGas)
	body = sign(s.clerk, "put", "a").Body
	body.Genesis = crypto.Sum([]byte("other"))
	foreign, err := types.SignTx(&body, nil, s.clerk.Signer)
	require.NoError(t, err)
	refused(foreign, types.CodeWrongGenesis)
	forged := sign(s.clerk, "put", "a").Bytes()
	forged[len(forged)-1] ^= 1
	resp, e, text := s.raw(http.MethodPost, base+"/"+s.chain.Name+"/simulations", "application/octet-stream", string(forged))
	if resp.StatusCode == http.StatusOK {
		require.Contains(t, text, types.CodeBadSignature.String())
	} else {
		require.NotEmpty(t, e.Code)
	}
	_, e, _ = s.raw(http.MethodPost, base+"/"+s.chain.Name+"/simulations", "application/octet-stream", "no transaction")
	require.Equal(t, types.CodeTxMalformed.String(), e.Code)
}
