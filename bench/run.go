package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
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
	if sc.name == DIDScenario {
		return nil, usage("scenario %s is run by RunDIDs", sc.name)
	}
	if progress == nil {
		progress = func(string, uint64, time.Duration) {}
	}
	r := &run{p: p, t: t, sc: sc, track: newTracker(p.InFlight), progress: progress, accounts: newZipf(p.Members, p.Zipf), calls: newOpRecorder()}
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	progress("members", 0, 0)
	if r.members, err = newMembers(ctx, t.CA, p.Members, types.RoleClient); err != nil {
		return nil, err
	}
	if sc.name == "transfer" {
		issuers, err := newMembers(ctx, t.CA, 1, types.RoleAdmin, types.RoleClient)
		if err != nil {
			return nil, err
		}
		r.issuer = issuers[0]
	}
	st, err := r.clients[0].Status(ctx)
	if err != nil {
		return nil, err
	}
	return r.measure(ctx, st.Height)
}

// run is one run under way.
type run struct {
	p        Params
	t        Target
	sc       *scenario
	clients  []*client.Client
	members  []*member
	issuer   *member // of units, in scenario transfer
	accounts zipf
	trust    *client.Trust // for proofs, in scenarios of single calls
	records  []written     // deposits that reads are about
	track    *tracker
	calls    *opRecorder
	streams  []*stream
	progress Progress
	steps    []Step // of the ramp
	rate     atomic.Int64
}

func (r *run) connect(ctx context.Context) error {
	if r.p.Profiles != "" && !slices.ContainsFunc(r.t.Processes, func(p Process) bool { return p.Profile != "" }) {
		return usage("no validator of this chain serves profiles to this machine")
	}
	for _, cp := range r.t.clients() {
		c, err := client.New(ctx, cp)
		if err != nil {
			return err
		}
		r.clients = append(r.clients, c)
	}
	list, err := r.clients[0].Contracts(ctx)
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for i := range list.Items {
		have[list.Items[i].Name] = true
	}
	for _, name := range r.sc.needs {
		if !have[name] {
			return types.Errorf(types.CodeUnknownContract, "scenario %s calls contract %s, which is not installed", r.sc.name, name)
		}
	}
	return nil
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
		if err := r.prepare(ctx); err != nil {
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

// prepare makes the members known to the chain, so that what is measured carries no
// certificates, and does what the scenario asks for.
func (r *run) prepare(ctx context.Context) error {
	r.progress("register", 0, 0)
	all := r.members
	if r.issuer != nil {
		all = append([]*member{r.issuer}, all...)
	}
	err := r.settle(ctx, len(all), func(i int) (*types.Tx, error) {
		return all[i].sign(r.t.Genesis, call{contract: "membership", method: "register"}, true)
	})
	if err != nil {
		return err
	}
	if err := r.level(ctx); err != nil {
		return err
	}
	if r.sc.prepare == nil {
		return nil
	}
	r.progress("prepare", 0, 0)
	return r.sc.prepare(ctx, r)
}

// level waits until every node has what the first has committed: one that lags behind
// would refuse members that it does not know yet.
func (r *run) level(ctx context.Context) error {
	st, err := r.clients[0].Status(ctx)
	if err != nil {
		return err
	}
	for _, c := range r.clients[1:] {
		if _, err := c.WaitHeight(ctx, st.Height); err != nil {
			return err
		}
	}
	return nil
}

// settle submits n transactions and waits until all are committed. One that takes no
// effect is an error.
func (r *run) settle(ctx context.Context, n int, next func(i int) (*types.Tx, error)) error {
	r.track.measure(time.Now())
	var batch []*signed
	for i := range n {
		tx, err := next(i)
		if err != nil {
			return err
		}
		if err := r.take(ctx, 1); err != nil {
			return err
		}
		batch = append(batch, &signed{tx, time.Now()})
		if len(batch) == r.p.Batch || i == n-1 || len(r.track.room) == 0 {
			if err := r.submit(ctx, r.clients[i/r.p.Batch%len(r.clients)], batch); err != nil {
				return err
			}
			batch = nil
		}
	}
	if err := r.drain(ctx, time.Minute); err != nil {
		return err
	}
	w := r.track.finish(time.Now())
	r.track.close()
	for code, n := range w.refused {
		return types.Errorf(types.CodeContractError, "%d transactions that prepare the run took no effect: %s", n, code)
	}
	return nil
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
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
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
	return followBlocks(ctx, r.clients[0], height, r.track.block)
}

// usages is what each process has used so far, by process id.
type usages map[int]processUsage

func (t *Target) usage() usages {
	u := usages{}
	pids := []int{os.Getpid()}
	for _, p := range t.Processes {
		pids = append(pids, p.PID)
	}
	for _, pid := range pids {
		if v, err := readUsage(pid); err == nil {
			u[pid] = v
		}
	}
	return u
}
