package repo

import (
	"context"

	"golang.org/x/time/rate"

	"github.com/huchain/huchain/ledger/archive"
)

// pace holds the work on segments back, so that it takes a bounded part of the processor from
// the chain beside it. nil holds nothing back.
type pace struct{ limit *rate.Limiter }

// paceBurst is how many bytes may come at once: a record is larger than what a tick lets go.
const paceBurst = 1 << 20

// passes is how often archiving goes over a byte: when the segment is built and when it is
// read back.
const passes = 2

func newPace(bytesPerSecond int64) *pace {
	if bytesPerSecond <= 0 {
		return nil
	}
	return &pace{rate.NewLimiter(rate.Limit(passes*bytesPerSecond), paceBurst)}
}

// wait returns once the bytes of a record may be worked on, or ctx ends.
func (p *pace) wait(ctx context.Context, rec *archive.Record) error {
	if p == nil {
		return ctx.Err()
	}
	n := len(rec.Commit) + len(rec.Certificate)
	for _, list := range [][][]byte{rec.Txs, rec.Receipts, rec.Events, rec.Writes} {
		for _, item := range list {
			n += len(item)
		}
	}
	for n > 0 {
		k := min(n, paceBurst)
		if err := p.limit.WaitN(ctx, k); err != nil {
			return err
		}
		n -= k
	}
	return nil
}
