package api

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/types"
)

// One file about a transaction, and one about a record, hold everything: checked against
// the genesis file or a trusted header alone, they name signers and code. Any altered
// byte, another anchor, or facts that do not belong together are refused.
// covers: T.09
func TestDossier(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	done := s.put("alpha", "1")
	trust, err := s.client.Trust(ctx)
	require.NoError(t, err)
	at, _, err := s.client.Follow(ctx, trust, 0)
	require.NoError(t, err)
	require.NotZero(t, at.Height)

	d, err := s.client.TxDossier(ctx, trust, done.ID)
	require.NoError(t, err)
	text, err := json.MarshalIndent(d, "", "  ")
	require.NoError(t, err)
	var read light.Dossier
	require.NoError(t, json.Unmarshal(text, &read))
	report, err := client.VerifyDossier(&read, trust)
	require.NoError(t, err)
	require.Equal(t, "tx", report.Facts[0].Fact)
	require.Equal(t, done.ID, *report.Facts[0].TxID)
	require.Equal(t, "receipt", report.Facts[1].Fact)
	require.Equal(t, "OK", report.Facts[1].Receipt.Code)
	require.True(t, slices.ContainsFunc(report.Facts, func(v *client.Proven) bool { return v.NS == "notes" && string(v.Key) == "alpha" }), "the row it wrote")
	require.Len(t, report.Signers, 1)
	require.EqualValues(t, "archives/clerk", report.Signers[0].Member)
	require.NotEmpty(t, report.Signers[0].Serial)
	require.Equal(t, "notes", report.Contract)
	require.NotNil(t, report.Code)

	row, err := s.client.StateDossier(ctx, trust, "notes", []byte("alpha"))
	require.NoError(t, err)
	report, err = client.VerifyDossier(row, trust)
	require.NoError(t, err)
	require.Equal(t, "state", report.Facts[0].Fact)
	require.EqualValues(t, `{"v":"1"}`, report.Facts[0].Value)
	none, err := s.client.StateDossier(ctx, trust, "notes", []byte("omega"))
	require.NoError(t, err)
	require.Len(t, none.Proofs, 1)

	// Trust in one header by its hash is enough for the facts under it.
	h := none.Proofs[0].Header
	anchor, err := none.Anchor(h.Hash())
	require.NoError(t, err)
	report, err = client.VerifyDossier(none, anchor)
	require.NoError(t, err)
	require.Equal(t, h.Height, report.Anchor.Height)
	_, err = none.Anchor(h.Previous)
	require.Equal(t, types.CodeProofInvalid, types.CodeOf(err))

	foreign := *trust
	foreign.Genesis[0] ^= 1
	_, err = client.VerifyDossier(d, &foreign)
	require.Equal(t, types.CodeProofInvalid, types.CodeOf(err))
	other := s.put("beta", "2")
	mixed, err := s.client.TxDossier(ctx, trust, other.ID)
	require.NoError(t, err)
	mixed.Proofs[1] = d.Proofs[1]
	_, err = client.VerifyDossier(mixed, trust)
	require.Equal(t, types.CodeProofInvalid, types.CodeOf(err), "the receipt of another transaction")

	compact := new(bytes.Buffer)
	require.NoError(t, json.Compact(compact, text))
	for i := 0; i < compact.Len(); i += 1 + compact.Len()/400 {
		bad := bytes.Clone(compact.Bytes())
		bad[i] ^= 1
		require.Error(t, json.Unmarshal(bad, &light.Dossier{}), "byte %d", i)
	}
}

func TestLinksRefused(t *testing.T) {
	s := newSite(t)
	_, err := s.client.Links(t.Context(), 1000, 0)
	require.Equal(t, types.CodeHeightUnknown, types.CodeOf(err))
	_, err = s.client.Links(t.Context(), 0, 1_000_000)
	require.Equal(t, types.CodeHeightUnknown, types.CodeOf(err))
}
