package consensus

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/cometbft/cometbft/p2p"

	"github.com/huchain/huchain/types"
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

func (b *penaltyBox) blocked(id p2p.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, ok := b.peers[id]
	return ok && b.now().Before(f.until)
}

// filter refuses links of peers that are cut off.
func (b *penaltyBox) filter(_ p2p.IPeerSet, p p2p.Peer) error {
	if b.blocked(p.ID()) {
		return fmt.Errorf("peer %s is cut off for a fault", p.ID())
	}
	return nil
}

// dialer keeps links to the configured peers. CometBFT's own reconnecting waits 5 to 8
// seconds, then hours, and gives up in the end.
type dialer struct {
	sw     *p2p.Switch
	box    *penaltyBox
	self   p2p.ID
	peers  []string // id@host:port
	maxGap time.Duration
	log    *slog.Logger
}

// checkPeerAddress accepts id@host:port; host may be a name that does not resolve yet.
func checkPeerAddress(s string) error {
	id, host, ok := strings.Cut(s, "@")
	if !ok || len(id) != 2*p2p.IDByteLength || strings.Trim(id, "0123456789abcdef") != "" || !strings.Contains(host, ":") {
		return types.Errorf(types.CodeConfig, "%q is no peer address: want 40 hex digits@host:port", s)
	}
	return nil
}

func peerID(address string) p2p.ID {
	id, _, _ := strings.Cut(address, "@")
	return p2p.ID(id)
}

// run dials until quit closes.
func (d *dialer) run(quit <-chan struct{}) {
	var wg sync.WaitGroup
	for _, address := range d.peers {
		if peerID(address) != d.self {
			wg.Go(func() { d.keep(address, quit) })
		}
	}
	wg.Wait()
}

// keep has one peer dialled whenever there is no link to it. Two nodes that dial each
// other at once may each refuse the other's link as a duplicate, so the one with the
// greater id leaves the first attempts to the other.
func (d *dialer) keep(address string, quit <-chan struct{}) {
	const look = 200 * time.Millisecond
	id := peerID(address)
	gap, wait := look, time.Duration(0)
	if d.self > id {
		wait = time.Second
	}
	linked := false
	for pause(quit, d.sw.Quit(), wait) {
		if d.sw.Peers().Has(id) {
			gap, wait, linked = look, look, true
			continue
		}
		if linked && d.self > id {
			linked, wait = false, 500*time.Millisecond
			continue
		}
		linked = false
		if !d.box.blocked(id) {
			d.dial(address)
		}
		gap = min(gap*3/2, d.maxGap)
		wait = gap/2 + rand.N(gap/2+1)
	}
}

func (d *dialer) dial(address string) {
	addr, err := p2p.NewNetAddressString(address) // resolves the name anew
	if err == nil {
		err = d.sw.DialPeerWithAddress(addr)
	}
	if err != nil {
		d.log.Debug("peer not reached", "peer", address, "err", err)
	}
}
