package connector

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"time"

	"github.com/huchain/huchain/services/database"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Schema holds webhook messages until they are delivered.
var Schema = database.Schema{Name: "connector", Steps: []string{`
CREATE TABLE outbox (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, kind TEXT NOT NULL, url TEXT NOT NULL, secret BLOB NOT NULL, body BLOB NOT NULL,
	attempts INTEGER NOT NULL DEFAULT 0, next INTEGER NOT NULL, dead INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '', time INTEGER NOT NULL);
CREATE INDEX outbox_due ON outbox (dead, next);
CREATE INDEX outbox_tenant ON outbox (tenant, dead, id)`}}

// Message is a webhook message.
type Message struct {
	Tenant string
	Kind   string // what happened, such as tenant.opened
	URL    string
	Secret []byte // sealed, see Outbox
	Body   []byte // JSON
}

// Enqueue enters a message in the transaction that made what it tells of: either both are
// kept, or neither. It returns the message's id.
func Enqueue(tx *sql.Tx, m *Message, now time.Time) (string, error) {
	id := database.NewID("m", now)
	_, err := tx.Exec("INSERT INTO outbox (id, tenant, kind, url, secret, body, next, time) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		id, m.Tenant, m.Kind, m.URL, m.Secret, m.Body, now.UnixMilli(), now.UnixMilli())
	return id, err
}

// Outbox delivers messages, at least once and each under an id that never changes.
type Outbox struct {
	DB      *database.DB
	Open    func(sealed []byte) ([]byte, error) // a message's secret
	Backoff Backoff
	Timeout time.Duration // of one attempt
	Poll    time.Duration
	HTTP    *http.Client
	Log     *slog.Logger
}

type due struct {
	id, url, kind, tenant string
	secret, body          []byte
	attempts              int
}

// Run delivers until ctx ends.
func (o *Outbox) Run(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := o.round(ctx)
		if err != nil && ctx.Err() == nil {
			o.Log.Warn("webhook messages do not get on", "error", err)
		}
		if n > 0 && err == nil {
			continue
		}
		t := time.NewTimer(o.Poll)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

// round makes one attempt for each message that is due.
func (o *Outbox) round(ctx context.Context) (int, error) {
	var list []due
	err := o.DB.Each(ctx, "SELECT id, url, kind, tenant, secret, body, attempts FROM outbox WHERE dead = 0 AND next <= ? ORDER BY next LIMIT 50",
		[]any{time.Now().UnixMilli()}, func(scan func(...any) error) error {
			var d due
			err := scan(&d.id, &d.url, &d.kind, &d.tenant, &d.secret, &d.body, &d.attempts)
			list = append(list, d)
			return err
		})
	if err != nil {
		return 0, err
	}
	for i := range list {
		if err := o.deliver(ctx, &list[i]); err != nil {
			return i, err
		}
	}
	return len(list), nil
}

func (o *Outbox) deliver(ctx context.Context, d *due) error {
	key, err := o.Open(d.secret)
	if err == nil {
		attempt, cancel := context.WithTimeout(ctx, o.Timeout)
		err = Post(attempt, o.HTTP, d.url, key, d.id, d.body)
		cancel()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return o.DB.Write(ctx, func(tx *sql.Tx) error {
		if err == nil {
			_, werr := tx.Exec("DELETE FROM outbox WHERE id = ?", d.id)
			return werr
		}
		dead := 0
		if d.attempts+1 >= o.Backoff.Attempts {
			dead = 1
			o.Log.Warn("webhook message given up", "id", d.id, "tenant", d.tenant, "kind", d.kind, "error", err)
		}
		_, werr := tx.Exec("UPDATE outbox SET attempts = attempts + 1, next = ?, dead = ?, error = ? WHERE id = ?",
			time.Now().Add(o.Backoff.Pause(d.attempts+1)).UnixMilli(), dead, types.CleanText(err.Error(), 500), d.id)
		return werr
	})
}

// Lost lists messages that were given up, newest first: of a tenant, or of all if it is empty.
func Lost(ctx context.Context, db *database.DB, tenant string, page rest.Listing) (*rest.LostMessages, error) {
	out := &rest.LostMessages{Items: []rest.LostMessage{}}
	err := db.Each(ctx, "SELECT id, tenant, url, kind, attempts, error, time FROM outbox WHERE dead = 1 AND (? = '' OR tenant = ?) AND (? = '' OR id < ?) ORDER BY id DESC LIMIT ?",
		[]any{tenant, tenant, page.Cursor, page.Cursor, page.Limit + 1}, func(scan func(...any) error) error {
			var m rest.LostMessage
			var at int64
			if err := scan(&m.ID, &m.Tenant, &m.URL, &m.Kind, &m.Attempts, &m.Error, &at); err != nil {
				return err
			}
			m.Time = time.UnixMilli(at).UTC()
			out.Items = append(out.Items, m)
			return nil
		})
	if len(out.Items) > page.Limit {
		out.Items = out.Items[:page.Limit]
		out.Next = out.Items[page.Limit-1].ID
	}
	return out, err
}

// Resend has lost messages sent again: one, or all of a tenant if id is empty. HC-1003 if
// there are none.
func Resend(ctx context.Context, db *database.DB, tenant, id string) error {
	return db.Write(ctx, func(tx *sql.Tx) error {
		done, err := tx.Exec("UPDATE outbox SET dead = 0, attempts = 0, next = 0 WHERE dead = 1 AND (? = '' OR tenant = ?) AND (? = '' OR id = ?)", tenant, tenant, id, id)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return types.Errorf(types.CodeNotFound, "lost messages %s", id)
		}
		return nil
	})
}
