package consensus

import (
	"bytes"
	"runtime"
	"sync"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Bounds of the queue of carriers and of the transactions that wait for their sender to
// become known.
const (
	maxQueuedCarriers     = 2048
	maxPeerQueuedCarriers = 256
	maxParkedTxs          = 4096
	maxParkedBytes        = 8 << 20
	maxParkTries          = 6 // after 1, 2, 4, … blocks: some 60 blocks in all
)

// admitFunc verifies transactions against the committed state: chain.Chain.AdmitEach.
type admitFunc func(raws [][]byte, nowMs int64) ([]*types.Tx, []error)

// admitter verifies transactions in a bounded number of goroutines and puts those that
// pass into the pool.
type admitter struct {
	p     *Params
	m     *metrics
	admit admitFunc
	pool  *pool
	now   func() time.Time
	// fault is called when a peer sent what an honest node never sends.
	fault func(peer string, err error)

	workers chan struct{} // one token per submission being verified
	waiting chan struct{} // one token per submission in here
	queue   chan carrierJob

	mu          sync.Mutex
	queued      map[string]usage // per peer: carriers and bytes in queue
	parked      []parkedTx
	parkedBytes int
}

// carrierJob is a list of transactions from a peer.
type carrierJob struct {
	peer  string
	list  []byte     // encoded list, or
	again []parkedTx // parked ones to try again
}

// parkedTx is a transaction from a peer whose sender is not known here yet: the peer
// may be a block ahead of us.
type parkedTx struct {
	raw        []byte
	peer       string
	tries      int
	nextHeight int64
}

func newAdmitter(p *Params, m *metrics, admit admitFunc, q *pool, fault func(string, error)) *admitter {
	n := p.AdmitWorkers
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return &admitter{
		p: p, m: m, admit: admit, pool: q, now: time.Now, fault: fault,
		workers: make(chan struct{}, n),
		waiting: make(chan struct{}, p.AdmitQueue),
		queue:   make(chan carrierJob, maxQueuedCarriers),
		queued:  map[string]usage{},
	}
}

// run verifies carriers until quit closes.
func (a *admitter) run(quit <-chan struct{}) {
	var wg sync.WaitGroup
	for range cap(a.workers) {
		wg.Go(func() {
			for {
				select {
				case <-quit:
					return
				case job := <-a.queue:
					a.work(job)
				}
			}
		})
	}
	wg.Wait()
}

// submit verifies a transaction of this node's own and puts it into the pool. The id is
// returned with every error that leaves it known. HC-2114 if too many submissions wait.
func (a *admitter) submit(raw []byte) (crypto.Hash, error) {
	ids, errs := a.submitEach([][]byte{raw})
	return ids[0], errs[0]
}

// submitEach is submit of several transactions; one that is refused stops no other.
func (a *admitter) submitEach(raws [][]byte) ([]crypto.Hash, []error) {
	ids, errs := make([]crypto.Hash, len(raws)), make([]error, len(raws))
	select {
	case a.waiting <- struct{}{}:
		defer func() { <-a.waiting }()
	default:
		for i := range errs {
			errs[i] = a.refuse(&types.Error{Code: types.CodePoolFull, Detail: "too many submissions at a time", RetryAfterMs: 200})
		}
		return ids, errs
	}
	open, list := make([]int, 0, len(raws)), make([][]byte, 0, len(raws))
	for i, raw := range raws {
		if ids[i], errs[i] = a.fits(raw); errs[i] == nil {
			open, list = append(open, i), append(list, raw)
		}
	}
	if len(list) == 0 {
		return ids, errs
	}
	a.workers <- struct{}{}
	txs, refused := a.admit(list, a.now().UnixMilli())
	<-a.workers
	good, at := make([]*types.Tx, 0, len(txs)), make([]int, 0, len(txs))
	for n, i := range open {
		if refused[n] != nil {
			ids[i], errs[i] = crypto.Hash{}, a.refuse(refused[n])
			continue
		}
		ids[i] = txs[n].ID()
		good, at = append(good, txs[n]), append(at, i)
	}
	for n, err := range a.pool.add(good, "") {
		if err != nil {
			errs[at[n]] = a.refuse(err)
		}
	}
	return ids, errs
}

// fits refuses what a full pool would not take: verifying it would take from what is
// taken. One that waits or is committed is told so all the same.
func (a *admitter) fits(raw []byte) (crypto.Hash, error) {
	full := a.pool.crowded(int64(len(raw)))
	if full == nil {
		return crypto.Hash{}, nil
	}
	tx, err := types.DecodeTx(raw)
	if err != nil {
		return crypto.Hash{}, a.refuse(err)
	}
	if !a.pool.knows(tx.ID()) {
		return tx.ID(), a.refuse(full)
	}
	return tx.ID(), nil
}

func (a *admitter) refuse(err error) error {
	a.m.refused.WithLabelValues(types.CodeOf(err).String()).Inc()
	return err
}

// offer queues a carrier and returns at once. It reports false, and forgets the carrier,
// if the peer has too much waiting: its transactions are offered again later.
func (a *admitter) offer(peer string, list []byte) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.queued[peer]
	if u.txs >= maxPeerQueuedCarriers || u.bytes+int64(len(list)) > a.p.CarrierQueueBytes {
		return false
	}
	select {
	case a.queue <- carrierJob{peer: peer, list: list}:
		a.queued[peer] = u.plus(1, int64(len(list)))
		return true
	default:
		return false
	}
}

func (a *admitter) work(job carrierJob) {
	if job.again != nil {
		for i := range job.again {
			a.admitFromPeer(job.again[i].peer, []parkedTx{job.again[i]})
		}
		return
	}
	a.mu.Lock()
	if u := a.queued[job.peer].plus(-1, -int64(len(job.list))); u.txs > 0 {
		a.queued[job.peer] = u
	} else {
		delete(a.queued, job.peer)
	}
	a.mu.Unlock()
	list, err := types.DecodeList(job.list, MaxCarrierTxs)
	if err != nil {
		a.fault(job.peer, err)
		return
	}
	a.m.carrierTxsIn.Add(float64(len(list)))
	if room := a.pool.vacant(); room < len(list) {
		a.m.carrierDrops.Inc() // what has no room is not verified: it is offered again
		list = list[:room]
	}
	txs := make([]parkedTx, len(list))
	for i, raw := range list {
		// A copy: the pool must not keep a carrier alive for one transaction of it.
		txs[i] = parkedTx{raw: bytes.Clone(raw), peer: job.peer}
	}
	a.admitFromPeer(job.peer, txs)
}

func (a *admitter) admitFromPeer(peer string, list []parkedTx) {
	nowMs := a.now().UnixMilli()
	raws := make([][]byte, len(list))
	for i := range list {
		raws[i] = list[i].raw
	}
	txs, errs := a.admit(raws, nowMs)
	good := make([]*types.Tx, 0, len(list))
	for i, p := range list {
		err := errs[i]
		switch code := types.CodeOf(err); code {
		case types.CodeOK:
			good = append(good, txs[i])
		case types.CodeUnknownSender:
			a.park(p)
		case types.CodeTxMalformed, types.CodeTxTooLarge, types.CodeWrongGenesis, types.CodeBadSignature:
			// The origin verified what it sends, and none of these depends on the
			// state: the peer is broken or lies.
			_ = a.refuse(err) // counts it
			a.fault(peer, err)
			return
		default:
			_ = a.refuse(err) // counts it
		}
	}
	for _, err := range a.pool.add(good, peer) {
		if err != nil && err.Code != types.CodeTxKnown && err.Code != types.CodeTxDuplicate { // offered twice is no refusal
			_ = a.refuse(err) // counts it
		}
	}
}

// park keeps a transaction until a later block makes its sender known.
func (a *admitter) park(p parkedTx) {
	if p.tries++; p.tries > maxParkTries {
		a.m.refused.WithLabelValues(types.CodeUnknownSender.String()).Inc()
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.parked) >= maxParkedTxs || a.parkedBytes+len(p.raw) > maxParkedBytes {
		return // its origin offers it again
	}
	a.pool.mu.Lock()
	p.nextHeight = a.pool.height + 1<<(p.tries-1)
	a.pool.mu.Unlock()
	a.parked = append(a.parked, p)
	a.parkedBytes += len(p.raw)
}

// blockCommitted has due transactions tried again.
func (a *admitter) blockCommitted(height int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.parked) == 0 {
		return
	}
	var due, rest []parkedTx
	for _, p := range a.parked {
		if p.nextHeight <= height {
			due = append(due, p)
		} else {
			rest = append(rest, p)
		}
	}
	if due == nil {
		return
	}
	select {
	case a.queue <- carrierJob{again: due}:
		a.parked, a.parkedBytes = rest, 0
		for _, p := range rest {
			a.parkedBytes += len(p.raw)
		}
	default: // busy: next block
	}
}

// peerGone forgets what a peer has parked. What it has in queue is worked off.
func (a *admitter) peerGone(peer string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	rest := a.parked[:0]
	for _, p := range a.parked {
		if p.peer != peer {
			rest = append(rest, p)
		} else {
			a.parkedBytes -= len(p.raw)
		}
	}
	clear(a.parked[len(rest):])
	a.parked = rest
}
