package consensus

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
	gogo "github.com/cosmos/gogoproto/types"

	"github.com/huchain/huchain/types"
)

// CarrierChannel is the channel of carriers between peers.
const CarrierChannel = byte(0x71)

// Messages of the channel: their first byte.
const (
	msgCarrier    byte = 0x01 // ‖ types.EncodeList of 1 to MaxCarrierTxs transactions
	msgOfferAgain byte = 0x02 // "I have only now begun to take transactions"
)

// minOfferAgain is how often a peer may ask for everything once more.
const minOfferAgain = 5 * time.Second

// carrierReactor moves transactions between mempools in carriers. The origin alone
// sends a transaction, to every peer: validators form a full mesh, where relaying
// would cost each of them as many more receptions as it has peers. Where an origin is
// gone, those that have its transactions take its place.
type carrierReactor struct {
	p2p.BaseReactor
	p       *Params
	m       *metrics
	pool    *pool
	admit   *admitter
	blame   func(peer p2p.Peer, err error) // cuts off a peer that sent what none may
	enabled atomic.Bool

	mu      sync.Mutex
	feeders map[p2p.ID]*feeder
}

// feeder is the goroutine that offers the pool to one peer.
type feeder struct {
	quit  chan struct{}
	again chan struct{} // the peer asks to start over
	asked time.Time     // guarded by the reactor's mu
}

func newCarrierReactor(p *Params, m *metrics, q *pool, a *admitter, blame func(p2p.Peer, error)) *carrierReactor {
	r := &carrierReactor{p: p, m: m, pool: q, admit: a, blame: blame, feeders: map[p2p.ID]*feeder{}}
	r.BaseReactor = *p2p.NewBaseReactor("Carrier", r)
	return r
}

// GetChannels implements p2p.Reactor.
func (r *carrierReactor) GetChannels() []*conn.ChannelDescriptor {
	return []*conn.ChannelDescriptor{{
		ID: CarrierChannel, Priority: 5, SendQueueCapacity: 16, RecvBufferCapacity: 64 << 10,
		RecvMessageCapacity: MaxCarrierBytes + 16, MessageType: &gogo.BytesValue{},
	}}
}

// EnableInOutTxs is called once this node has caught up: by block sync, which looks for
// this method on the reactor named MEMPOOL. Before that a transaction cannot be judged,
// so what peers sent so far was ignored and is asked for again.
func (r *carrierReactor) EnableInOutTxs() {
	if r.enabled.Swap(true) || r.Switch == nil {
		return
	}
	r.Switch.BroadcastAsync(p2p.Envelope{ChannelID: CarrierChannel, Message: &gogo.BytesValue{Value: []byte{msgOfferAgain}}})
}

// Receive runs on the connection's goroutine, which consensus messages share: it must
// not block and does no work to speak of.
func (r *carrierReactor) Receive(e p2p.Envelope) {
	m, ok := e.Message.(*gogo.BytesValue)
	if !ok || len(m.Value) == 0 {
		r.blame(e.Src, errors.New("empty message on the carrier channel"))
		return
	}
	switch m.Value[0] {
	case msgCarrier:
		if len(m.Value) > MaxCarrierBytes {
			r.blame(e.Src, fmt.Errorf("carrier of %d bytes", len(m.Value)))
			return
		}
		if !r.enabled.Load() {
			return
		}
		r.m.carriersIn.Inc()
		if !r.admit.offer(string(e.Src.ID()), m.Value[1:]) {
			r.m.carrierDrops.Inc()
		}
	case msgOfferAgain:
		r.offerAgain(e.Src.ID())
	default:
		r.blame(e.Src, fmt.Errorf("message %#x on the carrier channel", m.Value[0]))
	}
}

func (r *carrierReactor) offerAgain(id p2p.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.feeders[id]
	if f == nil || time.Since(f.asked) < minOfferAgain {
		return
	}
	f.asked = time.Now()
	select {
	case f.again <- struct{}{}:
	default:
	}
}

// AddPeer starts to offer the pool to a peer.
func (r *carrierReactor) AddPeer(peer p2p.Peer) {
	f := &feeder{quit: make(chan struct{}), again: make(chan struct{}, 1)}
	r.mu.Lock()
	old := r.feeders[peer.ID()]
	r.feeders[peer.ID()] = f
	r.mu.Unlock()
	if old != nil {
		close(old.quit)
	}
	r.pool.linked(string(peer.ID()), true)
	go r.feed(peer, f)
}

// RemovePeer implements p2p.Reactor.
func (r *carrierReactor) RemovePeer(peer p2p.Peer, _ any) {
	r.mu.Lock()
	f := r.feeders[peer.ID()]
	delete(r.feeders, peer.ID())
	r.mu.Unlock()
	if f != nil {
		close(f.quit)
	}
	r.admit.peerGone(string(peer.ID()))
	r.pool.linked(string(peer.ID()), false)
}

// feed sends own transactions to one peer until it is gone: the first after a pause at
// once, those that follow in carriers that are full or CarrierLinger apart.
func (r *carrierReactor) feed(peer p2p.Peer, f *feeder) {
	cur := r.pool.start()
	var sent time.Time
	for peer.IsRunning() && r.IsRunning() {
		txs, next, more := r.pool.next(cur)
		if wait := r.p.CarrierLinger - time.Since(sent); len(txs) > 0 && len(txs) < MaxCarrierTxs && wait > 0 {
			if !pause(f.quit, r.Quit(), wait) {
				return
			}
			txs, next, more = r.pool.next(cur)
		}
		if len(txs) > 0 {
			if !r.send(peer, txs) {
				// The queue was full for 10 s, or the peer is stopping: try again.
				if !pause(f.quit, r.Quit(), 20*time.Millisecond) {
					return
				}
				continue
			}
			cur, sent = next, time.Now()
			select {
			case <-f.again:
				cur = r.pool.start()
			default:
			}
			continue
		}
		cur = next
		select {
		case <-more:
		case <-f.again:
			cur = r.pool.start()
		case <-f.quit:
			return
		case <-r.Quit():
			return
		}
	}
}

func (r *carrierReactor) send(peer p2p.Peer, txs [][]byte) bool {
	size := 1
	for _, tx := range txs {
		size += len(tx) + 4
	}
	msg := append(make([]byte, 0, size), msgCarrier)
	for _, tx := range txs {
		msg = types.AppendListItem(msg, tx)
	}
	if !peer.Send(p2p.Envelope{ChannelID: CarrierChannel, Message: &gogo.BytesValue{Value: msg}}) {
		return false
	}
	r.m.carriersOut.Inc()
	r.m.carrierTxsOut.Add(float64(len(txs)))
	return true
}

// pause waits for d; false if one of the channels closed meanwhile.
func pause(quit, stop <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-quit:
		return false
	case <-stop:
		return false
	case <-t.C:
		return true
	}
}
