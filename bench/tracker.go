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
	last    *window                   // the window before, for what was due in it and comes late
	top     uint64                    // height of the newest block that holds a transaction of ours
}

// window is what happened while measuring. Committed are those whose block came within
// it; latency is that of all which were due within it, however late their block came.
type window struct {
	start, end time.Time // end is zero while it is open
	committed  uint64
	refused    map[string]uint64 // error code → transactions committed without effect or not accepted
	latency    histogram
	blocks     uint64
	lastBlock  time.Time
	interval   histogram // between blocks that hold transactions
	sizes      sizes     // transactions of ours in each of them
	perSecond  []uint64
	bytes      uint64 // of complete transactions submitted
	bodyBytes  uint64
	submitted  uint64
	due        uint64 // submitted, of those due within the window
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

// finish ends the window and returns it. Latencies of what was due in it are added until
// close is called.
func (t *tracker) finish(now time.Time) *window {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.window
	w.end = now
	t.window, t.last = nil, w
	return w
}

// close makes a finished window the caller's alone.
func (t *tracker) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = nil
}

// dueIn returns the window in which something was due, nil if none is of interest.
func (t *tracker) dueIn(due time.Time) *window {
	for _, w := range []*window{t.window, t.last} {
		if w != nil && !due.Before(w.start) && (w.end.IsZero() || due.Before(w.end)) {
			return w
		}
	}
	return nil
}

// sent notes transactions about to be submitted.
func (t *tracker) sent(txs []*signed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range txs {
		t.pending[s.tx.ID()] = s.due
		if w := t.dueIn(s.due); w != nil {
			w.due++
		}
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

// forget gives up a transaction that its submitter has answered for.
func (t *tracker) forget(id crypto.Hash) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle(id)
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
	w, ours := t.window, 0
	for i, id := range o.TxIDs {
		due, ok := t.settle(id)
		if !ok {
			continue
		}
		ours++
		if code, bad := refused[uint32(i)]; bad {
			if w != nil {
				w.refused[code]++
			}
			continue
		}
		if d := t.dueIn(due); d != nil {
			d.latency.add(now.Sub(due))
		}
		if w != nil {
			w.count(now)
		}
	}
	if ours > 0 {
		t.top = o.Height
	}
	if w != nil && ours > 0 {
		w.blocks++
		w.sizes.add(ours)
		if !w.lastBlock.IsZero() {
			w.interval.add(o.Time.Sub(w.lastBlock))
		}
		w.lastBlock = o.Time
	}
}

func (w *window) count(now time.Time) {
	w.committed++
	second := int(now.Sub(w.start) / time.Second)
	for len(w.perSecond) <= second {
		w.perSecond = append(w.perSecond, 0)
	}
	w.perSecond[second]++
}

// missed adds those that were due in an open loop and never sent, n of them in steps of
// one every gap: each has waited at least from when it was due to the end.
func (w *window) missed(n uint64, gap time.Duration) {
	for i := range n {
		w.latency.add(time.Duration(i+1) * gap)
	}
}

// left is how many transactions are in flight.
func (t *tracker) left() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.pending)
}

// height is that of the newest block that holds a transaction of the run.
func (t *tracker) height() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.top
}

// committed is the count of the open window.
func (t *tracker) committed() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.window == nil {
		return 0
	}
	return t.window.committed
}
