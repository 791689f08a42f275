package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
)

// load finds the rate, if it is asked to, generates for warm-up and duration, and reports
// on the latter.
func (r *run) load(ctx context.Context) (*Report, error) {
	r.rate.Store(int64(r.p.Rate))
	if err := r.openStreams(ctx); err != nil {
		return nil, err
	}
	defer r.closeStreams()
	if r.p.Ramp {
		if err := r.ramp(ctx); err != nil {
			return nil, err
		}
	}
	l := r.begin(ctx)
	r.progress("warm-up", 0, 0)
	if err := pause(l.gen, r.p.Warmup); err != nil {
		return nil, errors.Join(err, l.end())
	}
	m, err := r.watch(l, r.p.Duration)
	if err != nil {
		return nil, errors.Join(err, l.end())
	}
	if err := errors.Join(r.catchUp(l, m.w), l.end()); err != nil {
		return nil, err
	}
	r.progress("drain", m.w.committed, r.p.Duration)
	drained := r.drain(ctx, 30*time.Second)
	r.track.close()
	m.close(l, r.begun(m.w))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r.report(m, drained), nil
}

// loading is the generator at work.
type loading struct {
	g     *errgroup.Group
	gen   context.Context
	stop  context.CancelFunc
	start time.Time
	rate  int64 // 0: closed loop

	gather time.Duration // for how long an open loop gathers what falls due
}

// begin starts the generator: one goroutine for each node, or for each client.
func (r *run) begin(ctx context.Context) *loading {
	gen, stop := context.WithCancel(ctx)
	l := &loading{stop: stop, start: time.Now(), rate: r.rate.Load()}
	l.g, l.gen = errgroup.WithContext(gen)
	if !r.sc.single() {
		l.gather = gatherFor
	}
	due := r.schedule(l)
	if r.sc.single() {
		for i := range r.p.Clients {
			l.g.Go(func() error { return r.callOn(l.gen, ctx, i, due) })
		}
		return l
	}
	for i := range r.clients {
		l.g.Go(func() error { return r.generate(l, ctx, i, due) })
	}
	return l
}

// end stops the generator and waits for what it has begun.
func (l *loading) end() error {
	l.stop()
	if err := l.g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// gap is the time between two that are due in an open loop.
func (l *loading) gap() time.Duration { return time.Second / time.Duration(l.rate) }

// dueAt is when the n-th is due.
func (l *loading) dueAt(n int64) time.Time {
	return l.start.Add(time.Duration(n/l.rate)*time.Second + time.Duration(n%l.rate)*time.Second/time.Duration(l.rate))
}

// dueWithin is how many are due from start up to end.
func (l *loading) dueWithin(start, end time.Time) uint64 {
	before := func(t time.Time) int64 { // how many are due before t
		n := int64(t.Sub(l.start).Seconds() * float64(l.rate))
		for n > 0 && !l.dueAt(n-1).Before(t) {
			n--
		}
		for l.dueAt(n).Before(t) {
			n++
		}
		return n
	}
	return uint64(max(0, before(end)-before(start)))
}

// gatherFor is for how long an open loop gathers transactions, as a gateway does, so that one
// submission holds several. Each counts from when it fell due.
const gatherFor = 10 * time.Millisecond

// sendAt is when what is due at a time is handed out.
func (l *loading) sendAt(due time.Time) time.Time {
	if l.gather == 0 {
		return due
	}
	return l.start.Add((due.Sub(l.start) + l.gather - 1).Truncate(l.gather))
}

// schedule hands out the times at which something is due: at the offered rate, or at
// once as fast as it is taken. In an open loop a time is handed out however late it is
// taken, so that what waits for a busy chain counts as late.
func (r *run) schedule(l *loading) <-chan time.Time {
	due := make(chan time.Time, r.p.Batch*len(r.clients))
	l.g.Go(func() error {
		for n := int64(0); ; n++ {
			at := time.Now()
			if l.rate > 0 {
				at = l.dueAt(n)
				if wait := time.Until(l.sendAt(at)); wait > time.Millisecond {
					if err := pause(l.gen, wait); err != nil {
						return err
					}
				}
			}
			select {
			case due <- at:
			case <-l.gen.Done():
				return l.gen.Err()
			}
		}
	})
	return due
}

// generate signs and submits to one node until the load ends. What is signed by then is
// still submitted, so that nothing is counted as on its way that was never sent.
func (r *run) generate(l *loading, ctx context.Context, node int, due <-chan time.Time) error {
	rnd := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) //nolint:gosec // picks members and payloads
	for {
		batch, err := r.next(l, rnd, due)
		if len(batch) > 0 {
			if err := r.submit(ctx, r.clients[node], batch); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// maxSubmission bounds the bytes of one submission below what a node takes.
const maxSubmission = 768 << 10

// next signs what is due: one transaction at least, and as many more as are waiting.
// When the load ends it returns what it has signed beside the error.
func (r *run) next(l *loading, rnd *rand.Rand, due <-chan time.Time) ([]*signed, error) {
	var batch []*signed
	for size := 0; len(batch) < r.p.Batch && size < maxSubmission; {
		if len(batch) > 0 && (len(due) == 0 || len(r.track.room) == 0) {
			return batch, nil
		}
		if err := r.take(l.gen, 1); err != nil {
			return batch, err
		}
		var at time.Time
		select {
		case at = <-due:
		case <-l.gen.Done():
			r.track.room <- struct{}{}
			return batch, l.gen.Err()
		}
		if l.rate == 0 {
			at = time.Now()
		}
		m, c := r.sc.next(r, rnd)
		tx, err := m.sign(r.t.Genesis, c, false)
		if err != nil {
			return nil, err
		}
		batch = append(batch, &signed{tx, at})
		size += len(tx.Bytes())
	}
	return batch, nil
}

// measured is one window with what was used meanwhile.
type measured struct {
	w             *window
	offered       uint64 // due within the window, in an open loop
	missed        uint64 // of those, never sent
	before, after usages
	samples       []usages // one a second
	stages        map[int]*stages
	mirror        *MirrorReport
}

// begun is how many were begun of what was due within a window.
func (r *run) begun(w *window) uint64 {
	if r.sc.single() {
		return r.calls.begun()
	}
	r.track.mu.Lock()
	defer r.track.mu.Unlock()
	return w.due
}

// lateness is by how much something may be late in an open loop before it counts as not
// sent at all.
const lateness = time.Second

// catchUp lets the generator go on until all that was due within a window is begun, for a
// bounded time.
func (r *run) catchUp(l *loading, w *window) error {
	if l.rate == 0 {
		return nil
	}
	due := l.dueWithin(w.start, w.end)
	for end := time.Now().Add(lateness); r.begun(w) < due && time.Now().Before(end); {
		if err := pause(l.gen, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// watch measures for a duration.
func (r *run) watch(l *loading, d time.Duration) (*measured, error) {
	m := &measured{before: r.t.usage()}
	var profiles <-chan map[int]*stages
	if r.p.Stages {
		profiles = r.t.profile(l.gen, d)
	}
	mirror := r.watchMirror(l.gen)
	start := time.Now()
	r.track.measure(start)
	r.calls.measure(start)
	for {
		left := d - time.Since(start)
		if left <= 0 {
			break
		}
		if err := pause(l.gen, min(left, time.Second)); err != nil {
			return nil, err
		}
		m.samples = append(m.samples, r.t.usage())
		r.progress("measure", r.track.committed(), time.Since(start))
	}
	end := time.Now()
	m.w = r.track.finish(end)
	r.calls.finish(end)
	m.after = r.t.usage()
	m.mirror = mirror()
	if profiles != nil {
		m.stages = <-profiles
	}
	if r.p.Profiles != "" {
		if err := r.t.keepProfiles(r.p.Profiles, m.stages); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// close reckons in what an open loop did not even send, once nothing is in flight. taken
// is how many were begun of those due within the window.
func (m *measured) close(l *loading, taken uint64) {
	if l.rate == 0 {
		return
	}
	m.offered = l.dueWithin(m.w.start, m.w.end)
	if m.offered > taken {
		m.missed = m.offered - taken
		m.w.missed(m.missed, l.gap())
	}
}
