package consensus

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	dbm "github.com/cometbft/cometbft-db"
	"github.com/cometbft/cometbft/blocksync"
	cfg "github.com/cometbft/cometbft/config"
	cs "github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/evidence"
	cmtlog "github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/proxy"
	sm "github.com/cometbft/cometbft/state"
	cmtstore "github.com/cometbft/cometbft/store"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/huchain/huchain/consensus/links"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/types"
)

// engine is CometBFT, put together from its exported constructors in the order of its
// own node.NewNode, over our own links. Left out are RPC and indexer; joining by
// snapshot comes before, see Join.
type engine struct {
	log     *slog.Logger
	dbs     []dbm.DB
	blocks  *cmtstore.BlockStore
	states  sm.Store
	bus     *cmttypes.EventBus
	conns   proxy.AppConns
	state   *cs.State
	reactor *cs.Reactor
	sw      peerSwitch
	listen  string
	restart *restart
}

// peerSwitch is what an engine needs of its links.
type peerSwitch interface {
	p2p.Switcher
	Listen() error // takes the address; before Start
	Close()        // ends what Stop leaves
	// Blame cuts a peer off for a fault and returns for how long.
	Blame(p p2p.Peer, err error) time.Duration
	// NetInfo lists the linked, wanted and cut off peers in order of their names.
	NetInfo() []links.Peer
}

// engineParts is what an engine is made of.
type engineParts struct {
	p        *Params
	dataDir  string
	listen   string // host:port
	origin   *origin
	app      *app
	client   proxy.ClientCreator // connections to app, each with a lock of its own
	guard    *voteGuard          // nil for a follower
	tlcp     *tlcp.Config
	self     p2p.ID // org/name
	mempool  cometMempool
	carriers *carrierReactor
	certs    *certificateReactor
	peers    []string
	release  string
	traffic  links.Metrics
	// newSwitch makes the links. Benchmarks put CometBFT's own in their place.
	newSwitch func(links.Params) (peerSwitch, error)
	metrics   *cometMetrics
	log       cmtlog.Logger
}

// cometConfig are CometBFT's settings. Its double-sign check (DoubleSignCheckHeight)
// stays off: it refuses to start a validator that finds its own vote in the last
// blocks, which is every restart; voteGuard does what it is meant for.
func cometConfig(p *Params, dataDir string) *cfg.Config {
	c := cfg.DefaultConfig()
	c.SetRoot(dataDir)
	c.P2P.SendRate, c.P2P.RecvRate = p.LinkRate, p.LinkRate
	c.P2P.FlushThrottleTimeout = p.FlushThrottle
	c.P2P.MaxPacketMsgPayloadSize = 64 << 10
	c.Storage.DiscardABCIResponses = true // our receipts hold more
	c.Consensus.TimeoutPropose, c.Consensus.TimeoutProposeDelta = p.TimeoutPropose, p.TimeoutPropose/2
	c.Consensus.TimeoutPrevote, c.Consensus.TimeoutPrevoteDelta = p.TimeoutPrevote, p.TimeoutPropose/2
	c.Consensus.TimeoutPrecommit, c.Consensus.TimeoutPrecommitDelta = p.TimeoutPrecommit, p.TimeoutPropose/2
	c.Consensus.TimeoutCommit, c.Consensus.SkipTimeoutCommit = 0, true
	c.Consensus.PeerGossipSleepDuration = p.GossipSleep
	c.Consensus.CreateEmptyBlocks = false
	c.Consensus.CreateEmptyBlocksInterval = p.Heartbeat
	c.Consensus.SetWalFile(filepath.Join(dataDir, "wal", "wal"))
	return c
}

// newEngine opens the stores, replays what the ledger lacks, and wires everything. On
// an error it closes what it opened.
func newEngine(ctx context.Context, parts *engineParts) (e *engine, err error) {
	e = &engine{log: parts.app.log, restart: parts.app.restart}
	defer func() {
		if r := recover(); r != nil { // CometBFT panics on stores that contradict one another
			err = types.Errorf(types.CodeLedgerMismatch, "consensus stores and ledger do not fit together: %v", r)
		}
		if err != nil {
			e.close()
			e = nil
		}
	}()
	config := cometConfig(parts.p, parts.dataDir)
	if err := e.openStores(parts); err != nil {
		return e, err
	}
	state, err := e.handshake(ctx, parts)
	if err != nil {
		return e, err
	}
	return e, e.wireConsensus(parts, config, state, parts.blockSync(state))
}

func (e *engine) openStores(parts *engineParts) error {
	open := func(name string, memTableBytes uint64) (*store, error) {
		dir := filepath.Join(parts.dataDir, name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
		}
		db, err := openStore(dir, memTableBytes, parts.app.log)
		if err != nil {
			return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
		}
		e.dbs = append(e.dbs, db)
		return db, nil
	}
	blocks, err := open("blocks", 32<<20)
	if err != nil {
		return err
	}
	states, err := open("consensus", 8<<20)
	if err != nil {
		return err
	}
	e.blocks = cmtstore.NewBlockStore(blocks)
	e.states = sm.NewStore(states, sm.StoreOptions{DiscardABCIResponses: true})
	parts.app.commitIn = e.commitIn
	return nil
}

// commitIn implements app.commitIn. A node that joined by snapshot lacks the block of its
// first height, and what it carried: the ledger has that block's record from the snapshot.
func (e *engine) commitIn(height uint64) ([]byte, error) {
	if e.restart.opens(height + 1) {
		return e.restart.commit, nil
	}
	c := e.blocks.LoadBlockCommit(int64(height) - 1)
	if c == nil {
		return nil, nil
	}
	raw, err := c.ToProto().Marshal()
	if err != nil {
		return nil, types.Errorf(types.CodeInternal, "commit in block %d: %w", height, err)
	}
	return raw, nil
}

// begin writes the state under which empty stores go on with a ledger.
func (e *engine) begin(parts *engineParts) error {
	l := parts.app.ledger
	if e.restart != nil && l.Height() == e.restart.act.Height {
		return e.restart.resume(parts.app, parts.origin.doc, e.states)
	}
	return bootstrap(l, parts.origin, e.states, e.blocks)
}

// handshake brings ledger and stores to the same height.
func (e *engine) handshake(ctx context.Context, parts *engineParts) (sm.State, error) {
	state, err := e.states.LoadFromDBOrGenesisDoc(parts.origin.doc)
	if err != nil {
		return state, types.Errorf(types.CodeDiskFailure, "consensus state: %w", err)
	}
	if state.ChainID != parts.origin.doc.ChainID {
		code := types.CodeLedgerMismatch
		if e.restart != nil {
			code = types.CodeRestartRefused
		}
		return state, types.Errorf(code, "data folder belongs to chain %s, not %s", state.ChainID, parts.origin.doc.ChainID)
	}
	if state.LastBlockHeight == 0 && parts.app.ledger.Height() > 0 && e.blocks.IsEmpty() {
		if err := e.begin(parts); err != nil {
			return state, err
		}
		if state, err = e.states.LoadFromDBOrGenesisDoc(parts.origin.doc); err != nil {
			return state, types.Errorf(types.CodeDiskFailure, "consensus state: %w", err)
		}
	}
	e.conns = proxy.NewAppConns(parts.client, proxy.NopMetrics())
	e.conns.SetLogger(parts.log.With("module", "proxy"))
	if err := e.conns.Start(); err != nil {
		return state, err
	}
	e.bus = cmttypes.NewEventBusWithBufferCapacity(100)
	e.bus.SetLogger(parts.log.With("module", "events"))
	if err := e.bus.Start(); err != nil {
		return state, err
	}
	hs := cs.NewHandshaker(e.states, parts.app.restart.replayed(state), e.blocks, parts.origin.doc)
	hs.SetLogger(parts.log.With("module", "handshake"))
	hs.SetEventBus(e.bus)
	if err := hs.HandshakeWithContext(ctx, e.conns); err != nil {
		var coded *types.Error
		if errors.As(err, &coded) || ctx.Err() != nil {
			return state, err
		}
		return state, types.Errorf(types.CodeLedgerMismatch, "replay: %w", err)
	}
	if state, err = e.states.Load(); err != nil {
		return state, types.Errorf(types.CodeDiskFailure, "consensus state: %w", err)
	}
	if parts.guard != nil {
		parts.guard.inspect(state.LastBlockHeight, e.blocks.LoadSeenCommit(state.LastBlockHeight))
	}
	return state, nil
}

// blockSync reports whether there is anyone to sync from: all but a lone validator.
func (parts *engineParts) blockSync(state sm.State) bool {
	return !(state.Validators.Size() == 1 && len(parts.app.address) > 0 && state.Validators.HasAddress(parts.app.address))
}

func (e *engine) wireConsensus(parts *engineParts, config *cfg.Config, state sm.State, blockSync bool) error {
	parts.mempool.EnableTxsAvailable() // before cs.NewState, which reads the channel once
	if !blockSync {
		parts.carriers.enabled.Store(true)
	}
	evidenceDir := filepath.Join(parts.dataDir, "evidence")
	if err := os.MkdirAll(evidenceDir, 0o700); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	db, err := openStore(evidenceDir, 1<<20, parts.app.log)
	if err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	e.dbs = append(e.dbs, db)
	evpool, err := evidence.NewPool(db, e.states, e.blocks)
	if err != nil {
		return err
	}
	evpool.SetLogger(parts.log.With("module", "evidence"))
	exec := sm.NewBlockExecutor(e.states, parts.log.With("module", "state"), e.conns.Consensus(), parts.mempool, evpool, e.blocks,
		sm.BlockExecutorWithBlockTimeTolerance(config.Consensus.BlockTimeTolerance), sm.BlockExecutorWithMetrics(parts.metrics.state))
	imported, err := e.importedHeight(state)
	if err != nil {
		return err
	}
	sync := blocksync.NewReactor(blockSync, false, state.Copy(), exec, e.blocks, parts.app.address, imported, parts.metrics.blocksync)
	sync.SetLogger(parts.log.With("module", "blocksync"))

	consensus := cs.NewState(config.Consensus, state.Copy(), exec, e.blocks, parts.mempool, evpool, cs.StateMetrics(parts.metrics.consensus),
		cs.OfflineStateSyncHeight(imported))
	consensus.SetLogger(parts.log.With("module", "consensus"))
	if parts.guard != nil {
		consensus.SetPrivValidator(parts.guard)
	}
	e.state = consensus
	e.reactor = cs.NewReactor(consensus, blockSync, cs.ReactorMetrics(parts.metrics.consensus))
	e.reactor.SetLogger(parts.log.With("module", "consensus"))
	e.reactor.SetEventBus(e.bus) // passes it on to state and executor
	return e.wireSwitch(parts, config, state, sync, evpool)
}

// importedHeight is the height at which the stores begin without a block, as bootstrap
// leaves them; 0 where blocks tell.
func (e *engine) importedHeight(state sm.State) (int64, error) {
	if !e.blocks.IsEmpty() || state.LastBlockHeight == 0 {
		return 0, nil
	}
	h, err := e.states.GetOfflineStateSyncHeight()
	if err != nil || h != state.LastBlockHeight {
		return 0, types.Errorf(types.CodeLedgerMismatch, "consensus is at height %d, but its block store is empty", state.LastBlockHeight)
	}
	return h, nil
}

// wireSwitch attaches the reactors. Block sync finds the mempool's and the consensus
// reactor by the names MEMPOOL and CONSENSUS.
func (e *engine) wireSwitch(parts *engineParts, config *cfg.Config, state sm.State, sync *blocksync.Reactor, evpool *evidence.Pool) error {
	mconn := p2p.MConnConfig(config.P2P)
	mconn.PingInterval, mconn.PongTimeout = 10*time.Second, 8*time.Second // a dead host is noticed in 18 s
	sw, err := parts.newSwitch(links.Params{
		Self: parts.self, TLCP: parts.tlcp, Chain: parts.origin.doc.ChainID,
		Block: state.Version.Consensus.Block, App: state.Version.Consensus.App,
		Listen: parts.listen, Advertise: parts.p.Advertise, Peers: parts.peers,
		MaxPeers: parts.p.MaxPeers, RedialInterval: parts.p.RedialInterval,
		MConn: mconn, Metrics: parts.traffic, Release: parts.release, Logger: parts.log.With("module", "links"),
	})
	if err != nil {
		return types.Errorf(types.CodeConfig, "%w", err)
	}
	e.sw, e.listen = sw, parts.listen
	evReactor := evidence.NewReactor(evpool)
	evReactor.SetLogger(parts.log.With("module", "evidence"))
	parts.carriers.SetLogger(parts.log.With("module", "carrier"))
	parts.certs.SetLogger(parts.log.With("module", "certificate"))
	e.sw.AddReactor("MEMPOOL", parts.carriers)
	e.sw.AddReactor("BLOCKSYNC", sync)
	e.sw.AddReactor("CONSENSUS", e.reactor)
	e.sw.AddReactor("EVIDENCE", evReactor)
	e.sw.AddReactor("CERTIFICATE", parts.certs)
	e.sw.AddReactor("STATESYNC", newServingReactor(e.conns, parts.log))
	return nil
}

// start listens and lets peers in.
func (e *engine) start() error {
	if err := e.sw.Listen(); err != nil {
		return types.Errorf(types.CodePortTaken, "listen on %s: %w", e.listen, err)
	}
	err := e.sw.Start()
	if errors.Is(err, links.ErrPanic) {
		return types.Errorf(types.CodeLedgerMismatch, "consensus stores cannot be read: %w", err)
	}
	return err
}

// stop ends links and consensus; nothing calls the app afterwards.
func (e *engine) stop() {
	if e.sw == nil {
		return
	}
	if e.sw.IsRunning() {
		_ = e.sw.Stop() // its only error is not to be running
	}
	e.sw.Close()
}

// close releases the stores.
func (e *engine) close() {
	if e.bus != nil && e.bus.IsRunning() {
		_ = e.bus.Stop()
	}
	if e.conns != nil && e.conns.IsRunning() {
		_ = e.conns.Stop()
	}
	for _, db := range e.dbs {
		if err := db.Close(); err != nil {
			e.log.Error("store not closed cleanly", "err", err)
		}
	}
	e.dbs = nil
}
