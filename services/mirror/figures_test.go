package mirror

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A figure is counted once for all who ask at a time, again when there is a newer block and
// it has been used long enough, at once for another database, and never kept if counting
// failed.
func TestFigures(t *testing.T) {
	f, err := newFigures(1000)
	require.NoError(t, err)
	s := &store{}
	ask := func(args ...any) *statement {
		st := &statement{args: args}
		st.add("SELECT 1")
		return st
	}
	var counts atomic.Int64
	at := func(s *store, height uint64, took time.Duration, args ...any) string {
		t.Helper()
		c, err := f.of(t.Context(), s, height, ask(args...), func() (*counted, error) {
			counts.Add(1)
			time.Sleep(took)
			return &counted{height: height, total: string(rune('a' + height))}, nil
		})
		if !assert.NoError(t, err) {
			return ""
		}
		return c.total
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { assert.Equal(t, "b", at(s, 1, 20*time.Millisecond)) })
	}
	all.Wait()
	require.EqualValues(t, 1, counts.Load())
	require.Equal(t, "b", at(s, 2, 0), "for 20 s more")
	require.Equal(t, "c", at(s, 2, 0, "other arguments"))
	require.Equal(t, "c", at(&store{}, 2, 0))
	require.EqualValues(t, 3, counts.Load())
	_, err = f.of(t.Context(), s, 3, ask(), func() (*counted, error) { return nil, errors.New("disk") })
	require.ErrorContains(t, err, "disk")
	f.reuse = 0
	require.Equal(t, "d", at(s, 3, 0))
	require.Equal(t, "e", at(s, 4, 0))
	before := counts.Load()
	require.Equal(t, "e", at(s, 4, 0))
	require.Equal(t, before, counts.Load(), "the same block, the same figure")
	for i := range 2 * maxFigures {
		at(s, 5, 0, i)
	}
	require.Equal(t, maxFigures, f.kept.Len())
}
