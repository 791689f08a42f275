package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/types"
)

// Moved says what moving a ledger to another volume has done.
type Moved struct {
	Chain string `json:"chain"`
	To    string `json:"to"`
	// Done is false where the node runs: the files that never change were copied ahead, and
	// what is left is done when the node is stopped.
	Done   bool   `json:"done"`
	Files  int    `json:"files"` // copied this time
	Bytes  int64  `json:"bytes"`
	Before int    `json:"filesBefore"`    // there from an earlier call
	Kept   string `json:"kept,omitempty"` // the ledger as it was, which may be deleted
}

// moveFile, in the folder that files are copied to, says which folder they are of.
const moveFile = "moving.json"

type moveMark struct {
	Ledger        string `json:"ledger"`
	Device, Inode uint64
}

// MoveLedger moves the ledger of a chain to a folder on another volume. Called while the
// node runs it copies the tables, which never change under one name, so that the node has
// to be stopped only for the call that copies the rest and puts a symbolic link in the
// ledger's place. Every file is read back. What was interrupted goes on. HC-1004 for a
// ledger that is in no folder, HC-1011 if it has been moved there, or something else is
// there.
func MoveLedger(ctx context.Context, home Home, chain, to string, progress func(what string, done uint64)) (*Moved, error) {
	c, err := onlyChain(home, chain)
	if err != nil {
		return nil, err
	}
	if name, err := ledgerDriver(c); err != nil {
		return nil, err
	} else if name == DriverPostgres {
		return nil, types.Errorf(types.CodeConfig, "the ledger of chain %s is kept by PostgreSQL: move it by its server's means", c.Name)
	}
	m := &mover{place: c.LedgerDir(), out: &Moved{Chain: c.Name}, progress: progress}
	if m.to, err = filepath.Abs(filepath.Join(to, c.Name+"-ledger")); err != nil {
		return nil, types.Errorf(types.CodeUsage, "%w", err)
	}
	m.out.To = m.to
	if err := m.begin(); err != nil {
		return nil, err
	}
	lock, err := Acquire(c.LockFile())
	if types.CodeOf(err) == types.CodeHomeLocked {
		m.ahead = true
		return m.out, m.mirror(ctx)
	}
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if err := m.mirror(ctx); err != nil {
		return nil, err
	}
	return m.out, m.settle()
}

type mover struct {
	place    string // where the chain looks for its ledger
	from, to string // folders
	ahead    bool   // the node runs: copy what never changes
	out      *Moved
	progress func(what string, done uint64)
}

// begin makes the folder, or takes up what an earlier call has copied of this very ledger.
func (m *mover) begin() error {
	real, err := filepath.EvalSymlinks(m.place)
	if err != nil {
		return types.Errorf(types.CodeNotFound, "%w", err)
	}
	if real == m.to {
		return types.Errorf(types.CodeAlreadyExists, "the ledger is in %s", m.to)
	}
	m.from = real
	var st unix.Stat_t
	if err := unix.Stat(real, &st); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	mark := moveMark{real, uint64(st.Dev), st.Ino} //nolint:unconvert // its type differs between platforms
	raw, err := os.ReadFile(filepath.Join(m.to, moveFile))
	switch {
	case err == nil:
		var have moveMark
		if json.Unmarshal(raw, &have) == nil && have == mark {
			return nil
		}
		return types.Errorf(types.CodeAlreadyExists, "%s holds the copy of another ledger: delete it first", m.to)
	case !errors.Is(err, fs.ErrNotExist):
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	if entries, err := os.ReadDir(m.to); err == nil && len(entries) > 0 {
		return types.Errorf(types.CodeAlreadyExists, "%s is in use", m.to)
	}
	if raw, err = json.Marshal(mark); err == nil {
		err = WriteFile(filepath.Join(m.to, moveFile), raw, 0o644)
	}
	if err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return nil
}

// mirror makes the folder hold what the ledger's does; ahead, its tables and the values
// beside them.
func (m *mover) mirror(ctx context.Context) error {
	wanted := map[string]bool{moveFile: true}
	err := filepath.WalkDir(m.from, func(path string, d fs.DirEntry, err error) error {
		if m.ahead && errors.Is(err, fs.ErrNotExist) {
			return nil // the node has just removed it
		}
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		rel, err := filepath.Rel(m.from, path)
		if err != nil {
			return err
		}
		wanted[rel] = true
		switch {
		case d.IsDir():
			return os.MkdirAll(filepath.Join(m.to, rel), 0o755)
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is no file: a ledger that spans volumes is moved by hand", path)
		case m.ahead && !pebbledb.Unchanging(path):
			return nil
		}
		err = m.copy(path, filepath.Join(m.to, rel))
		if m.ahead && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err == nil && !m.ahead {
		err = m.dropOthers(wanted)
	}
	if err != nil && ctx.Err() == nil {
		err = types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return err
}

// dropOthers removes what was copied ahead and is no longer of the ledger.
func (m *mover) dropOthers(wanted map[string]bool) error {
	return filepath.WalkDir(m.to, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if rel, err := filepath.Rel(m.to, path); err != nil || wanted[rel] {
			return err
		}
		return os.Remove(path)
	})
}

// copy copies a file durably and reads it back. One of a table that is there was read back.
func (m *mover) copy(from, to string) error {
	before, err := os.Stat(from)
	if err != nil {
		return err
	}
	if have, err := os.Stat(to); err == nil && pebbledb.Unchanging(from) && have.Size() == before.Size() {
		m.out.Before++
		return nil
	}
	sum, n, err := copyFile(from, to+".part")
	if err != nil {
		return err
	}
	if after, err := os.Stat(from); err != nil || after.Size() != n {
		return errors.Join(err, os.Remove(to+".part")) // a table that is still being written: next time
	}
	got, size, err := sumOfFile(to + ".part")
	if err != nil {
		return err
	}
	if got != sum || size != n {
		return fmt.Errorf("%s reads back altered: the volume is faulty", to)
	}
	if err := os.Rename(to+".part", to); err != nil {
		return err
	}
	m.out.Files++
	if m.out.Bytes += n; m.progress != nil {
		m.progress("bytes", uint64(m.out.Bytes))
	}
	return nil
}

func copyFile(from, to string) (sum crypto.Hash, n int64, err error) {
	r, err := os.Open(from)
	if err != nil {
		return sum, 0, err
	}
	defer r.Close() //nolint:errcheck // it was only read
	w, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return sum, 0, err
	}
	h := crypto.NewHash()
	n, err = io.Copy(io.MultiWriter(w, h), r)
	if err == nil {
		err = w.Sync()
	}
	return crypto.Hash(h.Sum(nil)), n, errors.Join(err, w.Close())
}

func sumOfFile(path string) (sum crypto.Hash, n int64, err error) {
	r, err := os.Open(path)
	if err != nil {
		return sum, 0, err
	}
	h := crypto.NewHash()
	n, err = io.Copy(h, r)
	return crypto.Hash(h.Sum(nil)), n, errors.Join(err, r.Close())
}

// settle puts a link in the ledger's place, which is kept beside it.
func (m *mover) settle() error {
	kept, draft := m.place+".moved", m.place+".link"
	if _, err := os.Lstat(kept); err == nil {
		return types.Errorf(types.CodeAlreadyExists, "%s is left from an earlier move: delete it first", kept)
	}
	err := os.RemoveAll(draft)
	if err == nil {
		err = os.Symlink(m.to, draft)
	}
	if err == nil {
		err = os.Rename(m.place, kept)
	}
	if err == nil {
		if err = os.Rename(draft, m.place); err != nil {
			err = errors.Join(err, os.Rename(kept, m.place))
		}
	}
	if err == nil {
		err = os.Remove(filepath.Join(m.to, moveFile))
	}
	if err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	m.out.Done, m.out.Kept = true, kept
	return nil
}
