package node

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/consensus"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/archive/repo"
	"github.com/huchain/huchain/node/api"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
	"github.com/huchain/huchain/vm/engine"
)

// running is one chain in this process: nothing in it is shared with another chain.
type running struct {
	name      string
	cfg       ChainConfig
	genesis   *chain.Genesis
	raw       []byte
	engine    *engine.Engine
	ledger    *ledger.Ledger
	machine   *chain.Chain
	consensus *consensus.Node
	archive   *archivist     // nil: history stays in the ledger
	act       *types.Restart // by which the chain was restarted last; nil if it never was
	readOnly  bool           // rebuilt from its archive: no consensus runs
	backing   sync.Mutex     // held while a backup is made
	lock      *Lock
	tending   sync.WaitGroup // archiving, backups and orders under way; they end with the chain
	ended     chan struct{}  // closed when it is stopped
}

// ConsensusKeys names the key files in a chain's keys folder. header signs headers; nil
// makes a follower.
func ConsensusKeys(dir string, header crypto.Signer) consensus.Keys {
	votes, _ := voteFiles(dir, nil)
	return consensus.Keys{Header: header, ConsensusKeyFile: filepath.Join(dir, "consensus.json"), VoteFile: votes}
}

// ReadGenesis reads the genesis file of a chain folder, which must bear the chain's name.
func ReadGenesis(home ChainHome) (*chain.Genesis, []byte, error) {
	raw, err := os.ReadFile(home.GenesisFile())
	if err != nil {
		return nil, nil, types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	g, err := chain.ParseGenesis(raw)
	if err != nil {
		return nil, nil, err
	}
	if g.Chain != home.Name {
		return nil, nil, types.Errorf(types.CodeGenesisInvalid, "%s is the genesis of chain %q", home.GenesisFile(), g.Chain)
	}
	return g, raw, nil
}

// readPackages reads the package files that the genesis names, by hash. A file it does
// not name is left alone; one that is missing is an error only at height 0, where the
// genesis state is made.
func readPackages(home ChainHome, g *chain.Genesis) (map[crypto.Hash][]byte, error) {
	wanted := map[crypto.Hash]bool{}
	for _, b := range g.Bundles {
		wanted[b.Package] = true
	}
	files, err := filepath.Glob(filepath.Join(home.BundlesDir(), "*.hcp"))
	if err != nil {
		return nil, err
	}
	out := map[crypto.Hash][]byte{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read package: %w", err)
		}
		if h := crypto.Sum(raw); wanted[h] {
			out[h] = raw
		}
	}
	return out, nil
}

// openChain opens one chain and starts its consensus. On error nothing stays open.
func openChain(ctx context.Context, home ChainHome, engines VMConfig, log *slog.Logger, reg prometheus.Registerer) (_ *running, err error) {
	cfg, err := LoadChainConfig(home.ConfigFile())
	if err != nil {
		return nil, err
	}
	r := &running{name: home.Name, cfg: cfg, ended: make(chan struct{})}
	defer func() {
		if err != nil {
			r.halt()
			r.close()
		}
	}()
	if r.lock, err = Acquire(home.LockFile()); err != nil {
		return nil, err
	}
	if r.genesis, r.raw, err = ReadGenesis(home); err != nil {
		return nil, err
	}
	packages, err := readPackages(home, r.genesis)
	if err != nil {
		return nil, err
	}
	secret, err := keystore.ReadPassphrase(passphraseFile(home, cfg))
	if err != nil {
		return nil, err
	}
	link := &linkSource{files: home.LinkFiles(), secret: secret, log: log}
	if err := r.loadMachine(ctx, engines); err != nil {
		return nil, err
	}
	if err := r.join(ctx, home, cfg, link, log); err != nil {
		return nil, err
	}
	snapshots, err := openSnapshots(home)
	if err == nil {
		err = snapshots.Clean()
	}
	if err != nil {
		return nil, err
	}
	if err := r.openLedger(home, secret, log); err != nil {
		return nil, err
	}
	restart, err := r.restarted(home)
	if err != nil {
		return nil, err
	}
	r.warnReadOnly(log)
	keys := consensus.Keys{}
	if !r.readOnly {
		if keys, err = r.validatorKeys(ctx, home, restart, secret, link.identity, log); err != nil {
			return nil, err
		}
	}
	var archived func() uint64
	if r.archive != nil {
		archived = r.archive.released
	}
	r.consensus, err = consensus.New(consensusParams(cfg), consensus.Options{
		Snapshots: snapshots, Archived: archived, ReadOnly: r.readOnly,
		DataDir: home.ConsensusDir(), Chain: r.machine, Ledger: r.ledger, Genesis: r.genesis, Restart: restart, Packages: packages,
		Keys: keys, Link: link.identity, Peers: cfg.P2P.Peers, Listen: cfg.P2P.Listen,
		Release: BuildVersion().String(),
		Logger:  log, Registerer: reg,
	})
	if err != nil {
		if keys.Votes != nil {
			keys.Votes.Close() //nolint:errcheck // nothing was signed
		}
		return nil, err
	}
	return r, r.consensus.Start(ctx)
}

// loadMachine starts the contract engine and the chain's state machine on it.
func (r *running) loadMachine(ctx context.Context, engines VMConfig) (err error) {
	vm := engine.DefaultParams()
	vm.CacheDir, vm.Interpreter = engines.CacheDir, engines.Interpreter
	opt := chain.DefaultOptions()
	if opt.ExecuteWorkers = engines.ExecuteWorkers; opt.ExecuteWorkers == 0 {
		opt.ExecuteWorkers = ExecuteWorkers(runtime.GOMAXPROCS(0))
	}
	vm.MaxInstances = max(vm.MaxInstances, opt.ExecuteWorkers+1)
	if r.engine, err = engine.New(ctx, vm); err != nil {
		return fmt.Errorf("start contract engine: %w", err)
	}
	r.machine, err = chain.New(r.genesis, r.engine, opt)
	return err
}

// openLedger opens the ledger where chain.toml wants it, with the archive behind it.
func (r *running) openLedger(home ChainHome, secret []byte, log *slog.Logger) error {
	if err := placeLedger(home, &r.cfg.Ledger); err != nil {
		return err
	}
	params, err := ledgerParams(home)
	if err != nil {
		return err
	}
	store, err := openArchive(home, &r.cfg.Archive, r.genesis.Hash(), secret, true, log)
	if err != nil {
		return err
	}
	if store != nil {
		r.archive = &archivist{chain: home.Name, cfg: r.cfg.Archive, dir: home.DataDir(), repo: store}
		params.History = repo.History{Repo: store, Timeout: archiveReadTimeout}
	}
	params.PagesLost = func(err error) {
		log.Warn("leaves of the state are read from their rows: the page file cannot be written", "error", err)
	}
	if r.ledger, err = ledger.Open(home.LedgerDir(), r.genesis.Hash(), params); err == nil && r.archive != nil {
		r.archive.ledger = r.ledger
	}
	return err
}

// headerKey opens the validator's SM2 key. A node without one follows.
func headerKey(home ChainHome, secret []byte) (crypto.Signer, error) {
	path := filepath.Join(home.KeysDir(), "validator.key")
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return nil, nil
	}
	return keystore.Load(path, secret)
}

func passphraseFile(home ChainHome, cfg ChainConfig) string {
	file := cfg.Keys.PassphraseFile
	if file != "" && !filepath.IsAbs(file) {
		file = filepath.Join(home.Dir, file)
	}
	return file
}

func consensusParams(c ChainConfig) consensus.Params {
	p := consensus.DefaultParams()
	p.Advertise = c.P2P.Advertise
	if c.Consensus.TimeoutPropose > 0 {
		p.TimeoutPropose = c.Consensus.TimeoutPropose
	}
	if c.Consensus.Heartbeat > 0 {
		p.Heartbeat = c.Consensus.Heartbeat
	}
	p.SnapshotEvery, p.KeepBlocks = c.Snapshots.Every, c.Prune.KeepBlocks
	if c.Archive.enabled() {
		p.KeepBlocks = c.Archive.keep()
	}
	if c.Snapshots.Keep > 0 {
		p.SnapshotKeep = c.Snapshots.Keep
	}
	if c.Pool.MaxTxs > 0 {
		p.PoolTxs = c.Pool.MaxTxs
		p.SenderTxs, p.PeerTxs = min(p.SenderTxs, p.PoolTxs), min(p.PeerTxs, p.PoolTxs)
	}
	if c.Pool.MaxBytes > 0 {
		p.PoolBytes = int64(c.Pool.MaxBytes)
		p.SenderBytes, p.PeerBytes = min(p.SenderBytes, p.PoolBytes), min(p.PeerBytes, p.PoolBytes)
	}
	return p
}

// halt ends consensus: links are cut, and whoever waits for a commit is told.
func (r *running) halt() {
	if r.consensus != nil {
		r.consensus.Stop()
	}
}

// close closes what was opened, in reverse order, after halt. Nobody may use the ledger.
func (r *running) close() {
	if r.ledger != nil {
		r.ledger.Close() //nolint:errcheck // commits were synced; there is nothing left to lose
	}
	if r.archive != nil {
		r.archive.repo.Close()
	}
	if r.engine != nil {
		r.engine.Close(context.Background()) //nolint:errcheck // frees memory only
	}
	if r.lock != nil {
		r.lock.Release()
	}
}

func (r *running) api() *api.Chain {
	return &api.Chain{
		Name: r.name, Genesis: r.genesis, GenesisFile: r.raw, Machine: r.machine, Ledger: r.ledger,
		Consensus: consensusView{r.consensus},
	}
}

// consensusView shows the consensus engine as the API sees it.
type consensusView struct{ *consensus.Node }

// Watch implements api.Consensus.
func (v consensusView) Watch(id crypto.Hash) api.Watch { return watch{v.Node.Watch(id)} }

// Status implements api.Consensus.
func (v consensusView) Status() api.Status {
	st := v.Node.Status()
	return api.Status{CatchingUp: st.CatchingUp, Peers: len(st.Peers), PoolTxs: st.PoolTxs, Validator: st.Validator}
}

// Peers implements api.Consensus.
func (v consensusView) Peers() rest.Peers {
	out := rest.Peers{Node: v.Node.Status().NodeID, Items: []rest.Peer{}}
	for _, p := range v.Node.Peers() {
		out.Items = append(out.Items, peerView(&p))
	}
	return out
}

func peerView(p *consensus.Peer) rest.Peer {
	org, name, _ := strings.Cut(p.ID, "/")
	r := rest.Peer{
		Org: org, Name: name, State: rest.PeerAbsent, Configured: p.Persistent, Address: p.Remote, Advertised: p.Advertised,
		Release: p.Release, Height: uint64(max(p.Height, 0)), LinkedSeconds: int64(p.Duration.Seconds()), SentBytes: p.SentBytes,
		ReceivedBytes: p.ReceivedBytes, Faults: p.Faults, CutOffSeconds: int64(math.Ceil(p.CutOff.Seconds())), Failure: p.Failure,
	}
	switch {
	case p.Linked && p.Outbound:
		r.State, r.Direction = rest.PeerLinked, "outbound"
	case p.Linked:
		r.State, r.Direction = rest.PeerLinked, "inbound"
	case p.CutOff > 0:
		r.State = rest.PeerCutOff
	}
	return r
}

type watch struct{ *consensus.Watch }

// Wait implements api.Watch.
func (w watch) Wait(ctx context.Context) (uint64, uint32, *types.Receipt, error) {
	c, err := w.Watch.Wait(ctx)
	if err != nil {
		return 0, 0, nil, err
	}
	return c.Height, c.Index, &c.Receipt, nil
}
