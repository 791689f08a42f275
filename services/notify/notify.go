// Package notify tells the users of a tenant what happened: in an inbox that they read
// through the API, and by webhook where the tenant has one. A message is kept in the same
// transaction as what it tells of.
package notify

import (
	"context"
	"database/sql"
	"time"

	"github.com/huchain/huchain/services/database"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Schema holds the inboxes.
var Schema = database.Schema{Name: "notify", Steps: []string{`
CREATE TABLE notice (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL, time INTEGER NOT NULL, read INTEGER NOT NULL DEFAULT 0);
CREATE INDEX notice_tenant ON notice (tenant, id)`}}

// keep is how many messages an inbox holds; older ones go.
const keep = 10_000

// Post enters a message in the transaction that made what it tells of.
func Post(tx *sql.Tx, tenant, kind, subject, text string, now time.Time) error {
	_, err := tx.Exec("INSERT INTO notice (id, tenant, kind, subject, text, time) VALUES (?, ?, ?, ?, ?, ?)",
		database.NewID("n", now), tenant, kind, subject, types.CleanText(text, 1000), now.UnixMilli())
	return err
}

// List returns a page of a tenant's messages, newest first.
func List(ctx context.Context, db *database.DB, tenant string, q *rest.NoticeQuery) (*rest.Notices, error) {
	out := &rest.Notices{Items: []rest.Notice{}}
	err := db.Each(ctx, "SELECT id, kind, subject, text, time, read FROM notice WHERE tenant = ? AND (? = '' OR id < ?) AND (? = 0 OR read = 0) ORDER BY id DESC LIMIT ?",
		[]any{tenant, q.Cursor, q.Cursor, q.Unread, q.Limit + 1}, func(scan func(...any) error) error {
			var n rest.Notice
			var at int64
			if err := scan(&n.ID, &n.Kind, &n.Subject, &n.Text, &at, &n.Read); err != nil {
				return err
			}
			n.Time = time.UnixMilli(at).UTC()
			out.Items = append(out.Items, n)
			return nil
		})
	if err != nil {
		return nil, err
	}
	if len(out.Items) > q.Limit {
		out.Items = out.Items[:q.Limit]
		out.Next = out.Items[q.Limit-1].ID
	}
	_, err = db.Row(ctx, "SELECT count(*) FROM notice WHERE tenant = ? AND read = 0", []any{tenant}, &out.Unread)
	return out, err
}

// Read marks a tenant's messages up to one as read, all if it is empty, and drops the
// oldest above the size of an inbox.
func Read(ctx context.Context, db *database.DB, tenant, upTo string) error {
	return db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec("UPDATE notice SET read = 1 WHERE tenant = ? AND read = 0 AND (? = '' OR id <= ?)", tenant, upTo, upTo); err != nil {
			return err
		}
		_, err := tx.Exec("DELETE FROM notice WHERE tenant = ? AND id <= (SELECT id FROM notice WHERE tenant = ? ORDER BY id DESC LIMIT 1 OFFSET ?)", tenant, tenant, keep)
		return err
	})
}
