package client

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Trust derived by a client is what the chain derives from the same file.
func TestTrustGenesis(t *testing.T) {
	w := chaintest.NewWorld(time.Now(), "archives", "court")
	for i := range byte(4) {
		w.AddValidator("archives", "node"+string('a'+rune(i)), [32]byte{i + 1})
	}
	g, _ := w.Seal()
	raw, err := json.Marshal(&w.Genesis)
	require.NoError(t, err)
	trust, err := light.TrustGenesis(raw)
	require.NoError(t, err)
	set, err := g.ValidatorSet()
	require.NoError(t, err)
	require.Equal(t, g.Hash(), trust.Genesis)
	require.Equal(t, set.Hash(), trust.Next.Hash())
}

func FuzzParseProof(f *testing.F) {
	for _, s := range []string{"", "00", "{}", `{"proof":"00"}`, `{"answer":{"proof":"ab"}}`, `{"format":"huchain-proof/1"}`} {
		f.Add([]byte(s))
	}
	trust := &Trust{Genesis: crypto.Sum([]byte("x"))}
	f.Fuzz(func(t *testing.T, text []byte) {
		raw, err := ParseProof(text)
		if err != nil {
			require.Equal(t, types.CodeProofInvalid, types.CodeOf(err))
			return
		}
		_, err = VerifyProof(raw, trust)
		require.Error(t, err, "nothing verifies against a chain without validators")
	})
}
