package push

import (
	"context"
	"math"
	"time"
)

// entry is a subscription with where it stands.
type entry struct {
	Subscription
	state         string
	height, index int64
	attempts      int
	givenUp       int
	next          int64 // ms
}

func (b *Book) names(ctx context.Context) (map[string]bool, error) {
	rows, err := b.db.QueryContext(ctx, "SELECT name FROM subscription")
	if err != nil {
		return nil, bookError(err)
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, bookError(err)
		}
		out[name] = true
	}
	return out, bookError(rows.Err())
}

// entry reads a subscription; sql.ErrNoRows if there is none.
func (b *Book) entry(ctx context.Context, name string) (*entry, error) {
	e := &entry{}
	e.Name = name
	return e, b.db.QueryRowContext(ctx, `SELECT kind, address, secret, contract, event, state, height, idx, attempts, given_up, next FROM subscription
		WHERE name = ?`, name).Scan(&e.Kind, &e.Address, &e.Secret, &e.Contract, &e.Event, &e.state, &e.height, &e.index, &e.attempts, &e.givenUp, &e.next)
}

// begin sets the cursor of a subscription that begins now: behind all events of a height.
func (b *Book) begin(ctx context.Context, name string, height uint64) error {
	_, err := b.db.ExecContext(ctx, "UPDATE subscription SET height = ?, idx = ? WHERE name = ? AND height = ?", int64(height), int64(math.MaxInt32), name, FromNow)
	return bookError(err)
}

// sent moves the cursor behind an event that was taken.
func (b *Book) sent(ctx context.Context, name string, height uint64, index uint32) error {
	_, err := b.db.ExecContext(ctx, `UPDATE subscription SET height = ?, idx = ?, sent = sent + 1, attempts = 0, given_up = 0, next = 0, error = ''
		WHERE name = ?`, int64(height), int64(index), name)
	return bookError(err)
}

// failed notes a failed attempt.
func (b *Book) failed(ctx context.Context, name string, attempts int, next time.Time, why error) error {
	_, err := b.db.ExecContext(ctx, "UPDATE subscription SET attempts = ?, next = ?, error = ? WHERE name = ?", attempts, next.UnixMilli(), why.Error(), name)
	return bookError(err)
}

// bury keeps a letter that was given up and moves the cursor behind it.
func (b *Book) bury(ctx context.Context, name string, l *Letter, body []byte, attempts int, state string, why error) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return bookError(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing is left of it after a commit
	if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO dead (subscription, height, idx, id, contract, event, body, attempts, error, time)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, name, int64(l.Height), int64(l.Index), l.ID, l.Contract, l.Event, body, attempts, why.Error(), time.Now().UnixMilli()); err != nil {
		return bookError(err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE subscription SET height = ?, idx = ?, attempts = 0, given_up = given_up + 1, next = 0, error = ?, state = ?
		WHERE name = ?`, int64(l.Height), int64(l.Index), why.Error(), state, name); err != nil {
		return bookError(err)
	}
	return bookError(tx.Commit())
}

// letter is a dead letter.
type letter struct {
	height, index int64
	body          []byte
}

func (b *Book) again(ctx context.Context, name string) ([]letter, error) {
	rows, err := b.db.QueryContext(ctx, "SELECT height, idx, body FROM dead WHERE subscription = ? AND again = 1 ORDER BY height, idx LIMIT 100", name)
	if err != nil {
		return nil, bookError(err)
	}
	defer rows.Close()
	var out []letter
	for rows.Next() {
		var l letter
		if err := rows.Scan(&l.height, &l.index, &l.body); err != nil {
			return nil, bookError(err)
		}
		out = append(out, l)
	}
	return out, bookError(rows.Err())
}

// resent forgets a dead letter that was taken, or notes why it was not.
func (b *Book) resent(ctx context.Context, name string, l *letter, why error) error {
	const this = " WHERE subscription = ? AND height = ? AND idx = ?"
	if why != nil {
		_, err := b.db.ExecContext(ctx, "UPDATE dead SET again = 0, attempts = attempts + 1, error = ?, time = ?"+this, why.Error(), time.Now().UnixMilli(), name, l.height, l.index)
		return bookError(err)
	}
	if _, err := b.db.ExecContext(ctx, "DELETE FROM dead"+this, name, l.height, l.index); err != nil {
		return bookError(err)
	}
	_, err := b.db.ExecContext(ctx, "UPDATE subscription SET sent = sent + 1 WHERE name = ?", name)
	return bookError(err)
}
