package bench

import (
	"context"
	"time"
)

// MirrorReport says how far the mirror of the first node was behind its chain while the
// run measured.
type MirrorReport struct {
	Database     string  `json:"database"`
	Samples      int     `json:"samples"`   // ten a second
	WithinTwo    int     `json:"withinTwo"` // of them, at most two blocks behind
	LagBlocksMax uint64  `json:"lagBlocksMax"`
	LagBlocks    float64 `json:"lagBlocksMean"`
	Failure      string  `json:"failure,omitempty"` // why it did not follow, once it did not
}

const mirrorEvery = 100 * time.Millisecond

// watchMirror asks the mirror again and again how far behind it is; end stops that and
// reports. Without a mirror it reports nothing.
func (r *run) watchMirror(ctx context.Context) (end func() *MirrorReport) {
	if !r.t.Mirror {
		return func() *MirrorReport { return nil }
	}
	ctx, stop := context.WithCancel(ctx)
	out := &MirrorReport{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		sum := 0.0
		for pause(ctx, mirrorEvery) == nil {
			st, err := r.clients[0].MirrorStatus(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				out.Failure = err.Error()
				continue
			case st.Error != nil:
				out.Failure = st.Error.Code + " " + st.Error.Detail
			}
			out.Database = st.Database
			out.Samples++
			if st.Lag <= 2 {
				out.WithinTwo++
			}
			sum += float64(st.Lag)
			out.LagBlocksMax, out.LagBlocks = max(out.LagBlocksMax, st.Lag), round(sum/float64(out.Samples), 3)
		}
	}()
	return func() *MirrorReport {
		stop()
		<-done
		return out
	}
}

// awaitMirror waits until the mirror holds what the run has committed. The newest block of a
// chain at rest is certified, and mirrored, by the next heartbeat alone.
func (r *run) awaitMirror(ctx context.Context) error {
	if !r.t.Mirror {
		return nil
	}
	height := r.track.height()
	for {
		st, err := r.clients[0].MirrorStatus(ctx)
		if err != nil || st.Height >= height {
			return err
		}
		if err := pause(ctx, mirrorEvery); err != nil {
			return err
		}
	}
}
