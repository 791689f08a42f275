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
// than a few blocks.
const (
	rampStart    = 100 // a second
	rampFactor   = 1.5
	heldShare    = 0.95
	heldLatency  = 2 * time.Second // 99 of 100
	maxRampSteps = 30
)

// ramp raises the rate until the chain no longer holds it, tries once between that and
// the highest that it held, and sets the rate of the run to Share of the highest.
func (r *run) ramp(ctx context.Context) error {
	held, failed := 0, 0
	for rate := rampStart; len(r.steps) < maxRampSteps; {
		s, err := r.step(ctx, rate)
		if err != nil {
			return err
		}
		r.steps = append(r.steps, *s)
		between := failed > 0
		if s.Held {
			held = rate
			rate = int(float64(rate) * rampFactor)
		} else {
			failed = rate
			rate = (held + failed) / 2
		}
		if held == 0 {
			return types.Errorf(types.CodeNotReady, "the chain does not hold %d transactions a second: %.0f committed, p99 %.0f ms",
				failed, s.CommittedTPS, s.LatencyMs.P99)
		}
		if between {
			break
		}
	}
	r.rate.Store(int64(max(1, float64(held)*r.p.Share)))
	return nil
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
