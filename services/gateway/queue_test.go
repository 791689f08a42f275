package gateway

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/services/connector"
	"github.com/huchain/huchain/services/database"
	"github.com/huchain/huchain/types"
)

// world is a queue over a database that outlives it.
type world struct {
	t    *testing.T
	path string

	mu    sync.Mutex
	tries map[string]int
	fail  func(id string, try int) error
}

// run opens the queue, runs it until the result is called, and closes the database.
func (w *world) run() (*Queue, func()) {
	db, err := database.Open(w.path, Schema)
	require.NoError(w.t, err)
	p := DefaultParams()
	p.Backoff, p.Poll = connector.Backoff{First: time.Millisecond, Max: 5 * time.Millisecond}, 2*time.Millisecond
	q := NewQueue(p, db, func(_ context.Context, i *Item) (func(*sql.Tx) error, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.tries[i.ID]++
		if w.fail != nil {
			if err := w.fail(i.ID, w.tries[i.ID]); err != nil {
				return nil, err
			}
		}
		return func(*sql.Tx) error { return nil }, nil
	}, nil, slog.New(slog.NewTextHandler(io.Discard, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { q.Run(ctx) })
	return q, func() {
		cancel()
		done.Wait()
		require.NoError(w.t, db.Close())
	}
}

func newWorld(t *testing.T) *world {
	return &world{t: t, path: filepath.Join(t.TempDir(), "q.db"), tries: map[string]int{}}
}

func (w *world) accept(q *Queue, id, key, body string) (*Item, bool, error) {
	return q.Accept(w.t.Context(), &Item{ID: id, Caller: "app", Body: []byte(body)}, key, crypto.Sum([]byte(body)), func(*sql.Tx) error { return nil })
}

func (w *world) await(q *Queue, id string) *Item {
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	require.NoError(w.t, q.Await(ctx, id))
	i, err := q.Get(w.t.Context(), id)
	require.NoError(w.t, err)
	return i
}

// A failure that may pass is tried again, one that may not is noted; a repetition under a
// key gets the first item, another request under it is refused; nothing is lost when the
// process ends between accepting and carrying out.
// covers: B1.06
func TestQueue(t *testing.T) {
	w := newWorld(t)
	w.fail = func(id string, try int) error {
		switch {
		case id == "passing" && try < 3:
			return types.Errorf(types.CodeUnreachable, "away")
		case id == "bad":
			return types.Errorf(types.CodeDepositedBefore, "taken")
		}
		return nil
	}
	q, stop := w.run()
	var plan string
	_, err := q.db.Row(t.Context(), "EXPLAIN QUERY PLAN "+byKey, []any{"app", "k"}, new(any), new(any), new(any), &plan)
	require.NoError(t, err)
	require.Equal(t, "SEARCH item USING INDEX item_key (caller=? AND key=?)", plan, "however many there are")
	_, _, err = w.accept(q, "passing", "", "a")
	require.NoError(t, err)
	require.Equal(t, Committed, w.await(q, "passing").State)
	require.Equal(t, 3, w.tries["passing"])
	_, _, err = w.accept(q, "bad", "k", "b")
	require.NoError(t, err)
	bad := w.await(q, "bad")
	require.Equal(t, Refused, bad.State)
	require.Equal(t, "HC-4708", bad.Error.Code)
	again, repeated, err := w.accept(q, "other", "k", "b")
	require.NoError(t, err)
	require.True(t, repeated)
	require.Equal(t, "bad", again.ID)
	_, _, err = w.accept(q, "other", "k", "c")
	require.Equal(t, types.CodeKeyReused, types.CodeOf(err))

	// While nothing gets on, the queue ends with items in it; the next start carries them out.
	w.mu.Lock()
	w.fail = func(string, int) error { return types.Errorf(types.CodeUnreachable, "away") }
	w.mu.Unlock()
	for i := range 100 {
		_, _, err := w.accept(q, fmt.Sprint("item-", i), fmt.Sprint("key-", i), "x")
		require.NoError(t, err)
	}
	require.EqualValues(t, 100, q.Waiting())
	stop()
	w.fail = nil
	q, stop = w.run()
	defer stop()
	for i := range 100 {
		require.Equal(t, Committed, w.await(q, fmt.Sprint("item-", i)).State)
	}
	require.Eventually(t, func() bool { return q.Waiting() == 0 }, 2*time.Minute, time.Millisecond)
	first, repeated, err := w.accept(q, "late", "key-7", "x")
	require.NoError(t, err)
	require.True(t, repeated)
	require.Equal(t, "item-7", first.ID)
}

// A burst above the limit is told when to come back, and others do not notice.
func TestLimits(t *testing.T) {
	l, now := NewLimits(), time.Now()
	var granted int
	var refusal error
	for range 100 {
		if err := l.Take("a", 10, now); err == nil {
			granted++
		} else {
			refusal = err
		}
	}
	require.Equal(t, 10, granted)
	require.Equal(t, types.CodeRateLimited, types.CodeOf(refusal), http.StatusTooManyRequests)
	require.NoError(t, l.Take("b", 10, now))
	require.NoError(t, l.Take("a", 10, now.Add(100*time.Millisecond)))
}
