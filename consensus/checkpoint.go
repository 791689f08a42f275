package consensus

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"

	"github.com/huchain/huchain/types"
)

// Checkpoint copies CometBFT's stores into a folder and calls ledger to copy the ledger;
// no block is committed meanwhile, which takes as long as linking files does. The vote
// state, which lies elsewhere, and the write-ahead log are not copied.
//
// CometBFT goes on beside it, up to the commit of the next block. The block store is copied
// before the state store, so that what is copied is what a crash at some point would leave:
// the block store one block ahead of the state at most, the ledger at the one or the other.
func (n *Node) Checkpoint(dir string, ledger func() error) error {
	if !n.gate.enter() {
		return types.Errorf(types.CodeNotReady, "this node is stopping")
	}
	defer n.gate.leave()
	if n.o.ReadOnly {
		return n.readOnly()
	}
	e := n.engine.Load()
	if e == nil {
		return types.Errorf(types.CodeNotReady, "this node is starting")
	}
	n.app.committing.Lock()
	defer n.app.committing.Unlock()
	for _, db := range e.dbs { // in the order in which they were opened: blocks, state, evidence
		if err := db.(*store).checkpoint(dir); err != nil {
			return err
		}
	}
	return ledger()
}

// CheckpointStopped copies CometBFT's stores of a node that does not run.
func CheckpointStopped(dataDir, dir string) (err error) {
	for _, name := range []string{"blocks", "consensus", "evidence"} {
		from := filepath.Join(dataDir, name)
		if _, err := os.Stat(from); errors.Is(err, os.ErrNotExist) {
			return types.Errorf(types.CodeNotFound, "%s is missing: the node has never run", from)
		}
		db, err := openStore(from, 1<<20, slog.New(slog.DiscardHandler))
		if err != nil {
			return types.Errorf(types.CodeDiskFailure, "%w", err)
		}
		if err := errors.Join(db.checkpoint(dir), db.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) checkpoint(dir string) error {
	err := s.write(func() error { return s.db.Checkpoint(filepath.Join(dir, s.name), pebble.WithFlushedWAL()) })
	if err != nil {
		return types.Errorf(types.CodeDiskFailure, "copy of CometBFT's store %s: %w", s.name, err)
	}
	return nil
}
