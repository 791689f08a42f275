package filestore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive/target"
)

var errDead = errors.New("the machine is dead")

// disk is a folder that can be made to fail.
type disk struct {
	*target.Folder
	dir   string
	gone  atomic.Bool
	life  *atomic.Int64 // writes until the process "dies"; nil: for ever
	opens atomic.Int64
	fails int64 // every so many-th replacement fails; below 1: none
	nth   atomic.Int64
	// onOpen is told of each opening, counted from 1.
	onOpen func(n int64)
}

func (d *disk) Put(ctx context.Context, name string, size int64, sum crypto.Hash, r io.Reader) error {
	if d.gone.Load() {
		return errDead
	}
	if d.life != nil && d.life.Add(-1) < 0 {
		return errDead
	}
	return d.Folder.Put(ctx, name, size, sum, r)
}

func (d *disk) Replace(ctx context.Context, name string, size int64, sum crypto.Hash, r io.Reader) error {
	if d.gone.Load() || d.life != nil && d.life.Load() < 0 {
		return errDead
	}
	if n := d.nth.Add(1); d.fails > 0 && n%d.fails == 0 {
		return errDead
	}
	return d.Folder.Replace(ctx, name, size, sum, r)
}

func (d *disk) Remove(ctx context.Context, name string) error {
	if d.gone.Load() || d.life != nil && d.life.Load() < 0 {
		return errDead
	}
	return d.Folder.Remove(ctx, name)
}

func (d *disk) Open(ctx context.Context, name string) (target.File, error) {
	if d.gone.Load() {
		return nil, errDead
	}
	if n := d.opens.Add(1); d.onOpen != nil {
		d.onOpen(n)
	}
	return d.Folder.Open(ctx, name)
}

func (d *disk) List(ctx context.Context, prefix string, fn func(string, int64) error) error {
	if d.gone.Load() {
		return errDead
	}
	return d.Folder.List(ctx, prefix, fn)
}

// objects are the paths of all objects on the disk but its marker.
func (d *disk) objects(t testing.TB) []string {
	var out []string
	require.NoError(t, filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != markerName {
			out = append(out, path)
		}
		return err
	}))
	return out
}

// corrupt alters one byte of an object, or cuts it.
func corrupt(t testing.TB, path string, cut bool) {
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	if cut {
		b = b[:len(b)/2]
	} else {
		b[len(b)/2] ^= 1
	}
	require.NoError(t, os.Chmod(path, 0o640))
	require.NoError(t, os.WriteFile(path, b, 0o640))
}

type world struct {
	*Store
	t     testing.TB
	key   *crypto.PrivateKey
	disks []*disk
	now   time.Time
	p     Params
}

func newKey(t testing.TB) *crypto.PrivateKey {
	k, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return k
}

// newWorld is a store of small chunks over n folders.
func newWorld(t testing.TB, n int) *world {
	w := &world{t: t, key: newKey(t), now: time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC), p: DefaultParams()}
	w.p.ChunkBytes, w.p.Now = 4<<10, func() time.Time { return w.now }
	w.p.MaxFileBytes = 128 << 10
	dir := t.TempDir()
	for i := range n {
		d := &disk{dir: filepath.Join(dir, fmt.Sprintf("disk%d", i))}
		var err error
		d.Folder, err = target.OpenFolder(d.dir)
		require.NoError(t, err)
		w.disks = append(w.disks, d)
	}
	w.reopen()
	return w
}

func (w *world) places(disks ...*disk) []Place {
	var out []Place
	for _, d := range disks {
		out = append(out, Place{filepath.Base(d.dir), d})
	}
	return out
}

// reopen is what a restarted process sees.
func (w *world) reopen() {
	s, err := New(w.p, w.key, w.places(w.disks...), slog.New(slog.NewTextHandler(io.Discard, nil)), nil)
	require.NoError(w.t, err)
	require.NoError(w.t, s.Check(context.Background()))
	w.Store = s
}

func (w *world) put(content []byte, readers ...crypto.PublicKey) *File {
	f, err := w.Put(context.Background(), bytes.NewReader(content), readers...)
	require.NoError(w.t, err)
	require.Equal(w.t, crypto.Sum(content), f.ID)
	return f
}

func (w *world) get(id crypto.Hash) ([]byte, error) {
	r, err := w.Open(context.Background(), id)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func (w *world) same(content []byte) {
	got, err := w.get(crypto.Sum(content))
	require.NoError(w.t, err)
	require.True(w.t, bytes.Equal(content, got))
}

func (w *world) scrub() *Report {
	r, err := w.Scrub(context.Background())
	require.NoError(w.t, err)
	return r
}

// text is content that is easily found on a disk if it is there in the clear.
func text(seed uint64, n int) []byte {
	r := mrand.New(mrand.NewPCG(seed, 1))
	b := make([]byte, 0, n+64)
	for len(b) < n {
		b = fmt.Appendf(b, "存证原文 %016x ", r.Uint64())
	}
	return b[:n]
}
