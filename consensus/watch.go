package consensus

import (
	"context"
	"sync"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Committed tells where a transaction ended up.
type Committed struct {
	Height  uint64
	Index   uint32 // position in the block
	Receipt types.Receipt
}

// BlockEvent is one committed block, for subscribers. It is shared: do not change it.
type BlockEvent struct {
	Header   types.Header
	TxIDs    []crypto.Hash // in order
	Receipts []types.Receipt
	Events   []types.Event
}

// Watch waits for one transaction. Register it before the transaction is submitted, so
// that no outcome is missed.
type Watch struct {
	id     crypto.Hash
	hub    *hub
	result chan outcome
}

type outcome struct {
	committed *Committed
	err       error
}

// Wait returns the receipt once a block holds the transaction, whatever the receipt
// says. HC-2105 means that its validity ended first: it will never be committed. When
// ctx ends first the outcome is unknown (HC-1009), and may be asked for by id.
func (w *Watch) Wait(ctx context.Context) (*Committed, error) {
	select {
	case o := <-w.result:
		return o.committed, o.err
	case <-ctx.Done():
		return nil, types.Errorf(types.CodeOutcomeUnknown, "transaction %s: %w", w.id, ctx.Err())
	}
}

// Stop forgets the watch.
func (w *Watch) Stop() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	set := w.hub.watches[w.id]
	delete(set, w)
	if len(set) == 0 {
		delete(w.hub.watches, w.id)
	}
}

// hub tells watchers and subscribers what was committed. Safe for concurrent use.
type hub struct {
	mu      sync.Mutex
	watches map[crypto.Hash]map[*Watch]struct{}
	subs    map[chan *BlockEvent]struct{}
}

func newHub() *hub {
	return &hub{watches: map[crypto.Hash]map[*Watch]struct{}{}, subs: map[chan *BlockEvent]struct{}{}}
}

func (h *hub) watch(id crypto.Hash) *Watch {
	w := &Watch{id: id, hub: h, result: make(chan outcome, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watches[id] == nil {
		h.watches[id] = map[*Watch]struct{}{}
	}
	h.watches[id][w] = struct{}{}
	return w
}

// settle gives every watch of id its outcome. The caller holds mu.
func (h *hub) settle(id crypto.Hash, o outcome) {
	for w := range h.watches[id] {
		select {
		case w.result <- o:
		default: // has one already
		}
	}
	delete(h.watches, id)
}

// dropped tells that a transaction left the mempool without a block.
func (h *hub) dropped(id crypto.Hash, err *types.Error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle(id, outcome{err: err})
}

// subscribe returns a channel of committed blocks. It is closed when cancel is called
// and when the reader falls more than buffer blocks behind: what it missed is in the
// ledger.
func (h *hub) subscribe(buffer int) (blocks <-chan *BlockEvent, cancel func()) {
	ch := make(chan *BlockEvent, max(buffer, 1))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subs[ch] = struct{}{}
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.unsubscribe(ch)
	}
}

func (h *hub) unsubscribe(ch chan *BlockEvent) {
	if _, ok := h.subs[ch]; ok {
		delete(h.subs, ch)
		close(ch)
	}
}

// publish tells of a committed block. A transaction that found the block full is in it
// without having been used; it waits for another.
func (h *hub) publish(e *BlockEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.watches) > 0 {
		for i := range e.Receipts {
			if r := &e.Receipts[i]; r.Code != types.CodeBlockFull && h.watches[r.TxID] != nil {
				h.settle(r.TxID, outcome{committed: &Committed{Height: e.Header.Height, Index: uint32(i), Receipt: *r}})
			}
		}
	}
	for ch := range h.subs {
		select {
		case ch <- e:
		default:
			h.unsubscribe(ch)
		}
	}
}

// close ends all subscriptions.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.subs {
		h.unsubscribe(ch)
	}
}
