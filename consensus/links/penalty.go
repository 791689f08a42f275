package links

import (
	"sync"
	"time"

	"github.com/cometbft/cometbft/p2p"
)

// penalty is how long a peer that sent what no honest node sends stays cut off. It
// doubles with each fault up to maxPenalty, and is forgotten after forgetFaults.
const (
	minPenalty   = 2 * time.Second
	maxPenalty   = 5 * time.Minute
	forgetFaults = 10 * time.Minute
	maxFaulty    = 1024 // peers remembered
)

// penaltyBox remembers faulty peers. Safe for concurrent use.
type penaltyBox struct {
	mu    sync.Mutex
	peers map[p2p.ID]faults
	now   func() time.Time
}

type faults struct {
	count int
	last  time.Time
	until time.Time
}

func newPenaltyBox() *penaltyBox { return &penaltyBox{peers: map[p2p.ID]faults{}, now: time.Now} }

// fault records one and returns for how long the peer is cut off.
func (b *penaltyBox) fault(id p2p.ID) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	f := b.peers[id]
	if now.Sub(f.last) > forgetFaults {
		f.count = 0
	}
	d := min(minPenalty<<min(f.count, 10), maxPenalty)
	b.peers[id] = faults{count: f.count + 1, last: now, until: now.Add(d)}
	if len(b.peers) > maxFaulty {
		for id, f := range b.peers {
			if now.Sub(f.last) > forgetFaults || len(b.peers) > 2*maxFaulty {
				delete(b.peers, id)
			}
		}
	}
	return d
}

// list copies what is remembered of late.
func (b *penaltyBox) list() map[p2p.ID]faults {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[p2p.ID]faults{}
	for id, f := range b.peers {
		if b.now().Sub(f.last) <= forgetFaults {
			out[id] = f
		}
	}
	return out
}

func (b *penaltyBox) blocked(id p2p.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, ok := b.peers[id]
	return ok && b.now().Before(f.until)
}

// forgive forgets faults of a peer that does its part, unless it is cut off.
func (b *penaltyBox) forgive(id p2p.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f, ok := b.peers[id]; ok && !b.now().Before(f.until) && b.now().Sub(f.last) > forgetFaults/2 {
		delete(b.peers, id)
	}
}
