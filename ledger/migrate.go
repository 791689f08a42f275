package ledger

import (
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
	_, found, err := dst.Get(formatKey)
	if err != nil {
		return state.ReadError(err)
	}
	if found {
		return types.Errorf(types.CodeAlreadyExists, "%s holds a ledger", toDir)
	}
	format, isLedger, err := src.Get(formatKey)
	if err != nil {
		return state.ReadError(err)
	}
	if p == driver.ProfileState && !isLedger {
		return types.Errorf(types.CodeNotFound, "%s holds no ledger", fromDir)
	}
	b := dst.Batch()
	b.DeleteRange(nil, []byte{0xff, 0xff})
	if err := b.Commit(true); err != nil {
		return state.ReadError(err)
	}
	if err := copyRows(ctx, src, dst, progress); err != nil {
		return err
	}
	b = dst.Batch()
	if isLedger {
		b.Set(formatKey, format)
	}
	return state.ReadError(b.Commit(true))
}

func copyRows(ctx context.Context, src, dst driver.DB, progress func(uint64)) error {
	b, size, rows := dst.Batch(), 0, uint64(0)
	err := state.EachRow(src, nil, nil, func(key, value []byte) error {
		if string(key) == string(formatKey) {
			return nil
		}
		b.Set(key, value)
		rows++
		if size += len(key) + len(value); size < importBatchBytes {
			return nil
		}
		err := errors.Join(ctx.Err(), state.ReadError(b.Commit(false)))
		b, size = dst.Batch(), 0
		progress(rows)
		return err
	})
	if err != nil {
		b.Discard()
		return err
	}
	progress(rows)
	return state.ReadError(b.Commit(true))
}
