package consensus

import "time"

// maxAgain bounds the list of transactions offered again. A peer that misses some of
// them gets them another OfferAgainBlocks later.
const maxAgain = 8192

// cursor is how far a peer has been offered the pool.
type cursor struct{ log, again uint64 }

// next returns whole transactions of this node's own that the cursor has not passed, up
// to the bounds of a carrier, the cursor behind them, and a channel that closes when
// there is more.
func (q *pool) next(c cursor) (txs [][]byte, after cursor, more <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	size := 0
	fits := func(e *entry) bool {
		if len(txs) == MaxCarrierTxs || size+len(e.raw)+4 > MaxCarrierBytes-1 {
			return false
		}
		size += len(e.raw) + 4
		txs = append(txs, e.raw)
		return true
	}
	c.again = max(c.again, q.againTop-uint64(len(q.again)))
	for ; c.again < q.againTop; c.again++ {
		e := q.again[len(q.again)-int(q.againTop-c.again)]
		if q.byID[e.id] == e && !fits(e) {
			return txs, c, q.wake
		}
	}
	c.log = max(c.log, q.base)
	for ; c.log < q.base+uint64(len(q.log)); c.log++ {
		e := q.log[c.log-q.base]
		if e != nil && e.from == "" && !fits(e) {
			break
		}
	}
	return txs, c, q.wake
}

// start is the cursor of a peer that has been offered nothing.
func (q *pool) start() cursor {
	q.mu.Lock()
	defer q.mu.Unlock()
	return cursor{log: q.base, again: q.againTop}
}

// offerAgain lists own transactions that were last offered blocks ago or earlier and
// that no block took up since: a peer may have dropped them, or did not know their
// sender yet.
func (q *pool) offerAgain(blocks int64) {
	before := q.againTop
	for _, e := range q.log {
		if e == nil || e.from != "" || e.offered+blocks > q.height {
			continue
		}
		q.offer(e)
	}
	if q.againTop > before {
		q.wakeFeeders()
	}
}

// offer lists a transaction to be offered again.
func (q *pool) offer(e *entry) {
	e.offered = q.height
	q.again = append(q.again, e)
	q.againTop++
	if n := len(q.again); n >= 2*maxAgain {
		q.again = append([]*entry(nil), q.again[n-maxAgain:]...)
	}
}

// offerIdle offers everything again if there was no block for d. On an idle chain the
// node whose turn it is proposes only once it knows of a transaction, so one that its
// peers dropped would wait for the heartbeat.
func (q *pool) offerIdle(now time.Time, d time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now.Sub(q.blockAt) >= d {
		q.offerAgain(0)
	}
}

// adopt makes this node one that offers a transaction to the others; false if it is.
func (q *pool) adopt(e *entry) bool {
	if e.from == "" {
		return false
	}
	q.account(e, -1)
	e.from = ""
	q.account(e, 1)
	q.offer(e)
	return true
}

// linked tells whether there is a link to a peer. What one offered that is gone, this node
// offers: it may have reached only some of the others, and one that knows of no transaction
// waits for the first before it takes part in a new block.
func (q *pool) linked(peer string, is bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if is {
		delete(q.gone, peer)
		return
	}
	q.gone[peer] = true
	adopted := false
	for _, e := range q.log {
		if e != nil && e.from == peer {
			adopted = q.adopt(e) || adopted
		}
	}
	if adopted {
		q.wakeFeeders()
	}
}
