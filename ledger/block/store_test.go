package block

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

func open(t *testing.T) *Store {
	db, err := pebbledb.Opener{FS: vfs.NewMem()}.Open("blocks", driver.ProfileBlocks)
	require.NoError(t, err)
	s := NewStore(db)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func data(height uint64) *Data {
	raw := u64(height)
	content := proof.Content{TxCount: height}
	return &Data{Height: height, Content: content.Encode(), Txs: [][]byte{raw}, IDs: []crypto.Hash{crypto.Sum(raw)},
		Senders: []types.Address{{1}}, Contracts: []string{"evidence"}, Receipts: [][]byte{raw},
		Events: []types.Event{{Contract: "evidence", Name: "e"}}, EventBytes: [][]byte{raw},
		Certificate: &types.FinalityCertificate{Height: max(height, 1) - 1}}
}

// TestEpochs works across the border of two epochs and through an empty one.
func TestEpochs(t *testing.T) {
	s := open(t)
	border := uint64(1) << EpochBits
	heights := []uint64{1, 2, border - 2, border - 1, border, border + 1, 3 * border, 3*border + 1}
	for _, h := range heights {
		require.NoError(t, s.Apply(data(h).Rows(), false))
	}
	tip := heights[len(heights)-1]
	have, ok, err := s.Tip()
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, tip, have)
	kinds := map[string]func() (Kind, []byte){
		"sender":   func() (Kind, []byte) { return BySender(types.Address{1}) },
		"contract": func() (Kind, []byte) { return ByContract("evidence") },
		"event":    func() (Kind, []byte) { return ByEvent("evidence", "") },
		"name":     func() (Kind, []byte) { return ByEvent("evidence", "e") },
	}
	walk := func(kind Kind, prefix []byte, tip uint64, oldest bool, limit int) (out []uint64) {
		var after *Ref
		for {
			refs, more, err := s.List(Query{Kind: kind, Prefix: prefix, Tip: tip, After: after, Oldest: oldest, Limit: limit})
			require.NoError(t, err)
			for _, r := range refs {
				out = append(out, r.Height)
			}
			if !more {
				return out
			}
			after = &refs[len(refs)-1]
		}
	}
	check := func(want []uint64, tip uint64) {
		for name, k := range kinds {
			kind, prefix := k()
			for _, limit := range []int{1, 2, 3, 100} {
				require.Equal(t, want, walk(kind, prefix, tip, true, limit), "%s, %d a page", name, limit)
				down := walk(kind, prefix, tip, false, limit)
				require.Len(t, down, len(want))
				for i := range down {
					require.Equal(t, want[len(want)-1-i], down[i])
				}
			}
		}
		for _, h := range heights {
			ref, ok, err := s.TxByID(crypto.Sum(u64(h)), tip)
			require.NoError(t, err)
			require.Equal(t, h <= tip, ok)
			if ok {
				require.Equal(t, Ref{Height: h}, ref)
			}
		}
	}
	check(heights, tip)
	last, err := s.LastCertified(tip)
	require.NoError(t, err)
	require.Equal(t, tip-1, last)

	require.NoError(t, s.Cut(border-1, tip))
	check(heights[:4], border-1)
	last, err = s.LastCertified(tip)
	require.NoError(t, err)
	require.Equal(t, border-1, last)
	_, _, err = s.Header(border)
	require.Equal(t, types.CodeHeightUnknown, types.CodeOf(err))
	items, err := s.Items(border, KindTxs)
	require.NoError(t, err)
	require.Empty(t, items)
	_, c, err := s.Header(border - 1)
	require.NoError(t, err)
	require.Equal(t, border-1, c.TxCount)
}

// TestFrames cuts and joins lists of all sizes.
func TestFrames(t *testing.T) {
	s := open(t)
	for h, sizes := range [][]int{{1}, {FrameBytes, 1, FrameBytes - 3, 5}, {3 * FrameBytes}, {200, 300, 400}} {
		d := data(uint64(h))
		d.EventBytes = nil
		for i, n := range sizes {
			for range 300 / len(sizes) {
				d.EventBytes = append(d.EventBytes, bytes.Repeat([]byte{byte(i + 1)}, n))
			}
		}
		require.NoError(t, s.Apply(d.Rows(), true))
		items, err := s.Items(uint64(h), KindEvents)
		require.NoError(t, err)
		require.Equal(t, d.EventBytes, items)
	}
}

func FuzzDecodeChange(f *testing.F) {
	for _, c := range []Change{
		{Write: types.Write{NS: "evidence", Key: []byte("k"), Value: []byte("v"), TxIndex: 3}},
		{Write: types.Write{NS: "evidence", Key: []byte("k"), Delete: true}, HasPrevious: true, PrevHeight: 7, PrevTx: 1},
	} {
		f.Add(c.Encode())
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := DecodeChange(in)
		if err == nil {
			require.Equal(t, in, c.Encode())
		}
	})
}

func FuzzDecodePairs(f *testing.F) {
	f.Add(EncodePairs(data(5).Rows()))
	f.Fuzz(func(t *testing.T, in []byte) {
		pairs, err := DecodePairs(in)
		if err == nil {
			require.True(t, bytes.Equal(in, EncodePairs(pairs)))
		}
	})
}
