package backup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/types"
)

// Progress is told how many bytes of all are done.
type Progress func(done, of uint64)

// Outcome is what was made, checked or restored.
type Outcome struct {
	Name string `json:"name"` // of the backup
	Info
	Files  int    `json:"files"`
	Bytes  uint64 `json:"bytes"`  // of the files
	Stored uint64 `json:"stored"` // bytes stored this time; the rest was there
}

func diskFailure(err error) error { return types.Errorf(types.CodeDiskFailure, "%w", err) }

// Create copies the files below a folder, which MUST NOT change meanwhile. What an earlier
// backup in the target has stored is not stored again. The folder may be removed afterwards;
// scratch is one for drafts on the same disk.
func Create(ctx context.Context, p *Params, info Info, dir, scratch string, progress Progress) (*Outcome, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	m := &Manifest{Info: info, Genesis: p.Genesis}
	total, err := m.scan(dir)
	if err != nil {
		return nil, err
	}
	known, err := p.known(ctx)
	if err != nil {
		return nil, err
	}
	out := &Outcome{Info: info, Files: len(m.Files), Bytes: total}
	done := uint64(0)
	for i := range m.Files {
		f := &m.Files[i]
		if old, ok := known[f.Sum]; ok && old.Size == f.Size && p.has(ctx, old) {
			f.Object, f.Stored, f.Key = old.Object, old.Stored, old.Key
		} else {
			if err := p.store(ctx, f, filepath.Join(dir, filepath.FromSlash(f.Path)), scratch); err != nil {
				return nil, err
			}
			known[f.Sum] = f
			out.Stored += uint64(f.Stored)
		}
		if done += uint64(f.Size); progress != nil {
			progress(done, total)
		}
	}
	out.Name, err = p.put(ctx, m)
	return out, err
}

// scan lists the files below a folder, in the order of their names. What lies directly in it
// may be links to folders on other volumes.
func (m *Manifest) scan(dir string) (total uint64, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if err == nil {
			var n uint64
			n, err = m.scanBelow(dir, e.Name())
			total += n
		}
	}
	if err != nil {
		return 0, diskFailure(err)
	}
	return total, nil
}

func (m *Manifest) scanBelow(dir, name string) (total uint64, err error) {
	root, err := filepath.EvalSymlinks(filepath.Join(dir, name))
	if err != nil {
		return 0, err
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		f := File{Path: filepath.ToSlash(filepath.Join(name, rel))}
		if !pathPattern.MatchString(f.Path) || !d.Type().IsRegular() {
			return fmt.Errorf("%s is no file of a store", path)
		}
		if f.Size, f.Sum, err = sumFile(path); err != nil {
			return err
		}
		total += uint64(f.Size)
		m.Files = append(m.Files, f)
		return nil
	})
	return total, err
}

// known are the files of the newest backup that this key opens.
func (p *Params) known(ctx context.Context) (map[crypto.Hash]*File, error) {
	names, err := List(ctx, p)
	if err != nil {
		return nil, err
	}
	out := map[crypto.Hash]*File{}
	for i := len(names) - 1; i >= 0; i-- {
		m, err := Read(ctx, p, names[i])
		if code := types.CodeOf(err); code == types.CodeBackupDamaged || code == types.CodeArchiveKey {
			continue // verify tells; this backup is made without it
		}
		if err != nil {
			return nil, err
		}
		for j := range m.Files {
			out[m.Files[j].Sum] = &m.Files[j]
		}
		return out, nil
	}
	return out, nil
}

// has reports whether the object of a file is there in its whole length.
func (p *Params) has(ctx context.Context, f *File) bool {
	o, err := p.Target.Open(ctx, f.Object)
	if err != nil {
		return false
	}
	defer o.Close() //nolint:errcheck // nothing was read
	return o.Size() == f.Stored
}

// store stores one file as an object.
func (p *Params) store(ctx context.Context, f *File, path, scratch string) (err error) {
	f.Key = make([]byte, envelope.KeySize)
	if _, err := rand.Read(f.Key); err != nil {
		return err
	}
	key, err := envelope.NewKey(f.Key)
	if err != nil {
		return err
	}
	src, err := os.Open(path)
	if err != nil {
		return diskFailure(err)
	}
	defer src.Close() //nolint:errcheck // it is only read
	draft, err := os.CreateTemp(scratch, "object-*")
	if err != nil {
		return diskFailure(err)
	}
	defer func() { err = errors.Join(err, draft.Close(), os.Remove(draft.Name())) }()
	sum, err := seal(ctx, src, f, key, draft)
	if err != nil {
		return diskFailure(err)
	}
	if _, err := draft.Seek(0, io.SeekStart); err != nil {
		return diskFailure(err)
	}
	f.Stored = storedSize(f.Size)
	f.Object = fmt.Sprintf("%s/obj-%s-%s.hcb", p.folder(), f.Sum.String()[:16], sum.String()[:16])
	return p.Target.Put(ctx, f.Object, f.Stored, sum, draft)
}

// Verify reads every file of a backup back. HC-4405 names the first that is damaged.
func Verify(ctx context.Context, p *Params, name string, progress Progress) (*Outcome, error) {
	return each(ctx, p, name, progress, func(f *File) error { return p.openObject(ctx, f, io.Discard) })
}

// Restore writes the files of a backup below a folder that MUST NOT exist, durably.
func Restore(ctx context.Context, p *Params, name, dir string, progress Progress) (*Outcome, error) {
	if _, err := os.Stat(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return nil, types.Errorf(types.CodeAlreadyExists, "%s is there already", dir)
	}
	return each(ctx, p, name, progress, func(f *File) error {
		return p.writeFile(ctx, f, filepath.Join(dir, filepath.FromSlash(f.Path)))
	})
}

func (p *Params) writeFile(ctx context.Context, f *File, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return diskFailure(err)
	}
	w, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return diskFailure(err)
	}
	if err := p.openObject(ctx, f, w); err != nil {
		return errors.Join(err, w.Close())
	}
	if err := errors.Join(w.Sync(), w.Close()); err != nil {
		return diskFailure(err)
	}
	return nil
}

func each(ctx context.Context, p *Params, name string, progress Progress, fn func(*File) error) (*Outcome, error) {
	m, err := Read(ctx, p, name)
	if err != nil {
		return nil, err
	}
	out := &Outcome{Name: name, Info: m.Info, Files: len(m.Files)}
	total := uint64(0)
	for i := range m.Files {
		total += uint64(m.Files[i].Size)
	}
	for i := range m.Files {
		if err := fn(&m.Files[i]); err != nil {
			return nil, types.Errorf(types.CodeOf(err), "backup %s: %w", name, err)
		}
		if out.Bytes += uint64(m.Files[i].Size); progress != nil {
			progress(out.Bytes, total)
		}
	}
	return out, nil
}
