package snapshot

import (
	"context"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/types"
)

// Restore builds a ledger from a snapshot whose manifest's header the caller trusts. Chunks
// are applied in order; a bad one is refused and leaves no trace, so that another copy of
// it may follow. It belongs to one goroutine.
type Restore struct {
	m        *Manifest
	hash     crypto.Hash
	im       *ledger.Import
	next     uint32
	history  history
	prefixes []crypto.Hash // by entry of m.State
	entry    int           // next subtree
}

// NewRestore begins to restore into dir, where no ledger may be (HC-1011). The manifest
// MUST be of the chain with this genesis hash: HC-4301.
func NewRestore(m *Manifest, dir string, genesis crypto.Hash, open driver.Opener) (*Restore, error) {
	if m.Header.Genesis != genesis {
		return nil, invalid("the snapshot is of the chain with genesis %s, not %s", m.Header.Genesis, genesis)
	}
	f := fold{entries: m.State}
	if _, _, err := f.node(0, crypto.Hash{}); err != nil {
		return nil, err
	}
	im, err := ledger.NewImport(dir, genesis, open)
	if err != nil {
		return nil, err
	}
	return &Restore{m: m, hash: m.Hash(), im: im, history: newHistory(m), prefixes: f.prefixes}, nil
}

// Check verifies the snapshot of a height from end to end, without restoring it: HC-4301
// names the first chunk that is not what the manifest says. Whether the manifest's header
// is to be trusted is for the caller to know.
func (s *Store) Check(ctx context.Context, height uint64) (*Manifest, error) {
	m, err := s.Manifest(height)
	if err != nil {
		return nil, err
	}
	f := fold{entries: m.State}
	if _, _, err := f.node(0, crypto.Hash{}); err != nil {
		return nil, err
	}
	r := &Restore{m: m, history: newHistory(m), prefixes: f.prefixes}
	for i := range m.Chunks() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		chunk, err := s.Chunk(height, i)
		if err == nil {
			err = r.Apply(chunk)
		}
		if err != nil {
			return nil, types.Errorf(types.CodeSnapshotInvalid, "snapshot of height %d, chunk %d: %w", height, i, err)
		}
	}
	return m, nil
}

// Hash is that of the manifest.
func (r *Restore) Hash() crypto.Hash { return r.hash }

// Next is the index of the chunk that Apply takes next; Chunks() of the manifest at the end.
func (r *Restore) Next() uint32 { return r.next }

// Apply verifies the next chunk and takes it in. HC-4301 if it is not what the manifest
// says; other errors end the restoring.
func (r *Restore) Apply(chunk []byte) error {
	if len(chunk) > MaxChunkBytes {
		return invalid("chunk of %d bytes, at most %d", len(chunk), MaxChunkBytes)
	}
	if r.next < r.m.History {
		h := r.history
		if err := h.apply(chunk); err != nil {
			return err
		}
		last := r.next == r.m.History-1
		if h.done != last {
			return invalid("history chunk %d of %d: complete: %v", r.next+1, r.m.History, h.done)
		}
		r.history = h
		r.next++
		return nil
	}
	entry := r.entry
	for entry < len(r.m.State) && r.m.State[entry].Kind == kindEmpty {
		entry++
	}
	if entry == len(r.m.State) {
		return types.Errorf(types.CodeInternal, "snapshot of height %d: chunk after the last", r.m.Header.Height)
	}
	rows, err := checkState(&r.m.State[entry], &r.prefixes[entry], chunk)
	if err != nil {
		return err
	}
	if r.im != nil {
		if err := r.im.Put(rows); err != nil {
			return err
		}
	}
	r.entry = entry + 1
	r.next++
	return nil
}

// Finish makes the ledger, durable when it returns. anchor is kept in it, and so are the
// changes of the validator set up to its height and the peaks over the records up to it,
// which the caller trusts; see ledger.Base.
func (r *Restore) Finish(anchor []byte, changes []ledger.SetChange, records archive.Peaks) error {
	if r.next != r.m.Chunks() {
		return types.Errorf(types.CodeInternal, "snapshot of height %d: %d of %d chunks were applied", r.m.Header.Height, r.next, r.m.Chunks())
	}
	b := ledger.Base{Sets: r.m.Sets, Anchor: anchor, Changes: changes, Records: records}
	for i := len(r.history.blocks) - 1; i >= 0; i-- {
		blk := &r.history.blocks[i]
		if r.m.set(blk.Header.Signers) == nil || r.m.set(blk.Header.NextSigners) == nil {
			return invalid("a validator set of block %d is missing", blk.Header.Height)
		}
		b.Blocks = append(b.Blocks, *blk)
	}
	for i := len(r.history.used) - 1; i >= 0; i-- {
		b.Used = append(b.Used, r.history.used[i])
	}
	return r.im.Finish(b)
}

// Discard gives up and removes what was written.
func (r *Restore) Discard() error { return r.im.Discard() }
