package founding

import (
	"bytes"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Validators sign copies of an act apart; together they restart their chain, and not another.
// covers: T.12
func TestRestartIsSignedApart(t *testing.T) {
	var keys []*crypto.PrivateKey
	for range 4 {
		k, err := crypto.GenerateKey(rand.Reader)
		require.NoError(t, err)
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b *crypto.PrivateKey) int {
		ka, kb := a.Public(), b.Public()
		return bytes.Compare(ka[:], kb[:])
	})
	var set types.ValidatorSet
	for i, k := range keys {
		set = append(set, types.Validator{Key: k.Public(), Ed25519: [32]byte{byte(i + 1)}, Power: 1})
	}
	now := time.Now()
	p := &RestartPoint{Signers: set, SignersBefore: set}
	p.Before = types.Header{Genesis: crypto.Sum([]byte("g")), Height: 1023, Time: now.Add(-2 * time.Hour).UnixNano(), Signers: set.Hash(), NextSigners: set.Hash(), Protocol: 1}
	p.Last = p.Before
	p.Last.Height, p.Last.Time, p.Last.Previous = 1024, p.Before.Time+1, p.Before.Hash()

	d, err := NewRestart("gov", p, now)
	require.NoError(t, err)
	text, err := d.Encode()
	require.NoError(t, err)
	refused := func(err error, what string) {
		t.Helper()
		require.Equal(t, types.CodeRestartRefused, types.CodeOf(err), "%s: %v", what, err)
	}
	var copies []*RestartDraft
	for _, k := range keys[:3] {
		c, err := ParseRestart(text)
		require.NoError(t, err)
		require.NoError(t, c.Sign(k, p))
		copies = append(copies, c)
	}
	require.NoError(t, copies[2].Merge(copies[0]))
	_, err = copies[2].Act(p)
	refused(err, "two of four")
	require.NoError(t, copies[2].Merge(copies[1]))
	act, err := copies[2].Act(p)
	require.NoError(t, err)
	require.Len(t, act.Signatures, 3)
	again, err := copies[2].Encode()
	require.NoError(t, err)
	same, err := ParseRestart(again)
	require.NoError(t, err)
	require.Equal(t, copies[2], same)

	stranger, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	require.Equal(t, types.CodePermissionDenied, types.CodeOf(d.Sign(stranger, p)), "no validator")
	other, err := NewRestart("gov", p, now.Add(time.Minute))
	require.NoError(t, err)
	refused(other.Merge(d), "copies of different acts")
	_, err = NewRestart("gov", p, now.Add(-24*time.Hour))
	refused(err, "dated before the newest block")
	for _, bad := range []string{"{}", "", string(text) + "x", `{"format":1,"more":2}`, string(again[:len(again)/2])} {
		_, err := ParseRestart([]byte(bad))
		refused(err, bad)
	}
	for what, change := range map[string]func(*RestartPoint){
		"another tip":   func(p *RestartPoint) { p.Last.Height++ },
		"another block": func(p *RestartPoint) { p.Last.Content[0] ^= 1 },
		"another chain": func(p *RestartPoint) { p.Last.Genesis[0] ^= 1 },
		"another set":   func(p *RestartPoint) { p.Signers = set[1:] },
	} {
		q := *p
		change(&q)
		_, err := copies[2].Act(&q)
		refused(err, what)
	}
}

func FuzzParseRestart(f *testing.F) {
	f.Add([]byte(`{"format":1,"restart":{"chain":"gov","genesis":"` + crypto.Hash{}.String() + `","height":2,"header":"` + crypto.Hash{}.String() + `","time":"2026-01-02T03:04:05Z"},"signatures":[]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := ParseRestart(in)
		if err != nil {
			require.Equal(t, types.CodeRestartRefused, types.CodeOf(err))
			return
		}
		text, err := d.Encode()
		require.NoError(t, err)
		again, err := ParseRestart(text)
		require.NoError(t, err)
		require.Equal(t, d.Terms().ID(), again.Terms().ID())
	})
}
