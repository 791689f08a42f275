package node

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
)

// copyRestart copies the act that a chain was restarted with, and the mark that it was rebuilt
// before, beside the copy of its data. Both stay as they are while the chain runs.
func copyRestart(home ChainHome, dir string) error {
	for _, file := range []string{home.RestartFile(), filepath.Join(home.DataDir(), rebuiltFile)} {
		raw, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = WriteFile(filepath.Join(dir, filepath.Base(file)), raw, 0o600)
		}
		if err != nil {
			return types.Errorf(types.CodeDiskFailure, "%w", err)
		}
	}
	return nil
}

// restoredAct is where a restored data folder has the act of its backup, until that is placed.
func restoredAct(home ChainHome, draft string) string {
	return filepath.Join(draft, filepath.Base(home.RestartFile()))
}

// checkRestart verifies the act that a restored chain is to go on from, the backup's or the one
// that is here, against its ledger: HC-5107 if that does not follow it, HC-1011 if another is
// here than the backup holds.
func checkRestart(home ChainHome, draft string, g *chain.Genesis, l *ledger.Ledger) error {
	act, err := readRestart(restoredAct(home, draft), g)
	if err != nil {
		return err
	}
	here, err := readRestart(home.RestartFile(), g)
	switch {
	case err != nil:
		return err
	case act == nil && here == nil:
		return nil
	case act == nil:
		act = here
	case here != nil && here.Terms().ID() != act.Terms().ID():
		return types.Errorf(types.CodeAlreadyExists, "%s is another act, above block %d, than the backup's, above block %d", home.RestartFile(), here.Restart.Height, act.Restart.Height)
	}
	height := act.Restart.Height
	switch {
	case l.Height() < height:
		return types.Errorf(types.CodeRestartRefused, "the backup ends at block %d, the chain was restarted above block %d", l.Height(), height)
	case l.Base() > height: // it came from a snapshot, and is known by its own validators
		return nil
	}
	p, err := restartPoint(l, height)
	if err != nil {
		return err
	}
	if _, err := act.Act(p); err != nil {
		return err
	}
	if l.Height() == height {
		return nil
	}
	// The first block after a restart bears the act's time, and no other does.
	h, err := l.Header(height + 1)
	if err == nil && h.Time != act.Restart.Time.UnixNano() {
		err = types.Errorf(types.CodeRestartRefused, "the backup holds block %d of %s, which the chain gave up when it was restarted", h.Height, time.Unix(0, h.Time).UTC().Format(time.RFC3339))
	}
	return err
}

// placeRestart moves the act of a restored chain beside the genesis file.
func placeRestart(home ChainHome, draft string) error {
	from := restoredAct(home, draft)
	raw, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		if _, have := os.Stat(home.RestartFile()); errors.Is(have, fs.ErrNotExist) {
			err = WriteFile(home.RestartFile(), raw, 0o644)
		}
	}
	if err == nil {
		err = os.Remove(from)
	}
	if err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return nil
}
