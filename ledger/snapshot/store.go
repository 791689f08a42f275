package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
)

// Names in the folder of a snapshot.
const (
	manifestFile = "manifest"
	anchorFile   = "anchor"
	draftPrefix  = ".new-"
)

func chunkName(i uint32) string { return fmt.Sprintf("chunk-%06d", i) }

// Store keeps the snapshots of one chain, a folder each, named by height. A folder is
// written under another name and renamed when it is whole, so what bears a height is
// whole. It is safe for concurrent use; one snapshot is made at a time.
type Store struct {
	dir    string
	p      Params
	fs     vfs.FS
	making sync.Mutex

	mu   sync.Mutex // guards manifests
	read map[uint64]*Manifest
}

// Info describes a snapshot.
type Info struct {
	Height   uint64      `json:"height"`
	TimeNs   int64       `json:"timeNs"` // of its block, Unix nanoseconds
	Header   crypto.Hash `json:"headerHash"`
	Hash     crypto.Hash `json:"hash"` // of its manifest
	Chunks   uint32      `json:"chunks"`
	Bytes    int64       `json:"bytes"`
	Anchored bool        `json:"anchored"` // proves itself: it may be served and restored
}

// OpenStore opens the folder of a chain's snapshots, which need not exist yet.
func OpenStore(dir string, p Params) (*Store, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return &Store{dir: dir, p: p, fs: p.FS, read: map[uint64]*Manifest{}}, nil
}

// Clean removes what a crash left. The process that makes snapshots MUST call it, and no
// other.
func (s *Store) Clean() error {
	names, err := s.fs.List(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return diskError(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, draftPrefix) {
			if err := s.fs.RemoveAll(filepath.Join(s.dir, name)); err != nil {
				return diskError(err)
			}
		}
	}
	return nil
}

func diskError(err error) error {
	if err == nil {
		return nil
	}
	return types.Errorf(types.CodeDiskFailure, "%w", err)
}

func (s *Store) folder(height uint64) string {
	return filepath.Join(s.dir, strconv.FormatUint(height, 10))
}

// Heights lists the heights of the snapshots kept, ascending.
func (s *Store) Heights() ([]uint64, error) {
	names, err := s.fs.List(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, diskError(err)
	}
	var out []uint64
	for _, name := range names {
		h, err := strconv.ParseUint(name, 10, 62)
		if err != nil || strconv.FormatUint(h, 10) != name {
			continue
		}
		if info, err := s.fs.Stat(filepath.Join(s.dir, name)); err == nil && info.IsDir() {
			out = append(out, h)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Create makes the snapshot of a frozen height; rows are read once, beside whatever else
// the ledger does. HC-4302 if another is being made or the window of used ids is not kept
// here, HC-1011 if there is one of this height, HC-4101 if the rows are damaged.
func (s *Store) Create(ctx context.Context, f *ledger.Frozen) (*Info, error) {
	if !s.making.TryLock() {
		return nil, types.Errorf(types.CodeSnapshotUnavailable, "another snapshot is being made")
	}
	defer s.making.Unlock()
	height := f.Header.Height
	if _, err := s.fs.Stat(s.folder(height)); err == nil {
		return nil, types.Errorf(types.CodeAlreadyExists, "there is a snapshot of height %d", height)
	}
	draft := filepath.Join(s.dir, draftPrefix+strconv.FormatUint(height, 10))
	if err := errors.Join(s.fs.RemoveAll(draft), s.fs.MkdirAll(draft, 0o755)); err != nil {
		return nil, diskError(err)
	}
	c, err := create(ctx, f, s.p, draft)
	if err == nil {
		err = writeFile(s.fs, filepath.Join(draft, manifestFile), c.m.Encode())
	}
	if err == nil { // what bears a height is whole: it gets its name when all of it is durable
		err = diskError(syncDir(s.fs, draft))
	}
	if err == nil {
		err = diskError(s.fs.Rename(draft, s.folder(height)))
	}
	if err != nil {
		return nil, errors.Join(err, diskError(s.fs.RemoveAll(draft)))
	}
	for _, dir := range []string{s.dir, filepath.Dir(s.dir)} { // which may be new itself
		if err := syncDir(s.fs, dir); err != nil {
			return nil, diskError(err) // it is whole, and may be gone after a crash
		}
	}
	return s.Info(height)
}

// Info describes the snapshot of a height; HC-1003 if there is none.
func (s *Store) Info(height uint64) (*Info, error) {
	m, err := s.Manifest(height)
	if err != nil {
		return nil, err
	}
	i := &Info{Height: height, TimeNs: m.Header.Time, Header: m.Header.Hash(), Hash: m.Hash(), Chunks: m.Chunks()}
	names, err := s.fs.List(s.folder(height))
	if err != nil {
		return nil, diskError(err)
	}
	for _, name := range names {
		if fi, err := s.fs.Stat(filepath.Join(s.folder(height), name)); err == nil {
			i.Bytes += fi.Size()
		}
		i.Anchored = i.Anchored || name == anchorFile
	}
	return i, nil
}

// Manifest returns the manifest of a height; HC-1003 if there is none, HC-4301 if it is damaged.
func (s *Store) Manifest(height uint64) (*Manifest, error) {
	s.mu.Lock()
	m := s.read[height]
	s.mu.Unlock()
	if m != nil {
		return m, nil
	}
	raw, err := s.file(height, manifestFile, MaxManifestBytes)
	if err != nil {
		return nil, err
	}
	if m, err = DecodeManifest(raw); err != nil {
		return nil, err
	}
	if m.Header.Height != height {
		return nil, invalid("the snapshot of height %d lies in the folder of %d", m.Header.Height, height)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.read) > 16 {
		clear(s.read)
	}
	s.read[height] = m
	return m, nil
}

// Chunk returns a chunk as stored, unverified; HC-1003 if there is none.
func (s *Store) Chunk(height uint64, index uint32) ([]byte, error) {
	return s.file(height, chunkName(index), MaxChunkBytes)
}

// Anchor returns what PutAnchor kept; HC-1003 if nothing.
func (s *Store) Anchor(height uint64) ([]byte, error) { return s.file(height, anchorFile, 1<<20) }

// PutAnchor keeps, beside a snapshot, what proves its header to others; this package does
// not know its form.
func (s *Store) PutAnchor(height uint64, anchor []byte) error {
	path := filepath.Join(s.folder(height), anchorFile)
	if err := writeFile(s.fs, path+".new", anchor); err != nil {
		return err
	}
	if err := s.fs.Rename(path+".new", path); err != nil {
		return diskError(err)
	}
	return diskError(syncDir(s.fs, s.folder(height)))
}

func (s *Store) file(height uint64, name string, limit int64) ([]byte, error) {
	f, err := s.fs.Open(filepath.Join(s.folder(height), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, types.Errorf(types.CodeNotFound, "snapshot of height %d: no %s", height, name)
	}
	if err != nil {
		return nil, diskError(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, diskError(err)
	}
	if int64(len(b)) > limit {
		return nil, invalid("%s of height %d is longer than %d bytes", name, height, limit)
	}
	return b, nil
}

// Keep removes all snapshots but the newest n, of which one at least is anchored if any is.
func (s *Store) Keep(n int) error {
	heights, err := s.Heights()
	if err != nil {
		return err
	}
	last := uint64(0) // newest that others can be served with
	for _, h := range heights {
		if _, err := s.fs.Stat(filepath.Join(s.folder(h), anchorFile)); err == nil {
			last = h
		}
	}
	for i, h := range heights {
		if i < len(heights)-n && h != last {
			if err := s.Remove(h); err != nil {
				return err
			}
		}
	}
	return nil
}

// Remove removes a snapshot. It loses its name first, so that no half of it is served.
func (s *Store) Remove(height uint64) error {
	s.mu.Lock()
	delete(s.read, height)
	s.mu.Unlock()
	gone := filepath.Join(s.dir, draftPrefix+"gone-"+strconv.FormatUint(height, 10))
	if err := s.fs.Rename(s.folder(height), gone); err != nil {
		return diskError(err)
	}
	return diskError(s.fs.RemoveAll(gone))
}

// writeFile writes and syncs a file.
func writeFile(disk vfs.FS, path string, data []byte) error {
	f, err := disk.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return diskError(err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return diskError(errors.Join(err, f.Close()))
}

func syncDir(disk vfs.FS, dir string) error {
	d, err := disk.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
