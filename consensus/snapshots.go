package consensus

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync/atomic"

	abci "github.com/cometbft/cometbft/abci/types"
	sm "github.com/cometbft/cometbft/state"
	cmtstore "github.com/cometbft/cometbft/store"

	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/snapshot"
	"github.com/huchain/huchain/types"
)

// MaxSnapshots bounds how many snapshots are kept: peers are offered no more.
const MaxSnapshots = 10

// snapshotter makes, anchors and gives up snapshots, beside consensus. The height is held
// by a view of the storage, so that no block waits.
type snapshotter struct {
	store  *snapshot.Store
	every  uint64 // 0: only on demand
	keep   int
	ledger Ledger
	blocks *cmtstore.BlockStore
	states sm.Store
	log    *slog.Logger
	m      *metrics

	oldest atomic.Uint64 // height of the oldest anchored snapshot

	due   chan *ledger.Frozen // at most one waits
	moved chan struct{}       // blocks were committed
}

func newSnapshotter(store *snapshot.Store, p *Params, l Ledger, log *slog.Logger, m *metrics) *snapshotter {
	return &snapshotter{store: store, every: p.SnapshotEvery, keep: p.SnapshotKeep, ledger: l, log: log, m: m,
		due: make(chan *ledger.Frozen, 1), moved: make(chan struct{}, 1)}
}

// committed is told of every block, in order. Every node freezes the same heights, so that
// all can serve the same snapshot.
func (s *snapshotter) committed(height uint64) {
	if s == nil {
		return
	}
	if s.every > 0 && height%s.every == 0 {
		s.freeze(height)
	}
	select {
	case s.moved <- struct{}{}:
	default:
	}
}

func (s *snapshotter) freeze(height uint64) {
	f, err := s.ledger.Freeze()
	if err != nil {
		s.log.Error("snapshot not begun", "height", height, "err", err)
		return
	}
	select {
	case s.due <- f:
	default: // the one before is still being written
		s.log.Warn("snapshot skipped: the one before is not finished", "height", height)
		s.close(f)
	}
}

func (s *snapshotter) close(f *ledger.Frozen) {
	if err := f.Close(); err != nil {
		s.log.Error("snapshot view not closed", "err", err)
	}
}

// run works until ctx ends.
func (s *snapshotter) run(ctx context.Context) {
	s.anchor()
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-s.due:
			if _, err := s.create(ctx, f); err != nil && ctx.Err() == nil {
				s.m.snapshotFailures.Inc()
				s.log.Error("snapshot not made", "height", f.Header.Height, "code", types.CodeOf(err).String(), "err", err)
			}
		case <-s.moved:
			s.anchor()
		}
	}
}

// drain lets go of a height that nobody came to write. run MUST have ended.
func (s *snapshotter) drain() {
	if s == nil {
		return
	}
	select {
	case f := <-s.due:
		s.close(f)
	default:
	}
}

// create makes the snapshot of a frozen height and lets the height go.
func (s *snapshotter) create(ctx context.Context, f *ledger.Frozen) (*snapshot.Info, error) {
	defer s.close(f)
	info, err := s.store.Create(ctx, f)
	if err != nil {
		return nil, err
	}
	s.log.Info("snapshot made", "height", info.Height, "chunks", info.Chunks, "bytes", info.Bytes)
	s.m.snapshotHeight.Set(float64(info.Height))
	if err := s.store.Keep(s.keep); err != nil {
		s.log.Error("old snapshots not removed", "err", err)
	}
	select {
	case s.moved <- struct{}{}:
	default:
	}
	return info, nil
}

// anchor adds anchors to the snapshots that can have one by now.
func (s *snapshotter) anchor() {
	heights, err := s.store.Heights()
	if err != nil {
		s.log.Error("snapshots not listed", "err", err)
		return
	}
	oldest := uint64(0)
	for _, h := range heights {
		_, err := s.store.Anchor(h)
		if err == nil && oldest == 0 {
			oldest = h
		}
		if types.CodeOf(err) != types.CodeNotFound {
			continue
		}
		a, err := makeAnchor(s.ledger, s.states, s.blocks, h)
		if err != nil {
			s.log.Error("snapshot not anchored", "height", h, "err", err)
			continue
		}
		if a == nil {
			continue
		}
		raw, err := a.encode()
		if err == nil {
			err = s.store.PutAnchor(h, raw)
		}
		if err != nil {
			s.log.Error("snapshot not anchored", "height", h, "err", err)
			continue
		}
		if oldest == 0 {
			oldest = h
		}
		s.log.Info("snapshot anchored", "height", h)
	}
	s.oldest.Store(oldest)
}

// CreateSnapshot makes a snapshot of the newest height. It can be used once the chain is
// three blocks further, see snapshot.Info.Anchored. HC-4302 if another is being made, or
// if the blocks of the window of used ids are not kept here.
func (n *Node) CreateSnapshot(ctx context.Context) (*snapshot.Info, error) {
	if n.snapshots == nil {
		return nil, types.Errorf(types.CodeConfig, "this node keeps no snapshots")
	}
	if n.o.ReadOnly {
		return nil, n.readOnly()
	}
	if !n.gate.enter() {
		return nil, types.Errorf(types.CodeNotReady, "this node is stopping")
	}
	defer n.gate.leave()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(n.ctx, cancel)()
	f, err := n.o.Ledger.Freeze()
	if err != nil {
		return nil, err
	}
	return n.snapshots.create(ctx, f)
}

// ListSnapshots implements the ABCI: what peers are offered.
func (a *app) ListSnapshots(context.Context, *abci.RequestListSnapshots) (*abci.ResponseListSnapshots, error) {
	res := &abci.ResponseListSnapshots{}
	if a.snapshots == nil {
		return res, nil
	}
	heights, err := a.snapshots.store.Heights()
	if err != nil {
		return nil, err
	}
	for _, h := range heights {
		o, err := readOffer(a.snapshots.store, h)
		if types.CodeOf(err) == types.CodeNotFound {
			continue // not anchored yet, or just removed
		}
		if err != nil {
			a.log.Error("snapshot not offered", "height", h, "err", err)
			continue
		}
		if a.restart.before(&o.manifest.Header) {
			continue // its anchor leads to votes of before: whoever joins would take it for a forgery
		}
		hash := o.manifest.Hash()
		res.Snapshots = append(res.Snapshots, &abci.Snapshot{
			Height: h, Format: snapshot.Format, Chunks: o.manifest.Chunks(), Hash: hash[:], Metadata: o.encode(),
		})
	}
	return res, nil
}

// LoadSnapshotChunk implements the ABCI. A chunk that is not there is nil: "missing".
func (a *app) LoadSnapshotChunk(_ context.Context, r *abci.RequestLoadSnapshotChunk) (*abci.ResponseLoadSnapshotChunk, error) {
	if a.snapshots == nil || r.Format != snapshot.Format {
		return &abci.ResponseLoadSnapshotChunk{}, nil
	}
	chunk, err := a.snapshots.store.Chunk(r.Height, r.Chunk)
	if types.CodeOf(err) == types.CodeNotFound {
		return &abci.ResponseLoadSnapshotChunk{}, nil
	}
	if err != nil {
		return nil, err
	}
	a.m.snapshotChunks.Inc()
	return &abci.ResponseLoadSnapshotChunk{Chunk: chunk}, nil
}

// offer is what travels as a snapshot's metadata: u32 len ‖ manifest ‖ anchor.
type offer struct {
	manifest *snapshot.Manifest
	raw      []byte // the anchor, encoded
	anchor   *anchor
}

func (o *offer) encode() []byte {
	m := o.manifest.Encode()
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(m))), m...), o.raw...)
}

func readOffer(store *snapshot.Store, height uint64) (*offer, error) {
	raw, err := store.Anchor(height)
	if err != nil {
		return nil, err
	}
	m, err := store.Manifest(height)
	if err != nil {
		return nil, err
	}
	a, err := decodeAnchor(raw)
	return &offer{manifest: m, raw: raw, anchor: a}, err
}

var errOffer = errors.New("snapshot metadata: malformed")

func decodeOffer(in []byte) (*offer, error) {
	if len(in) < 4 || uint64(binary.BigEndian.Uint32(in)) > uint64(len(in)-4) {
		return nil, errOffer
	}
	n := 4 + int(binary.BigEndian.Uint32(in))
	m, err := snapshot.DecodeManifest(in[4:n])
	if err != nil {
		return nil, err
	}
	a, err := decodeAnchor(in[n:])
	return &offer{manifest: m, raw: in[n:], anchor: a}, err
}
