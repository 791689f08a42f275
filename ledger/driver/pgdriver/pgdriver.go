// Package pgdriver is a storage driver on PostgreSQL, for operators whose rules ask for a
// database server that they already run, back up and watch. A store is one table of keys
// and values; what it holds is bytes, so that a ledger in it can be proven, checked and
// moved like any other. Every read is a round trip: expect a tenth of Pebble's speed.
package pgdriver

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/huchain/huchain/ledger/driver"
)

// Opener opens stores in one schema of a database.
type Opener struct {
	// URL is a connection string, postgres://… or key=value; a password is better kept in
	// the file that PGPASSFILE names. The user must be allowed to create schema and tables.
	URL string
	// Schema holds the tables, named by the last element of the folders: letters, digits
	// and underscores. One process at a time may use a table.
	Schema string
}

const (
	// maxConns bounds the connections of a store. Each open snapshot and iterator holds
	// one, and a ledger keeps a snapshot for every height that proofs can be made at.
	maxConns    = 48
	openTimeout = 30 * time.Second
	lockTimeout = 3 * time.Second
)

var identifier = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,50}$`)

// Open implements driver.Opener.
func (o Opener) Open(dir string, _ driver.Profile) (driver.DB, error) {
	table := filepath.Base(dir)
	if !identifier.MatchString(o.Schema) || !identifier.MatchString(table) {
		return nil, fmt.Errorf("open %s.%s: names must be lower-case letters, digits and underscores", o.Schema, table)
	}
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", table, err)
	}
	config.MaxConns = maxConns
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", table, err)
	}
	s := &store{pool: pool, table: pgx.Identifier{o.Schema, table}.Sanitize()}
	if err := s.open(ctx, o.Schema); err != nil {
		pool.Close()
		return nil, wrap("open "+s.table, err)
	}
	return s, nil
}

// store is one table. All writes go through the connection that holds the table's lock,
// so that whoever loses the lock can write no more.
type store struct {
	pool  *pgxpool.Pool
	table string

	mu     sync.Mutex // guards what follows
	writer *pgxpool.Conn
	broken error // why no more may be written
}

func (s *store) open(ctx context.Context, schema string) (err error) {
	if s.writer, err = s.pool.Acquire(ctx); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.writer.Release()
		}
	}()
	var fsync string
	if err := s.writer.QueryRow(ctx, "SHOW fsync").Scan(&fsync); err != nil {
		return err
	}
	if fsync != "on" {
		return errors.New("the server runs with fsync off: what it commits may be lost")
	}
	if err := s.lock(ctx); err != nil {
		return err
	}
	_, err = s.writer.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{schema}.Sanitize())
	if err == nil {
		_, err = s.writer.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+s.table+" (key bytea PRIMARY KEY, value bytea NOT NULL)")
	}
	return err
}

// lock takes the table for this process. The session of one that has just ended may hold
// it for a moment longer.
func (s *store) lock(ctx context.Context) error {
	for end := time.Now().Add(lockTimeout); ; {
		var locked bool
		err := s.writer.QueryRow(ctx, "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", "huchain "+s.table).Scan(&locked)
		if err != nil || locked {
			return err
		}
		if time.Now().After(end) {
			return errors.New("another process uses this store")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// wrap names what failed and marks damage, which PostgreSQL reports in class XX.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", doing, err)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "XX001" || pg.Code == "XX002") {
		return &driver.ErrCorrupt{Err: err}
	}
	return err
}

// Get implements driver.Reader.
func (s *store) Get(key []byte) ([]byte, bool, error) {
	return get(s.pool, s.table, key)
}

// querier is a pool, a connection or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func get(q querier, table string, key []byte) (value []byte, found bool, err error) {
	err = q.QueryRow(context.Background(), "SELECT value FROM "+table+" WHERE key = $1", present(key)).Scan(&value)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	return value, err == nil, wrap("read", err)
}

// present makes nil bytes empty: nil would be NULL.
func present(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Snapshot implements driver.DB: a transaction that sees one state of the table.
func (s *store) Snapshot() (driver.Snapshot, error) { return s.view() }

func (s *store) view() (*view, error) {
	ctx := context.Background()
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, wrap("snapshot", err)
	}
	// What a transaction sees is fixed by its first query, not by its beginning.
	if _, err := tx.Exec(ctx, "SELECT pg_current_snapshot()"); err != nil {
		return nil, wrap("snapshot", errors.Join(err, tx.Rollback(ctx)))
	}
	return &view{tx: tx, table: s.table}, nil
}

// Iter implements driver.Reader.
func (s *store) Iter(lower, upper []byte) (driver.Iterator, error) {
	v, err := s.view()
	if err != nil {
		return nil, err
	}
	return newIterator(v, lower, upper, v.Close), nil
}

// Batch implements driver.DB.
func (s *store) Batch() driver.Batch { return &batch{s: s} }

// Close implements driver.DB. It gives up the lock.
func (s *store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The connection is closed rather than returned: the lock ends with it, at the latest.
	_, unlock := s.writer.Exec(context.Background(), "SELECT pg_advisory_unlock_all()")
	err := errors.Join(unlock, s.writer.Conn().Close(context.Background()))
	s.writer.Release()
	s.pool.Close()
	if s.broken != nil {
		return nil // it was reported when it happened
	}
	return wrap("close", err)
}

// view is a read-only transaction. A connection does one thing at a time.
type view struct {
	mu    sync.Mutex
	tx    pgx.Tx
	table string
}

// Get implements driver.Reader.
func (v *view) Get(key []byte) ([]byte, bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return get(v.tx, v.table, key)
}

// Iter implements driver.Reader.
func (v *view) Iter(lower, upper []byte) (driver.Iterator, error) {
	return newIterator(v, lower, upper, func() error { return nil }), nil
}

// Close implements driver.Snapshot.
func (v *view) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return wrap("close snapshot", v.tx.Rollback(context.Background()))
}
