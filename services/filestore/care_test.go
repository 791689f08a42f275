package filestore

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// A target goes by its name: in another order, or mounted elsewhere, it is the same; under
// another's name, or with the marker of another store, it is refused, also when that shows
// only once it can be reached. A blank disk takes a lost one's place and is filled.
// covers: B1.09
func TestTargetsAreMarked(t *testing.T) {
	ctx := t.Context()
	w, other := newWorld(t, 3), newWorld(t, 3)
	content := text(1, 50_000)
	w.put(content)
	other.put(content)
	open := func(places ...Place) (*Store, error) {
		s, err := New(w.p, w.key, places, w.log, nil)
		require.NoError(t, err)
		return s, s.Check(ctx)
	}
	p := w.places(w.disks...)
	s, err := open(p[2], p[0], p[1])
	require.NoError(t, err)
	require.Equal(t, w.ranked("c/x")[0].Name, s.ranked("c/x")[0].Name)
	for _, wrong := range [][]Place{
		{{"disk0", w.disks[1]}, {"disk1", w.disks[0]}, p[2]},
		{p[0], p[1], {"disk2", other.disks[2]}},
	} {
		_, err = open(wrong...)
		require.Equal(t, types.CodeFileForeign, types.CodeOf(err), "%v", err)
	}
	w.disks[1].gone.Store(true)
	s, err = open(p[0], Place{"disk2", w.disks[1]}, Place{"disk1", w.disks[2]})
	require.Equal(t, types.CodeFileForeign, types.CodeOf(err), "%v", err)
	s, err = open(p[0], Place{"disk2", w.disks[1]})
	require.NoError(t, err, "it cannot be reached")
	w.disks[1].gone.Store(false)
	_, err = s.Put(ctx, bytes.NewReader(content))
	require.Equal(t, types.CodeFileTargets, types.CodeOf(err))
	require.ErrorContains(t, err, "marked as disk1")

	w.reopen()
	require.NoError(t, os.RemoveAll(w.disks[1].dir))
	require.NoError(t, os.Mkdir(w.disks[1].dir, 0o750))
	report := w.scrub()
	require.Positive(t, report.Repaired)
	require.Empty(t, report.Lost)
	require.FileExists(t, filepath.Join(w.disks[1].dir, markerName))
	w.same(content)
}

// Under a new key all that was stored is read; Rotate needs it nowhere any more, without
// writing data, cut at any write and run again; a key of before opens nothing new.
func TestRotate(t *testing.T) {
	ctx := t.Context()
	for _, cut := range []int64{0, 1, 2, 3} {
		w := newWorld(t, 3)
		reader := newKey(t)
		first := text(1, 20_000)
		f := w.put(first, reader.Public())
		w.put(text(2, 9_000))
		removed := w.put(text(3, 5_000))
		require.NoError(t, w.Remove(ctx, removed.ID, Order{Basis: BasisLegal, Reference: "令", By: "court/judge"}))
		data := map[string]time.Time{}
		for _, d := range w.disks {
			for _, path := range d.objects(t) {
				if strings.Contains(path, "/c/") {
					st, err := os.Stat(path)
					require.NoError(t, err)
					data[path] = st.ModTime()
				}
			}
		}
		before := w.key
		w.key, w.p.OldKeys = newKey(t), []Key{before}
		w.reopen()
		w.same(first)
		second := text(4, 9_000)
		g := w.put(second)
		alone, err := New(DefaultParams(), before, w.places(w.disks...), w.log, nil)
		require.NoError(t, err)
		_, err = alone.Open(ctx, g.ID)
		require.Equal(t, types.CodeFileDamaged, types.CodeOf(err), "new writes are under the new key")

		w.disks[2].gone.Store(true)
		away, err := w.Rotate(ctx)
		require.NoError(t, err)
		require.False(t, away.Done())
		w.disks[2].gone.Store(false)
		for _, d := range w.disks {
			d.fails = cut
		}
		if _, err := w.Rotate(ctx); cut == 0 {
			require.NoError(t, err)
		}
		for _, d := range w.disks {
			d.fails = 0
		}
		done, err := w.Rotate(ctx)
		require.NoError(t, err)
		require.True(t, done.Done(), "%+v", done)
		again, err := w.Rotate(ctx)
		require.NoError(t, err)
		require.Zero(t, again.Renewed)
		require.Equal(t, 3+1+1, again.Objects, "manifests, a wrap, an order")

		w.p.OldKeys = nil
		w.reopen()
		w.same(first)
		w.same(second)
		r, err := w.OpenAs(ctx, f.ID, reader)
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, first, got)
		_, err = w.get(removed.ID)
		require.Equal(t, types.CodeFileRemoved, types.CodeOf(err))
		report := w.scrub()
		require.Zero(t, report.Missing+report.Corrupt)
		for path, at := range data {
			if st, err := os.Stat(path); err == nil {
				require.Equal(t, at, st.ModTime(), "data is not written again")
			}
		}
		_, err = New(w.p, before, w.places(w.disks...), w.log, nil)
		require.NoError(t, err)
	}
}

// A scrub that is cut goes on where it was, reads no more a second than it may, and counts
// what was found before.
func TestScrubGoesOn(t *testing.T) {
	w := newWorld(t, 2)
	w.p.MaxFileBytes = 4 << 20
	w.p.ProgressFile = filepath.Join(t.TempDir(), "scrub.json")
	w.reopen()
	const chunks = 5 * chunksAtOnce
	content := text(1, chunks*w.p.ChunkBytes)
	f := w.put(content)
	m, err := w.manifest(t.Context(), f.ID)
	require.NoError(t, err)
	require.Len(t, m.Chunks, chunks)
	spoiled := 0
	for i, sum := range m.Chunks {
		if i%10 == 0 {
			corrupt(t, filepath.Join(w.disks[0].dir, chunkName(sum)), false)
			spoiled++
		}
	}
	total, parts := 0, 0
	var report *Report
	for report == nil {
		require.Less(t, parts, 50)
		parts++
		ctx, cancel := context.WithCancel(t.Context())
		for _, d := range w.disks {
			d.opens.Store(0)
		}
		w.disks[1].onOpen = func(n int64) {
			if n > 150 {
				cancel()
			}
		}
		w.reopen()
		got, err := w.Scrub(ctx)
		cancel()
		w.disks[1].onOpen = nil
		total += int(w.disks[1].opens.Load())
		if err == nil {
			report = got
		}
	}
	require.Greater(t, parts, 2)
	require.Less(t, total, chunks+spoiled*3+parts*(chunksAtOnce+60), "no part begins anew")
	require.LessOrEqual(t, report.Corrupt, spoiled)
	require.GreaterOrEqual(t, report.Corrupt, spoiled-parts*chunksAtOnce/5, "but for what was mended as a part was cut")
	require.Equal(t, 2*(chunks+1), report.Copies)
	require.Empty(t, report.Lost)
	require.Equal(t, w.p.ScrubEvery, w.untilScrub(), "the next begins that much later")
	w.now = w.now.Add(w.p.ScrubEvery)
	require.Zero(t, w.untilScrub())
	require.Zero(t, w.scrub().Corrupt)

	// Progress that cannot be read is none.
	require.NoError(t, os.WriteFile(w.p.ProgressFile, []byte("{"), 0o600))
	require.Equal(t, 2*(chunks+1), w.scrub().Copies)

	r := &scrub{s: w.Store}
	w.p.ScrubBytesPerSecond = 18 << 20
	s, err := New(w.p, w.key, w.places(w.disks...), slog.New(slog.NewTextHandler(io.Discard, nil)), nil)
	require.NoError(t, err)
	begin := time.Now()
	_, err = s.Scrub(t.Context())
	require.NoError(t, err)
	require.Greater(t, time.Since(begin), time.Second, "%d copies count as 64 KiB each at 18 MiB a second, of which as much at once", 2*(chunks+1))
	require.NoError(t, r.wait(t.Context(), 1<<40), "no bound")
	require.Equal(t, types.CodeConfig, types.CodeOf((&Params{Copies: 1, ChunkBytes: 1 << 20, MaxFileBytes: 1, UploadTimeout: 1, ScrubWorkers: 1, ScrubBytesPerSecond: 5}).Validate()))
	require.Equal(t, crypto.Sum(content), f.ID)
}
