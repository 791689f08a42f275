package block

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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
	change := Change{Write: types.Write{NS: "evidence", Key: []byte("k"), Value: raw}}
	return &Data{Height: height, Changes: [][]byte{change.Encode()}, Content: content.Encode(), Txs: [][]byte{raw}, IDs: []crypto.Hash{crypto.Sum(raw)},
		Senders: []types.Address{{1}}, Contracts: []string{"evidence"}, Receipts: [][]byte{raw},
		Events: []types.Event{{Contract: "evidence", Name: "e"}}, EventBytes: [][]byte{raw}, Indexes: AllIndexes,
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
		"key":      func() (Kind, []byte) { return ByKey("evidence", []byte("k")) },
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
			ref, ok, err := s.TxByID(crypto.Sum(u64(h)), 0, tip)
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
	parts, err := s.Parts(border)
	require.NoError(t, err)
	require.Empty(t, parts.Txs)
	_, c, err := s.Header(border - 1)
	require.NoError(t, err)
	require.Equal(t, border-1, c.TxCount)
}

// TestSections packs blocks of all shapes, with events and changes of transactions, of
// none, and out of order.
func TestSections(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		db, err := pebbledb.Opener{FS: vfs.NewMem()}.Open("blocks", driver.ProfileBlocks)
		require.NoError(t, err)
		s := NewStore(db)
		d := &Data{Height: 3, Content: (&proof.Content{}).Encode(), Indexes: AllIndexes}
		item := func() []byte {
			return bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, rapid.SampledFrom([]int{0, 1, 300, sectionBytes}).Draw(t, "size"))
		}
		n := rapid.IntRange(0, 6).Draw(t, "txs")
		for i := range n {
			d.Txs, d.Receipts = append(d.Txs, item()), append(d.Receipts, item())
			d.IDs, d.Senders = append(d.IDs, crypto.Sum([]byte{byte(i)})), append(d.Senders, types.Address{byte(i % 2)})
			d.Contracts = append(d.Contracts, "c")
		}
		for range rapid.IntRange(0, 9).Draw(t, "events") {
			d.Events = append(d.Events, types.Event{TxIndex: rapid.Uint32Range(0, uint32(n+1)).Draw(t, "tx"), Contract: "c", Name: "n"})
			d.EventBytes = append(d.EventBytes, item())
		}
		for i := range rapid.IntRange(0, 9).Draw(t, "changes") {
			c := Change{Write: types.Write{NS: "ns", Key: []byte{byte(i)}, Value: item(), TxIndex: rapid.Uint32Range(0, uint32(n+1)).Draw(t, "tx")}}
			d.Changes = append(d.Changes, c.Encode())
		}
		d.Hash()
		require.NoError(t, s.Apply(d.Rows(), true))
		p, err := s.Parts(3)
		require.NoError(t, err)
		checkDirectory(t, s, d)
		require.Equal(t, &Parts{AllIndexes, d.Txs, d.Receipts, d.EventBytes, d.Changes}, p)
		var own, positions []uint32
		for i := range d.Senders {
			if d.Senders[i] == (types.Address{}) {
				own = append(own, uint32(i))
			}
		}
		kind, prefix := BySender(types.Address{})
		refs, _, err := s.List(Query{Kind: kind, Prefix: prefix, Tip: 3, Oldest: true, Limit: 100})
		require.NoError(t, err)
		for _, r := range refs {
			positions = append(positions, r.Index)
		}
		require.Equal(t, own, positions)
		require.NoError(t, s.Close())
	})
}

// checkDirectory reads every item of a block through its directory, if it has one.
func checkDirectory(t require.TestingT, s *Store, d *Data) {
	dir, err := s.Directory(d.Height)
	require.NoError(t, err)
	_, err = s.Section(d.Height, 1)
	require.Equal(t, dir != nil, err == nil)
	if dir == nil {
		return
	}
	again, err := DecodeDirectory(dir.Encode())
	require.NoError(t, err)
	require.Equal(t, dir, again)
	content := proof.Content{Txs: d.Lists[0].Root(), TxCount: uint64(len(d.Txs)), Receipts: d.Lists[1].Root(),
		Events: d.Lists[2].Root(), EventCount: uint64(len(d.Events))}
	require.True(t, dir.Leads(&content))
	content.Receipts[3] ^= 1
	require.False(t, dir.Leads(&content))
	for kind, items := range map[Kind][][]byte{KindTxs: d.Txs, KindReceipts: d.Receipts, KindEvents: d.EventBytes} {
		for i, want := range items {
			number, at, ok := dir.Find(kind, uint32(i))
			require.True(t, ok)
			p, err := s.Section(d.Height, number)
			require.NoError(t, err)
			require.True(t, dir.Holds(number, p))
			require.Equal(t, want, p.Of(kind)[at])
			require.Equal(t, uint32(i), dir.First(kind, number)+uint32(at))
			p.Of(kind)[at] = append(bytes.Clone(want), 1)
			require.False(t, dir.Holds(number, p))
		}
		_, _, ok := dir.Find(kind, uint32(len(items)))
		require.False(t, ok)
	}
}

func FuzzDecodeDirectory(f *testing.F) {
	hash := func(s string) crypto.Hash { return crypto.Sum([]byte(s)) }
	d, err := MakeDirectory([][3][]crypto.Hash{{{hash("a"), hash("b")}, {hash("c")}, nil}, {{hash("d")}, {hash("e")}, {hash("f")}}})
	require.NoError(f, err)
	f.Add(d.Encode())
	f.Fuzz(func(t *testing.T, in []byte) {
		if d, err := DecodeDirectory(in); err == nil {
			require.Equal(t, append([]byte{}, in...), append([]byte{}, d.Encode()...))
		}
	})
}

// FuzzUnpack feeds sections from outside: errors, no panics, bounded memory.
func FuzzUnpack(f *testing.F) {
	enc, err := zstd.NewWriter(nil)
	require.NoError(f, err)
	data(5).pack(func(_ uint32, section []byte) {
		f.Add(section)
		raw, err := expand(section)
		require.NoError(f, err)
		f.Add(enc.EncodeAll(raw, nil)) // as of format 4
	})
	f.Add([]byte{formS2, 0xff, 0xff, 0xff, 0xff, 0x0f}) // claims 4 GiB
	f.Fuzz(func(t *testing.T, in []byte) {
		p := &Parts{}
		if raw, err := expand(in); err == nil {
			require.LessOrEqual(t, len(raw), maxSectionBytes)
			_ = unpack(raw, p.add)
		}
	})
}

func FuzzDecodePositions(f *testing.F) {
	f.Add(appendPosition(appendPosition(nil, -1, 0), 0, 300))
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := DecodePositions(in)
		if err == nil {
			for i := 1; i < len(p); i++ {
				require.Less(t, p[i-1], p[i])
			}
		}
	})
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
