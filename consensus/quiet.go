package consensus

import (
	"sync"
	"sync/atomic"
	"time"

	cs "github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/p2p"
)

// A chain is quiet when no message of consensus has come or gone for quietAfter. Gossip
// then looks every quietLook for something a peer lacks, and at once when a message passes.
const (
	quietAfter = time.Second
	quietLook  = 200 * time.Millisecond
)

// quietReactor is CometBFT's consensus reactor at rest while the chain is. CometBFT's
// gossip looks every GossipSleep, twice for each peer, also where nothing can have changed:
// most of what an idle validator costs. Whatever changes is told by a message: own steps
// and votes by a broadcast, a peer's by what it sends. The gossip's loops begin by asking
// whether the peer runs; there they wait.
type quietReactor struct {
	*cs.Reactor
	traffic *traffic
}

func newQuietReactor(r *cs.Reactor) *quietReactor { return &quietReactor{r, newTraffic()} }

// SetSwitch implements p2p.Reactor.
func (r *quietReactor) SetSwitch(sw p2p.Switcher) { r.Reactor.SetSwitch(heardSwitch{sw, r.traffic}) }

// InitPeer implements p2p.Reactor.
func (r *quietReactor) InitPeer(p p2p.Peer) p2p.Peer {
	r.Reactor.InitPeer(quietPeer{p, r.traffic})
	return p
}

// AddPeer implements p2p.Reactor.
func (r *quietReactor) AddPeer(p p2p.Peer) { r.Reactor.AddPeer(quietPeer{p, r.traffic}) }

// Receive implements p2p.Reactor.
func (r *quietReactor) Receive(e p2p.Envelope) {
	r.Reactor.Receive(e)
	r.traffic.passed()
}

// heardSwitch notes what the reactor sends to all.
type heardSwitch struct {
	p2p.Switcher
	traffic *traffic
}

// BroadcastAsync implements p2p.Broadcaster.
func (s heardSwitch) BroadcastAsync(e p2p.Envelope) {
	s.traffic.passed()
	s.Switcher.BroadcastAsync(e)
}

// TryBroadcast implements p2p.Broadcaster.
func (s heardSwitch) TryBroadcast(e p2p.Envelope) {
	s.traffic.passed()
	s.Switcher.TryBroadcast(e)
}

// quietPeer is a peer as the gossip knows it.
type quietPeer struct {
	p2p.Peer
	traffic *traffic
}

// IsRunning implements service.Service. It returns at once, or after quietLook at the
// latest where the chain is quiet.
func (p quietPeer) IsRunning() bool {
	p.traffic.await()
	return p.Peer.IsRunning()
}

// Send implements p2p.Peer.
func (p quietPeer) Send(e p2p.Envelope) bool {
	p.traffic.passed()
	return p.Peer.Send(e)
}

// TrySend implements p2p.Peer.
func (p quietPeer) TrySend(e p2p.Envelope) bool {
	p.traffic.passed()
	return p.Peer.TrySend(e)
}

// traffic knows when a message last passed.
type traffic struct {
	begin time.Time
	last  atomic.Int64 // nanoseconds from begin

	mu   sync.Mutex
	wake chan struct{} // closed by the first message after a quiet time
}

func newTraffic() *traffic { return &traffic{begin: time.Now(), wake: make(chan struct{})} }

func (t *traffic) quiet(last int64) bool { return time.Since(t.begin)-time.Duration(last) > quietAfter }

// passed notes a message, and wakes who awaits one.
func (t *traffic) passed() {
	if t.quiet(t.last.Swap(int64(time.Since(t.begin)))) {
		t.mu.Lock()
		defer t.mu.Unlock()
		close(t.wake)
		t.wake = make(chan struct{})
	}
}

// await returns at once unless the chain is quiet; then with the next message, or after
// quietLook.
func (t *traffic) await() {
	if !t.quiet(t.last.Load()) {
		return
	}
	t.mu.Lock()
	wake := t.wake
	t.mu.Unlock()
	if !t.quiet(t.last.Load()) {
		return // a message passed in between: wake may be of the next quiet time
	}
	look := time.NewTimer(quietLook)
	defer look.Stop()
	select {
	case <-wake:
	case <-look.C:
	}
}
