package ledger

import (
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// served is one kind of content of one block, checked against its root.
type served struct {
	items    [][]byte // as encoded
	receipts []types.Receipt
	events   []types.Event
	changes  []Change
}

type servedKey struct {
	height uint64
	kind   block.Kind
}

// serve reads one kind of a block's content and checks it: HC-4101 if it was altered.
func (l *Ledger) serve(height uint64, kind block.Kind) (*served, error) {
	all, err := l.serveEach(height, kind)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// serveEach is serve for several kinds; what is not at hand is read at once.
func (l *Ledger) serveEach(height uint64, kinds ...block.Kind) ([]*served, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	if err := l.kept(height); err != nil {
		return nil, err
	}
	out := make([]*served, len(kinds))
	var missing []block.Kind
	var at []int // of missing
	for i, kind := range kinds {
		var ok bool
		if out[i], ok = l.served.Get(servedKey{height, kind}); !ok {
			missing, at = append(missing, kind), append(at, i)
		}
	}
	if len(missing) == 0 {
		return out, nil
	}
	_, content, err := l.checkedHead(height)
	if err != nil {
		return nil, err
	}
	items, err := l.items(height, missing)
	if err != nil {
		return nil, err
	}
	for i, kind := range missing {
		if out[at[i]], err = l.check(height, kind, items[i], &content); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// check decodes items that were read and keeps them at hand if they have their root.
func (l *Ledger) check(height uint64, kind block.Kind, items [][]byte, content *proof.Content) (*served, error) {
	s := &served{items: items}
	if err := s.decode(kind); err != nil {
		return nil, state.Corrupt("block %d: %w", height, err)
	}
	root, count, want, wantCount := s.root(height, kind, content)
	if root != want || count != wantCount {
		return nil, state.Corrupt("block %d: stored %s do not have the root of the header", height, kindName(kind))
	}
	l.served.Add(servedKey{height, kind}, s)
	return s, nil
}

// kept refuses heights whose blocks were given up.
func (l *Ledger) kept(height uint64) error {
	if base := l.Base(); height < base {
		return types.Errorf(types.CodeHeightUnknown, "block %d is not kept here; the oldest kept is %d", height, base)
	}
	return nil
}

func kindName(k block.Kind) string {
	switch k {
	case block.KindTxs:
		return "transactions"
	case block.KindReceipts:
		return "receipts"
	case block.KindEvents:
		return "events"
	}
	return "writes"
}

func (s *served) decode(kind block.Kind) error {
	for _, it := range s.items {
		switch kind {
		case block.KindReceipts:
			r, err := types.DecodeReceipt(it)
			if err != nil {
				return err
			}
			s.receipts = append(s.receipts, r)
		case block.KindEvents:
			e, err := types.DecodeEvent(it)
			if err != nil {
				return err
			}
			s.events = append(s.events, e)
		case block.KindWrites:
			c, err := block.DecodeChange(it)
			if err != nil {
				return err
			}
			s.changes = append(s.changes, c)
		}
	}
	return nil
}

// hashes are the items under the list root.
func (s *served) hashes(height uint64, kind block.Kind) []crypto.Hash {
	if kind != block.KindWrites {
		return crypto.SumEach(s.items)
	}
	records := make([]proof.WriteRecord, len(s.changes))
	for i := range s.changes {
		records[i] = s.changes[i].Record(height)
	}
	return proof.HashRecords(records)
}

func (s *served) root(height uint64, kind block.Kind, c *proof.Content) (root crypto.Hash, count uint64, want crypto.Hash, wantCount uint64) {
	if height == 0 && kind == block.KindWrites { // under no list root; it is the whole state
		return state.RootOf(s.leaves()), 0, c.State, 0
	}
	root, count = proof.ListRoot(s.hashes(height, kind)), uint64(len(s.items))
	switch kind {
	case block.KindTxs:
		return root, count, c.Txs, c.TxCount
	case block.KindReceipts:
		return root, count, c.Receipts, c.TxCount
	case block.KindEvents:
		return root, count, c.Events, c.EventCount
	}
	return root, count, c.WriteSet, c.WriteCount
}

// leaves are the state leaves of the genesis write set.
func (s *served) leaves() []state.Leaf {
	out := make([]state.Leaf, len(s.changes))
	for i := range s.changes {
		r := s.changes[i].Record(0)
		out[i] = state.Leaf{Key: r.KeyHash, Value: r.ValueHash}
	}
	return out
}

// serveTip keeps what was just committed at hand.
func (l *Ledger) serveTip(c *Candidate) {
	h := c.block.Height
	l.served.Add(servedKey{h, block.KindTxs}, &served{items: c.data.Txs})
	l.served.Add(servedKey{h, block.KindReceipts}, &served{items: c.data.Receipts, receipts: c.block.Receipts})
	l.served.Add(servedKey{h, block.KindEvents}, &served{items: c.data.EventBytes, events: c.block.Events})
	l.served.Add(servedKey{h, block.KindWrites}, &served{items: c.data.Changes, changes: c.changes})
}

// BlockTxs returns the complete transactions of a block in order, checked against the
// transaction root. The result MUST NOT be modified.
func (l *Ledger) BlockTxs(height uint64) ([][]byte, error) {
	s, err := l.serve(height, block.KindTxs)
	if err != nil {
		return nil, err
	}
	return s.items, nil
}

// BlockReceipts returns the transactions of a block with their receipts, each checked
// against its root. The result MUST NOT be modified.
func (l *Ledger) BlockReceipts(height uint64) ([][]byte, []types.Receipt, error) {
	of, err := l.serveEach(height, block.KindTxs, block.KindReceipts)
	if err != nil {
		return nil, nil, err
	}
	return of[0].items, of[1].receipts, nil
}

// Receipts returns the receipts of a block in order, checked against the receipt root.
func (l *Ledger) Receipts(height uint64) ([]types.Receipt, error) {
	s, err := l.serve(height, block.KindReceipts)
	if err != nil {
		return nil, err
	}
	return s.receipts, nil
}

// Events returns the events of a block in order, checked against the event root.
func (l *Ledger) Events(height uint64) ([]types.Event, error) {
	s, err := l.serve(height, block.KindEvents)
	if err != nil {
		return nil, err
	}
	return s.events, nil
}

// Contents returns everything that a block holds, checked against its header. The result MUST
// NOT be modified.
func (l *Ledger) Contents(height uint64) (*proof.Contents, error) {
	h, err := l.Header(height)
	if err != nil {
		return nil, err
	}
	out := &proof.Contents{Header: h}
	if out.Content, err = l.Content(height); err != nil {
		return nil, err
	}
	of, err := l.serveEach(height, block.KindTxs, block.KindReceipts, block.KindEvents, block.KindWrites)
	if err != nil {
		return nil, err
	}
	out.Txs, out.Receipts, out.Events = of[0].items, of[1].items, of[2].items
	changes := of[3].changes
	out.Writes = make([]proof.WritePart, len(changes))
	for i := range changes {
		c, w := &changes[i], &out.Writes[i]
		*w = proof.WritePart{NS: c.NS, Key: c.Key, Deleted: c.Delete, TxIndex: c.TxIndex, HasPrevious: c.HasPrevious, PrevHeight: c.PrevHeight, PrevTx: c.PrevTx}
		if !c.Delete {
			w.Value = c.Value
		}
	}
	return out, nil
}
