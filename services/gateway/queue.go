package gateway

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/services/connector"
	"github.com/huchain/huchain/services/database"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Schema holds the queue. Done items stay for as long as their keys count.
var Schema = database.Schema{Name: "gateway", Steps: []string{`
CREATE TABLE item (id TEXT PRIMARY KEY, caller TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, body BLOB NOT NULL, state TEXT NOT NULL,
	attempts INTEGER NOT NULL DEFAULT 0, next INTEGER NOT NULL, error TEXT NOT NULL DEFAULT '', time INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX item_key ON item (caller, key) WHERE key <> '';
CREATE INDEX item_due ON item (next) WHERE state = 'accepted';
CREATE INDEX item_done ON item (done) WHERE state <> 'accepted'`}}

// States of an item.
const (
	Accepted  = "accepted"
	Committed = "committed"
	Refused   = "refused"
)

// Item is a request that was accepted.
type Item struct {
	ID       string
	Caller   string // whose idempotence keys these are
	Body     []byte
	State    string
	Attempts int
	Error    *rest.Error // why it was refused, or the last attempt failed
	Time     time.Time
}

// Handler carries an item out. It MUST be safe to carry out twice: a crash may come before
// its outcome is noted. It returns what is to be written in the transaction that notes it.
type Handler func(ctx context.Context, i *Item) (commit func(*sql.Tx) error, err error)

// Params bound a queue.
type Params struct {
	Workers  int               // items under way at a time
	MaxWait  int64             // items that wait; more are told to come back
	Backoff  connector.Backoff // of items whose failure may pass; they are given up never
	KeepKeys time.Duration     // for how long a key is remembered
	Poll     time.Duration
}

// DefaultParams keep keys for a week.
func DefaultParams() Params {
	return Params{Workers: 64, MaxWait: 100_000, Backoff: connector.Backoff{First: 200 * time.Millisecond, Max: 30 * time.Second}, KeepKeys: 7 * 24 * time.Hour, Poll: 200 * time.Millisecond}
}

// Queue is a durable queue. It is safe for concurrent use.
type Queue struct {
	p       Params
	db      *database.DB
	handle  Handler
	refused func(*sql.Tx, *Item) error
	log     *slog.Logger
	fresh   chan *Item // accepted just now: workers need not read them

	mu      sync.Mutex // guards what follows
	busy    map[string]bool
	let     map[string]bool // let go since find last began to read: what it read of them is old
	waiters map[string][]chan struct{}
	waiting int64
}

// NewQueue makes a queue. refused, which may be nil, writes along when an item is refused.
func NewQueue(p Params, db *database.DB, handle Handler, refused func(*sql.Tx, *Item) error, log *slog.Logger) *Queue {
	q := &Queue{p: p, db: db, handle: handle, refused: refused, log: log, fresh: make(chan *Item, p.Workers), busy: map[string]bool{}, let: map[string]bool{}, waiters: map[string][]chan struct{}{}}
	if _, err := db.Row(context.Background(), "SELECT count(*) FROM item WHERE state = ?", []any{Accepted}, &q.waiting); err != nil {
		log.Warn("queue cannot be counted", "error", err)
	}
	return q
}

// byKey finds what came under an idempotence key. SQLite takes the index, which is of rows
// with a key alone, only where the query says that there is one.
const byKey = "SELECT id, digest FROM item WHERE caller = ? AND key = ? AND key <> ''"

// Accept takes a request in. What it returned without an error is durable. Under a key that
// the caller used before it returns that item and again = true, or HC-4709 if the request
// was another one. digest tells requests apart; also writes along, such as what others can
// see of it at once. HC-5101 with a time if too many wait.
func (q *Queue) Accept(ctx context.Context, i *Item, key string, digest crypto.Hash, also func(*sql.Tx) error) (item *Item, again bool, err error) {
	q.mu.Lock()
	full := q.waiting >= q.p.MaxWait
	q.mu.Unlock()
	if full {
		return nil, false, &types.Error{Code: types.CodeNotReady, Detail: "the queue is full", RetryAfterMs: 5000}
	}
	i.State, i.Time = Accepted, time.Now().UTC().Truncate(time.Millisecond)
	q.hold(i.ID)
	err = q.db.Write(ctx, func(tx *sql.Tx) error {
		again = false
		if key != "" {
			var old, was string
			err := tx.QueryRow(byKey, i.Caller, key).Scan(&old, &was)
			if err == nil {
				if was != digest.String() {
					return types.Errorf(types.CodeKeyReused, "%q", types.CleanText(key, 128))
				}
				again, i = true, &Item{ID: old}
				return nil
			}
			if !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		// It is offered to the workers right away; should they be busy, or the process end,
		// it is found when next comes.
		if _, err := tx.Exec("INSERT INTO item (id, caller, key, digest, body, state, next, time) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			i.ID, i.Caller, key, digest.String(), i.Body, i.State, i.Time.UnixMilli(), i.Time.UnixMilli()); err != nil {
			return err
		}
		return also(tx)
	})
	first := i.ID
	if err != nil || again {
		q.release(first)
		if again {
			i, err = q.Get(ctx, i.ID)
		}
		return i, again, err
	}
	q.mu.Lock()
	q.waiting++
	q.mu.Unlock()
	select {
	case q.fresh <- i:
	default:
		q.release(i.ID)
	}
	return i, false, nil
}

// Again has items carried out once more that are done, or so long that nothing remembers them.
// What Again returned without an error is durable; their keys still stand for them. also writes
// along. They are not refused where many wait: each was accepted before.
func (q *Queue) Again(ctx context.Context, items []*Item, also func(*sql.Tx) error) error {
	wait := func(n int) {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.waiting += int64(n)
	}
	wait(len(items))
	now := time.Now().UnixMilli()
	err := q.db.Write(ctx, func(tx *sql.Tx) error {
		for _, i := range items {
			if _, err := tx.Exec(`INSERT INTO item (id, caller, key, digest, body, state, next, time) VALUES (?, ?, '', '', ?, ?, ?, ?)
				ON CONFLICT (id) DO UPDATE SET body = excluded.body, state = excluded.state, next = excluded.next, attempts = 0, error = '', done = 0`,
				i.ID, i.Caller, i.Body, Accepted, now, now); err != nil {
				return err
			}
		}
		return also(tx)
	})
	if err != nil {
		wait(-len(items))
	}
	return err
}

// hold keeps a new item from being taken by find.
func (q *Queue) hold(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy[id] = true
}

// take is hold of an item that find has read, and nobody had since.
func (q *Queue) take(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.busy[id] || q.let[id] {
		return false
	}
	q.busy[id] = true
	return true
}

func (q *Queue) release(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.busy, id)
	q.let[id] = true
}

// Get reads an item; HC-1003 if there is none.
func (q *Queue) Get(ctx context.Context, id string) (*Item, error) {
	i := &Item{ID: id}
	var failure string
	var at int64
	found, err := q.db.Row(ctx, "SELECT caller, body, state, attempts, error, time FROM item WHERE id = ?", []any{id}, &i.Caller, &i.Body, &i.State, &i.Attempts, &failure, &at)
	if err == nil && !found {
		err = types.Errorf(types.CodeNotFound, "request %s", id)
	}
	if err != nil {
		return nil, err
	}
	i.Time = time.UnixMilli(at).UTC()
	if failure != "" {
		i.Error = &rest.Error{}
		if err := json.Unmarshal([]byte(failure), i.Error); err != nil {
			return nil, database.Failed(err)
		}
	}
	return i, nil
}

// Await returns once an item is not waiting any more, or ctx ends, which is no error.
func (q *Queue) Await(ctx context.Context, id string) error {
	done := make(chan struct{})
	q.mu.Lock()
	q.waiters[id] = append(q.waiters[id], done)
	q.mu.Unlock()
	defer q.forget(id, done)
	// Looked at only now, so that an end in between is not missed.
	var state string
	if _, err := q.db.Row(ctx, "SELECT state FROM item WHERE id = ?", []any{id}, &state); err != nil && ctx.Err() == nil {
		return err
	}
	if state != Accepted {
		return nil
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
	return nil
}

func (q *Queue) forget(id string, done chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.waiters[id]
	for i := range list {
		if list[i] == done {
			q.waiters[id] = append(list[:i], list[i+1:]...)
			break
		}
	}
	if len(q.waiters[id]) == 0 {
		delete(q.waiters, id)
	}
}

// Waiting is how many items wait to be carried out.
func (q *Queue) Waiting() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting
}

// Run carries items out until ctx ends; those under way then are taken up at the next start.
func (q *Queue) Run(ctx context.Context) {
	var workers sync.WaitGroup
	for range q.p.Workers {
		workers.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case i := <-q.fresh:
					q.carry(ctx, i)
				}
			}
		})
	}
	q.find(ctx)
	workers.Wait()
}

// find hands on items that are due and nobody has, and drops old keys.
func (q *Queue) find(ctx context.Context) {
	tick := time.NewTicker(q.p.Poll)
	defer tick.Stop()
	var swept time.Time
	for {
		q.mu.Lock()
		clear(q.let)
		q.mu.Unlock()
		var list []*Item
		err := q.db.Each(ctx, "SELECT id, caller, body, attempts, time FROM item WHERE state = 'accepted' AND next <= ? ORDER BY next LIMIT ?",
			[]any{time.Now().UnixMilli(), 4 * q.p.Workers}, func(scan func(...any) error) error {
				i := &Item{State: Accepted}
				var at int64
				err := scan(&i.ID, &i.Caller, &i.Body, &i.Attempts, &at)
				i.Time = time.UnixMilli(at).UTC()
				list = append(list, i)
				return err
			})
		if err != nil && ctx.Err() == nil {
			q.log.Warn("queue cannot be read", "error", err)
		}
		for _, i := range list {
			if !q.take(i.ID) {
				continue
			}
			select {
			case q.fresh <- i:
			case <-ctx.Done():
				return
			}
		}
		if now := time.Now(); now.Sub(swept) > time.Hour {
			swept = now
			if err := q.sweep(ctx, now); err != nil && ctx.Err() == nil {
				q.log.Warn("queue cannot be swept", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (q *Queue) sweep(ctx context.Context, now time.Time) error {
	return q.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec("DELETE FROM item WHERE state <> 'accepted' AND done < ?", now.Add(-q.p.KeepKeys).UnixMilli())
		return err
	})
}

// carry makes one attempt.
func (q *Queue) carry(ctx context.Context, i *Item) {
	defer q.release(i.ID)
	commit, failed := q.handle(ctx, i)
	if ctx.Err() != nil && failed != nil {
		return // the next start takes it up
	}
	if failed != nil {
		i.Error = rest.NewError(failed)
	}
	again := failed != nil && connector.Passing(failed)
	now, noted := time.Now(), false
	err := q.db.Write(context.WithoutCancel(ctx), func(tx *sql.Tx) error {
		var state string
		if err := tx.QueryRow("SELECT state FROM item WHERE id = ?", i.ID).Scan(&state); err != nil {
			return err
		}
		if noted = state != Accepted; noted {
			return nil
		}
		if again {
			raw, err := json.Marshal(i.Error)
			if err != nil {
				return err
			}
			_, err = tx.Exec("UPDATE item SET attempts = attempts + 1, next = ?, error = ? WHERE id = ?", now.Add(q.p.Backoff.Pause(i.Attempts+1)).UnixMilli(), string(raw), i.ID)
			return err
		}
		state, raw := Committed, []byte(nil)
		if failed != nil {
			var err error
			state = Refused
			if raw, err = json.Marshal(i.Error); err != nil {
				return err
			}
			if q.refused != nil {
				if err := q.refused(tx, i); err != nil {
					return err
				}
			}
		} else if err := commit(tx); err != nil {
			return err
		}
		_, err := tx.Exec("UPDATE item SET state = ?, attempts = attempts + 1, error = ?, done = ?, body = x'' WHERE id = ?", state, string(raw), now.UnixMilli(), i.ID)
		return err
	})
	switch {
	case err != nil:
		q.log.Error("outcome of a request not noted; it is carried out again", "request", i.ID, "error", err)
		return
	case noted:
		return
	case again:
		q.log.Info("request is tried again", "request", i.ID, "attempts", i.Attempts+1, "code", i.Error.Code, "error", i.Error.Detail)
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting--
	for _, done := range q.waiters[i.ID] {
		close(done)
	}
	delete(q.waiters, i.ID)
}
