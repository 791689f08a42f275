package consensus

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/proxy"
	sm "github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/statesync"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/consensus/links"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/snapshot"
	"github.com/huchain/huchain/types"
)

// JoinOptions say what to join and where the ledger shall be.
type JoinOptions struct {
	LedgerDir string // must not exist
	Driver    driver.Opener
	Genesis   *chain.Genesis
	Restart   *types.Restart                 // the act that the chain was last restarted with; nil for none
	Link      func() (*tlcp.Identity, error) // as Options.Link
	Peers     []string
	Logger    *slog.Logger
}

// Join makes the ledger of a fresh node out of a snapshot of its peers and returns its
// height; New and Start go on from there. It waits until a peer offers one, and for as
// long as ctx lasts. The snapshot's header is trusted for its finality certificate by the
// validators of the genesis file; a peer that sends a chunk which the header does not
// cover is cut off, and others are asked.
func Join(ctx context.Context, p Params, o JoinOptions) (uint64, error) {
	if err := p.Validate(); err != nil {
		return 0, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if len(o.Peers) == 0 {
		return 0, types.Errorf(types.CodeConfig, "joining by snapshot needs peers")
	}
	for _, peer := range o.Peers {
		if _, _, err := links.ParseAddress(peer); err != nil {
			return 0, types.Errorf(types.CodeConfig, "%w", err)
		}
	}
	j := &joiner{p: p, o: o}
	if err := j.wire(); err != nil {
		return 0, err
	}
	defer j.stop()
	return j.run(ctx)
}

// joiner is what runs while a node joins: links, state sync, and nothing of consensus.
type joiner struct {
	p     Params
	o     JoinOptions
	app   *joinApp
	conns proxy.AppConns
	sw    *links.Switch
	trust *trusted
	sync  *statesync.Reactor
}

func (j *joiner) wire() error {
	origin, err := newOrigin(j.o.Genesis, j.o.Restart)
	if err != nil {
		return err
	}
	genesis, err := sm.MakeGenesisState(origin.doc)
	if err != nil {
		return types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	admission := &admission{genesis: j.o.Genesis, log: j.o.Logger}
	self, err := admission.self(j.o.Link)
	if err != nil {
		return err
	}
	log := &cometLogger{log: j.o.Logger, onFail: func(err error) { j.o.Logger.Error("joining", "err", err) }}
	j.app = &joinApp{o: &j.o, blame: j.blameID}
	j.conns = proxy.NewAppConns(proxy.NewConnSyncLocalClientCreator(j.app), proxy.NopMetrics())
	j.conns.SetLogger(log.With("module", "proxy"))
	if err := j.conns.Start(); err != nil {
		return err
	}
	j.trust = newTrusted(origin, j.blame)
	j.sync = statesync.NewReactor(syncConfig(), j.conns.Snapshot(), j.conns.Query(), statesync.NopMetrics())
	j.sync.SetLogger(log.With("module", "statesync"))

	j.sw, err = links.NewSwitch(links.Params{
		Self: self, TLCP: admission.config(j.o.Link), Chain: origin.doc.ChainID,
		Block: genesis.Version.Consensus.Block, App: genesis.Version.Consensus.App,
		Peers: j.o.Peers, MaxPeers: j.p.MaxPeers, RedialInterval: j.p.RedialInterval,
		MConn: p2p.MConnConfig(cometConfig(&j.p, "").P2P), Logger: log.With("module", "links"),
	})
	if err != nil {
		return types.Errorf(types.CodeConfig, "%w", err)
	}
	j.sw.AddReactor("STATESYNC", &snapshotReactor{Reactor: j.sync, trust: j.trust})
	return j.sw.Start()
}

// discovery is the least time that CometBFT looks for snapshots before it takes one.
const discovery = 5 * time.Second

func (j *joiner) run(ctx context.Context) (uint64, error) {
	if err := j.await(ctx); err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	go func() { // outlives the call only where state sync finds no offer to end on
		_, _, err := j.sync.Sync(j.trust, discovery)
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			return j.app.height(), nil
		}
		return 0, j.app.failure(err)
	case <-ctx.Done():
		j.app.abort(ctx.Err())
		j.trust.end(j.sync)
		return 0, ctx.Err()
	}
}

// await asks for snapshots until a good one is offered.
func (j *joiner) await(ctx context.Context) error {
	ask := time.NewTicker(time.Second)
	defer ask.Stop()
	for n := 1; ; n++ {
		select {
		case <-j.trust.found:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-ask.C:
			j.sw.TryBroadcast(p2p.Envelope{ChannelID: statesync.SnapshotChannel, Message: snapshotsRequest()})
			if n%10 == 0 {
				j.o.Logger.Warn("no peer offers a snapshot yet; without one this node can only replay the chain (stateSync.enable = false)",
					"peers", j.sw.Peers().Size(), "waitedSeconds", n)
			}
		}
	}
}

func (j *joiner) stop() {
	if j.sw.IsRunning() {
		_ = j.sw.Stop() // its only error is not to be running
	}
	j.sw.Close()
	j.app.discard()
	if j.conns.IsRunning() {
		_ = j.conns.Stop()
	}
}

func (j *joiner) blame(p p2p.Peer, err error) {
	j.o.Logger.Warn("peer cut off", "peer", p.ID(), "for", j.sw.Blame(p, err), "err", err)
}

func (j *joiner) blameID(id string, err error) {
	if p := j.sw.Peers().Get(p2p.ID(id)); p != nil {
		j.blame(p, err)
	}
}

// joinApp is the application that state sync restores into.
type joinApp struct {
	abci.BaseApplication
	o     *JoinOptions
	blame func(id string, err error)

	mu      sync.Mutex
	offer   *offer
	restore *snapshot.Restore // nil before an offer is taken and once it is finished
	done    *types.Header     // the restored header
	failed  error             // why nothing can be restored here
}

// Info implements the ABCI: state sync checks what was restored.
func (a *joinApp) Info(context.Context, *abci.RequestInfo) (*abci.ResponseInfo, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	res := &abci.ResponseInfo{Data: "huchain"}
	if a.done != nil {
		res.LastBlockHeight, res.LastBlockAppHash = int64(a.done.Height), a.done.Content[:]
	}
	return res, nil
}

// OfferSnapshot implements the ABCI. The offer was verified when it came in; its manifest
// must be of the very content root that is trusted.
func (a *joinApp) OfferSnapshot(_ context.Context, r *abci.RequestOfferSnapshot) (*abci.ResponseOfferSnapshot, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer := func(res abci.ResponseOfferSnapshot_Result) (*abci.ResponseOfferSnapshot, error) {
		return &abci.ResponseOfferSnapshot{Result: res}, nil
	}
	if a.failed != nil {
		return answer(abci.ResponseOfferSnapshot_ABORT)
	}
	o, err := decodeOffer(r.Snapshot.Metadata)
	if err == nil {
		_, err = o.anchor.follow(a.o.Genesis, r.Snapshot.Height) // names the signers of each change
	}
	if err != nil || string(o.manifest.Header.Content[:]) != string(r.AppHash) {
		return answer(abci.ResponseOfferSnapshot_REJECT)
	}
	a.drop()
	restore, err := snapshot.NewRestore(o.manifest, a.o.LedgerDir, a.o.Genesis.Hash(), a.o.Driver)
	if err != nil {
		if types.CodeOf(err) == types.CodeSnapshotInvalid {
			return answer(abci.ResponseOfferSnapshot_REJECT)
		}
		a.failed = err
		return answer(abci.ResponseOfferSnapshot_ABORT)
	}
	a.o.Logger.Info("restoring a snapshot", "height", o.manifest.Header.Height, "chunks", o.manifest.Chunks())
	a.offer, a.restore = o, restore
	return answer(abci.ResponseOfferSnapshot_ACCEPT)
}

// ApplySnapshotChunk implements the ABCI.
func (a *joinApp) ApplySnapshotChunk(_ context.Context, r *abci.RequestApplySnapshotChunk) (*abci.ResponseApplySnapshotChunk, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed != nil || a.restore == nil {
		return &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_ABORT}, nil
	}
	if r.Index != a.restore.Next() {
		return &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_RETRY_SNAPSHOT}, a.again()
	}
	err := a.restore.Apply(r.Chunk)
	if err == nil && a.restore.Next() == a.offer.manifest.Chunks() {
		if err = a.restore.Finish(a.offer.raw, a.offer.anchor.changes, a.offer.anchor.records); err == nil {
			a.done, a.restore = &a.offer.manifest.Header, nil
		}
	}
	switch {
	case err == nil:
		return &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_ACCEPT}, nil
	case types.CodeOf(err) == types.CodeSnapshotInvalid && a.restore.Next() < a.offer.manifest.Chunks():
		go a.blame(r.Sender, fmt.Errorf("snapshot of height %d, chunk %d: %w", a.offer.manifest.Header.Height, r.Index, err))
		return &abci.ResponseApplySnapshotChunk{
			Result: abci.ResponseApplySnapshotChunk_RETRY, RefetchChunks: []uint32{r.Index}, RejectSenders: []string{r.Sender},
		}, nil
	}
	a.failed = err
	return &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_ABORT}, nil
}

// again begins the same snapshot anew. The caller holds mu.
func (a *joinApp) again() error {
	a.drop()
	var err error
	a.restore, err = snapshot.NewRestore(a.offer.manifest, a.o.LedgerDir, a.o.Genesis.Hash(), a.o.Driver)
	return err
}

// drop gives up what is being restored. The caller holds mu.
func (a *joinApp) drop() {
	if a.restore != nil {
		if err := a.restore.Discard(); err != nil {
			a.o.Logger.Error("half-restored ledger not removed", "err", err)
		}
		a.restore = nil
	}
}

func (a *joinApp) discard() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop()
}

// abort makes all further calls fail with err.
func (a *joinApp) abort(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed == nil {
		a.failed = err
	}
}

// failure is why joining ended: this node's own reason, or else what state sync says.
func (a *joinApp) failure(err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed != nil {
		return a.failed
	}
	return types.Errorf(types.CodeSnapshotUnavailable, "state sync: %w", err)
}

func (a *joinApp) height() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.done.Height
}
