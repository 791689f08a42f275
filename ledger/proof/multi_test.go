package proof

import (
	"errors"
	"fmt"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/huchain/huchain/types"
)

// covers: T.09
func TestMultiProofs(t *testing.T) {
	w := newWorld(t, 300, 13)
	rapid.Check(t, func(t *rapid.T) {
		var keys []string
		single := 0
		for range rapid.IntRange(1, 40).Draw(t, "keys") {
			k := fmt.Sprintf("record/%d", rapid.IntRange(0, 500).Draw(t, "key")) // from 300 on absent
			keys = append(keys, k)
			b, err := w.proveState(k).Encode()
			require.NoError(t, err)
			single += len(b)
		}
		p := w.proveMany(t, keys...)
		again := recode(t, p)
		results, err := again.Verify(w.trust)
		require.NoError(t, err)
		require.True(t, w.trueMany(again, results))
		b, err := p.Encode()
		require.NoError(t, err)
		require.LessOrEqual(t, len(b), single+40*len(keys))

		var indexes []uint64
		for i := range uint64(13) {
			if rapid.Bool().Draw(t, "take") || i == 12 && indexes == nil {
				indexes = append(indexes, i)
			}
		}
		for _, position := range []byte{LeafTxs, LeafReceipts, LeafEvents} {
			l := recode(t, w.proveItems(t, position, indexes...))
			_, err := l.Verify(w.trust)
			require.NoError(t, err)
			require.True(t, w.trueMany(l, nil))
		}
	})
	_, err := JoinStates(nil, nil)
	require.Error(t, err)
	_, err = ProveItems(LeafTxs, w.items(LeafTxs), []uint64{1, 1})
	require.Error(t, err)
	_, err = ProveItems(LeafTxs, w.items(LeafTxs), []uint64{13})
	require.Error(t, err)
	p := w.proveMany(t, "record/1")
	p.Header.Genesis[0] ^= 1
	_, err = p.Verify(w.trust)
	require.Equal(t, types.CodeProofInvalid, types.CodeOf(err))
}

func recode(t require.TestingT, p *MultiProof) *MultiProof {
	b, err := p.Encode()
	require.NoError(t, err)
	again, err := DecodeMulti(b)
	require.NoError(t, err)
	twice, err := again.Encode()
	require.NoError(t, err)
	require.Equal(t, b, twice)
	return again
}

// covers: T.09
func TestAlteredMultiProofsAreRefused(t *testing.T) {
	w := newWorld(t, 300, 13)
	samples := []*MultiProof{
		w.proveMany(t, "record/1", "record/2", "record/3", "record/10", "absent/1", "absent/2", "absent/3"),
		w.proveItems(t, LeafTxs, 0, 3, 4, 12), w.proveItems(t, LeafReceipts, 2, 3), w.proveItems(t, LeafEvents, 11),
	}
	rng := rand.New(rand.NewSource(8))
	decoded := 0
	for i := range tries() / 2 {
		b, err := samples[i%len(samples)].Encode()
		require.NoError(t, err)
		original := string(b)
		if b = mutate(rng, b); string(b) == original {
			continue
		}
		_, err = DecodeMulti(b)
		require.Error(t, err)
		if len(b) < sealSize {
			continue
		}
		p, err := DecodeMulti(reseal(b))
		if err != nil || string(b) == original {
			continue
		}
		decoded++
		if results, err := p.Verify(w.trust); err == nil {
			require.True(t, w.trueMany(p, results), "mutation %d made a proof of something untrue", i)
		}
	}
	t.Logf("%d altered multi-proofs decoded with a forged checksum; none proved an untruth", decoded)
}

// TestForgedStepsAreRefused puts what a forger would like in the place of each leaf.
//
// covers: T.09
func TestForgedStepsAreRefused(t *testing.T) {
	w := newWorld(t, 300, 3)
	keys := []string{"record/1", "record/2", "record/3", "record/4", "absent/9"}
	honest := w.proveMany(t, keys...)
	leaves := w.leaves()
	for i, s := range honest.State.Steps {
		if s.Kind < StepEmpty {
			continue
		}
		forgeries := []Step{{Kind: StepEmpty}, {Kind: StepValue, Key: 0, Value: []byte("forged")}, {Kind: StepTombstone, Key: 1}}
		for _, l := range leaves[:20] {
			forgeries = append(forgeries, Step{Kind: StepForeign, ForeignKey: l.kh, ForeignValue: l.vh})
		}
		bent := s
		bent.Height++
		if s.Kind == StepValue || s.Kind == StepTombstone {
			forgeries = append(forgeries, bent)
		}
		for _, f := range forgeries {
			if s.Kind == StepEmpty && f.Kind == StepEmpty {
				continue
			}
			p := *honest
			m := *honest.State
			m.Steps = append([]Step(nil), m.Steps...)
			m.Steps[i] = f
			p.State = &m
			if results, err := p.VerifyContent(); err == nil {
				require.True(t, w.trueMany(&p, results))
			}
		}
	}
}

// TestHistories links proofs of writes as a ledger does, and breaks the links.
//
// covers: T.09
func TestHistories(t *testing.T) {
	var links History
	for h := uint64(3); h > 0; h-- {
		w := newWorld(t, 20, 3)
		w.header.Height = h * 10
		w.writes[2] = WritePart{NS: testNS, Key: []byte("record/2"), Value: fmt.Append(nil, h), TxIndex: uint32(h)}
		if h > 1 {
			w.writes[2].HasPrevious, w.writes[2].PrevHeight, w.writes[2].PrevTx = true, (h-1)*10, uint32(h-1)
		}
		w.sealAt(t, h*10)
		links = append(links, w.proveItem(t, LeafWrites, 2))
	}
	w := newWorld(t, 20, 3)
	trust := func(uint64) (Trust, error) { return w.trust, nil }
	complete, err := links.Verify(trust)
	require.NoError(t, err)
	require.True(t, complete)
	complete, err = links[:2].Verify(trust)
	require.NoError(t, err)
	require.False(t, complete)

	b, err := links.Encode()
	require.NoError(t, err)
	again, err := DecodeHistory(b)
	require.NoError(t, err)
	_, err = again.Verify(trust)
	require.NoError(t, err)
	for n := range len(b) {
		_, err := DecodeHistory(b[:n])
		require.Error(t, err)
	}
	for name, bad := range map[string]History{
		"empty": {}, "gap": {links[0], links[2]}, "order": {links[1], links[0]}, "no write": {w.proveItem(t, LeafTxs, 0)},
		"another key": {links[0], w.proveItem(t, LeafWrites, 1)},
	} {
		_, err := bad.Verify(trust)
		require.Equal(t, types.CodeProofInvalid, types.CodeOf(err), name)
	}
	_, err = links.Verify(func(uint64) (Trust, error) { return Trust{}, errors.New("unknown height") })
	require.Error(t, err)
}

func FuzzDecodeMulti(f *testing.F) {
	w := newWorld(f, 40, 5)
	for _, p := range []*MultiProof{w.proveMany(f, "record/1", "record/3", "absent/1"), w.proveItems(f, LeafTxs, 0, 3)} {
		b, err := p.Encode()
		require.NoError(f, err)
		f.Add(b[:len(b)-sealSize])
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		b := reseal(append(append([]byte(nil), in...), make([]byte, sealSize)...))
		p, err := DecodeMulti(b)
		if err != nil {
			return
		}
		if again, err := p.Encode(); err == nil {
			require.Equal(t, b, again, "a decoded proof has one encoding")
		}
		if results, err := p.Verify(w.trust); err == nil {
			require.True(t, w.trueMany(p, results))
		}
	})
}

func FuzzDecodeHistory(f *testing.F) {
	w := newWorld(f, 20, 3)
	b, err := History{w.proveItem(f, LeafWrites, 1), w.proveItem(f, LeafWrites, 2)}.Encode()
	require.NoError(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, in []byte) {
		h, err := DecodeHistory(in)
		if err != nil {
			return
		}
		again, err := h.Encode()
		require.NoError(t, err)
		require.Equal(t, in, again)
	})
}

// TestMultiProofsSplit takes single proofs out of a multi-proof: they are those that the
// ledger would make, and put together again they are the multi-proof.
//
// covers: T.09
func TestMultiProofsSplit(t *testing.T) {
	w := newWorld(t, 300, 13)
	rapid.Check(t, func(t *rapid.T) {
		var keys []string
		for range rapid.IntRange(1, 40).Draw(t, "keys") {
			keys = append(keys, fmt.Sprintf("record/%d", rapid.IntRange(0, 500).Draw(t, "key")))
		}
		whole := w.proveMany(t, keys...)
		singles, err := whole.Split()
		require.NoError(t, err)
		var parts []*StateProof
		for i, p := range singles {
			require.Equal(t, w.proveState(string(whole.State.Keys[i].Key)), p)
			require.NoError(t, p.Verify(w.trust))
			parts = append(parts, &p.State.Proof)
		}
		again, err := JoinStates(whole.State.Keys, parts)
		require.NoError(t, err)
		require.Equal(t, whole.State, again)
	})
	forged := w.proveMany(t, "record/1", "record/2")
	forged.Path[0][0] ^= 1
	_, err := forged.Split()
	require.Equal(t, types.CodeProofInvalid, types.CodeOf(err))
	_, err = w.proveItems(t, LeafTxs, 1).Split()
	require.Equal(t, types.CodeProofInvalid, types.CodeOf(err))
}
