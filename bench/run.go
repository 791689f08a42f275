package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/types"
)

// Progress is told what the run is doing, once a second while it measures.
type Progress func(stage string, committed uint64, elapsed time.Duration)

// Run loads the target as p says and reports. It ends by itself after warm-up, duration
// and a bounded time for what is in flight.
func Run(ctx context.Context, p Params, t Target, progress Progress) (*Report, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	sc, err := scenarioOf(p.Scenario)
	if err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(string, uint64, time.Duration) {}
	}
	r := &run{p: p, t: t, sc: sc, track: newTracker(p.InFlight), progress: progress}
	for _, cp := range t.clients() {
		c, err := client.New(ctx, cp)
		if err != nil {
			return nil, err
		}
		r.clients = append(r.clients, c)
	}
	progress("members", 0, 0)
	if r.members, err = newMembers(ctx, t.CA, p.Members); err != nil {
		return nil, err
	}
	st, err := r.clients[0].Status(ctx)
	if err != nil {
		return nil, err
	}
	return r.measure(ctx, st.Height)
}

type run struct {
	p        Params
	t        Target
	sc       *scenario
	clients  []*client.Client
	members  []*member
	track    *tracker
	progress Progress
}

// signed is a transaction ready to go.
type signed struct {
	tx  *types.Tx
	due time.Time
}

// measure runs generator and follower side by side and cuts the measured window out.
func (r *run) measure(ctx context.Context, height uint64) (*Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.follow(ctx, height+1) })
	var report *Report
	g.Go(func() error {
		defer cancel() // ends the follower
		r.progress("register", 0, 0)
		if err := r.register(ctx); err != nil {
			return err
		}
		var err error
		report, err = r.load(ctx)
		return err
	})
	err := g.Wait()
	if report != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return report, nil
	}
	return nil, err
}

// register makes the members known to the chain, so that what is measured carries no
// certificates.
func (r *run) register(ctx context.Context) error {
	c := call{contract: "membership", method: "register"}
	var batch []*signed
	for i, m := range r.members {
		tx, err := m.sign(r.t.Genesis, c, true)
		if err != nil {
			return err
		}
		if err := r.take(ctx, 1); err != nil {
			return err
		}
		batch = append(batch, &signed{tx, time.Now()})
		if len(batch) == r.p.Batch || i == len(r.members)-1 {
			if err := r.submit(ctx, r.clients[i/r.p.Batch%len(r.clients)], batch); err != nil {
				return err
			}
			batch = nil
		}
	}
	return r.drain(ctx, time.Minute)
}

// take waits for room for n more transactions in flight.
func (r *run) take(ctx context.Context, n int) error {
	for range n {
		select {
		case <-r.track.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// drain waits until nothing is in flight.
func (r *run) drain(ctx context.Context, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for r.track.left() > 0 {
		if time.Now().After(deadline) {
			return types.Errorf(types.CodeOutcomeUnknown, "%d transactions were not committed within %s", r.track.left(), limit)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// load generates for warm-up and duration, and reports on the latter.
func (r *run) load(ctx context.Context) (*Report, error) {
	gen, stop := context.WithCancel(ctx)
	defer stop()
	g, gen := errgroup.WithContext(gen)
	due := r.schedule(gen, g)
	for i := range r.clients {
		g.Go(func() error { return r.generate(gen, ctx, r.clients[i], due) })
	}
	r.progress("warm-up", 0, 0)
	if err := pause(gen, r.p.Warmup); err != nil {
		return nil, errors.Join(err, g.Wait())
	}
	before := r.usage()
	r.track.measure(time.Now())
	for started := time.Now(); ; {
		left := r.p.Duration - time.Since(started)
		if left <= 0 {
			break
		}
		if err := pause(gen, min(left, time.Second)); err != nil {
			return nil, errors.Join(err, g.Wait())
		}
		r.progress("measure", r.committed(), time.Since(started))
	}
	w := r.track.finish(time.Now())
	after := r.usage()
	stop()
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return nil, err
	}
	r.progress("drain", w.committed, r.p.Duration)
	drained := r.drain(ctx, 30*time.Second)
	return r.report(ctx, w, before, after, drained)
}

func (r *run) committed() uint64 {
	r.track.mu.Lock()
	defer r.track.mu.Unlock()
	return r.track.window.committed
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// schedule hands out the times at which transactions are due: at the offered rate, or at
// once as fast as they are taken.
func (r *run) schedule(ctx context.Context, g *errgroup.Group) <-chan time.Time {
	due := make(chan time.Time, r.p.Batch*len(r.clients))
	g.Go(func() error {
		start := time.Now()
		for n := 0; ; n++ {
			at := time.Now()
			if r.p.Rate > 0 {
				at = start.Add(time.Duration(n) * time.Second / time.Duration(r.p.Rate))
				if wait := time.Until(at); wait > time.Millisecond {
					if err := pause(ctx, wait); err != nil {
						return err
					}
				}
			}
			select {
			case due <- at:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	return due
}

// generate signs and submits to one node until gen ends. What is signed by then is still
// submitted, so that nothing is counted as on its way that was never sent.
func (r *run) generate(gen, ctx context.Context, c *client.Client, due <-chan time.Time) error {
	rnd := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) //nolint:gosec // picks members and payloads
	for {
		batch, err := r.next(gen, rnd, due)
		if len(batch) > 0 {
			if err := r.submit(ctx, c, batch); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// next signs what is due: one transaction at least, and as many more as are waiting.
// When ctx ends it returns what it has signed beside the error.
func (r *run) next(ctx context.Context, rnd *rand.Rand, due <-chan time.Time) ([]*signed, error) {
	var batch []*signed
	for len(batch) < r.p.Batch {
		if len(batch) > 0 && (len(due) == 0 || len(r.track.room) == 0) {
			return batch, nil
		}
		if err := r.take(ctx, 1); err != nil {
			return batch, err
		}
		var at time.Time
		select {
		case at = <-due:
		case <-ctx.Done():
			r.track.room <- struct{}{}
			return batch, ctx.Err()
		}
		if r.p.Rate == 0 {
			at = time.Now()
		}
		m := r.members[rnd.IntN(len(r.members))]
		tx, err := m.sign(r.t.Genesis, r.sc.next(rnd), false)
		if err != nil {
			return nil, err
		}
		batch = append(batch, &signed{tx, at})
	}
	return batch, nil
}

// submit hands a batch to a node, waiting and retrying where it is told that the pool is full.
func (r *run) submit(ctx context.Context, c *client.Client, batch []*signed) error {
	r.track.sent(batch)
	for tries := 0; len(batch) > 0; tries++ {
		raws := make([][]byte, len(batch))
		for i, s := range batch {
			raws[i] = s.tx.Bytes()
		}
		results, err := c.SubmitBatch(ctx, raws)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("submit: %w", err)
		}
		var again []*signed
		wait := time.Duration(0)
		for i, e := range results {
			switch {
			case e == nil:
			case e.RetryAfterMs > 0 && tries < 600:
				again = append(again, batch[i])
				wait = max(wait, time.Duration(e.RetryAfterMs)*time.Millisecond)
			default:
				r.track.rejected(batch[i].tx.ID(), e.Code)
			}
		}
		if batch = again; len(batch) > 0 {
			if err := pause(ctx, wait); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow reads the outcomes of every block from height on.
func (r *run) follow(ctx context.Context, height uint64) error {
	c := r.clients[0]
	for {
		o, err := c.Outcomes(ctx, height, 5*time.Second)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case types.CodeOf(err) == types.CodeHeightUnknown:
			continue // nothing committed within the wait
		case err != nil:
			return fmt.Errorf("follow block %d: %w", height, err)
		}
		r.track.block(o, time.Now())
		height++
	}
}

// usages is what each process has used so far, by process id.
type usages map[int]processUsage

func (r *run) usage() usages {
	u := usages{}
	pids := []int{os.Getpid()}
	for _, pid := range r.t.Processes {
		pids = append(pids, pid)
	}
	for _, pid := range pids {
		if v, err := readUsage(pid); err == nil {
			u[pid] = v
		}
	}
	return u
}
