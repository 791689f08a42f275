package links

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
	gogo "github.com/cosmos/gogoproto/types"
)

// Peer exchange: each node tells its peers which others it is linked to, and dials those
// that it hears of while it has room. Addresses need not be believed: whoever answers
// there must show the certificate of the name.
const (
	ExchangeChannel = byte(0x73)

	maxBook         = 256 // addresses kept
	maxTold         = 64  // in one message
	maxToldBytes    = maxTold * (maxAddress + 160)
	exchangeTime    = 30 * time.Second
	minExchangeTime = exchangeTime / 3 // between messages of one peer
	wantedPeers     = 8                // links below which heard-of peers are dialled
)

// book is the reactor of peer exchange.
type book struct {
	p2p.BaseReactor
	sw *Switch

	mu    sync.Mutex
	heard map[p2p.ID]entry
	last  map[p2p.ID]time.Time // message of each peer
}

type entry struct {
	address string
	failed  int
}

func newBook(s *Switch) *book {
	b := &book{sw: s, heard: map[p2p.ID]entry{}, last: map[p2p.ID]time.Time{}}
	b.BaseReactor = *p2p.NewBaseReactor("PEX", b)
	b.SetLogger(s.Logger)
	return b
}

// OnStart implements service.Service.
func (b *book) OnStart() error {
	b.sw.wg.Go(b.run)
	return nil
}

// GetChannels implements p2p.Reactor.
func (b *book) GetChannels() []*conn.ChannelDescriptor {
	return []*conn.ChannelDescriptor{{
		ID: ExchangeChannel, Priority: 1, SendQueueCapacity: 2, RecvMessageCapacity: maxToldBytes, MessageType: &gogo.BytesValue{},
	}}
}

// AddPeer implements p2p.Reactor.
func (b *book) AddPeer(p p2p.Peer) { b.tell(p) }

// RemovePeer implements p2p.Reactor.
func (b *book) RemovePeer(p p2p.Peer, _ any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.last, p.ID())
}

type told struct {
	ID      p2p.ID `json:"id"`
	Address string `json:"address"`
}

func decodeTold(raw []byte) ([]told, error) {
	var list []told
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("peer exchange: %w", err)
	}
	if len(list) > maxTold {
		return nil, fmt.Errorf("peer exchange with %d peers, at most %d", len(list), maxTold)
	}
	for _, t := range list {
		if _, _, err := ParseAddress(string(t.ID) + "@" + t.Address); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Receive implements p2p.Reactor.
func (b *book) Receive(e p2p.Envelope) {
	m, ok := e.Message.(*gogo.BytesValue)
	if !ok {
		b.sw.Blame(e.Src, errors.New("peer exchange of another type"))
		return
	}
	list, err := decodeTold(m.Value)
	if err == nil {
		err = b.note(e.Src.ID(), list)
	}
	if err != nil {
		b.sw.Blame(e.Src, err)
	}
}

func (b *book) note(from p2p.ID, list []told) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if now.Sub(b.last[from]) < minExchangeTime {
		return errors.New("peer exchange too often")
	}
	b.last[from] = now
	for _, t := range list {
		if t.ID == b.sw.params.Self || b.sw.isPersistent(t.ID) {
			continue
		}
		// One peer's word does not displace an address that has not failed.
		e, known := b.heard[t.ID]
		if !known && len(b.heard) < maxBook || known && e.failed > 0 && e.address != t.Address {
			b.heard[t.ID] = entry{address: t.Address}
		}
	}
	return nil
}

// tell sends a peer the addresses of the others.
func (b *book) tell(to p2p.Peer) {
	var list []told
	b.sw.peers.ForEach(func(p p2p.Peer) {
		if own, ok := p.(*link); ok && p.ID() != to.ID() && own.hello.Address != "" && len(list) < maxTold {
			list = append(list, told{p.ID(), own.hello.Address})
		}
	})
	if len(list) == 0 {
		return
	}
	raw, err := json.Marshal(list)
	if err != nil {
		b.Logger.Error("peer exchange not encoded", "err", err)
		return
	}
	to.TrySend(p2p.Envelope{ChannelID: ExchangeChannel, Message: &gogo.BytesValue{Value: raw}})
}

// run tells peers now and then, and dials those heard of while links are few.
func (b *book) run() {
	tick := time.Now()
	for b.sw.pause(2 * time.Second) {
		if time.Since(tick) > exchangeTime {
			tick = time.Now()
			for _, p := range b.sw.peers.Copy() { // tell looks at the set itself, whose lock is not for two
				b.tell(p)
			}
		}
		for _, c := range b.candidates() {
			if b.sw.peers.Size() >= max(wantedPeers, len(b.sw.persistent)) {
				break
			}
			err := b.sw.dial(c.ID, c.Address)
			b.mu.Lock()
			e := b.heard[c.ID]
			if e.failed++; err == nil {
				e.failed = 0
			}
			b.heard[c.ID] = e
			if e.failed > 5 {
				delete(b.heard, c.ID) // whoever is linked to it will name it again
			}
			b.mu.Unlock()
		}
	}
}

func (b *book) candidates() (out []told) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, e := range b.heard {
		if !b.sw.peers.Has(id) && !b.sw.box.blocked(id) {
			out = append(out, told{id, e.address})
		}
	}
	slices.SortFunc(out, func(x, y told) int { return b.heard[x.ID].failed - b.heard[y.ID].failed })
	return out[:min(len(out), 4)]
}
