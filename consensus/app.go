package consensus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
)

// app is the chain as CometBFT drives it (ABCI 2.0). CometBFT calls the methods that
// deal with blocks and votes one at a time; only the fields behind a mutex are shared
// with other goroutines.
type app struct {
	abci.BaseApplication
	p        *Params
	log      *slog.Logger
	m        *metrics
	machine  Machine
	ledger   Ledger
	packages map[crypto.Hash][]byte
	certs    *certifier
	pool     *pool
	admit    *admitter
	hub      *hub
	guard    *voteGuard // nil for a follower
	ids      *idWindow
	restart  *restart // nil: the chain goes on from its genesis
	// snapshots makes and serves snapshots; nil for none.
	snapshots *snapshotter
	address   []byte // what CometBFT calls this validator; nil for a follower

	// archived is the newest height whose history is archived; nil: none must be.
	archived func() uint64
	// blockBase is the lowest block that CometBFT keeps; nil during replay.
	blockBase func() int64

	// seenCommit are the votes by which this node decided a block; nil during replay.
	seenCommit   func(height int64) *cmttypes.Commit
	clockChecked time.Time
	clockAhead   atomic.Pointer[time.Duration] // of the other validators'; nil before it was compared

	// commitIn returns CometBFT's commit that the block at a height carries, in protobuf. It
	// is known once that block is decided: to votes on the next, block sync and replay alike.
	commitIn func(height uint64) ([]byte, error)

	// fetch asks peers for a certificate; nil until there are peers.
	fetch func(height uint64) *types.FinalityCertificate
	// fatal is told why this node cannot go on.
	fatal func(error)
	// background runs f beside consensus until it returns; ctx ends when the node stops.
	background func(f func(ctx context.Context))
	// syncing reports whether block sync, rather than consensus, is driving.
	syncing func() bool

	committing sync.Mutex // held while a block is committed to the ledger

	ahead   *speculation // the block being executed while votes are under way
	next    *execution   // finalized, waits for Commit
	pace    pace
	suspect bool // this node rejected a proposal of its own
	// committedAt is when this node committed its newest block, by its own clock; zero
	// after a start.
	committedAt time.Time
}

// idWindow guards the chain's window of used ids: the mempool looks into it from many
// goroutines, Commit adds to it.
type idWindow struct {
	mu sync.RWMutex
	w  *chain.IDWindow
}

func (w *idWindow) has(id crypto.Hash) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.w.Has(id)
}

func (w *idWindow) add(timeNs int64, ids []crypto.Hash) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.w.Add(timeNs, ids)
}

// restoreIDs rebuilds the window of used ids from the ledger.
func restoreIDs(l Ledger) (*idWindow, error) {
	w := &idWindow{w: chain.NewIDWindow()}
	err := l.UsedIDs(func(_ uint64, timeNs int64, ids []crypto.Hash) error {
		w.w.Add(timeNs, ids)
		return nil
	})
	return w, err
}

// okResult is the result of every frame. What became of transactions stands in our own
// receipts, so CometBFT's results root says nothing.
var okResult = &abci.ExecTxResult{}

// Info tells CometBFT where the ledger stands, from which it replays.
func (a *app) Info(context.Context, *abci.RequestInfo) (*abci.ResponseInfo, error) {
	res := &abci.ResponseInfo{Data: "huchain", LastBlockHeight: int64(a.ledger.Height())}
	if a.ledger.Initialized() {
		root := a.ledger.ContentRoot()
		res.LastBlockAppHash = root[:]
	}
	return res, nil
}

// InitChain makes the genesis state, unless the ledger has it from an attempt before.
// The content root it returns is that of an empty block, so that block 1 does not look
// like a change.
func (a *app) InitChain(ctx context.Context, _ *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	if !a.ledger.Initialized() {
		res, err := a.machine.InitGenesis(ctx, a.packages)
		if err != nil {
			return nil, fmt.Errorf("genesis state: %w", err)
		}
		ex, err := a.prepare(&chain.BlockInput{}, blockMeta{}, res)
		if err != nil {
			return nil, fmt.Errorf("genesis state: %w", err)
		}
		if err := a.ledger.Commit(ex.candidate); err != nil {
			return nil, fmt.Errorf("genesis state: %w", err)
		}
	}
	if h := a.ledger.Height(); h != 0 {
		return nil, types.Errorf(types.CodeLedgerMismatch, "the ledger is at height %d, consensus at 0", h)
	}
	root := a.ledger.ContentRoot()
	return &abci.ResponseInitChain{AppHash: root[:]}, nil
}

// blockMeta is what the ledger keeps of a block besides its transactions.
type blockMeta struct {
	cometHash   crypto.Hash
	certificate *types.FinalityCertificate
	restart     *types.Restart // the act that the certificate is of; nil for most blocks
}

// execution is an executed block, ready to be committed.
type execution struct {
	input     *chain.BlockInput
	result    *chain.Result
	candidate *ledger.Candidate
	took      time.Duration
	updates   []abci.ValidatorUpdate
	params    *cmtproto.ConsensusParams // nil: unchanged
	ids       []crypto.Hash             // of all transactions, in order
}

// execute runs a block on the committed state and computes its roots. It leaves no
// trace: only committing the candidate does.
func (a *app) execute(ctx context.Context, in *chain.BlockInput, meta blockMeta) (*execution, error) {
	start := time.Now()
	res, err := a.machine.Execute(ctx, a.ledger, a.ids.w, in)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ex, err := a.prepare(in, meta, res)
	if err != nil {
		return nil, err
	}
	ex.took = time.Since(start)
	a.m.executed.Inc()
	a.m.blockSeconds.Observe(ex.took.Seconds())
	return ex, nil
}

// prepare has the ledger compute what committing a result would give.
func (a *app) prepare(in *chain.BlockInput, meta blockMeta, res *chain.Result) (*execution, error) {
	b := &ledger.Block{
		Height: in.Height, Time: in.Time, CometHash: meta.cometHash, Certificate: meta.certificate,
		Txs: in.Txs, UsedIDs: res.UsedIDs, Receipts: res.Receipts, Events: res.Events, Writes: res.Writes,
		Config: res.Config, Protocol: res.Protocol,
		TxIDs: make([]crypto.Hash, len(in.Txs)), Senders: make([]types.Address, len(in.Txs)), Contracts: make([]string, len(in.Txs)),
	}
	if meta.restart != nil {
		b.Restart = meta.restart.Encode()
	}
	for i, tx := range res.Txs {
		b.TxIDs[i] = res.Receipts[i].TxID
		if tx != nil {
			b.Senders[i], b.Contracts[i] = tx.Body.Sender, tx.Body.Contract
		}
	}
	if in.Height > 1 {
		var err error
		if b.LastCommit, err = a.commitIn(in.Height - 1); err != nil {
			return nil, err
		}
	}
	// A set that a block decides votes two heights later: before the block stands the one
	// that votes next, after it the one that votes then. The founders are both.
	before, after := chain.State(a.ledger), written{res.Writes, a.ledger}
	if in.Height == 0 {
		before = after
	}
	var err error
	if b.Signers, err = a.machine.Validators(before); err != nil {
		return nil, err
	}
	if b.NextSigners, err = a.machine.Validators(after); err != nil {
		return nil, err
	}
	ex := &execution{input: in, result: res, ids: b.TxIDs, updates: validatorUpdates(b.Signers, b.NextSigners)}
	if ex.params, err = a.paramUpdates(before, after); err != nil {
		return nil, err
	}
	ex.candidate, err = a.ledger.Prepare(b)
	return ex, err
}

// paramUpdates is what CometBFT must be told of governed parameters, nil for nothing.
func (a *app) paramUpdates(before, after chain.State) (*cmtproto.ConsensusParams, error) {
	old, _, err := a.machine.Params(before)
	if err != nil {
		return nil, err
	}
	now, _, err := a.machine.Params(after)
	if err != nil || now.MaxBlockBytes == old.MaxBlockBytes {
		return nil, err
	}
	return &cmtproto.ConsensusParams{Block: &cmtproto.BlockParams{MaxBytes: now.MaxBlockBytes, MaxGas: -1}}, nil
}

// written is a state after writes, which ascend by namespace and key, for single rows.
type written struct {
	writes []types.Write
	chain.State
}

// Get implements chain.State.
func (s written) Get(ns string, key []byte) ([]byte, bool, error) {
	i := sort.Search(len(s.writes), func(i int) bool {
		w := &s.writes[i]
		return w.NS > ns || w.NS == ns && string(w.Key) >= string(key)
	})
	if i < len(s.writes) && s.writes[i].NS == ns && string(s.writes[i].Key) == string(key) {
		return s.writes[i].Value, !s.writes[i].Delete, nil
	}
	return s.State.Get(ns, key)
}

// validatorUpdates is what CometBFT must be told to get from one set to the other.
func validatorUpdates(from, to types.ValidatorSet) []abci.ValidatorUpdate {
	var out []abci.ValidatorUpdate
	powers := make(map[[32]byte]int64, len(from))
	for i := range from {
		powers[from[i].Ed25519] = from[i].Power
	}
	for i := range to {
		if powers[to[i].Ed25519] != to[i].Power {
			out = append(out, abci.Ed25519ValidatorUpdate(to[i].Ed25519[:], to[i].Power))
		}
		delete(powers, to[i].Ed25519)
	}
	for i := range from { // in set order: every node must send the same list
		if _, gone := powers[from[i].Ed25519]; gone {
			out = append(out, abci.Ed25519ValidatorUpdate(from[i].Ed25519[:], 0))
		}
	}
	return out
}

// stop reports a failure after which this node must not go on, and ends the call.
//
// In consensus the error makes CometBFT panic, and it catches that: the node stops
// voting and its owner can stop it in order. Block sync would take the whole process
// down with the panic, so there the calling goroutine is ended instead, which its
// deferred calls survive.
func (a *app) stop(err error) error {
	a.fatal(err)
	if a.syncing() {
		runtime.Goexit()
	}
	return err
}

// isFailure reports whether err says that this node failed, not that a block is at
// fault.
func isFailure(err error) bool {
	switch types.CodeOf(err) {
	case types.CodeLedgerCorrupt, types.CodeDiskFailure, types.CodeLedgerMismatch, types.CodeInternal:
		return true
	}
	return false
}

var errNoCertificate = errors.New("no finality certificate")
