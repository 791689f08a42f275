package ledger

import (
	"encoding/binary"

	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// History is where the contents of released blocks are: an archive. Calls may run side by side.
type History interface {
	// Items returns the items of one kind of a block, as encoded. The ledger checks them.
	Items(height uint64, kind block.Kind) ([][]byte, error)
}

// Release gives up the contents of the blocks below a height: transactions, receipts,
// events, writes and commits. Headers, certificates and indexes stay, so that queries and
// proofs find what the archive has. The caller MUST have seen all of it in the archive.
// Genesis stays. It may run beside everything else.
func (l *Ledger) Release(below uint64) error {
	if err := l.usable(); err != nil {
		return err
	}
	l.releasing.Lock()
	defer l.releasing.Unlock()
	from := l.Hot()
	if below = min(below, l.Height()); below <= max(from, 1) {
		return nil
	}
	// First the word that they are elsewhere, then the rows: a crash in between leaves rows
	// that the next call removes.
	b := l.db.Batch()
	setSealed(b, hotKey, binary.BigEndian.AppendUint64(nil, below))
	if err := b.Commit(true); err != nil {
		return state.ReadError(err)
	}
	l.mu.Lock()
	l.hot = below
	l.mu.Unlock()
	return l.blocks.Release(below)
}

// Hot is the lowest height from 1 on whose contents are kept here; 0 if all are.
func (l *Ledger) Hot() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.hot
}

// released reports whether the contents of a block were given up: what is missing of it is
// not damaged, also if it was there a moment ago.
func (l *Ledger) released(height uint64) bool { return height > 0 && height < l.Hot() }

func (l *Ledger) readHot() error {
	body, found, err := l.sealed(hotKey)
	if err != nil || !found {
		return err
	}
	if len(body) != 8 {
		return state.Corrupt("malformed row of the lowest height with contents")
	}
	l.hot = binary.BigEndian.Uint64(body)
	return nil
}

// items reads kinds of a block's content, from here or from the archive.
func (l *Ledger) items(height uint64, kinds []block.Kind) ([][][]byte, error) {
	out := make([][][]byte, len(kinds))
	if !l.released(height) {
		parts, err := l.blocks.PartsOf(height, kinds...)
		if !l.released(height) { // still: else what was read may be half of it, or nothing
			if err != nil {
				return nil, err
			}
			for i, k := range kinds {
				out[i] = parts.Of(k)
			}
			return out, nil
		}
	}
	if l.p.History == nil {
		return nil, types.Errorf(types.CodeHeightUnknown, "the contents of block %d are archived, and this node reads no archive", height)
	}
	for i, k := range kinds {
		var err error
		if out[i], err = l.p.History.Items(height, k); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Refill takes released contents back, from a height up to the lowest that is kept.
// records calls put for them in order; what lies above is passed over. Each record must be
// that of the ledger's own header: HC-4101. Nothing counts as kept before all are there.
func (l *Ledger) Refill(from uint64, records func(put func(*archive.Record) error) error) error {
	if err := l.usable(); err != nil {
		return err
	}
	l.releasing.Lock()
	defer l.releasing.Unlock()
	hot, next := l.Hot(), from
	err := records(func(r *archive.Record) error {
		if r.Header.Height >= hot {
			return nil
		}
		if r.Header.Height != next {
			return types.Errorf(types.CodeInternal, "block %d comes where %d is due", r.Header.Height, next)
		}
		if err := l.refill(r, next == hot-1); err != nil {
			return err
		}
		next++
		return nil
	})
	if err != nil {
		return err
	}
	if next != hot {
		return types.Errorf(types.CodeInternal, "blocks %d to %d are missing", next, hot-1)
	}
	b := l.db.Batch()
	setSealed(b, hotKey, binary.BigEndian.AppendUint64(nil, from))
	if err := b.Commit(true); err != nil {
		return state.ReadError(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hot = from
	return nil
}

// refill takes one block back, the last one durably with all before it: an empty batch would
// not do that, since drivers write nothing for one.
func (l *Ledger) refill(r *archive.Record, last bool) error {
	h, err := l.Header(r.Header.Height)
	if err != nil {
		return err
	}
	if h.Hash() != r.Header.Hash() {
		return state.Corrupt("block %d of the archive is not the ledger's", h.Height)
	}
	if err := r.Verify(); err != nil {
		return err
	}
	return l.blocks.Refill(&block.Data{Height: h.Height, Txs: r.Txs, Receipts: r.Receipts, EventBytes: r.Events, Changes: r.Writes}, r.Commit, last)
}
