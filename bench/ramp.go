package bench

import (
	"context"
	"errors"
	"time"

	"github.com/huchain/huchain/types"
)

// Step is one rate that a ramp offered, and what came of it.
type Step struct {
	Rate         int       `json:"rate"`
	CommittedTPS float64   `json:"committedTPS"`
	LatencyMs    Quantiles `json:"latencyMs"`
	Held         bool      `json:"held"`
}

// A chain holds a rate if it commits nearly all that is offered and nobody waits for more
// than a few blocks. What is in flight at the two ends of a step is why nearly is enough.
const (
	rampStart    = 100 // a second
	rampFactor   = 1.5
	heldShare    = 0.9
	heldLatency  = 2 * time.Second // 99 of 100
	maxRampSteps = 30
)

// ramp raises the rate until the chain no longer holds it, and sets the rate of the run to
// Share of the highest that it held.
func (r *run) ramp(ctx context.Context) error {
	for rate := nextRate(nil); rate > 0; rate = nextRate(r.steps) {
		s, err := r.step(ctx, rate)
		if err != nil {
			return err
		}
		r.steps = append(r.steps, *s)
	}
	held := highestHeld(r.steps)
	if held == 0 {
		s := &r.steps[0]
		return types.Errorf(types.CodeNotReady, "the chain does not hold %d transactions a second: %.0f committed, p99 %.0f ms",
			s.Rate, s.CommittedTPS, s.LatencyMs.P99)
	}
	r.rate.Store(int64(max(1, float64(held)*r.p.Share)))
	return nil
}

func highestHeld(steps []Step) (rate int) {
	for i := range steps {
		if steps[i].Held {
			rate = max(rate, steps[i].Rate)
		}
	}
	return rate
}

// nextRate is what to offer after the steps so far: more by rampFactor, until two steps in
// a row were not held, since larger blocks may do what small ones could not; then once the
// middle between what was held and the first that was not. 0 ends the ramp.
func nextRate(steps []Step) int {
	if len(steps) == 0 {
		return rampStart
	}
	top, failures := 0, 0 // failures: since a step was held
	for i := range steps {
		top = max(top, steps[i].Rate)
		if failures++; steps[i].Held {
			failures = 0
		}
	}
	last, held := steps[len(steps)-1].Rate, highestHeld(steps)
	switch {
	case last < top || len(steps) >= maxRampSteps: // the middle was tried
		return 0
	case failures < 2:
		return int(float64(last) * rampFactor)
	case held == 0:
		return 0
	}
	return (held + steps[len(steps)-2].Rate) / 2
}

// step offers a rate for a while: a third of the time to settle, the rest measured.
func (r *run) step(ctx context.Context, rate int) (*Step, error) {
	r.rate.Store(int64(rate))
	r.progress("ramp", uint64(rate), 0)
	l := r.begin(ctx)
	fail := func(err error) (*Step, error) { return nil, errors.Join(err, l.end()) }
	if err := pause(l.gen, r.p.RampStep/3); err != nil {
		return fail(err)
	}
	r.track.measure(time.Now())
	if err := pause(l.gen, r.p.RampStep*2/3); err != nil {
		return fail(err)
	}
	m := &measured{w: r.track.finish(time.Now())}
	if err := errors.Join(r.catchUp(l, m.w), l.end()); err != nil {
		return nil, err
	}
	if err := r.drain(ctx, time.Minute); err != nil {
		return nil, err
	}
	r.track.close()
	m.close(l, r.begun(m.w))
	s := &Step{Rate: rate, CommittedTPS: round(float64(m.w.committed)/m.w.end.Sub(m.w.start).Seconds(), 1), LatencyMs: quantiles(&m.w.latency)}
	s.Held = s.CommittedTPS >= heldShare*float64(rate) && s.LatencyMs.P99 <= float64(heldLatency.Milliseconds())
	return s, nil
}
