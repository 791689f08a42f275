package mirror

import (
	"context"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/huchain/huchain/types/rest"
)

// maxFigures bounds the statistics whose figures are kept.
const maxFigures = 256

// counted are the figures of a statistic at a height.
type counted struct {
	of     *store
	height uint64
	total  string
	groups []rest.FigureItem
	took   time.Duration
	at     time.Time
}

// figure is what one statement came to. Who has the turn counts; others wait for it.
type figure struct {
	turn chan struct{}
	last counted
}

// figures keeps what statistics came to, by statement and arguments. Those of readers who
// see a part alone bear the time of the newest block, so that a grant that ended shows
// nothing more from the next block on. As figures are answered again for reuse times as
// long as counting took, counting takes a part of a core that does not grow with the chain.
type figures struct {
	reuse time.Duration
	kept  *lru.Cache[string, *figure]
}

func newFigures(reuse int) (*figures, error) {
	kept, err := lru.New[string, *figure](maxFigures)
	return &figures{time.Duration(reuse), kept}, err
}

// of returns the figures of a statement over a store whose newest block is at height.
func (f *figures) of(ctx context.Context, s *store, height uint64, st *statement, count func() (*counted, error)) (*counted, error) {
	key := fmt.Sprintf("%s\x00%q", st.text.String(), st.args)
	mine := &figure{turn: make(chan struct{}, 1)}
	if other, known, _ := f.kept.PeekOrAdd(key, mine); known {
		mine = other
		f.kept.Get(key) // used
	}
	select {
	case mine.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, databaseError(ctx, ctx.Err())
	}
	defer func() { <-mine.turn }()
	last := &mine.last
	if last.of == s && (last.height == height || time.Since(last.at) < f.reuse*last.took) {
		out := *last
		return &out, nil
	}
	begin := time.Now()
	out, err := count()
	if err != nil {
		return nil, err
	}
	out.of, out.at = s, time.Now()
	out.took = out.at.Sub(begin)
	mine.last = *out
	return out, nil
}
