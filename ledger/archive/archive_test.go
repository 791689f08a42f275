package archive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

func TestSegmentGivesBackEveryRecord(t *testing.T) {
	ctx := context.Background()
	h := newHistory(t, 1)
	records, id := h.segment(3, 900)
	for name, key := range map[string]*envelope.Key{"plain": nil, "encrypted": testKey(t, 1)} {
		t.Run(name, func(t *testing.T) {
			file, info := build(t, id, key, records)
			require.Equal(t, id, info.Identity)
			require.Greater(t, float64(info.Plain)/float64(info.Bytes), 1.8, "compression: most blocks here are empty but for a random commit")
			again, _ := build(t, id, nil, records)
			twice, _ := build(t, id, nil, records)
			require.Equal(t, again, twice, "plaintext segments are reproducible")

			r, err := Open(ctx, source(file), key)
			require.NoError(t, err)
			defer r.Close()
			require.Equal(t, id, r.Identity())
			n := 0
			require.NoError(t, r.Verify(ctx, id, func(rec *Record) error {
				require.Equal(t, records[n].Hash(), rec.Hash())
				n++
				return nil
			}))
			require.Equal(t, SegmentBlocks, n)
			for _, i := range []int{0, 1, 16, 500, 1023} {
				got, err := r.Record(ctx, id.First+uint64(i))
				require.NoError(t, err)
				requireSame(t, &records[i], got)
				head, err := r.Head(ctx, id.First+uint64(i))
				require.NoError(t, err)
				for p := PartTxs; p < parts; p++ {
					items, err := r.List(ctx, id.First+uint64(i), p, &head.Content)
					require.NoError(t, err)
					require.Equal(t, len(*records[i].list(p)), len(items))
				}
			}
			for _, height := range []uint64{id.First - 1, id.First + SegmentBlocks} {
				_, err = r.Record(ctx, height)
				require.Equal(t, types.CodeHeightUnknown, types.CodeOf(err))
			}
		})
	}
}

func requireSame(t *testing.T, want, got *Record) {
	require.Equal(t, want.Header, got.Header)
	require.Equal(t, want.Hash(), got.Hash())
	for p := PartTxs; p < parts; p++ {
		require.Equal(t, *want.list(p), *got.list(p))
	}
}

func TestFindTransaction(t *testing.T) {
	ctx := context.Background()
	records, id := newHistory(t, 2).segment(0, 50)
	file, _ := build(t, id, nil, records)
	r, err := Open(ctx, source(file), nil)
	require.NoError(t, err)
	for i := range records {
		for k, raw := range records[i].Txs {
			tx, err := types.DecodeTx(raw)
			require.NoError(t, err)
			refs, err := r.Find(ctx, tx.ID())
			require.NoError(t, err)
			require.Len(t, refs, 1)
			require.Equal(t, id.First+uint64(i), refs[0].Height)
			require.EqualValues(t, k, refs[0].Index)
		}
	}
	refs, err := r.Find(ctx, crypto.Sum([]byte("no transaction")))
	require.NoError(t, err)
	require.Empty(t, refs)
}

// The peaks are those of a naive list root, at every length around the corners.
func TestPeaks(t *testing.T) {
	var p Peaks
	var hashes []crypto.Hash
	for i := range 3*SegmentBlocks + 5 {
		hashes = append(hashes, crypto.Sum([]byte{byte(i), byte(i >> 8)}))
		next, segment, closed := p.Append(hashes[i])
		require.Equal(t, (i+1)%SegmentBlocks == 0, closed)
		if closed {
			require.Equal(t, proof.ListRoot(hashes[i+1-SegmentBlocks:]), segment)
		}
		if p = next; i < 70 || i%97 == 0 || i%SegmentBlocks < 2 || closed {
			require.Equal(t, proof.ListRoot(hashes), p.Root(), i)
			back, err := DecodePeaks(p.Encode())
			require.NoError(t, err)
			require.Equal(t, p, back)
			_, err = DecodePeaks(p.Encode()[:8+len(p.nodes)*32-1])
			require.Error(t, err)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	h := newHistory(t, 3)
	records, id := h.segment(0, 5)
	other, _ := newHistory(t, 4).segment(0, 0)
	start := func() *Writer {
		w, err := NewWriter(&bytes.Buffer{}, id, nil)
		require.NoError(t, err)
		return w
	}
	_, err := NewWriter(&bytes.Buffer{}, Identity{First: 2}, nil)
	require.ErrorContains(t, err, "no segment begins")
	require.ErrorContains(t, start().Add(&records[1]), "not the next")
	require.ErrorContains(t, start().Add(&other[0]), "not the next")

	w := start()
	require.NoError(t, w.Add(&records[0]))
	_, err = w.Close()
	require.ErrorContains(t, err, "1 of 1024")

	altered := records[0]
	altered.Receipts = append([][]byte{{1}}, altered.Receipts[1:]...)
	require.Equal(t, types.CodeLedgerCorrupt, types.CodeOf(start().Add(&altered)))

	wrong := id
	wrong.Root[0] ^= 1
	w, err = NewWriter(&bytes.Buffer{}, wrong, nil)
	require.NoError(t, err)
	for i := range records {
		require.NoError(t, w.Add(&records[i]))
	}
	_, err = w.Close()
	require.Equal(t, types.CodeLedgerCorrupt, types.CodeOf(err))

	full := errors.New("target is full")
	w, err = NewWriter(&limited{n: 1000, err: full}, id, nil)
	require.NoError(t, err)
	for i := range records {
		if err = w.Add(&records[i]); err != nil {
			break
		}
	}
	if err == nil {
		_, err = w.Close()
	}
	require.ErrorIs(t, err, full)
}

type limited struct {
	n   int
	err error
}

func (l *limited) Write(b []byte) (int, error) {
	if l.n -= len(b); l.n < 0 {
		return 0, l.err
	}
	return len(b), nil
}

// Every alteration of a stored segment is found.
func TestAlteredSegmentsAreFound(t *testing.T) {
	ctx := context.Background()
	records, id := newHistory(t, 5).segment(1, 40)
	key := testKey(t, 1)
	rng := rand.New(rand.NewSource(7))
	check := func(file []byte, key *envelope.Key) error {
		r, err := Open(ctx, source(file), key)
		if err != nil {
			return err
		}
		defer r.Close()
		return r.Verify(ctx, id, nil)
	}
	for name, key := range map[string]*envelope.Key{"plain": nil, "encrypted": key} {
		file, _ := build(t, id, key, records)
		require.NoError(t, check(file, key), name)
		for i := range 60 {
			bad := bytes.Clone(file)
			switch i % 4 {
			case 0:
				bad[rng.Intn(len(bad))] ^= 1 << rng.Intn(8)
			case 1:
				bad = bad[:rng.Intn(len(bad))]
			case 2:
				at := rng.Intn(len(bad))
				bad = append(bad[:at:at], append([]byte{byte(rng.Int())}, bad[at:]...)...)
			case 3: // in the tables and the footer, where a sum may have been mended
				bad[len(bad)-1-rng.Intn(min(len(bad), 400))] ^= 1 << rng.Intn(8)
			}
			require.Error(t, check(bad, key), "%s %d", name, i)
		}
	}
	file, _ := build(t, id, key, records)
	require.Equal(t, types.CodeLedgerCorrupt, types.CodeOf(check(file, testKey(t, 2))), "wrong key")
	require.Error(t, check(file, nil), "no key")

	others, otherID := newHistory(t, 6).segment(1, 40)
	foreign, _ := build(t, otherID, nil, others)
	require.ErrorContains(t, check(foreign, nil), "not the one asked for")
}

// Evidence transactions shrink to less than half, with no help but that of their neighbours.
func TestCompression(t *testing.T) {
	records, id := newHistory(t, 8).segment(0, 4_000)
	_, info := build(t, id, testKey(t, 1), records)
	require.Greater(t, float64(info.Plain)/float64(info.Bytes), 2.2)
}

func BenchmarkBuild(b *testing.B) {
	h := newHistory(b, 1)
	records, id := h.segment(0, 20_000)
	key := testKey(b, 1)
	_, info := build(b, id, key, records)
	b.SetBytes(int64(info.Plain))
	for b.Loop() {
		w, err := NewWriter(io.Discard, id, key)
		require.NoError(b, err)
		for i := range records {
			require.NoError(b, w.Add(&records[i]))
		}
		_, err = w.Close()
		require.NoError(b, err)
	}
	b.ReportMetric(float64(info.Plain)/float64(info.Bytes), "ratio")
}

func BenchmarkVerify(b *testing.B) {
	ctx := context.Background()
	records, id := newHistory(b, 1).segment(0, 20_000)
	key := testKey(b, 1)
	file, info := build(b, id, key, records)
	b.SetBytes(int64(info.Plain))
	for b.Loop() {
		r, err := Open(ctx, source(file), key)
		require.NoError(b, err)
		require.NoError(b, r.Verify(ctx, id, nil))
		r.Close()
	}
}

// A page swapped for another, or a segment cut at the end, never makes the reader panic or
// allocate beyond the file's own size.
func FuzzOpen(f *testing.F) {
	records, id := newHistory(f, 9).segment(0, 3)
	file, _ := build(f, id, nil, records)
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Open(context.Background(), source(b), nil)
		if err != nil {
			return
		}
		defer r.Close()
		_ = r.Verify(context.Background(), r.Identity(), nil)
	})
}
