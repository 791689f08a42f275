package ledger

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/state"
)

// Copied says what a checkpoint holds. Finish MUST be called.
type Copied struct {
	Height         uint64
	Content, State crypto.Hash // roots of that height

	rest []frozenStore // not written yet
}

// frozenStore is a store of a driver that links no files, as it was at the checkpoint.
type frozenStore struct {
	snapshot driver.Snapshot
	dir      string
}

// Checkpoint copies both stores into a folder. No block may be committed meanwhile;
// everything else may go on. It takes little time: a driver's files are linked, and where
// the driver has none of that kind the store is frozen, and Finish writes its rows (see
// RowsDir) while blocks are committed again.
func (l *Ledger) Checkpoint(dir string) (*Copied, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	t := l.tipNow()
	c := &Copied{Height: t.height, Content: t.content, State: l.st.Root()}
	// Blocks first: what is released in between is gone from the copy of the state store's
	// word, not from the copy of the blocks.
	err := c.add(l.blocks.DB(), dir, "blocks")
	if err == nil {
		err = c.add(l.db, dir, "state")
	}
	if err != nil {
		return nil, errors.Join(err, c.drop())
	}
	return c, nil
}

func (c *Copied) add(db driver.DB, dir, name string) error {
	if linked, ok := db.(driver.Checkpointer); ok {
		return state.ReadError(linked.Checkpoint(filepath.Join(dir, name)))
	}
	s, err := db.Snapshot()
	if err == nil {
		c.rest = append(c.rest, frozenStore{s, filepath.Join(dir, RowsDir, name)})
	}
	return state.ReadError(err)
}

// Finish writes what the checkpoint left, durably. The ledger MUST be open.
func (c *Copied) Finish(ctx context.Context) error {
	var err error
	for i := range c.rest {
		if err == nil {
			err = writeRows(ctx, c.rest[i].snapshot, c.rest[i].dir)
		}
	}
	return errors.Join(err, c.drop())
}

func (c *Copied) drop() error {
	var errs []error
	for _, s := range c.rest {
		errs = append(errs, state.ReadError(s.snapshot.Close()))
	}
	c.rest = nil
	return errors.Join(errs...)
}
