package filestore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	mrand "math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/minio/minio-go/v7"
	miniocreds "github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive/target"
	"github.com/huchain/huchain/ledger/archive/target/s3test"
	"github.com/huchain/huchain/types"
)

// A file is encrypted, split, kept twice on three targets with reads spread over them; with
// one target gone it reads back identical and is kept twice again, a corrupted copy is
// repaired from a good one, and a reader without the key is refused.
// covers: B1.09
func TestFileOutlivesTargets(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, 3)
	reader, stranger := newKey(t), newKey(t)
	content := text(1, 100_000)
	f := w.put(content, reader.Public())
	sum := sha256.Sum256(content)
	require.Equal(t, hex.EncodeToString(sum[:]), f.SHA256)
	require.EqualValues(t, len(content), f.SizeBytes)

	total := 0
	for _, d := range w.disks {
		objects := d.objects(t)
		total += len(objects)
		require.NotEmpty(t, objects, "every target has its share")
		for _, path := range objects {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NotContains(t, string(b), "存证原文", "nothing is in the clear")
			require.NotContains(t, path, "~")
		}
	}
	require.Equal(t, 2*(25+1+1), total, "25 chunks, a manifest and a wrap, twice each")

	w.same(content)
	for _, d := range w.disks {
		require.Greater(t, d.opens.Load(), int64(5), "reads are spread")
	}
	r, err := w.OpenAs(ctx, f.ID, reader)
	require.NoError(t, err)
	require.NoError(t, iotest.TestReader(r, content))
	_, err = w.OpenAs(ctx, f.ID, stranger)
	require.Equal(t, types.CodeFileKey, types.CodeOf(err))
	require.NoError(t, w.Grant(ctx, f.ID, stranger.Public()))
	_, err = w.OpenAs(ctx, f.ID, stranger)
	require.NoError(t, err)

	// One target is lost: it reads, and after a scrub of the others stands on two again.
	w.disks[1].gone.Store(true)
	w.same(content)
	report := w.scrub()
	require.Equal(t, []string{"disk1"}, report.Unreachable)
	require.Empty(t, report.Lost)
	require.NoError(t, w.SetPlaces(w.places(w.disks[0], w.disks[2])))
	report = w.scrub()
	require.Equal(t, 2*28, report.Copies)
	require.Zero(t, report.Missing+report.Corrupt, "the first scrub wrote them")
	w.same(content)

	// The other of the first two rots: reads repair what they meet, a scrub the rest.
	for i, path := range w.disks[0].objects(t) {
		corrupt(t, path, i%2 == 0)
	}
	w.same(content)
	report = w.scrub()
	require.Empty(t, report.Lost)
	require.Equal(t, 2*28, report.Copies)
	require.Zero(t, w.scrub().Corrupt)
	w.disks[2].gone.Store(true)
	w.same(content)
}

// Object stores and folders serve together: what one loses comes back from the other.
func TestObjectStores(t *testing.T) {
	ctx := context.Background()
	endpoint, credentials := s3test.Gateway(t), s3test.Credentials(t, s3test.Secret)
	admin, err := minio.New(endpoint, &minio.Options{Creds: miniocreds.NewStaticV4("archivist", s3test.Secret, ""), Region: "us-east-1"})
	require.NoError(t, err)
	var places []Place
	for _, bucket := range []string{"one", "two"} {
		require.NoError(t, admin.MakeBucket(ctx, bucket, minio.MakeBucketOptions{}))
		store, err := target.OpenS3(target.S3Params{Endpoint: endpoint, Bucket: bucket, Prefix: "originals", CredentialsFile: credentials, Insecure: true})
		require.NoError(t, err)
		places = append(places, Place{bucket, store})
	}
	w := newWorld(t, 2)
	places = append(places, w.places(w.disks[0])...)
	require.NoError(t, w.SetPlaces(places))
	content := text(30, 20_000)
	f := w.put(content, newKey(t).Public())
	w.same(content)
	require.Equal(t, 14, w.scrub().Copies)
	require.NoError(t, w.SetPlaces(append(places[1:], w.places(w.disks[1])...)))
	report := w.scrub()
	require.Empty(t, report.Lost)
	require.Positive(t, report.Repaired)
	w.same(content)
	require.NoError(t, w.Remove(ctx, f.ID, Order{Basis: BasisLegal, Reference: "令", By: "court/judge"}))
	objects := 0
	require.NoError(t, places[1].Target.List(ctx, "c/", func(string, int64) error { objects++; return nil }))
	require.Zero(t, objects)
}

// Sizes around the borders of chunks come back as they were; too large a file is refused
// and leaves nothing.
func TestSizes(t *testing.T) {
	w := newWorld(t, 2)
	for _, n := range []int{0, 1, 4<<10 - 1, 4 << 10, 4<<10 + 1, 8 << 10, 128 << 10} {
		content := text(uint64(n)+7, n)
		w.put(content)
		w.same(content)
	}
	before := len(w.disks[0].objects(t))
	_, err := w.Put(context.Background(), bytes.NewReader(text(3, 128<<10+1)))
	require.Equal(t, types.CodeFileTooLarge, types.CodeOf(err))
	cut := errors.New("line is cut")
	_, err = w.Put(context.Background(), io.MultiReader(bytes.NewReader(text(4, 9<<10)), iotest.ErrReader(cut)))
	require.ErrorIs(t, err, cut)
	require.Len(t, w.disks[0].objects(t), before)
	_, err = w.get(crypto.Sum([]byte("never")))
	require.Equal(t, types.CodeFileMissing, types.CodeOf(err))
}

// Content that is there is not stored again; who deposits it may read it.
func TestKnownContent(t *testing.T) {
	w := newWorld(t, 2)
	content := text(1, 20_000)
	w.put(content)
	before := len(w.disks[0].objects(t))
	reader := newKey(t)
	f := w.put(content, reader.Public())
	require.True(t, f.Known)
	require.Len(t, w.disks[0].objects(t), before+1, "a wrap is new")
	_, err := w.OpenAs(context.Background(), f.ID, reader)
	require.NoError(t, err)

	// All copies of a chunk are lost: reading says so, a scrub says so, storing it again heals.
	var chunk string
	for _, path := range w.disks[0].objects(t) {
		if strings.Contains(path, "/c/") {
			chunk = path
		}
	}
	require.NoError(t, os.Remove(chunk))
	require.NoError(t, os.Remove(strings.Replace(chunk, "disk0", "disk1", 1)))
	_, err = w.get(f.ID)
	require.Equal(t, types.CodeFileDamaged, types.CodeOf(err))
	require.Equal(t, []crypto.Hash{f.ID}, w.scrub().Lost)
	require.False(t, w.put(content).Known)
	w.same(content)
	require.Empty(t, w.scrub().Lost)
	r, err := w.OpenAs(context.Background(), f.ID, reader)
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err, "who could read it still can")
	require.Equal(t, content, got)
}

// The process dies at every one of its writes in turn: the file is there as a whole or not
// at all, what is left over is swept, and storing it again succeeds.
func TestDeathAtEveryWrite(t *testing.T) {
	content := text(5, 9<<10)
	for at := int64(0); ; at++ {
		w := newWorld(t, 3)
		var life atomic.Int64
		life.Store(at)
		for _, d := range w.disks {
			d.life = &life
		}
		_, failed := w.Put(context.Background(), bytes.NewReader(content), newKey(t).Public())
		for _, d := range w.disks {
			d.life = nil
		}
		w.reopen()
		got, err := w.get(crypto.Sum(content))
		if failed == nil {
			require.NoError(t, err)
			require.Equal(t, int64(2*(3+1+1)), at, "every write of it died once")
			return
		}
		if err == nil { // the manifest stands on one target: it counts
			require.Equal(t, content, got)
		} else {
			require.Equal(t, types.CodeFileMissing, types.CodeOf(err), "%v", err)
			w.scrub()
			w.now = w.now.Add(2 * time.Hour)
			w.scrub()
			for _, d := range w.disks {
				require.Empty(t, d.objects(t), "death at write %d", at)
			}
		}
		w.put(content)
		w.same(content)
		require.Empty(t, w.scrub().Lost)
	}
}

// An upload under way is not swept.
func TestSweepSparesUploads(t *testing.T) {
	w := newWorld(t, 2)
	content := text(6, 12<<10)
	r, out := io.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := w.Put(context.Background(), r)
		require.NoError(t, err)
	})
	_, err := out.Write(content[:8<<10+1]) // returns once the first chunks are stored
	require.NoError(t, err)
	require.Zero(t, w.scrub().Swept)
	w.now = w.now.Add(30 * time.Minute)
	require.Zero(t, w.scrub().Swept)
	_, err = out.Write(content[8<<10+1:])
	require.NoError(t, err)
	require.NoError(t, out.Close())
	wg.Wait()
	w.now = w.now.Add(2 * time.Hour)
	require.Zero(t, w.scrub().Swept)
	w.same(content)
}

// A file is removed when its time is over or by a legal order, which stays; what a target
// kept meanwhile goes with the next scrub.
func TestRemovalNeedsABasis(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, 3)
	w.p.Retention = 24 * time.Hour
	w.reopen()
	content := text(7, 10_000)
	f := w.put(content, newKey(t).Public())
	over := Order{Basis: BasisRetention, Reference: "档案保存期 1 日", By: "archives/clerk"}
	require.Equal(t, types.CodeFileRetained, types.CodeOf(w.Remove(ctx, f.ID, over)))
	require.Equal(t, types.CodeFileRetained, types.CodeOf(w.Remove(ctx, f.ID, Order{Basis: "whim", Reference: "x", By: "archives/clerk"})))
	require.Equal(t, types.CodeFileRetained, types.CodeOf(w.Remove(ctx, f.ID, Order{Basis: BasisLegal, By: "archives/clerk"})))
	w.same(content)
	w.now = w.now.Add(25 * time.Hour)
	require.NoError(t, w.Remove(ctx, f.ID, over))
	_, err := w.get(f.ID)
	require.Equal(t, types.CodeFileRemoved, types.CodeOf(err))
	require.ErrorContains(t, err, "档案保存期")
	w.put(content) // the time of keeping begins anew
	w.same(content)

	w.disks[2].gone.Store(true)
	legal := Order{Basis: BasisLegal, Reference: "（2026）沪 01 执 7 号", By: "court/judge"}
	require.Equal(t, types.CodeFileTargets, types.CodeOf(w.Remove(ctx, f.ID, legal)))
	w.disks[2].gone.Store(false)
	w.now = w.now.Add(time.Hour)
	w.scrub()
	w.now = w.now.Add(2 * time.Hour)
	w.scrub()
	for _, d := range w.disks {
		for _, path := range d.objects(t) {
			require.Contains(t, path, "/t/", "the order alone is left")
		}
	}
	_, err = w.Put(ctx, bytes.NewReader(content))
	require.Equal(t, types.CodeFileRemoved, types.CodeOf(err))
}

// With too few targets nothing is stored, and the refusal names them.
func TestTooFewTargets(t *testing.T) {
	w := newWorld(t, 3)
	w.disks[0].gone.Store(true)
	content := text(8, 10_000)
	w.put(content) // two are left
	w.disks[1].gone.Store(true)
	_, err := w.Put(context.Background(), bytes.NewReader(text(9, 10_000)))
	require.Equal(t, types.CodeFileTargets, types.CodeOf(err))
	require.ErrorContains(t, err, "disk1")
	w.disks[1].gone.Store(false)
	w.disks[0].gone.Store(false)
	w.now = w.now.Add(time.Minute)
	w.same(content)
}

// A target passes off a manifest, a chunk or a wrap of its own.
func TestTargetsAreNotTrusted(t *testing.T) {
	w := newWorld(t, 2)
	other := newWorld(t, 2)
	a, b := text(10, 5000), text(11, 5000)
	fa, fb := w.put(a), w.put(b)
	other.put(a)
	swap := func(name, from string) {
		path := w.disks[0].dir + "/" + name
		content, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.WriteFile(path, content, 0o440))
	}
	swap(manifestName(fa.ID), w.disks[0].dir+"/"+manifestName(fb.ID))
	swap(manifestName(fb.ID), other.disks[0].dir+"/"+manifestName(fa.ID))
	w.same(a)
	w.same(b)
	report := w.scrub()
	require.Empty(t, report.Lost)
	for _, f := range []*File{fa, fb} {
		m, err := w.manifest(context.Background(), f.ID)
		require.NoError(t, err)
		require.Equal(t, f.ID, m.ID)
	}
	require.Zero(t, w.scrub().Corrupt)
}

func TestConcurrentUse(t *testing.T) {
	w := newWorld(t, 3)
	contents := [][]byte{}
	for i := range 4 {
		contents = append(contents, text(uint64(20+i), 6000+i*4000))
	}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			c := contents[i%4]
			if _, err := w.Put(context.Background(), bytes.NewReader(c)); err != nil {
				t.Error(err)
				return
			}
			if got, err := w.get(crypto.Sum(c)); err != nil || !bytes.Equal(got, c) {
				t.Error("another content", err)
			}
			if i == 5 {
				if _, err := w.Scrub(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	report := w.scrub()
	require.Equal(t, 4, report.Files)
	require.Empty(t, report.Lost)
}

func TestParamsAndMetrics(t *testing.T) {
	w := newWorld(t, 2)
	require.NoError(t, (&w.p).Validate())
	for _, change := range []func(*Params){
		func(p *Params) { p.Copies = 0 }, func(p *Params) { p.ChunkBytes = 10 }, func(p *Params) { p.MaxFileBytes = 1 << 40 },
		func(p *Params) { p.UploadTimeout = 0 }, func(p *Params) { p.ScrubWorkers = 0 }, func(p *Params) { p.Retention = -1 },
	} {
		p := DefaultParams()
		change(&p)
		require.Equal(t, types.CodeConfig, types.CodeOf(p.Validate()))
	}
	require.Equal(t, types.CodeConfig, types.CodeOf(w.SetPlaces(w.places(w.disks[0]))), "two copies need two targets")
	require.Equal(t, types.CodeConfig, types.CodeOf(w.SetPlaces(w.places(w.disks[0], w.disks[0]))))

	reg := prometheus.NewRegistry()
	p := w.p
	p.ScrubEvery = time.Millisecond
	s, err := New(p, w.key, w.places(w.disks...), w.log, reg)
	require.NoError(t, err)
	w.put(text(1, 100))
	require.NoError(t, s.Start(context.Background()))
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Millisecond) {
		families, err := reg.Gather()
		require.NoError(t, err)
		read := 0.0
		for _, f := range families {
			if f.GetName() == "huchain_filestore_read_bytes_total" {
				read = f.GetMetric()[0].GetCounter().GetValue()
			}
		}
		if read > 0 {
			break
		}
		require.True(t, time.Now().Before(end), "no scrub ran")
	}
	require.NoError(t, s.Stop(context.Background()))
	require.NoError(t, s.Stop(context.Background()))
}

func FuzzDecode(f *testing.F) {
	w := newWorld(f, 2)
	file := w.put(text(1, 5000), newKey(f).Public())
	for _, path := range w.disks[0].objects(f) {
		b, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		m := &manifest{}
		if w.decode(manifestName(file.ID), in, m) == nil {
			require.Equal(t, file.SHA256, m.SHA256, "no other manifest is signed under this name")
		}
		_ = w.decode(orderName(file.ID), in, &order{}) // must not panic
		_ = w.decode("k", in, &grant{})
	})
}

// Many files of 1 KB to 10 MB, most of them small, on three targets: one is lost and one
// rots on the way. Every file reads back identical, repair completes, and nothing stands in
// the clear. HUCHAIN_TEST_STORED_FILES is how many; the goal is for 100000.
func TestManyFiles(t *testing.T) {
	n, largest := 200, 200_000
	if v := os.Getenv("HUCHAIN_TEST_STORED_FILES"); v != "" {
		var err error
		n, err = strconv.Atoi(v)
		require.NoError(t, err)
		largest = 10 << 20
	}
	w := newWorld(t, 4)
	w.p.ChunkBytes, w.p.MaxFileBytes = 1<<20, 16<<20
	w.reopen()
	spare := w.disks[3]
	require.NoError(t, w.SetPlaces(w.places(w.disks[:3]...)))
	// Sizes fall with their square: the median is 2 KB, one in 10^4 has 10 MB.
	content := func(i int) []byte {
		r := mrand.New(mrand.NewPCG(uint64(i), 2))
		return text(uint64(i), min(int(1000/(r.Float64()+1e-9)), largest))
	}
	each := func(from, to int, do func(i int) error) {
		var wg sync.WaitGroup
		var next atomic.Int64
		next.Store(int64(from))
		for range 8 {
			wg.Go(func() {
				for i := int(next.Add(1) - 1); i < to; i = int(next.Add(1) - 1) {
					if err := do(i); err != nil {
						t.Errorf("file %d: %v", i, err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	put := func(i int) error {
		_, err := w.Put(context.Background(), bytes.NewReader(content(i)))
		return err
	}
	same := func(i int) error {
		want := content(i)
		got, err := w.get(crypto.Sum(want))
		if err == nil && !bytes.Equal(got, want) {
			err = errors.New("is another")
		}
		return err
	}
	each(0, n/3, put)
	w.disks[0].gone.Store(true) // lost for good; files keep coming
	each(n/3, 2*n/3, put)
	require.NoError(t, w.SetPlaces(w.places(w.disks[1], w.disks[2], spare)))
	report := w.scrub()
	require.Empty(t, report.Lost)
	moved := report.Repaired
	require.Positive(t, moved)
	rotten := 0
	for i, path := range w.disks[1].objects(t) {
		if i%5 == 0 {
			corrupt(t, path, i%2 == 0)
			rotten++
		}
	}
	each(2*n/3, n, put)
	each(0, n, same) // reads repair what they meet
	report = w.scrub()
	require.Empty(t, report.Lost)
	require.LessOrEqual(t, report.Corrupt, rotten)
	each(0, n, same)
	report = w.scrub()
	require.Empty(t, report.Lost)
	require.Zero(t, report.Missing+report.Corrupt)
	require.Equal(t, n, report.Files)
	for _, d := range w.disks[1:] {
		for _, path := range d.objects(t) {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			require.False(t, bytes.Contains(b, []byte("存证原文")), "in the clear: %s", path)
		}
	}
	t.Logf("%d files, %d copies moved off the lost target, %d rotten ones repaired", n, moved, rotten)
}

// BenchmarkPut stores files of 64 KiB and 4 MiB on two of three folders; BenchmarkGet reads
// them.
func BenchmarkPut(b *testing.B) { benchmark(b, false) }
func BenchmarkGet(b *testing.B) { benchmark(b, true) }

func benchmark(b *testing.B, read bool) {
	for _, size := range []int{64 << 10, 4 << 20} {
		b.Run(strconv.Itoa(size>>10)+"KiB", func(b *testing.B) {
			w := newWorld(b, 3)
			w.p.ChunkBytes, w.p.MaxFileBytes = 1<<20, 16<<20
			w.reopen()
			content := text(1, size)
			f := w.put(content)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if read {
					_, err := w.get(f.ID)
					require.NoError(b, err)
					continue
				}
				copy(content, strconv.Itoa(i)+"…")
				w.put(content)
			}
		})
	}
}
