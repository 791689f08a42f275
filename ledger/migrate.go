package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// Copy copies a closed ledger row by row from one driver to another. The store that says
// what the ledger is gets its format row last: a copy that was interrupted is no ledger,
// and is begun anew over what is there. HC-1011 if a whole ledger stands at the
// destination, HC-2103 if the source holds none. The copy SHOULD be checked (package fsck)
// before the source is given up. progress, if not nil, is called now and then.
func Copy(ctx context.Context, from driver.Opener, fromDir string, to driver.Opener, toDir string, progress func(store string, rows uint64)) error {
	if progress == nil {
		progress = func(string, uint64) {}
	}
	for _, s := range []struct {
		name    string
		profile driver.Profile
	}{{"blocks", driver.ProfileBlocks}, {"state", driver.ProfileState}} {
		err := copyStore(ctx, from, filepath.Join(fromDir, s.name), to, filepath.Join(toDir, s.name), s.profile, func(n uint64) { progress(s.name, n) })
		if err != nil {
			return fmt.Errorf("copy %s: %w", s.name, err)
		}
	}
	return nil
}

func copyStore(ctx context.Context, from driver.Opener, fromDir string, to driver.Opener, toDir string, p driver.Profile, progress func(uint64)) (err error) {
	src, err := from.Open(fromDir, p)
	if err != nil {
		return state.ReadError(err)
	}
	defer func() { err = errors.Join(err, state.ReadError(src.Close())) }()
	dst, err := to.Open(toDir, p)
	if err != nil {
		return state.ReadError(err)
	}
	defer func() { err = errors.Join(err, state.ReadError(dst.Close())) }()
	_, isLedger, err := src.Get(formatKey)
	if err != nil {
		return state.ReadError(err)
	}
	if p == driver.ProfileState && !isLedger {
		return types.Errorf(types.CodeNotFound, "%s holds no ledger", fromDir)
	}
	if err := emptied(dst, toDir); err != nil {
		return err
	}
	f := filler{dst: dst, b: dst.Batch(), progress: progress}
	err = state.EachRow(src, nil, nil, func(key, value []byte) error { return f.put(ctx, key, value) })
	if err != nil {
		f.b.Discard()
		return err
	}
	return f.finish()
}

// emptied removes what an interrupted copy left in a store; HC-1011 if it is a whole one.
func emptied(dst driver.DB, dir string) error {
	_, found, err := dst.Get(formatKey)
	if err != nil {
		return state.ReadError(err)
	}
	if found {
		return types.Errorf(types.CodeAlreadyExists, "%s holds a ledger", dir)
	}
	b := dst.Batch()
	b.DeleteRange(nil, []byte{0xff, 0xff})
	return state.ReadError(b.Commit(true))
}

// filler fills a store with rows, the format row last.
type filler struct {
	dst      driver.DB
	b        driver.Batch
	size     int
	rows     uint64
	format   []byte
	progress func(rows uint64)
}

func (f *filler) put(ctx context.Context, key, value []byte) error {
	if string(key) == string(formatKey) {
		f.format = bytes.Clone(value)
		return nil
	}
	f.b.Set(key, value)
	f.rows++
	if f.size += len(key) + len(value); f.size < importBatchBytes {
		return nil
	}
	err := errors.Join(ctx.Err(), state.ReadError(f.b.Commit(false)))
	f.b, f.size = f.dst.Batch(), 0
	f.progress(f.rows)
	return err
}

func (f *filler) finish() error {
	f.progress(f.rows)
	if err := f.b.Commit(true); err != nil {
		return state.ReadError(err)
	}
	b := f.dst.Batch()
	if f.format != nil {
		b.Set(formatKey, f.format)
	}
	return state.ReadError(b.Commit(true))
}
