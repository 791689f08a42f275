package connector

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/huchain/huchain/types"
)

// Importer brings the rows of a CSV file somewhere, several at a time. What fails for a while
// is tried again; a row that is refused for good is handed to Rejected and does not stop the
// others. Run again over the same file it gives the same outcome, since Put MUST be safe to
// repeat for a row.
type Importer struct {
	Put      func(ctx context.Context, n int, fields map[string]string) error
	Rejected func(n int, fields map[string]string, cause error) error // one at a time
	Progress func(done int)                                           // one at a time; may be nil
	Workers  int
	Backoff  Backoff
}

// Imported is what became of a file.
type Imported struct {
	Rows     int `json:"rows"`
	Rejected int `json:"rejected"`
}

// Passing reports whether a failure may pass: the same request may succeed later.
func Passing(err error) bool {
	code := types.CodeOf(err)
	x, _ := types.Explain(code)
	return x.Retry || code == types.CodeUnreachable || code == types.CodeOutcomeUnknown || code == types.CodeInternal || code == types.CodeNotReady
}

// Run imports a file. Errors: HC-1002 where it is malformed, that of ctx or of Rejected; rows
// before that may have been imported.
func (i *Importer) Run(ctx context.Context, in io.Reader) (Imported, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	type row struct {
		n      int
		fields map[string]string
	}
	rows := make(chan row)
	var mu sync.Mutex // guards out, Rejected and Progress
	var out Imported
	var workers sync.WaitGroup
	for range max(i.Workers, 1) {
		workers.Go(func() {
			for r := range rows {
				err := i.put(ctx, r.n, r.fields)
				if ctx.Err() != nil {
					continue
				}
				mu.Lock()
				out.Rows++
				if err != nil {
					out.Rejected++
					if err := i.Rejected(r.n, r.fields, err); err != nil {
						cancel(err)
					}
				}
				if i.Progress != nil {
					i.Progress(out.Rows)
				}
				mu.Unlock()
			}
		})
	}
	err := ReadCSV(in, func(n int, fields map[string]string) error {
		select {
		case rows <- row{n, fields}:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	close(rows)
	workers.Wait()
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return out, err
}

// put brings one row there, with as many attempts as it is granted. Being told to come back
// costs none.
func (i *Importer) put(ctx context.Context, n int, fields map[string]string) error {
	for failures := 1; ; failures++ {
		err := i.Put(ctx, n, fields)
		if err == nil || ctx.Err() != nil || !Passing(err) {
			return err
		}
		pause := i.Backoff.Pause(failures)
		var coded *types.Error
		if errors.As(err, &coded) && coded.RetryAfterMs > 0 {
			pause = time.Duration(coded.RetryAfterMs) * time.Millisecond
			failures--
		}
		if failures >= i.Backoff.Attempts {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}
