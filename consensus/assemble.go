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
	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/evidence"
	cmtlog "github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/proxy"
	sm "github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/statesync"
	cmtstore "github.com/cometbft/cometbft/store"
	cmttypes "github.com/cometbft/cometbft/types"
	"github.com/cometbft/cometbft/version"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/types"
)

// engine is CometBFT, put together from its exported constructors in the order of its
// own node.NewNode. Left out are RPC, indexer, address book and peer exchange;
// joining by snapshot comes before, see Join.
type engine struct {
	log       *slog.Logger
	dbs       []dbm.DB
	blocks    *cmtstore.BlockStore
	states    sm.Store
	bus       *cmttypes.EventBus
	conns     proxy.AppConns
	reactor   *cs.Reactor
	transport *p2p.MultiplexTransport
	sw        *p2p.Switch
	listen    *p2p.NetAddress
}

// engineParts is what an engine is made of.
type engineParts struct {
	p        *Params
	dataDir  string
	listen   string // host:port
	genesis  *cmttypes.GenesisDoc
	founding *chain.Genesis
	app      *app
	client   proxy.ClientCreator // connections to app, each with a lock of its own
	guard    *voteGuard          // nil for a follower
	nodeKey  *p2p.NodeKey
	mempool  cometMempool
	carriers *carrierReactor
	certs    *certificateReactor
	box      *penaltyBox
	peers    []string
	metrics  *cometMetrics
	log      cmtlog.Logger
}

// cometConfig are CometBFT's settings. Its double-sign check (DoubleSignCheckHeight)
// stays off: it refuses to start a validator that finds its own vote in the last
// blocks, which is every restart; voteGuard does what it is meant for.
func cometConfig(p *Params, dataDir, listen string) *cfg.Config {
	c := cfg.DefaultConfig()
	c.SetRoot(dataDir)
	c.P2P.ListenAddress = "tcp://" + listen
	c.P2P.AddrBookStrict = false
	c.P2P.AllowDuplicateIP = true
	c.P2P.MaxNumInboundPeers = p.MaxPeers
	c.P2P.SendRate, c.P2P.RecvRate = p.LinkRate, p.LinkRate
	c.P2P.FlushThrottleTimeout = p.FlushThrottle
	c.P2P.MaxPacketMsgPayloadSize = 64 << 10
	c.P2P.HandshakeTimeout = 5 * time.Second
	c.P2P.DialTimeout = 3 * time.Second
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

// genesisDoc is the chain's genesis as CometBFT knows it.
func genesisDoc(g *chain.Genesis) (*cmttypes.GenesisDoc, error) {
	set, err := g.ValidatorSet()
	if err != nil {
		return nil, err
	}
	doc := &cmttypes.GenesisDoc{
		ChainID: g.CometChainID(), GenesisTime: g.Time.UTC(), InitialHeight: 1,
		ConsensusParams: cmttypes.DefaultConsensusParams(),
	}
	doc.ConsensusParams.Block.MaxBytes = g.Params.MaxBlockBytes
	doc.ConsensusParams.Block.MaxGas = -1 // gas is the chain's affair
	doc.ConsensusParams.ABCI.VoteExtensionsEnableHeight = 1
	doc.ConsensusParams.Evidence.MaxBytes = 64 << 10
	for i := range set {
		pub := cmted25519.PubKey(set[i].Ed25519[:])
		doc.Validators = append(doc.Validators, cmttypes.GenesisValidator{Address: pub.Address(), PubKey: pub, Power: set[i].Power})
	}
	if err := doc.ValidateAndComplete(); err != nil {
		return nil, types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	return doc, nil
}

// newEngine opens the stores, replays what the ledger lacks, and wires everything. On
// an error it closes what it opened.
func newEngine(ctx context.Context, parts *engineParts) (e *engine, err error) {
	e = &engine{log: parts.app.log}
	defer func() {
		if r := recover(); r != nil { // CometBFT panics on stores that contradict one another
			err = types.Errorf(types.CodeLedgerMismatch, "consensus stores and ledger do not fit together: %v", r)
		}
		if err != nil {
			e.close()
			e = nil
		}
	}()
	config := cometConfig(parts.p, parts.dataDir, parts.listen)
	if err := e.openStores(parts); err != nil {
		return e, err
	}
	state, err := e.handshake(ctx, parts)
	if err != nil {
		return e, err
	}
	if err := e.wireConsensus(parts, config, state, parts.blockSync(state)); err != nil {
		return e, err
	}
	return e, e.wireLinks(parts, state)
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
	return nil
}

// handshake brings ledger and stores to the same height.
func (e *engine) handshake(ctx context.Context, parts *engineParts) (sm.State, error) {
	state, err := e.states.LoadFromDBOrGenesisDoc(parts.genesis)
	if err != nil {
		return state, types.Errorf(types.CodeDiskFailure, "consensus state: %w", err)
	}
	if state.LastBlockHeight == 0 && parts.app.ledger.Height() > 0 && e.blocks.IsEmpty() {
		if err := bootstrap(parts.app.ledger, parts.founding, parts.genesis, e.states, e.blocks); err != nil {
			return state, err
		}
		if state, err = e.states.LoadFromDBOrGenesisDoc(parts.genesis); err != nil {
			return state, types.Errorf(types.CodeDiskFailure, "consensus state: %w", err)
		}
	}
	if state.ChainID != parts.genesis.ChainID {
		return state, types.Errorf(types.CodeLedgerMismatch, "data folder belongs to chain %s, not %s", state.ChainID, parts.genesis.ChainID)
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
	hs := cs.NewHandshaker(e.states, state, e.blocks, parts.genesis)
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
	e.reactor = cs.NewReactor(consensus, blockSync, cs.ReactorMetrics(parts.metrics.consensus))
	e.reactor.SetLogger(parts.log.With("module", "consensus"))
	e.reactor.SetEventBus(e.bus) // passes it on to state and executor
	e.wireSwitch(parts, config, state, sync, evpool)
	return nil
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
func (e *engine) wireSwitch(parts *engineParts, config *cfg.Config, state sm.State, sync *blocksync.Reactor, evpool *evidence.Pool) {
	info := e.nodeInfo(parts, state)
	link := p2p.MConnConfig(config.P2P)
	link.PingInterval, link.PongTimeout = 10*time.Second, 8*time.Second // a dead host is noticed in 18 s
	e.transport = p2p.NewMultiplexTransport(info, *parts.nodeKey, link)
	p2p.MultiplexTransportMaxIncomingConnections(parts.p.MaxPeers + len(parts.peers))(e.transport)
	e.sw = p2p.NewSwitch(config.P2P, e.transport, p2p.SwitchPeerFilters(parts.box.filter))
	e.sw.SetLogger(parts.log.With("module", "p2p"))
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
	e.sw.SetNodeInfo(info)
	e.sw.SetNodeKey(parts.nodeKey)
	e.sw.SetAddrBook(noAddressBook{}) // dereferenced when the node dials itself
}

// nodeInfo is what peers learn in the handshake. A channel that is missing here is
// silently never sent to by them.
func (e *engine) nodeInfo(parts *engineParts, state sm.State) p2p.DefaultNodeInfo {
	return p2p.DefaultNodeInfo{
		ProtocolVersion: p2p.NewProtocolVersion(version.P2PProtocol, state.Version.Consensus.Block, state.Version.Consensus.App),
		DefaultNodeID:   parts.nodeKey.ID(), Network: parts.genesis.ChainID, Version: version.TMCoreSemVer,
		Moniker: string(parts.nodeKey.ID())[:8], ListenAddr: "tcp://" + parts.listen,
		Channels: []byte{
			blocksync.BlocksyncChannel, cs.StateChannel, cs.DataChannel, cs.VoteChannel, cs.VoteSetBitsChannel,
			evidence.EvidenceChannel, CarrierChannel, CertificateChannel, statesync.SnapshotChannel, statesync.ChunkChannel,
		},
		Other: p2p.DefaultNodeInfoOther{TxIndex: "off"},
	}
}

func (e *engine) wireLinks(parts *engineParts, state sm.State) error {
	if err := e.nodeInfo(parts, state).Validate(); err != nil {
		return types.Errorf(types.CodeConfig, "node info: %w", err)
	}
	ids := make([]string, 0, len(parts.peers))
	for _, p := range parts.peers {
		ids = append(ids, string(peerID(p)))
	}
	if err := e.sw.AddUnconditionalPeerIDs(ids); err != nil {
		return types.Errorf(types.CodeConfig, "peers: %w", err)
	}
	addr, err := p2p.NewNetAddressString(p2p.IDAddressString(parts.nodeKey.ID(), parts.listen))
	if err != nil {
		return types.Errorf(types.CodeConfig, "listen address %s: %w", parts.listen, err)
	}
	e.listen = addr
	return nil
}

// start listens and lets peers in.
func (e *engine) start() error {
	if err := e.transport.Listen(*e.listen); err != nil {
		return types.Errorf(types.CodePortTaken, "listen on %s: %w", e.listen.DialString(), err)
	}
	return e.sw.Start()
}

// stop ends links and consensus; nothing calls the app afterwards.
func (e *engine) stop() {
	if e.sw != nil && e.sw.IsRunning() {
		_ = e.sw.Stop() // its only error is not to be running
	}
	if e.transport != nil {
		_ = e.transport.Close()
	}
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

// noAddressBook: peers come from the configuration alone.
type noAddressBook struct{}

func (noAddressBook) AddAddress(*p2p.NetAddress, *p2p.NetAddress) error { return nil }
func (noAddressBook) AddPrivateIDs([]string)                            {}
func (noAddressBook) AddOurAddress(*p2p.NetAddress)                     {}
func (noAddressBook) OurAddress(*p2p.NetAddress) bool                   { return false }
func (noAddressBook) MarkGood(p2p.ID)                                   {}
func (noAddressBook) RemoveAddress(*p2p.NetAddress)                     {}
func (noAddressBook) HasAddress(*p2p.NetAddress) bool                   { return false }
func (noAddressBook) Save()                                             {}
