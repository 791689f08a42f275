package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// followBlocks hands every block from height on to fn, as soon as it is committed, until
// ctx ends.
func followBlocks(ctx context.Context, c *client.Client, height uint64, fn func(*rest.Outcomes, time.Time)) error {
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
		fn(o, time.Now())
		height++
	}
}

// stream is one follower of the chain besides the run's own: a stream of blocks.
type stream struct {
	blocks atomic.Uint64
	err    error
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// openStreams opens as many followers as the run shall have.
func (r *run) openStreams(ctx context.Context) error {
	for i := range r.p.Streams {
		c, err := r.clients[i%len(r.clients)].LogIn(ctx, r.members[i%len(r.members)].identity())
		if err != nil {
			return err
		}
		s := &stream{}
		var own context.Context
		own, s.stop = context.WithCancel(ctx)
		s.done.Go(func() {
			s.err = c.Subscribe(own, client.Subscription{Of: client.StreamBlocks}, func(*client.Message) error {
				s.blocks.Add(1)
				return nil
			})
			if own.Err() != nil {
				s.err = nil
			}
		})
		r.streams = append(r.streams, s)
	}
	return nil
}

func (r *run) closeStreams() {
	for _, s := range r.streams {
		s.stop()
	}
	for _, s := range r.streams {
		s.done.Wait()
	}
}

// StreamsReport says how followers fared that were open during the run.
type StreamsReport struct {
	Open   int    `json:"open"`
	Broken int    `json:"broken"` // that ended before the run did
	Fewest uint64 `json:"fewest"` // blocks that one of them saw
	Most   uint64 `json:"most"`   // and another
	Cause  string `json:"cause,omitempty"`
}

// report closes the streams and counts.
func (r *run) streamsReport() *StreamsReport {
	if len(r.streams) == 0 {
		return nil
	}
	r.closeStreams()
	out := &StreamsReport{Open: len(r.streams), Fewest: r.streams[0].blocks.Load()}
	for _, s := range r.streams {
		if s.err != nil {
			out.Broken++
			out.Cause = s.err.Error()
		}
		out.Fewest, out.Most = min(out.Fewest, s.blocks.Load()), max(out.Most, s.blocks.Load())
	}
	return out
}
