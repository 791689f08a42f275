package consensus

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/proxy"
	cmttypes "github.com/cometbft/cometbft/types"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/consensus/links"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/ledger/snapshot"
	"github.com/huchain/huchain/types"
)

// Options are the parts of a node.
type Options struct {
	DataDir string // CometBFT's stores and write-ahead log; may be wiped, unlike keys
	Chain   Machine
	Ledger  Ledger
	Genesis *chain.Genesis
	Restart *Restart // nil: the chain goes on from its genesis
	// Packages are the bundles that the genesis names, by hash. They are read only
	// while the ledger has no genesis state.
	Packages map[crypto.Hash][]byte
	Keys     Keys
	// Link returns certificates and keys of the node's links (role node). It is called at
	// each handshake, so that they may be renewed while the node runs.
	Link   func() (*tlcp.Identity, error)
	Peers  []string // organisation/node@host:port; this node itself may be among them
	Listen string   // host:port
	// Release is what peers are told this node runs, at most 64 bytes.
	Release string
	// Snapshots keeps the chain's snapshots; nil: none are made or served.
	Snapshots *snapshot.Store
	// Archived is the newest height whose history is archived: no block above it is
	// pruned. nil: history need not be archived.
	Archived func() uint64
	// ReadOnly serves a ledger that CometBFT cannot go on from (Rebuild): nothing is linked,
	// voted on or committed.
	ReadOnly bool
	Logger   *slog.Logger
	// Registerer takes the metrics, labelled with the chain; nil for none.
	Registerer prometheus.Registerer
}

// Node runs one chain. The ledger belongs to the caller, who closes it after Stop.
type Node struct {
	p         Params
	o         Options
	log       *slog.Logger
	app       *app
	pool      *pool
	admit     *admitter
	hub       *hub
	guard     *voteGuard
	parts     *engineParts
	admission *admission
	engine    atomic.Pointer[engine] // nil until started

	snapshots *snapshotter // nil without Options.Snapshots

	mu      sync.Mutex
	started bool
	quit    chan struct{}
	gate    gate
	wg      sync.WaitGroup
	ctx     context.Context // ends when the node stops
	cancel  context.CancelFunc

	failOnce sync.Once
	failed   chan struct{}
	err      error // valid once failed is closed
}

// New checks the parts and reads the keys. Nothing runs before Start.
func New(p Params, o Options) (*Node, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if o.Chain == nil || o.Ledger == nil || o.Genesis == nil || o.DataDir == "" || o.Link == nil {
		return nil, types.Errorf(types.CodeConfig, "chain, ledger, genesis, data folder and link certificates are required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	for _, peer := range o.Peers {
		if _, _, err := links.ParseAddress(peer); err != nil {
			return nil, types.Errorf(types.CodeConfig, "%w", err)
		}
	}
	n := &Node{p: p, o: o, log: o.Logger, hub: newHub(), quit: make(chan struct{}), failed: make(chan struct{})}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	if err := n.build(); err != nil {
		if n.guard != nil {
			n.guard.close()
		}
		return nil, err
	}
	return n, nil
}

func (n *Node) build() error {
	restart, err := newRestart(&n.o)
	if err != nil {
		return err
	}
	origin, err := newOrigin(n.o.Genesis, restart.from())
	if err != nil {
		return err
	}
	m, err := newMetrics(n.o.Registerer, n.o.Genesis.Chain)
	if err != nil {
		return err
	}
	if _, remote := n.signerAway(); remote {
		if err := m.addSigner(n.o.Registerer, n.o.Genesis.Chain); err != nil {
			return err
		}
	}
	comet, err := newCometMetrics(n.o.Registerer, n.o.Genesis.Chain)
	if err != nil {
		return err
	}
	n.admission = &admission{genesis: n.o.Genesis, machine: n.o.Chain, ledger: n.o.Ledger, log: n.log}
	self, err := n.admission.self(n.o.Link)
	if err != nil {
		return err
	}
	n.app = &app{
		p: &n.p, log: n.log, m: m, machine: n.o.Chain, ledger: n.o.Ledger, packages: n.o.Packages,
		certs: newCertifier(n.o.Ledger, n.o.Keys.Header), hub: n.hub,
		archived: n.o.Archived, restart: restart,
		fatal: n.fail, syncing: func() bool { return false },
		background: func(f func(context.Context)) { n.wg.Go(func() { f(n.ctx) }) },
	}
	if n.o.Keys.Header != nil {
		if n.guard, err = openVoteGuard(n.o.Keys, n.p.ClockMargin, n.log, time.Now()); err != nil {
			return err
		}
		n.guard.peerHeight, n.guard.initial = n.peerHeight, origin.doc.InitialHeight
		n.app.guard, n.app.address = n.guard, n.guard.address()
	}
	if n.app.ids, err = restoreIDs(n.o.Ledger); err != nil {
		return err
	}
	if n.o.Snapshots != nil {
		n.snapshots = newSnapshotter(n.o.Snapshots, &n.p, n.o.Ledger, n.log, m)
		n.app.snapshots = n.snapshots
	}
	n.pool = newPool(&n.p, m, n.app.ids.has, n.hub.dropped)
	n.admit = newAdmitter(&n.p, m, func(raws [][]byte, nowMs int64) ([]*types.Tx, []error) {
		st, err := n.o.Ledger.View()
		if err != nil {
			return make([]*types.Tx, len(raws)), slices.Repeat([]error{err}, len(raws))
		}
		defer st.Release()
		return n.o.Chain.AdmitEach(st, raws, nowMs)
	}, n.pool, n.faultOf)
	n.app.pool, n.app.admit = n.pool, n.admit
	n.parts = &engineParts{
		p: &n.p, dataDir: n.o.DataDir, listen: n.o.Listen, origin: origin,
		app: n.app, client: proxy.NewConnSyncLocalClientCreator(n.app), guard: n.guard, tlcp: n.admission.config(n.o.Link), self: self,
		mempool: cometMempool{n.pool}, peers: n.o.Peers, release: n.o.Release, metrics: comet, traffic: links.Metrics{Sent: m.linkSent, Received: m.linkReceived},
		newSwitch: func(p links.Params) (peerSwitch, error) { return links.NewSwitch(p) },
		log:       &cometLogger{log: n.log, onFail: n.fail},
	}
	n.parts.carriers = newCarrierReactor(&n.p, m, n.pool, n.admit, n.blame)
	n.parts.certs = newCertificateReactor(n.app.certs, &n.gate, n.blame)
	return nil
}

// Start replays what the ledger lacks, listens, and joins consensus once caught up. It
// returns when the node listens; ctx ends a long replay. A node is started once.
func (n *Node) Start(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.started {
		return types.Errorf(types.CodeInternal, "node was started before")
	}
	n.started = true
	if n.o.ReadOnly {
		n.app.loadCode()
		return nil
	}
	e, err := newEngine(ctx, n.parts)
	if err != nil {
		if cause := n.Err(); cause != nil {
			return cause // CometBFT's replay keeps only the words of an error
		}
		return err
	}
	n.engine.Store(e)
	n.app.syncing = e.reactor.WaitSync
	n.app.blockBase = e.blocks.Base
	n.app.seenCommit = e.blocks.LoadSeenCommit
	n.app.fetch = func(height uint64) *types.FinalityCertificate {
		return n.parts.certs.fetch(height, n.p.CertificateWait)
	}
	if n.snapshots != nil {
		n.snapshots.blocks, n.snapshots.states = e.blocks, e.states
		n.wg.Go(func() { n.snapshots.run(n.ctx) })
	}
	n.wg.Go(func() { n.admit.run(n.quit) })
	n.wg.Go(func() {
		for pause(n.quit, e.sw.Quit(), offerIdleAfter) {
			n.pool.offerIdle(time.Now(), offerIdleAfter)
		}
	})
	if n.guard != nil {
		n.wg.Go(func() { n.giveMissedVotes(e) })
	}
	if err := e.start(); err != nil {
		n.engine.Store(nil)
		e.stop()
		e.close()
		return err
	}
	if n.o.Ledger.Initialized() {
		n.app.loadCode()
	}
	n.log.Info("consensus started", "chain", n.parts.origin.doc.ChainID, "height", n.o.Ledger.Height(), "node", n.parts.self, "listen", n.o.Listen)
	return nil
}

// retryVotes is how often a missed vote is tried again.
const retryVotes = 100 * time.Millisecond

func (n *Node) giveMissedVotes(e *engine) {
	add := func(v *cmttypes.Vote) { e.state.AddVote(v, "") } //nolint:errcheck // it has none
	for pause(n.quit, e.sw.Quit(), retryVotes) {
		n.guard.retry(n.parts.origin.doc.ChainID, n.app.extension, add)
		n.watchSigner()
	}
}

// offerIdleAfter is after how long without a block own transactions are offered again.
const offerIdleAfter = 3 * time.Second

// Stop ends consensus and closes its stores; nothing touches the ledger afterwards. It
// may be called more than once, and after a failure.
func (n *Node) Stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-n.quit:
		return
	default:
		close(n.quit)
	}
	n.cancel()
	n.gate.close()
	e := n.engine.Load()
	if e != nil {
		e.stop()
		n.app.ahead.cancel()
	}
	n.wg.Wait()
	n.snapshots.drain()
	if e != nil {
		e.close()
	}
	if n.guard != nil {
		n.guard.close()
	}
	n.hub.close()
}

// Done closes when consensus cannot go on; Err then tells why. The process should stop
// the node and exit with an error: the ledger is whole, but this node votes no more.
func (n *Node) Done() <-chan struct{} { return n.failed }

// Err is the reason of a failure, nil while there is none.
func (n *Node) Err() error {
	select {
	case <-n.failed:
		return n.err
	default:
		return nil
	}
}

func (n *Node) fail(err error) {
	n.failOnce.Do(func() {
		if types.CodeOf(err) == types.CodeInternal {
			err = types.Errorf(types.CodeInternal, "consensus stopped: %w", err)
		}
		n.err = err
		n.log.Error("consensus stopped; this node votes no more and must be restarted", "err", err)
		close(n.failed)
	})
}

// Submit verifies a transaction and puts it into the mempool, from where it reaches
// all validators. It returns the id, and an error if the transaction was not taken:
// any code of chain.Admit, HC-2115 if it is known already, HC-2114 with RetryAfterMs if
// there is no room, HC-5101 until this node has caught up.
func (n *Node) Submit(raw []byte) (crypto.Hash, error) {
	ids, errs := n.SubmitEach([][]byte{raw})
	return ids[0], errs[0]
}

// SubmitEach is Submit of several transactions, which take less time together. One that
// is refused stops no other.
func (n *Node) SubmitEach(raws [][]byte) ([]crypto.Hash, []error) {
	refused := func(err error) ([]crypto.Hash, []error) {
		return make([]crypto.Hash, len(raws)), slices.Repeat([]error{err}, len(raws))
	}
	if !n.gate.enter() {
		return refused(&types.Error{Code: types.CodeNotReady, Detail: "this node is stopping", RetryAfterMs: 1000})
	}
	defer n.gate.leave()
	if n.o.ReadOnly {
		return refused(n.readOnly())
	}
	if !n.parts.carriers.enabled.Load() {
		return refused(&types.Error{Code: types.CodeNotReady, Detail: "this node is catching up with the chain", RetryAfterMs: 1000})
	}
	return n.admit.submitEach(raws)
}

func (n *Node) readOnly() error {
	return types.Errorf(types.CodeChainReadOnly, "chain %s ends at height %d", n.o.Genesis.Chain, n.o.Ledger.Height())
}

// Watch registers for the outcome of a transaction. The caller must call Stop on it.
func (n *Node) Watch(id crypto.Hash) *Watch { return n.hub.watch(id) }

// Subscribe returns committed blocks from now on. The channel is closed by cancel, when
// the node stops, and when the reader falls more than buffer blocks behind.
func (n *Node) Subscribe(buffer int) (blocks <-chan *BlockEvent, cancel func()) {
	return n.hub.subscribe(buffer)
}

// AwaitHeight returns once a height is committed. HC-4104 if ctx ends first.
func (n *Node) AwaitHeight(ctx context.Context, height uint64) error {
	blocks, cancel := n.hub.subscribe(1)
	defer func() { cancel() }()
	for n.o.Ledger.Height() < height {
		select {
		case _, ok := <-blocks:
			if !ok { // fell behind: what counts is the ledger
				blocks, cancel = n.hub.subscribe(1)
			}
		case <-n.quit:
			return types.Errorf(types.CodeNotReady, "the node is stopping")
		case <-ctx.Done():
			return types.Errorf(types.CodeHeightUnknown, "height %d, the newest is %d", height, n.o.Ledger.Height())
		}
	}
	return nil
}

// Pending reports whether a transaction waits in this node's mempool.
func (n *Node) Pending(id crypto.Hash) bool { return n.pool.has(id) }

// Status is a node's view of its chain.
type Status struct {
	Height        uint64      `json:"height"`
	CatchingUp    bool        `json:"catchingUp"`
	Validator     bool        `json:"validator"` // its key is in the present set
	Following     bool        `json:"following"` // a validator that may not sign yet, see voteGuard
	NodeID        string      `json:"nodeId"`    // organisation/node
	Peers         []string    `json:"peers"`     // node ids
	PoolTxs       int         `json:"poolTxs"`
	PoolBytes     int64       `json:"poolBytes"`
	HeaderHash    crypto.Hash `json:"headerHash"`
	AppHash       crypto.Hash `json:"appHash"`
	BlockTime     time.Time   `json:"blockTime"` // of the last block
	CertifiedUpTo uint64      `json:"certifiedUpTo"`
	// ClockAhead is how far this node's clock was ahead of the other validators' at the
	// newest block (below 0: behind); nil while not compared.
	ClockAhead *time.Duration `json:"clockAhead,omitempty"`
	// SignerAway says why the signer in another process cannot be asked; empty while it can.
	// It counts where RemoteSigner is true.
	SignerAway   string `json:"signerAway,omitempty"`
	RemoteSigner bool   `json:"remoteSigner"`
}

// Status reports where the node stands.
func (n *Node) Status() Status {
	s := Status{Height: n.o.Ledger.Height(), CatchingUp: !n.o.ReadOnly, NodeID: string(n.parts.self), Peers: []string{}}
	s.PoolTxs, s.PoolBytes = n.pool.size()
	if s.Height > 0 {
		if h, err := n.o.Ledger.Header(s.Height); err == nil {
			s.HeaderHash, s.AppHash, s.BlockTime = h.Hash(), h.Content, time.Unix(0, h.Time).UTC()
		}
	}
	s.CertifiedUpTo = n.o.Ledger.Certified()
	s.ClockAhead = n.app.clockAhead.Load()
	s.SignerAway, s.RemoteSigner = n.signerAway()
	if n.guard != nil {
		s.Following = n.guard.isFollowing()
		if set, err := n.o.Ledger.Signers(s.Height); err == nil {
			for i := range set {
				s.Validator = s.Validator || string(voteAddress(&set[i])) == string(n.app.address)
			}
		}
	}
	if e := n.engine.Load(); e != nil {
		s.CatchingUp = e.reactor.WaitSync()
		for _, p := range e.sw.Peers().Copy() {
			s.Peers = append(s.Peers, string(p.ID()))
		}
	}
	return s
}

// faultOf cuts off a peer by its id.
func (n *Node) faultOf(id string, err error) {
	if e := n.engine.Load(); e != nil {
		if p := e.sw.Peers().Get(p2p.ID(id)); p != nil {
			n.blame(p, err)
		}
	}
}

// blame cuts off a peer that sent what no honest node sends.
func (n *Node) blame(p p2p.Peer, err error) {
	n.app.m.peerFault.Inc()
	if e := n.engine.Load(); e != nil {
		n.log.Warn("peer cut off", "peer", p.ID(), "for", e.sw.Blame(p, err), "err", err)
	}
}
