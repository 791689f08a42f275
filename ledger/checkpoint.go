package ledger

import (
	"path/filepath"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// Copied says what a checkpoint holds.
type Copied struct {
	Height         uint64
	Content, State crypto.Hash // roots of that height
}

// Checkpoint copies both stores into a folder, which is then a ledger of its own. No block
// may be committed meanwhile; everything else may go on. HC-1004 if the driver cannot.
func (l *Ledger) Checkpoint(dir string) (*Copied, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	st, ok := l.db.(driver.Checkpointer)
	if !ok {
		return nil, types.Errorf(types.CodeConfig, "the storage driver of this ledger has no checkpoints: back up by its own means")
	}
	// Blocks first: what is released in between is gone from the copy of the state store's
	// word, not from the copy of the blocks.
	if err := l.blocks.Checkpoint(filepath.Join(dir, "blocks")); err != nil {
		return nil, err
	}
	if err := st.Checkpoint(filepath.Join(dir, "state")); err != nil {
		return nil, state.ReadError(err)
	}
	t := l.tipNow()
	return &Copied{Height: t.height, Content: t.content, State: l.st.Root()}, nil
}
