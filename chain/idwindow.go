package chain

import (
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// IDWindow remembers the transaction ids used in the last types.Window of block time,
// which is as long as any of them could still be replayed. It is a function of the
// committed blocks alone. It is not safe for concurrent use with Add.
type IDWindow struct {
	used   map[crypto.Hash]struct{}
	blocks []usedBlock // ascending by time
}

type usedBlock struct {
	timeNs int64
	ids    []crypto.Hash
}

// NewIDWindow returns an empty window.
func NewIDWindow() *IDWindow { return &IDWindow{used: map[crypto.Hash]struct{}{}} }

// Has reports whether id was used inside the window.
func (w *IDWindow) Has(id crypto.Hash) bool { _, ok := w.used[id]; return ok }

// Len returns the number of ids held.
func (w *IDWindow) Len() int { return len(w.used) }

// Add records the ids used by the block of time timeNs and forgets those whose
// transactions are void by then. Blocks must come in order.
func (w *IDWindow) Add(timeNs int64, ids []crypto.Hash) {
	if len(ids) > 0 {
		w.blocks = append(w.blocks, usedBlock{timeNs, ids})
		for _, id := range ids {
			w.used[id] = struct{}{}
		}
	}
	horizon := types.WindowStart(timeNs)
	n := 0
	for n < len(w.blocks) && w.blocks[n].timeNs < horizon {
		for _, id := range w.blocks[n].ids {
			delete(w.used, id)
		}
		n++
	}
	w.blocks = w.blocks[n:]
}
