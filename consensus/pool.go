package consensus

import (
	"sync"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// entry is one transaction that waits for a block.
type entry struct {
	raw        []byte
	id         crypto.Hash
	sender     types.Address
	validUntil int64  // Unix milliseconds of block time
	from       string // peer that offers it to all; "" if this node does
	pos        uint64 // absolute place in the log
	offered    int64  // height at which it was last offered to the peers
}

// usage is what a sender or a peer holds of the pool.
type usage struct {
	txs   int
	bytes int64
}

// pool keeps verified transactions until a block holds them or their validity ends.
//
// It is an append-only log with a moving base: gossip goroutines hold cursors into it,
// so a new peer, which starts at the base, is offered everything without any record of
// what it was sent. What has been committed is told by used, which the chain bounds;
// the pool itself remembers only what it holds. All methods are safe for concurrent use.
type pool struct {
	p       *Params
	m       *metrics
	used    func(crypto.Hash) bool                 // committed within the window of ids
	dropped func(id crypto.Hash, err *types.Error) // an entry left without a block

	mu       sync.Mutex
	log      []*entry // nil where the entry is gone
	base     uint64   // absolute place of log[0]
	byID     map[crypto.Hash]*entry
	bytes    int64
	senders  map[types.Address]usage
	peers    map[string]usage
	gone     map[string]bool // peers that were linked and are not
	again    []*entry        // offered a second time; at least the last maxAgain of them
	againTop uint64          // absolute place after the last of again
	wake     chan struct{}
	height   int64
	blockAt  time.Time // when the last block was committed here
	rate     drainRate
	sweptMs  int64

	avail    chan struct{} // CometBFT's TxsAvailable; nil unless enabled
	notified bool          // once per height
}

// peerShare is the part of the pool, in percent, that all peers together may fill; the
// rest is kept for submissions to this node.
const peerShare = 90

func newPool(p *Params, m *metrics, used func(crypto.Hash) bool, dropped func(crypto.Hash, *types.Error)) *pool {
	return &pool{
		p: p, m: m, used: used, dropped: dropped,
		byID:    map[crypto.Hash]*entry{},
		senders: map[types.Address]usage{},
		peers:   map[string]usage{},
		gone:    map[string]bool{},
		wake:    make(chan struct{}),
		blockAt: time.Now(),
	}
}

// add takes verified transactions, in order. from is the peer they came from, "" for
// submissions. The result is nil, or holds an error at the place of each transaction
// that was not taken: HC-2115 if it is known, HC-2114 with a hint when to retry.
func (q *pool) add(txs []*types.Tx, from string) []*types.Error {
	q.mu.Lock()
	defer q.mu.Unlock()
	var errs []*types.Error
	taken := 0
	for i, tx := range txs {
		if err := q.addOne(tx, from); err != nil {
			if errs == nil {
				errs = make([]*types.Error, len(txs))
			}
			errs[i] = err
			continue
		}
		taken++
	}
	if taken > 0 {
		q.m.admitted.Add(float64(taken))
		q.changed()
		q.wakeFeeders()
		q.notify()
	}
	return errs
}

func (q *pool) addOne(tx *types.Tx, from string) *types.Error {
	id, size := tx.ID(), int64(len(tx.Bytes()))
	if e, ok := q.byID[id]; ok {
		if from == "" {
			if q.adopt(e) { // whoever submits it once more may have lost the node that had it first
				q.wakeFeeders()
			}
		}
		return types.Errorf(types.CodeTxKnown, "transaction %s waits for a block", id)
	}
	if q.used(id) {
		return types.Errorf(types.CodeTxDuplicate, "transaction %s is committed", id)
	}
	if err := q.room(tx.Body.Sender, from, size); err != nil {
		return err
	}
	if q.gone[from] {
		from = "" // its carrier was still in queue
	}
	e := &entry{
		raw: tx.Bytes(), id: id, sender: tx.Body.Sender, validUntil: tx.Body.ValidUntil,
		from: from, pos: q.base + uint64(len(q.log)), offered: q.height,
	}
	q.log = append(q.log, e)
	q.byID[id] = e
	q.account(e, 1)
	return nil
}

// crowded reports that the pool has no room for a submission of size bytes, whoever sends
// it: what is refused for that need not be verified.
func (q *pool) crowded(size int64) *types.Error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.overflow("", size)
}

// vacant is how many transactions of peers the pool has room for, by its bounds on all.
func (q *pool) vacant() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	maxTxs, maxBytes := q.bounds("peer")
	if q.bytes >= maxBytes {
		return 0
	}
	return max(0, maxTxs-len(q.byID))
}

// bounds are those of the whole pool for a source, as in add.
func (q *pool) bounds(from string) (maxTxs int, maxBytes int64) {
	if from == "" {
		return q.p.PoolTxs, q.p.PoolBytes
	}
	return max(1, q.p.PoolTxs*peerShare/100), q.p.PoolBytes * peerShare / 100
}

// overflow reports that a transaction of size bytes exceeds the pool's bounds; the caller
// holds mu.
func (q *pool) overflow(from string, size int64) *types.Error {
	maxTxs, maxBytes := q.bounds(from)
	if len(q.byID) >= maxTxs || q.bytes+size > maxBytes {
		return q.full("the mempool is full")
	}
	return nil
}

func (q *pool) full(detail string) *types.Error {
	return &types.Error{Code: types.CodePoolFull, Detail: detail, RetryAfterMs: q.rate.drainMs(len(q.byID) / 10)}
}

// knows reports whether a transaction waits here or is committed.
func (q *pool) knows(id crypto.Hash) bool { return q.has(id) || q.used(id) }

// room reports why size bytes of sender's do not fit, or nil.
func (q *pool) room(sender types.Address, from string, size int64) *types.Error {
	if err := q.overflow(from, size); err != nil {
		return err
	}
	su, pu := q.senders[sender], q.peers[from]
	switch {
	case su.txs >= q.p.SenderTxs || su.bytes+size > q.p.SenderBytes:
		return q.full("the sender has too many transactions waiting")
	case from != "" && (pu.txs >= q.p.PeerTxs || pu.bytes+size > q.p.PeerBytes):
		return q.full("the peer has too many transactions waiting")
	}
	return nil
}

// account adds (sign 1) or removes (sign -1) an entry from the sums.
func (q *pool) account(e *entry, sign int) {
	size := int64(sign * len(e.raw))
	q.bytes += size
	q.senders[e.sender] = q.senders[e.sender].plus(sign, size)
	if q.senders[e.sender].txs == 0 {
		delete(q.senders, e.sender)
	}
	if e.from == "" {
		return
	}
	q.peers[e.from] = q.peers[e.from].plus(sign, size)
	if q.peers[e.from].txs == 0 {
		delete(q.peers, e.from)
	}
}

func (u usage) plus(txs int, bytes int64) usage { return usage{u.txs + txs, u.bytes + bytes} }

func (q *pool) remove(e *entry) {
	delete(q.byID, e.id)
	q.log[e.pos-q.base] = nil
	q.account(e, -1)
	e.raw = nil // the list of those offered again may hold the entry for longer
}

// changed updates the gauges; the caller holds mu.
func (q *pool) changed() {
	q.m.poolTxs.Set(float64(len(q.byID)))
	q.m.poolBytes.Set(float64(q.bytes))
}

func (q *pool) wakeFeeders() {
	close(q.wake)
	q.wake = make(chan struct{})
}

// notify tells CometBFT once per height that there is something to propose.
func (q *pool) notify() {
	if q.avail == nil || q.notified || len(q.byID) == 0 {
		return
	}
	q.notified = true
	select {
	case q.avail <- struct{}{}:
	default:
	}
}

// pack fills frames with the oldest transactions a block of the given time may hold, up
// to maxBytes and maxTxs. It skips what has expired, and what is valid too far ahead of block
// time: block time lags on an idle chain, and the next block brings it up to date.
func (q *pool) pack(maxBytes, timeMs int64, maxTxs int) [][]byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := framePacker{left: maxBytes, frameBytes: q.p.FrameBytes}
	for _, e := range q.log {
		if e == nil || e.validUntil <= timeMs || e.validUntil > timeMs+types.Window.Milliseconds() {
			continue
		}
		if p.txs == maxTxs || !p.add(e.raw) {
			break
		}
	}
	p.close()
	return p.frames
}

// committed removes what a block at height holds and what has expired by its time.
func (q *pool) committed(height, timeMs int64, ids []crypto.Hash) {
	var gone []*entry
	q.mu.Lock()
	q.height, q.blockAt = height, time.Now()
	for _, id := range ids {
		if e := q.byID[id]; e != nil {
			q.remove(e)
		}
	}
	if timeMs >= q.sweptMs+1000 {
		q.sweptMs = timeMs
		gone = q.expire(timeMs)
	}
	q.trim()
	q.rate.block(timeMs, len(ids))
	if height%q.p.OfferAgainBlocks == 0 {
		q.offerAgain(q.p.OfferAgainBlocks)
	}
	q.changed()
	q.mu.Unlock()
	for _, e := range gone {
		q.m.expired.Inc()
		q.dropped(e.id, types.Errorf(types.CodeTxExpired, "no block took it up before its validity ended"))
	}
}

func (q *pool) expire(timeMs int64) (gone []*entry) {
	for _, e := range q.log {
		if e != nil && e.validUntil <= timeMs {
			q.remove(e)
			gone = append(gone, e)
		}
	}
	return gone
}

func (q *pool) trim() {
	i := 0
	for i < len(q.log) && q.log[i] == nil {
		i++
	}
	q.base += uint64(i)
	if q.log = q.log[i:]; len(q.log) == 0 {
		q.log = nil // lets go of the array
	}
}

// drop removes transactions that no block may hold, and says so to who waits for them.
func (q *pool) drop(ids []crypto.Hash, err *types.Error) {
	q.mu.Lock()
	for _, id := range ids {
		if e := q.byID[id]; e != nil {
			q.remove(e)
		}
	}
	q.trim()
	q.changed()
	q.mu.Unlock()
	for _, id := range ids {
		q.dropped(id, err)
	}
}

// has reports whether a transaction waits here.
func (q *pool) has(id crypto.Hash) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.byID[id] != nil
}

// size returns how many transactions wait, and their bytes.
func (q *pool) size() (txs int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.byID), q.bytes
}

// drainRate estimates how fast blocks empty the pool.
type drainRate struct {
	lastMs int64
	perSec float64
}

func (r *drainRate) block(timeMs int64, txs int) {
	dt := min(max(timeMs-r.lastMs, 1), 2000) // an idle pause says nothing about speed
	if r.lastMs != 0 && txs > 0 {
		now := float64(txs) * 1000 / float64(dt)
		r.perSec += (now - r.perSec) / 8
	}
	r.lastMs = timeMs
}

// drainMs is how long n transactions take to leave, between 100 ms and 10 s.
func (r *drainRate) drainMs(n int) int64 {
	if r.perSec < 1 {
		return 1000
	}
	return int64(min(max(float64(n)*1000/r.perSec, 100), 10_000))
}
