package push

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/huchain/huchain/services/connector"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Kinds of subscribers.
const (
	Webhook = "webhook"
	NATS    = "nats"
)

// States of a subscription.
const (
	active    = "active"
	suspended = "suspended"
)

// FromNow as a height begins with the events after the mirror's newest block.
const FromNow = int64(-1)

// Subscription is who is told of which events.
type Subscription struct {
	Name string // types.ValidName
	Kind string // Webhook or NATS
	// Address is http(s)://… of a webhook, or nats(s)://host:port/subject: events are
	// published under subject.chain.contract.event.
	Address string
	// Secret is the file that holds the key of a webhook's signatures, of at least 16
	// bytes, or the credentials for NATS, where it wants any. Only its path is kept.
	Secret   string
	Contract string // of this contract alone, if not empty
	Event    string // of this name alone, if not empty
	From     int64  // height of the first block whose events are sent, or FromNow
}

// Validate checks the subscription and that its secret can be read. Errors are HC-4606.
func (s *Subscription) Validate() error {
	bad := func(format string, args ...any) error { return types.Errorf(types.CodeSubscription, format, args...) }
	u, err := url.Parse(s.Address)
	switch {
	case !types.ValidName(s.Name):
		return bad("name %q: must match %s", s.Name, types.NamePattern)
	case err != nil || u.Host == "":
		return bad("address: no URL with a host")
	case u.User != nil:
		return bad("address: credentials belong into a file")
	case s.Kind == Webhook && u.Scheme != "http" && u.Scheme != "https":
		return bad("a webhook's address begins with http:// or https://")
	case s.Kind == NATS && (u.Scheme != "nats" && u.Scheme != "tls" || subjectOf(u) == ""):
		return bad("an address of NATS is nats://host:port/subject, with a subject of letters, digits and dots")
	case s.Kind != Webhook && s.Kind != NATS:
		return bad("kind %q", s.Kind)
	case s.Contract != "" && !types.ValidName(s.Contract), s.Event != "" && !types.ValidMethod(s.Event):
		return bad("contract or event is no valid name")
	case s.From < FromNow:
		return bad("from height %d", s.From)
	}
	if s.Kind == NATS && s.Secret == "" {
		return nil
	}
	_, err = s.secret()
	return err
}

// secret reads the file of the secret.
func (s *Subscription) secret() ([]byte, error) {
	raw, err := os.ReadFile(s.Secret)
	if err != nil {
		return nil, types.Errorf(types.CodeSubscription, "secret of %s: %w", s.Name, err)
	}
	key := []byte(strings.TrimSpace(string(raw)))
	if s.Kind == Webhook && len(key) < connector.MinSecret {
		return nil, types.Errorf(types.CodeSubscription, "%s: a secret has at least %d bytes", s.Secret, connector.MinSecret)
	}
	return key, nil
}

// Book keeps subscriptions, their cursors and dead letters in a file. Several processes may
// open one book.
type Book struct{ db *sql.DB }

// BookFile is the name of the file in a mirror's folder.
const BookFile = "subscriptions.db"

const pages = `
CREATE TABLE IF NOT EXISTS subscription (name TEXT PRIMARY KEY, kind TEXT NOT NULL, address TEXT NOT NULL, secret TEXT NOT NULL, contract TEXT NOT NULL,
	event TEXT NOT NULL, state TEXT NOT NULL, height INTEGER NOT NULL, idx INTEGER NOT NULL, sent INTEGER NOT NULL DEFAULT 0,
	attempts INTEGER NOT NULL DEFAULT 0, given_up INTEGER NOT NULL DEFAULT 0, next INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS dead (subscription TEXT NOT NULL, height INTEGER NOT NULL, idx INTEGER NOT NULL, id TEXT NOT NULL, contract TEXT NOT NULL,
	event TEXT NOT NULL, body BLOB NOT NULL, attempts INTEGER NOT NULL, error TEXT NOT NULL, time INTEGER NOT NULL, again INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (subscription, height, idx))`

// OpenBook opens the book in a folder, made if it is not there.
func OpenBook(dir string) (*Book, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	path := (&url.URL{Path: filepath.Join(dir, BookFile)}).EscapedPath()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return nil, bookError(err)
	}
	db.SetMaxOpenConns(2)
	if _, err := db.Exec(pages); err != nil {
		db.Close() //nolint:errcheck // the cause counts
		return nil, bookError(err)
	}
	return &Book{db}, nil
}

// Close closes the book.
func (b *Book) Close() error { return b.db.Close() }

func bookError(err error) error {
	if err == nil {
		return nil
	}
	return types.Errorf(types.CodeMirrorDatabase, "subscriptions: %w", err)
}

// Add enters a subscription. HC-1011 if the name is taken.
func (b *Book) Add(ctx context.Context, s *Subscription) error {
	if err := s.Validate(); err != nil {
		return err
	}
	secret := s.Secret
	if secret != "" {
		var err error
		if secret, err = filepath.Abs(secret); err != nil {
			return bookError(err)
		}
	}
	// The cursor stands behind the last event of the block before.
	height, index := s.From, int64(-1)
	done, err := b.db.ExecContext(ctx, `INSERT INTO subscription (name, kind, address, secret, contract, event, state, height, idx)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, s.Name, s.Kind, s.Address, secret, s.Contract, s.Event, active, height, index)
	if err != nil {
		return bookError(err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return types.Errorf(types.CodeAlreadyExists, "subscription %s", s.Name)
	}
	return nil
}

// Remove ends a subscription and forgets its dead letters. HC-1003 if there is none.
func (b *Book) Remove(ctx context.Context, name string) error {
	if err := b.change(ctx, name, "DELETE FROM subscription WHERE name = ?", name); err != nil {
		return err
	}
	_, err := b.db.ExecContext(ctx, "DELETE FROM dead WHERE subscription = ?", name)
	return bookError(err)
}

// Resume takes up a suspended subscription where it stopped, and tries one that waits at once.
func (b *Book) Resume(ctx context.Context, name string) error {
	return b.change(ctx, name, "UPDATE subscription SET state = ?, attempts = 0, given_up = 0, next = 0 WHERE name = ?", active, name)
}

// Resend has dead letters sent again: that of an event id, or all if it is empty. HC-1003 if
// there are none.
func (b *Book) Resend(ctx context.Context, name, id string) (int64, error) {
	done, err := b.db.ExecContext(ctx, "UPDATE dead SET again = 1 WHERE subscription = ? AND (? = '' OR id = ?)", name, id, id)
	if err != nil {
		return 0, bookError(err)
	}
	n, err := done.RowsAffected()
	if err == nil && n == 0 {
		return 0, types.Errorf(types.CodeNotFound, "dead letters %s of subscription %s", id, name)
	}
	return n, bookError(err)
}

func (b *Book) change(ctx context.Context, name, statement string, args ...any) error {
	done, err := b.db.ExecContext(ctx, statement, args...)
	if err != nil {
		return bookError(err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return types.Errorf(types.CodeNotFound, "subscription %s", name)
	}
	return nil
}

// List tells how the subscriptions do, by name.
func (b *Book) List(ctx context.Context) (*rest.Subscriptions, error) {
	rows, err := b.db.QueryContext(ctx, `SELECT name, kind, address, contract, event, state, height, idx, sent, attempts, next, error,
		(SELECT count(*) FROM dead WHERE subscription = name) FROM subscription ORDER BY name`)
	if err != nil {
		return nil, bookError(err)
	}
	defer rows.Close()
	out := &rest.Subscriptions{Items: []rest.Subscription{}}
	for rows.Next() {
		var s rest.Subscription
		var height, index, next int64
		if err := rows.Scan(&s.Name, &s.Kind, &s.To, &s.Contract, &s.Event, &s.State, &height, &index, &s.Sent, &s.Attempts, &next, &s.Error, &s.Dead); err != nil {
			return nil, bookError(err)
		}
		s.Height, s.Index = uint64(max(height, 0)), uint32(max(index, 0))
		if s.State == active && s.Attempts > 0 {
			at := time.UnixMilli(next).UTC()
			s.State, s.Next = "waiting", &at
		}
		out.Items = append(out.Items, s)
	}
	return out, bookError(rows.Err())
}

// Dead lists deliveries that were given up, oldest first, 200 at most.
func (b *Book) Dead(ctx context.Context, name string) (*rest.DeadLetters, error) {
	var there int
	if err := b.db.QueryRowContext(ctx, "SELECT count(*) FROM subscription WHERE name = ?", name).Scan(&there); err != nil {
		return nil, bookError(err)
	}
	if there == 0 {
		return nil, types.Errorf(types.CodeNotFound, "subscription %s", name)
	}
	rows, err := b.db.QueryContext(ctx, "SELECT id, contract, event, attempts, error, time FROM dead WHERE subscription = ? ORDER BY height, idx LIMIT 200", name)
	if err != nil {
		return nil, bookError(err)
	}
	defer rows.Close()
	out := &rest.DeadLetters{Items: []rest.DeadLetter{}}
	for rows.Next() {
		var d rest.DeadLetter
		var at int64
		if err := rows.Scan(&d.ID, &d.Contract, &d.Event, &d.Attempts, &d.Error, &at); err != nil {
			return nil, bookError(err)
		}
		d.Time = time.UnixMilli(at).UTC()
		out.Items = append(out.Items, d)
	}
	return out, bookError(rows.Err())
}
