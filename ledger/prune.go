package ledger

import (
	"encoding/binary"

	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/state"
)

// Prune gives up the blocks below a height, by whole epochs of 2^block.EpochBits blocks, so
// up to that many more stay. State, window of used ids and headers of the last heights are
// not touched. What is gone answers with HC-4104, or with HC-1003 where it is looked up by
// id. It belongs to the goroutine that commits.
func (l *Ledger) Prune(below uint64) error {
	if err := l.usable(); err != nil {
		return err
	}
	base := block.EpochStart(min(below, l.Height()))
	if base <= l.Base() {
		return nil
	}
	// First the promise not to serve them, then the rows: a crash in between leaves rows
	// that the next call removes.
	b := l.db.Batch()
	setSealed(b, baseKey, binary.BigEndian.AppendUint64(nil, base))
	if err := b.Commit(true); err != nil {
		return state.ReadError(err)
	}
	l.mu.Lock()
	l.base = base
	l.mu.Unlock()
	return l.blocks.Prune(base)
}
