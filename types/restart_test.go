package types_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// sampleRestart restarts a chain above the last of two headers, which it returns last first,
// with the signatures of the first n of four validators.
func sampleRestart(t testing.TB, n int) (*types.Restart, [2]*types.Header, types.ValidatorSet) {
	t.Helper()
	before, h, set := certified(t, 4)
	last := *h
	last.Height, last.Previous, last.Time = h.Height+1, h.Hash(), h.Time+1
	r := &types.Restart{Genesis: last.Genesis, Height: last.Height, Header: last.Hash(), Time: last.Time + 1, Before: *before}
	for i, k := range testKeys()[:n] {
		sig, err := k.Sign(r.SignBytes())
		require.NoError(t, err)
		r.Signatures = append(r.Signatures, types.HeaderSignature{Index: uint32(i), Signature: [64]byte(sig)})
	}
	return r, [2]*types.Header{&last, h}, set
}

// covers: T.12
func TestRestart(t *testing.T) {
	r, h, set := sampleRestart(t, 3)
	require.NoError(t, r.Verify(h[0], set, h[1], set))
	got, err := types.DecodeRestart(r.Encode())
	require.NoError(t, err)
	require.Equal(t, r, got)
	require.Equal(t, r.ID(), crypto.Sum(r.SignBytes()), "whoever signed")
	few, fh, _ := sampleRestart(t, 2)
	require.Equal(t, types.CodeRestartRefused, types.CodeOf(few.Verify(fh[0], set, fh[1], set)), "two thirds or less")
	for name, change := range map[string]func(*types.Restart, [2]*types.Header, types.ValidatorSet){
		"another chain":     func(r *types.Restart, _ [2]*types.Header, _ types.ValidatorSet) { r.Genesis[0] ^= 1 },
		"another height":    func(r *types.Restart, _ [2]*types.Header, _ types.ValidatorSet) { r.Height++ },
		"another header":    func(r *types.Restart, _ [2]*types.Header, _ types.ValidatorSet) { r.Header[0] ^= 1 },
		"another time":      func(r *types.Restart, _ [2]*types.Header, _ types.ValidatorSet) { r.Time++ },
		"before its block":  func(r *types.Restart, h [2]*types.Header, _ types.ValidatorSet) { r.Time = h[0].Time },
		"altered signature": func(r *types.Restart, _ [2]*types.Header, _ types.ValidatorSet) { r.Signatures[1].Signature[3] ^= 1 },
		"signer twice":      func(r *types.Restart, _ [2]*types.Header, _ types.ValidatorSet) { r.Signatures[1] = r.Signatures[0] },
		"no such signer":    func(r *types.Restart, _ [2]*types.Header, _ types.ValidatorSet) { r.Signatures[2].Index = 4 },
		"another set":       func(_ *types.Restart, _ [2]*types.Header, s types.ValidatorSet) { s[0].Power++ },
		"certificate is bad": func(r *types.Restart, _ [2]*types.Header, _ types.ValidatorSet) {
			r.Before.Signatures[0].Signature[0] ^= 1
		},
		"certificate is thin": func(r *types.Restart, _ [2]*types.Header, _ types.ValidatorSet) {
			r.Before.Signatures = r.Before.Signatures[:2]
		},
	} {
		r, h, set := sampleRestart(t, 3)
		change(r, h, set)
		require.Equal(t, types.CodeRestartRefused, types.CodeOf(r.Verify(h[0], set, h[1], set)), name)
	}
	_, err = types.DecodeRestart(make([]byte, types.MaxRestartBytes+1))
	require.Error(t, err)
	m := mustOracle(t, "Restart", r.Encode())
	require.Equal(t, r.Height, field(t, m, "height").Uint())
	require.Equal(t, r.Time, field(t, m, "time").Int())
	require.Equal(t, len(r.Signatures), field(t, m, "signatures").List().Len())
}

func FuzzDecodeRestart(f *testing.F) {
	r, _, _ := sampleRestart(f, 3)
	fuzzMessage(f, "Restart", r.Encode(), func(in []byte) (encoder, error) { return types.DecodeRestart(in) })
}
