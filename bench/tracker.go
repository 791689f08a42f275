package bench

import (
	"sync"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// tracker knows which transactions are on their way and counts what became of them.
type tracker struct {
	mu      sync.Mutex
	pending map[crypto.Hash]time.Time // submission, or when it was due in an open loop
	room    chan struct{}             // one token for each transaction that may be in flight
	window  *window                   // what is being measured, nil outside
}

// window is what happened while measuring.
type window struct {
	start, end time.Time
	committed  uint64
	refused    map[string]uint64 // error code → transactions committed without effect or not accepted
	latency    histogram
	blocks     uint64
	lastBlock  time.Time
	interval   histogram // between blocks that hold transactions
	perSecond  []uint64
	bytes      uint64 // of complete transactions submitted
	bodyBytes  uint64
	submitted  uint64
}

func newTracker(inFlight int) *tracker {
	t := &tracker{pending: make(map[crypto.Hash]time.Time, inFlight), room: make(chan struct{}, inFlight)}
	for range inFlight {
		t.room <- struct{}{}
	}
	return t
}

// measure starts a new window.
func (t *tracker) measure(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.window = &window{start: now, refused: map[string]uint64{}}
}

// finish ends the window and returns it.
func (t *tracker) finish(now time.Time) *window {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.window
	w.end = now
	t.window = nil
	return w
}

// sent notes transactions about to be submitted.
func (t *tracker) sent(txs []*signed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range txs {
		t.pending[s.tx.ID()] = s.due
		if w := t.window; w != nil {
			w.submitted++
			w.bytes += uint64(len(s.tx.Bytes()))
			w.bodyBytes += uint64(len(s.tx.BodyBytes))
		}
	}
}

// rejected notes a transaction that no node took.
func (t *tracker) rejected(id crypto.Hash, code types.Code) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle(id)
	if t.window != nil {
		t.window.refused[code.String()]++
	}
}

// settle forgets a pending transaction and gives its place free. mu is held.
func (t *tracker) settle(id crypto.Hash) (due time.Time, ok bool) {
	if due, ok = t.pending[id]; ok {
		delete(t.pending, id)
		t.room <- struct{}{}
	}
	return due, ok
}

// block notes a committed block as its outcomes arrive.
func (t *tracker) block(o *rest.Outcomes, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	refused := make(map[uint32]string, len(o.Refused))
	for _, r := range o.Refused {
		refused[r.Index] = r.Code
	}
	w := t.window
	ours := false
	for i, id := range o.TxIDs {
		due, ok := t.settle(id)
		if !ok || w == nil {
			continue
		}
		ours = true
		if code, bad := refused[uint32(i)]; bad {
			w.refused[code]++
			continue
		}
		w.count(now.Sub(due), now)
	}
	if w != nil && ours {
		w.blocks++
		if !w.lastBlock.IsZero() {
			w.interval.add(o.Time.Sub(w.lastBlock))
		}
		w.lastBlock = o.Time
	}
}

func (w *window) count(latency time.Duration, now time.Time) {
	w.committed++
	w.latency.add(latency)
	second := int(now.Sub(w.start) / time.Second)
	for len(w.perSecond) <= second {
		w.perSecond = append(w.perSecond, 0)
	}
	w.perSecond[second]++
}

// left is how many transactions are in flight.
func (t *tracker) left() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.pending)
}
