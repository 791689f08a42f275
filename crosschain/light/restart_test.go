package light

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// What rests on a block that a restart gave up is refused with the act at hand, which counts
// only with the signatures of validators that are known.
// covers: T.12, T.18
func TestBlocksGivenUpByARestart(t *testing.T) {
	w := newWorld(t, 4)
	for range 6 {
		w.block(nil)
	}
	act := &types.Restart{Genesis: w.genesis, Height: 4, Header: w.headers[3].Hash(), Time: w.headers[5].Time - 1}
	signed := map[crypto.PublicKey][]byte{}
	sign := func(n int) {
		for _, v := range w.next[:n] {
			sig, err := w.keys[v.Key].Sign(act.SignBytes())
			require.NoError(t, err)
			signed[v.Key] = sig
		}
	}
	hold := func(anchor *Trusted, height uint64) types.Code {
		d := &Dossier{Links: []*Link{w.link(height)}}
		return types.CodeOf(d.HoldAgainst(anchor, act, signed))
	}
	sign(2)
	require.Equal(t, types.CodeRestartRefused, hold(w.anchor(), 4), "half of the validators")
	sign(3)
	require.Zero(t, hold(w.anchor(), 4), "what is kept")
	require.Equal(t, types.CodeBlockGivenUp, hold(w.anchor(), 5), "above it, and older than the act")
	require.Zero(t, hold(w.anchor(), 6), "after the restart")
	lost, err := TrustHeader(&w.headers[4], w.next)
	require.NoError(t, err)
	require.Equal(t, types.CodeBlockGivenUp, hold(lost, 6), "an anchor that was given up")
	act.Time++
	require.Equal(t, types.CodeRestartRefused, hold(w.anchor(), 4), "altered")
	act.Genesis[0] ^= 1
	require.Equal(t, types.CodeRestartRefused, hold(w.anchor(), 4), "another chain's")
}
