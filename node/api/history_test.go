package api

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Who wrote a row before: listed in pages, proven writing by writing against the genesis
// file; an answer that leaves one out, alters one or carries another proof is refused.
// covers: T.05 T.09
func TestHistory(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	var heights []uint64
	for _, v := range []string{"1", "2", "3", "4"} {
		heights = append([]uint64{s.put("alpha", v).Height}, heights...)
	}
	trust, err := s.client.Trust(ctx)
	require.NoError(t, err)
	h, err := s.client.History(ctx, "notes", []byte("alpha"), 0, 10, true)
	require.NoError(t, err)
	require.Len(t, h.Items, 4)
	for i, it := range h.Items {
		require.Equal(t, heights[i], it.Height)
		require.NotNil(t, it.BlockTime)
	}
	require.EqualValues(t, `{"v":"4"}`, h.Items[0].Value)
	require.EqualValues(t, `{"v":"1"}`, h.Items[3].Value)
	complete, err := s.client.CheckHistory(ctx, h, trust)
	require.NoError(t, err)
	require.True(t, complete)

	first, err := s.client.History(ctx, "notes", []byte("alpha"), 0, 3, true)
	require.NoError(t, err)
	require.Len(t, first.Items, 3)
	require.Equal(t, heights[3], first.Next)
	complete, err = s.client.CheckHistory(ctx, first, trust)
	require.NoError(t, err)
	require.False(t, complete)
	last, err := s.client.History(ctx, "notes", []byte("alpha"), first.Next, 3, false)
	require.NoError(t, err)
	require.Len(t, last.Items, 1)
	require.Zero(t, last.Next)

	none, err := s.client.History(ctx, "notes", []byte("omega"), 0, 3, true)
	require.NoError(t, err)
	require.Empty(t, none.Items)
	_, err = s.client.History(ctx, "notes", []byte("alpha"), heights[0]-1, 3, false)
	if heights[1] != heights[0]-1 {
		require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	}

	missing, altered, other := *h, *h, *h
	missing.Items = append(append(missing.Items[:0:0], h.Items[:1]...), h.Items[2:]...)
	altered.Items = append(altered.Items[:0:0], h.Items...)
	altered.Items[1].Value = []byte("forged")
	other.Proof = bytes.Clone(h.Proof)
	other.Proof[len(other.Proof)/2] ^= 1
	for name, bad := range map[string]*rest.History{"missing": &missing, "altered": &altered, "proof": &other} {
		_, err = s.client.CheckHistory(ctx, bad, trust)
		require.Equal(t, types.CodeProofInvalid, types.CodeOf(err), name)
	}

	// A proof of a writing is a fact like others for whoever is handed one.
	one, err := s.chain.Ledger.ProveWrite("notes", []byte("alpha"), heights[2])
	require.NoError(t, err)
	raw, err := one.Encode()
	require.NoError(t, err)
	v, err := client.VerifyProof(raw, trust)
	require.NoError(t, err)
	require.Equal(t, "write", v.Fact)
	require.EqualValues(t, `{"v":"2"}`, v.Value)
}
