package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/huchain/huchain/ledger/backup"
	"github.com/huchain/huchain/types"
)

// storeTimeout is how long the target of an archive or of backups may take to answer.
const storeTimeout = 15 * time.Second

// stores tries the places that chain.toml names for the archive and for backups: they are
// listed, what is newest there is opened with the key, and bytes are stored and given up.
func (d *diagnosis) stores(ctx context.Context, name string, c ChainHome, cfg *ChainConfig) {
	if cfg.Archive.enabled() {
		d.store(ctx, name+"archive target", &cfg.Archive, c, func(ctx context.Context) (string, error) { return tryArchive(ctx, c) })
	}
	if cfg.Backup.enabled() {
		d.store(ctx, name+"backup target", cfg.Backup.place(), c, func(ctx context.Context) (string, error) { return tryBackups(ctx, c) })
	}
}

// store tries one place. Whoever touches a share that hangs is held up for good, so the trial
// is left to itself when its time is over; it writes nothing afterwards.
func (d *diagnosis) store(ctx context.Context, what string, at *ArchiveConfig, c ChainHome, read func(context.Context) (string, error)) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	type outcome struct {
		detail string
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		if o.detail, o.err = read(ctx); o.err == nil {
			o.err = ctx.Err()
		}
		if o.err == nil {
			var t place
			if t, o.err = at.target(c); o.err == nil {
				o.err = t.Probe(ctx)
				o.detail = fmt.Sprintf("%s: %s, takes what is written", t, o.detail)
			}
		}
		done <- o
	}()
	var o outcome
	select {
	case o = <-done:
	case <-ctx.Done():
		o.err = ctx.Err()
	}
	if errors.Is(o.err, context.DeadlineExceeded) {
		o.err = types.Errorf(types.CodeArchiveTarget, "no answer within %s: %w", storeTimeout, o.err)
	}
	d.add(what, o.err, o.detail)
}

func tryArchive(ctx context.Context, c ChainHome) (string, error) {
	r, err := OpenArchive(c)
	if err != nil {
		return "", err
	}
	defer r.Close()
	known, err := r.Try(ctx)
	if !known {
		return "this node has archived nothing yet", err
	}
	return "the newest segment is there and opens", err
}

func tryBackups(ctx context.Context, c ChainHome) (string, error) {
	p, _, err := backupPlace(c)
	if err != nil {
		return "", err
	}
	names, err := backup.List(ctx, p)
	if err != nil || len(names) == 0 {
		return "no backup yet", err
	}
	newest := names[len(names)-1]
	m, err := backup.Read(ctx, p, newest)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("the newest backup opens, of block %d", m.Height), nil
}
