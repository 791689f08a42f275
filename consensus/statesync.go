package consensus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	cfg "github.com/cometbft/cometbft/config"
	cmtlog "github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/light"
	"github.com/cometbft/cometbft/p2p"
	ssproto "github.com/cometbft/cometbft/proto/tendermint/statesync"
	"github.com/cometbft/cometbft/proxy"
	sm "github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/statesync"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/huchain/huchain/ledger/snapshot"
)

// maxOffers bounds the snapshots that one peer may offer while a node joins.
const maxOffers = 8 * MaxSnapshots

func snapshotsRequest() *ssproto.SnapshotsRequest { return &ssproto.SnapshotsRequest{} }

// syncConfig are CometBFT's settings of state sync.
func syncConfig() cfg.StateSyncConfig {
	c := *cfg.DefaultStateSyncConfig()
	c.ChunkFetchers, c.ChunkRequestTimeout = 4, 5*time.Second
	c.MaxSnapshotChunks = snapshot.MaxChunks
	return c
}

// snapshotReactor is CometBFT's state sync reactor behind a filter. A node that serves
// takes no answers; one that joins takes only offers whose anchor holds, and so learns
// which header of a height to trust before CometBFT asks for it.
type snapshotReactor struct {
	*statesync.Reactor
	trust *trusted // nil: this node only serves
}

func newServingReactor(conns proxy.AppConns, log cmtlog.Logger) *snapshotReactor {
	r := &snapshotReactor{Reactor: statesync.NewReactor(syncConfig(), conns.Snapshot(), conns.Query(), statesync.NopMetrics())}
	r.SetLogger(log.With("module", "statesync"))
	return r
}

// Receive implements p2p.Reactor.
func (r *snapshotReactor) Receive(e p2p.Envelope) {
	switch m := e.Message.(type) {
	case *ssproto.SnapshotsRequest, *ssproto.ChunkRequest:
		if r.trust != nil {
			return // nothing to serve yet
		}
	case *ssproto.SnapshotsResponse:
		if r.trust == nil || !r.trust.offered(e.Src, m) {
			return
		}
	case *ssproto.ChunkResponse:
		if r.trust == nil {
			return
		}
	}
	r.Reactor.Receive(e)
}

// trusted holds the anchors that were offered and hold. It is the StateProvider of state
// sync: light-client trust from the genesis file, over the links to the peers.
type trusted struct {
	origin *origin
	blame  func(p2p.Peer, error)
	found  chan struct{} // closed with the first good offer

	mu      sync.Mutex
	offers  map[p2p.ID]int
	anchors map[uint64]*offer // by height
	last    p2p.Peer          // a peer that made a good offer
	ended   bool
}

var _ statesync.StateProvider = (*trusted)(nil)

func newTrusted(o *origin, blame func(p2p.Peer, error)) *trusted {
	return &trusted{origin: o, blame: blame, found: make(chan struct{}), offers: map[p2p.ID]int{}, anchors: map[uint64]*offer{}}
}

// offered judges an offer; a peer that makes a bad one is cut off.
func (t *trusted) offered(peer p2p.Peer, m *ssproto.SnapshotsResponse) bool {
	t.mu.Lock()
	t.offers[peer.ID()]++
	tooMany := t.offers[peer.ID()] > maxOffers
	t.mu.Unlock()
	if tooMany {
		t.blame(peer, fmt.Errorf("more than %d snapshots offered", maxOffers))
		return false
	}
	if m.Format != snapshot.Format {
		return false // of a later program, perhaps
	}
	o, err := decodeOffer(m.Metadata)
	if err == nil {
		err = o.check(t, m)
	}
	if err != nil {
		t.blame(peer, fmt.Errorf("snapshot offered for height %d: %w", m.Height, err))
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.anchors[m.Height], t.last = o, peer
	select {
	case <-t.found:
	default:
		close(t.found)
	}
	return true
}

func (o *offer) check(t *trusted, m *ssproto.SnapshotsResponse) error {
	if hash := o.manifest.Hash(); o.manifest.Header.Height != m.Height || o.manifest.Chunks() != m.Chunks || string(hash[:]) != string(m.Hash) {
		return errors.New("the manifest is not of this height, hash and number of chunks")
	}
	return o.anchor.verify(t.origin, &o.manifest.Header)
}

func (t *trusted) at(height uint64) (*offer, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return nil, light.ErrNoWitnesses // what ends state sync at once
	}
	if o := t.anchors[height]; o != nil {
		return o, nil
	}
	return nil, fmt.Errorf("no header of height %d is trusted", height)
}

// AppHash implements statesync.StateProvider.
func (t *trusted) AppHash(_ context.Context, height uint64) ([]byte, error) {
	o, err := t.at(height)
	if err != nil {
		return nil, err
	}
	return o.manifest.Header.Content[:], nil
}

// Commit implements statesync.StateProvider.
func (t *trusted) Commit(_ context.Context, height uint64) (*cmttypes.Commit, error) {
	o, err := t.at(height)
	if err != nil {
		return nil, err
	}
	return o.anchor.commit, nil
}

// State implements statesync.StateProvider.
func (t *trusted) State(_ context.Context, height uint64) (sm.State, error) {
	o, err := t.at(height)
	if err != nil {
		return sm.State{}, err
	}
	return o.anchor.state(t.origin)
}

// end makes a running state sync return: it asks for nothing but the next offer.
func (t *trusted) end(r *statesync.Reactor) {
	t.mu.Lock()
	t.ended = true
	peer := t.last
	t.mu.Unlock()
	if peer != nil {
		r.Receive(p2p.Envelope{Src: peer, ChannelID: statesync.SnapshotChannel, Message: &ssproto.SnapshotsResponse{
			Height: 1 << 62, Format: snapshot.Format, Chunks: 1, Hash: []byte{0},
		}})
	}
}
