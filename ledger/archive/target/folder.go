package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Folder is a target in a file system: a disk, a network share, or the staging area of a
// tape library. Files are written once under another name, synced, moved into place and
// made read-only; nothing is changed afterwards, as tape wants it.
type Folder struct {
	dir     string
	settled sync.Map // folders whose way up to dir has been synced by this process
}

// draftSuffix marks files that are not whole; names of archive files never end so.
const draftSuffix = "~"

// OpenFolder takes a folder that exists or can be made.
func OpenFolder(dir string) (*Folder, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o750)
	}
	if err != nil {
		return nil, types.Errorf(codeOf(err), "folder of an archive: %w", err)
	}
	return &Folder{dir: dir}, nil
}

// String implements Target.
func (t *Folder) String() string { return t.dir }

func (t *Folder) path(name string) string { return filepath.Join(t.dir, filepath.FromSlash(name)) }

// Put implements Target.
func (t *Folder) Put(ctx context.Context, name string, size int64, sum crypto.Hash, r io.Reader) error {
	if err := checkName(name); err != nil {
		return err
	}
	if done, err := holds(ctx, t, name, size, sum); done || err != nil {
		return err
	}
	return t.Replace(ctx, name, size, sum, r)
}

// Replace is Put that gives a name other bytes: at any moment, also after a crash, it has
// the old ones or the new ones. Like Remove it is no part of Target.
func (t *Folder) Replace(ctx context.Context, name string, size int64, sum crypto.Hash, r io.Reader) error {
	if err := checkName(name); err != nil {
		return err
	}
	path := t.path(name)
	if err := t.makeParent(path); err != nil {
		return t.unwritten(name, err)
	}
	draft := path + draftSuffix
	if err := write(ctx, draft, size, sum, r); err != nil {
		return errors.Join(t.unwritten(name, err), ignoreMissing(os.Remove(draft)))
	}
	if err := os.Rename(draft, path); err != nil {
		return fmt.Errorf("archive %s: %w", name, err)
	}
	if err := t.settle(filepath.Dir(path)); err != nil {
		return fmt.Errorf("archive %s: %w", name, err)
	}
	return confirm(ctx, t, name, size, sum)
}

// makeParent makes the folder of a file where there is none, or none any more.
func (t *Folder) makeParent(path string) error {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	t.settled.Delete(dir)
	return os.MkdirAll(dir, 0o750)
}

// settle syncs a folder that has a new entry, and the first time those above it, which may
// be as new.
func (t *Folder) settle(dir string) error {
	if _, done := t.settled.Load(dir); done {
		return syncDir(dir)
	}
	for up := dir; len(up) >= len(t.dir); up = filepath.Dir(up) {
		if err := syncDir(up); err != nil {
			return err
		}
	}
	t.settled.Store(dir, true)
	return nil
}

// write makes a read-only file of exactly the bytes that size and sum tell, and syncs it.
func write(ctx context.Context, path string, size int64, sum crypto.Hash, r io.Reader) (err error) {
	if err := ignoreMissing(os.Remove(path)); err != nil { // of an upload that was cut
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := crypto.NewHash()
	n, err := io.Copy(io.MultiWriter(f, h), contextReader{ctx, r})
	if err == nil && (n != size || crypto.Hash(h.Sum(nil)) != sum) {
		err = fmt.Errorf("%d bytes were given that are not the %d bytes named", n, size)
	}
	if err != nil {
		return err
	}
	if err := f.Chmod(0o440); err != nil {
		return err
	}
	return f.Sync()
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// contextReader ends reading when its context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// Remove deletes a file; one that is not there is no error. Archives never call it: it is
// for stores whose files may end, and no part of Target for that reason.
func (t *Folder) Remove(_ context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	path := t.path(name)
	switch err := os.Remove(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("archive %s: %w", name, err)
	}
	return syncDir(filepath.Dir(path))
}

// Open implements Target.
func (t *Folder) Open(_ context.Context, name string) (File, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	f, err := os.Open(t.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(name, t)
	}
	if err != nil {
		return nil, fmt.Errorf("archive %s: %w", name, err)
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("not a file")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("archive %s: %w", name, err), f.Close())
	}
	return &folderFile{f, st.Size()}, nil
}

type folderFile struct {
	f    *os.File
	size int64
}

func (f *folderFile) Size() int64  { return f.size }
func (f *folderFile) Close() error { return f.f.Close() }

func (f *folderFile) ReadRange(ctx context.Context, b []byte, offset int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := io.ReadFull(io.NewSectionReader(f.f, offset, int64(len(b))), b)
	return err
}

// List implements Target.
func (t *Folder) List(ctx context.Context, prefix string, fn func(name string, size int64) error) error {
	return filepath.WalkDir(t.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(t.dir, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if d.IsDir() {
			if name != "." && !strings.HasPrefix(name+"/", prefix) && !strings.HasPrefix(prefix, name+"/") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasPrefix(name, prefix) || !isName(name) {
			return nil // drafts of an upload that was cut, and what is not ours
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return fn(name, info.Size())
	})
}
