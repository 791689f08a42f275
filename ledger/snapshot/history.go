package snapshot

import (
	"encoding/binary"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// A history chunk is a list of pieces, from the snapshot's height downwards:
//
//	u16 len ‖ header ‖ content ‖ u32 first ‖ u32 count ‖ hashes ‖ u32 len ‖ receipts
//
// A piece holds count receipts of a block from position first on, as types.EncodeList. Most hold all
// of them, and no hashes; those of a block that does not fit into one chunk hold the SM3
// of each of the block's receipts, so that every piece is verified on its own.
//
// History reaches down to the first block that is older than the window of used ids and
// to keptHeads blocks, or to height 1. The used ids follow from the receipts.

// historyWriter cuts blocks into history chunks.
type historyWriter struct {
	limit int
	chunk []byte
	emit  func(chunk []byte) error
}

// add appends a block.
func (w *historyWriter) add(h *types.Header, c *proof.Content, receipts [][]byte) error {
	head := h.Encode()
	head = append(append(binary.BigEndian.AppendUint16(nil, uint16(len(head))), head...), c.Encode()...)
	size := len(head) + 12
	for _, r := range receipts {
		size += len(r) + 5
	}
	if len(w.chunk) > 0 && len(w.chunk)+size > w.limit {
		if err := w.flush(); err != nil {
			return err
		}
	}
	var hashes []crypto.Hash
	if size > w.limit {
		hashes = crypto.SumEach(receipts)
	}
	for first := 0; first == 0 || first < len(receipts); {
		n, list := 0, []byte(nil)
		for n = first; n < len(receipts) && (hashes == nil || len(list) == 0 || len(list)+len(receipts[n])+5 <= w.limit); n++ {
			list = types.AppendListItem(list, receipts[n])
		}
		w.chunk = append(w.chunk, head...)
		w.chunk = binary.BigEndian.AppendUint32(w.chunk, uint32(first))
		w.chunk = binary.BigEndian.AppendUint32(w.chunk, uint32(n-first))
		if n-first < len(receipts) {
			for i := range hashes {
				w.chunk = append(w.chunk, hashes[i][:]...)
			}
		}
		w.chunk = append(binary.BigEndian.AppendUint32(w.chunk, uint32(len(list))), list...)
		if n < len(receipts) {
			if err := w.flush(); err != nil {
				return err
			}
		}
		if first = n; len(receipts) == 0 {
			break
		}
	}
	return nil
}

func (w *historyWriter) flush() error {
	if len(w.chunk) == 0 {
		return nil
	}
	err := w.emit(w.chunk)
	w.chunk = w.chunk[:0]
	return err
}

// history is what history chunks have led to so far. It is copied before each chunk, so
// that a bad one leaves no trace.
type history struct {
	top    types.Header
	want   crypto.Hash // hash of the next block's header
	height uint64      // of the next block
	first  uint32      // its next receipt
	ids    []crypto.Hash
	done   bool

	blocks []ledger.BaseBlock // descending
	used   []ledger.UsedIDs   // descending
}

func newHistory(m *Manifest) history {
	return history{top: m.Header, want: m.Header.Hash(), height: m.Header.Height}
}

// apply verifies one history chunk.
func (s *history) apply(chunk []byte) error {
	r := reader{rest: chunk}
	for len(r.rest) > 0 {
		if s.done {
			return invalid("history chunk: more blocks than the window of used ids needs")
		}
		if err := s.piece(&r); err != nil {
			return err
		}
	}
	return nil
}

func (s *history) piece(r *reader) error {
	h, err := types.DecodeHeader(r.take(int(r.u16())))
	if err != nil {
		return invalid("history chunk: %w", err)
	}
	c, err := proof.DecodeContent(r.take(proof.ContentSize))
	if err != nil {
		return invalid("history chunk: %w", err)
	}
	if h.Height != s.height || h.Genesis != s.top.Genesis || h.Hash() != s.want || c.Root() != h.Content {
		return invalid("history chunk: block %d does not hang on the header of height %d", s.height, s.top.Height)
	}
	first, count := r.u32(), r.u32()
	if r.short || first != s.first || uint64(first)+uint64(count) > c.TxCount || count == 0 && c.TxCount > 0 {
		return invalid("history chunk: receipts of block %d are out of order", h.Height)
	}
	var hashes []crypto.Hash
	if uint64(count) < c.TxCount {
		if c.TxCount > uint64(len(r.rest)/crypto.HashSize) {
			return invalid("history chunk: malformed")
		}
		for range c.TxCount {
			hashes = append(hashes, r.hash())
		}
	}
	list := r.take(int(r.u32()))
	if r.short {
		return invalid("history chunk: malformed")
	}
	if err := s.receipts(&h, &c, int(count), hashes, list); err != nil {
		return err
	}
	if s.first += count; uint64(s.first) == c.TxCount {
		s.block(&h, &c)
	}
	return nil
}

// receipts checks the receipts of a piece and gathers the ids they use up.
func (s *history) receipts(h *types.Header, c *proof.Content, count int, hashes []crypto.Hash, list []byte) error {
	var items [][]byte
	if count > 0 || len(list) > 0 {
		var err error
		if items, err = types.DecodeList(list, count); err != nil || len(items) != count {
			return invalid("history chunk: receipts of block %d: malformed", h.Height)
		}
	}
	sums := crypto.SumEach(items)
	if hashes == nil {
		hashes = sums
	}
	if proof.ListRoot(hashes) != c.Receipts {
		return invalid("history chunk: receipts of block %d do not have the root of its header", h.Height)
	}
	for i := range items {
		if sums[i] != hashes[(int(s.first)+i)%len(hashes)] {
			return invalid("history chunk: receipt %d of block %d was altered", int(s.first)+i, h.Height)
		}
		rc, err := types.DecodeReceipt(items[i])
		if err != nil {
			return invalid("history chunk: receipt of block %d: %w", h.Height, err)
		}
		if rc.UsesID() {
			s.ids = append(s.ids, rc.TxID)
		}
	}
	return nil
}

// block takes a block whose receipts are complete.
func (s *history) block(h *types.Header, c *proof.Content) {
	inWindow := h.Time >= types.WindowStart(s.top.Time)
	if inWindow && len(s.ids) > 0 {
		s.used = append(s.used, ledger.UsedIDs{Height: h.Height, Time: h.Time, IDs: s.ids})
	}
	if s.top.Height-h.Height < keptHeads {
		s.blocks = append(s.blocks, ledger.BaseBlock{Header: *h, Content: *c})
	}
	s.done = lowest(&s.top, h)
	s.want, s.height, s.first, s.ids = h.Previous, h.Height-1, 0, nil
}

// lowest reports whether the history of a snapshot ends with the block of header h.
func lowest(top, h *types.Header) bool {
	return h.Height == 1 || h.Time < types.WindowStart(top.Time) && top.Height-h.Height >= keptHeads-1
}
