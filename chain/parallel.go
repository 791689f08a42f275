package chain

import (
	"sync"
	"sync/atomic"

	"github.com/huchain/huchain/crypto"
)

// Parallel execution after Block-STM (Gelashvili et al., PPoPP 2023), with one
// simplification: results are taken over in the order of the block, by one goroutine.
//
// Workers execute transactions ahead of it, each on the state that the transactions
// before it have left as far as these have been executed, and note what they read. When
// all transactions before one are settled, its reads are made again: if they give the
// same, so would the execution, and the result stands; otherwise the transaction is
// executed again, now on what is settled. Results are therefore those of serial
// execution by construction, whatever the workers did.

// probeTxs is from how many results on at least a quarter must have stood and not been
// waited for, or the rest of the block is executed one after another: its transactions
// depend on one another, or there is no processor to spare.
const probeTxs = 32

// leadPerWorker bounds how far workers are ahead of what is settled.
const leadPerWorker = 16

// speculator executes the transactions of one block ahead of their order.
type speculator struct {
	x    *execution   // the block's; workers read what does not change in it
	sup  *supervision // as the block begins, nil without rules
	blk  *BlockInput
	v    versions
	runs []speculativeRun
	next atomic.Uint32 // index of the next transaction that no worker has begun
	room chan struct{} // a token for each transaction that may be begun
	halt atomic.Bool
	wg   sync.WaitGroup

	taken, useful int // results that workers were asked for, and those that saved time
}

// speculativeRun is one transaction executed ahead.
type speculativeRun struct {
	claimed atomic.Bool
	done    chan struct{} // closed by the worker that has claimed it
	over    atomic.Bool   // set before done is closed
	ok      bool          // executed, valid once done is closed
	x       *execution    // its own, with a result of one transaction
	view    *view
	rows    []writtenRow // as published
}

// speculate starts workers on a block. stop MUST be called.
func (x *execution) speculate(blk *BlockInput, workers int) *speculator {
	s := &speculator{x: x, sup: x.sup.copy(), blk: blk, v: versions{base: x.o.base}, runs: make([]speculativeRun, len(blk.Txs))}
	lead := leadPerWorker * workers
	s.room = make(chan struct{}, len(s.runs)+lead)
	for range lead {
		s.room <- struct{}{}
	}
	for i := range s.runs {
		s.runs[i].done = make(chan struct{})
	}
	for range workers { // what they compute is used only where execution in order would give the same
		s.wg.Go(s.work)
	}
	return s
}

// stop ends the workers.
func (s *speculator) stop() {
	s.halt.Store(true)
	close(s.room)
	s.wg.Wait()
}

func (s *speculator) work() {
	for {
		<-s.room
		i := s.next.Add(1) - 1
		if s.halt.Load() || i >= uint32(len(s.runs)) {
			return
		}
		if r := &s.runs[i]; r.claimed.CompareAndSwap(false, true) {
			s.attempt(r, i)
			s.x.c.ahead.Add(1)
			r.over.Store(true)
			close(r.done)
		}
	}
}

// attempt executes a transaction on what is known of those before it. What may go wrong
// only because that is not settled yet is left to the execution in order: failures of
// the node, and panics.
func (s *speculator) attempt(r *speculativeRun, i uint32) {
	defer func() { r.ok = recover() == nil && r.ok }()
	r.view = &view{v: &s.v, tx: i}
	r.x = s.ahead(r.view)
	if r.x.transaction(i, s.blk) != nil {
		return
	}
	r.rows = r.x.o.rowsSince(0)
	s.v.publish(i, 1, nil, r.rows)
	r.ok = true
}

// Speculated counts the transactions that were executed ahead of their order, and those
// of them whose results stood.
func (c *Chain) Speculated() (ahead, stood uint64) { return c.ahead.Load(), c.stood.Load() }

// ahead is an execution of one transaction on a state of its own. Ids used and gas spent
// before it in the block are checked where its result is taken over.
func (s *speculator) ahead(st State) *execution {
	x := s.x
	return &execution{
		c: x.c, ctx: x.ctx, o: newOverlay(st), ids: x.ids, scope: x.scope, sup: s.sup.copy(),
		seen: make(map[crypto.Hash]struct{}, 1), res: &Result{},
	}
}

// settle brings transaction i in and gives workers room for another.
func (s *speculator) settle(i uint32) error {
	err := s.settleOne(i)
	s.room <- struct{}{}
	return err
}

// settleOne brings transaction i into the block's execution, by the result of a worker or by
// executing it now. Transactions MUST be settled in order, by one goroutine.
func (s *speculator) settleOne(i uint32) error {
	r := &s.runs[i]
	if s.halt.Load() { // from here on nothing of the workers is used
		return s.x.transaction(i, s.blk)
	}
	if r.claimed.CompareAndSwap(false, true) { // no worker has come to it
		return s.again(r, i)
	}
	early := r.over.Load()
	<-r.done
	stands, err := s.stands(r)
	if err != nil {
		return err
	}
	s.taken++
	if early && stands {
		s.useful++
	}
	if !stands {
		err = s.again(r, i)
	} else {
		s.x.c.stood.Add(1)
		s.x.adopt(r)
	}
	if s.taken >= probeTxs && 4*s.useful < s.taken {
		s.halt.Store(true)
	}
	return err
}

// stands reports whether a worker's result is that of the execution in order.
func (s *speculator) stands(r *speculativeRun) (bool, error) {
	x := s.x
	if !r.ok || x.res.GasUsed >= x.scope.params.MaxBlockGas {
		return false, nil
	}
	if _, used := x.seen[r.x.res.Receipts[0].TxID]; used {
		return false, nil
	}
	// The rules in force are not read through the view.
	if x.sup != nil && (x.sup.touches != s.sup.touches || r.x.sup.touches != s.sup.touches) {
		return false, nil
	}
	return r.view.holds()
}

// again executes a transaction in its place and lets those behind it see the outcome.
func (s *speculator) again(r *speculativeRun, i uint32) error {
	mark := s.x.o.mark()
	if err := s.x.transaction(i, s.blk); err != nil {
		return err
	}
	s.v.publish(i, 2, r.rows, s.x.o.rowsSince(mark))
	return nil
}

// adopt takes a worker's result over.
func (x *execution) adopt(r *speculativeRun) {
	x.o.take(r.rows)
	res := r.x.res
	x.res.Txs = append(x.res.Txs, res.Txs...)
	x.res.Receipts = append(x.res.Receipts, res.Receipts...)
	x.res.Events = append(x.res.Events, res.Events...)
	x.res.Staged = append(x.res.Staged, res.Staged...)
	x.res.GasUsed += res.GasUsed
	for _, id := range res.UsedIDs {
		x.seen[id] = struct{}{}
		x.res.UsedIDs = append(x.res.UsedIDs, id)
	}
}
