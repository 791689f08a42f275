package state

import (
	"math/rand"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
)

// heldPage is a page that a test has put into a file.
type heldPage struct {
	at     place
	hash   crypto.Hash
	leaves []entry
}

func randomPage(rng *rand.Rand) (p heldPage) {
	rng.Read(p.hash[:])
	p.leaves = make([]entry, 1+rng.Intn(pageLeaves))
	for i := range p.leaves {
		l := &p.leaves[i]
		rng.Read(l.key[:])
		rng.Read(l.hash[:])
		l.written = written{rng.Uint64(), rng.Uint32()}
	}
	return p
}

// find looks for the page, while nothing is put: it is there as it was put, or it is not there.
func (p *heldPage) find(t *testing.T, f *pageFile) bool {
	before := []entry{{}}
	got, held := f.get(before, p.at, &p.hash, len(p.leaves))
	if !held {
		require.Equal(t, before, got)
		return false
	}
	require.Equal(t, p.leaves, got[1:])
	other := p.hash
	other[9] ^= 1
	_, held = f.get(nil, p.at, &other, len(p.leaves))
	require.False(t, held, "another hash")
	for n := range pageLeaves + 2 {
		_, held = f.get(nil, p.at, &p.hash, n)
		require.Equal(t, n == len(p.leaves), held, "%d leaves of %d", n, len(p.leaves))
	}
	return true
}

// TestPageFile puts pages many times as long as the file, with readers beside: what is found
// is what was put, what was put last is there, and the file does not outgrow its size.
func TestPageFile(t *testing.T) {
	dir := t.TempDir()
	f, err := openPageFile(dir, 1<<20, nil)
	require.NoError(t, err)
	rng := rand.New(rand.NewSource(1))
	var pages []heldPage
	var mu sync.RWMutex
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for i := range 2 {
		readers.Go(func() {
			rng := rand.New(rand.NewSource(int64(i)))
			for {
				select {
				case <-stop:
					return
				default:
				}
				mu.RLock()
				p := heldPage{}
				if n := len(pages); n > 0 {
					p = pages[rng.Intn(n)]
				}
				mu.RUnlock()
				if got, held := f.get(nil, p.at, &p.hash, len(p.leaves)); held && !slices.Equal(got, p.leaves) {
					t.Error("another page than was put")
				}
			}
		})
	}
	for range 10 * (1 << 20) / 400 {
		p := randomPage(rng)
		p.at = f.put(p.leaves, &p.hash)
		require.NotZero(t, p.at)
		mu.Lock()
		pages = append(pages, p)
		mu.Unlock()
		if len(pages)%100 == 0 {
			f.settle()
		}
	}
	close(stop)
	readers.Wait()
	hits := 0
	slices.Reverse(pages)
	for i := range pages {
		if pages[i].find(t, f) {
			hits++
		} else {
			require.GreaterOrEqual(t, i, 1<<20/700, "lost too early")
		}
	}
	require.Less(t, hits, 1<<20/200)
	info, err := f.file.Stat()
	require.NoError(t, err)
	require.LessOrEqual(t, info.Size(), int64(1<<20))
	require.False(t, f.room())
	require.Zero(t, f.put(nil, &crypto.Hash{}))
	require.Zero(t, f.put(make([]entry, pageLeaves+1), &crypto.Hash{}))
	require.NoError(t, f.close())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestDamagedPageFile alters every byte of records, one at a time, and of the whole file:
// what is altered is not there, and the state is right from its rows.
func TestDamagedPageFile(t *testing.T) {
	db := &leafReads{DB: openMem(t, vfs.NewMem())}
	s, err := Open(db, Params{Keep: 2, PageBytes: 4 << 20, PageDir: t.TempDir()})
	require.NoError(t, err)
	rng, o := rand.New(rand.NewSource(7)), oracle{}
	change(t, s, o, rng, 0, 5_000)
	s.have.mu.Lock()
	s.have.next() // all that was put comes into the file
	s.have.mu.Unlock()
	s.have.settle()
	p := randomPage(rng)
	p.at = s.have.put(p.leaves, &p.hash)
	for i := range len(p.leaves)*leafBytes + sumBytes {
		s.have.filling.buf[i] ^= 4
		require.False(t, p.find(t, s.have), "byte %d", i)
		s.have.filling.buf[i] ^= 4
	}
	require.True(t, p.find(t, s.have))

	db.n.Store(0)
	change(t, s, o, rng, 1, 500)
	require.Zero(t, db.n.Load())
	garbage := make([]byte, 4<<20)
	rng.Read(garbage)
	_, err = s.have.file.WriteAt(garbage, 0)
	require.NoError(t, err)
	change(t, s, o, rng, 2, 500)
	require.Positive(t, db.n.Load())
	require.NoError(t, s.Close())
	require.NoError(t, db.Close())
}

// TestPageFileOnAFullDisk: what cannot be written is read from rows.
func TestPageFileOnAFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		return // the system has no such device
	}
	db := &leafReads{DB: openMem(t, vfs.NewMem())}
	var lost []error
	s, err := Open(db, Params{Keep: 2, PageBytes: 64 << 20, PageDir: t.TempDir(), PagesLost: func(err error) { lost = append(lost, err) }})
	require.NoError(t, err)
	require.NoError(t, s.have.file.Close())
	s.have.file = full
	rng, o := rand.New(rand.NewSource(8)), oracle{}
	for height := range uint64(4) {
		change(t, s, o, rng, height, 5_000)
		s.have.settle()
	}
	require.True(t, s.have.failed)
	require.Len(t, lost, 1)
	require.ErrorIs(t, lost[0], syscall.ENOSPC)
	require.False(t, s.have.room())
	require.Zero(t, s.have.put(randomPage(rng).leaves, &crypto.Hash{}))
	require.Positive(t, db.n.Load())
	require.NoError(t, s.Close())
	require.NoError(t, db.Close())
}

// TestPageFileFoldersThatCannotBe: a file that cannot be made is an error, not none.
func TestPageFileFoldersThatCannotBe(t *testing.T) {
	in := t.TempDir() + "/file"
	require.NoError(t, os.WriteFile(in, nil, 0o600))
	db := openMem(t, vfs.NewMem())
	_, err := Open(db, Params{Keep: 2, PageBytes: 1, PageDir: in})
	require.ErrorContains(t, err, "not a directory")
	require.NoError(t, db.Close())
}

// BenchmarkPageFile reads pages that lie anywhere in a file, and puts them anew.
func BenchmarkPageFile(b *testing.B) {
	f, err := openPageFile(b.TempDir(), 1<<30, nil)
	require.NoError(b, err)
	rng := rand.New(rand.NewSource(1))
	pages := make([]heldPage, 1_000_000)
	for i := range pages {
		pages[i] = randomPage(rng)
		pages[i].leaves = pages[i].leaves[:min(5, len(pages[i].leaves))]
		pages[i].at = f.put(pages[i].leaves, &pages[i].hash)
		if i%1000 == 0 {
			f.settle()
		}
	}
	f.settle()
	for _, put := range []bool{false, true} {
		name := "get"
		if put {
			name = "get and put"
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			missed := 0
			for b.Loop() {
				p := &pages[rng.Intn(len(pages))]
				var room [pageLeaves]entry
				leaves, held := f.get(room[:0], p.at, &p.hash, len(p.leaves))
				if !held {
					missed++
					leaves = p.leaves
				}
				if put {
					p.at = f.put(leaves, &p.hash)
				}
			}
			b.ReportMetric(float64(missed)/float64(b.N), "missed/op")
		})
	}
	require.NoError(b, f.close())
}
