// Package database keeps the state of services in one SQLite file per chain: each service
// brings its tables as numbered steps, and writes of many requests share one sync of the
// disk. What Write returned without an error is durable.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the driver

	"github.com/huchain/huchain/types"
)

// Schema is the tables of one service. Steps are run once each, in order; one that was
// released is never changed, a later one alters its tables.
type Schema struct {
	Name  string
	Steps []string
}

// DB is an open file. It is safe for concurrent use.
type DB struct {
	r       *sql.DB
	w       *sql.DB
	jobs    chan *job
	ended   chan struct{}
	closing sync.Once
	done    chan struct{} // closed when the writer has ended
}

type job struct {
	do     func(*sql.Tx) error
	err    error
	answer chan error
}

// Bounds of a database.
const (
	readers  = 4
	maxBatch = 128 // writes that share a commit
)

const settings = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-16000)"

// Open opens or makes the file at path and brings its tables up to the schemas. A file that
// a later release has written is HC-1004.
func Open(path string, schemas ...Schema) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, Failed(err)
	}
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + settings
	w, err := sql.Open("sqlite", name+"&_txlock=immediate")
	if err != nil {
		return nil, Failed(err)
	}
	w.SetMaxOpenConns(1)
	r, err := sql.Open("sqlite", name+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(Failed(err), w.Close())
	}
	r.SetMaxOpenConns(readers)
	d := &DB{r: r, w: w, jobs: make(chan *job, maxBatch), ended: make(chan struct{}), done: make(chan struct{})}
	if err := d.migrate(schemas); err != nil {
		return nil, errors.Join(err, r.Close(), w.Close())
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(Failed(err), r.Close(), w.Close())
	}
	go d.write()
	return d, nil
}

// Failed makes a coded error of one that the database returned: HC-4701.
func Failed(err error) error {
	var coded *types.Error
	if err == nil || errors.As(err, &coded) {
		return err
	}
	return types.Errorf(types.CodeServiceDatabase, "%w", err)
}

func (d *DB) migrate(schemas []Schema) error {
	tx, err := d.w.Begin()
	if err != nil {
		return Failed(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing is left of it after a commit
	if _, err := tx.Exec("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, steps INTEGER NOT NULL)"); err != nil {
		return Failed(err)
	}
	for _, s := range schemas {
		var have int
		if err := tx.QueryRow("SELECT steps FROM migration WHERE name = ?", s.Name).Scan(&have); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return Failed(err)
		}
		if have > len(s.Steps) {
			return types.Errorf(types.CodeConfig, "the database of %s has %d steps, this release knows %d: start a later release", s.Name, have, len(s.Steps))
		}
		for i := have; i < len(s.Steps); i++ {
			if _, err := tx.Exec(s.Steps[i]); err != nil {
				return Failed(fmt.Errorf("%s, step %d: %w", s.Name, i+1, err))
			}
		}
		if _, err := tx.Exec("INSERT INTO migration VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET steps = excluded.steps", s.Name, len(s.Steps)); err != nil {
			return Failed(err)
		}
	}
	return Failed(tx.Commit())
}

// Close waits for writes under way and closes the file.
func (d *DB) Close() error {
	d.closing.Do(func() { close(d.ended) })
	<-d.done
	return errors.Join(d.r.Close(), d.w.Close())
}

// Query runs a statement that only reads.
func (d *DB) Query(ctx context.Context, statement string, args ...any) (*sql.Rows, error) {
	rows, err := d.r.QueryContext(ctx, statement, args...)
	return rows, Failed(err)
}

// Row reads one row into out; found is false if there is none.
func (d *DB) Row(ctx context.Context, statement string, args []any, out ...any) (found bool, err error) {
	err = d.r.QueryRowContext(ctx, statement, args...).Scan(out...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, Failed(err)
}

// Each reads rows one by one.
func (d *DB) Each(ctx context.Context, statement string, args []any, read func(scan func(...any) error) error) error {
	rows, err := d.Query(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := read(rows.Scan); err != nil {
			return Failed(err)
		}
	}
	return Failed(rows.Err())
}

// Write runs do in a transaction and returns once it is durable. Where do fails, nothing of
// it is kept. do MUST NOT wait for another Write. If ctx ends early the outcome is unknown.
func (d *DB) Write(ctx context.Context, do func(*sql.Tx) error) error {
	j := &job{do: do, answer: make(chan error, 1)}
	stopping := types.Errorf(types.CodeNotReady, "the service is stopping")
	select {
	case d.jobs <- j:
	case <-d.ended:
		return stopping
	case <-ctx.Done():
		return Failed(ctx.Err())
	}
	select {
	case err := <-j.answer:
		return err
	case <-d.done: // it may have been the last that was answered, or come too late
		select {
		case err := <-j.answer:
			return err
		default:
			return stopping
		}
	case <-ctx.Done():
		return Failed(ctx.Err())
	}
}

// write commits what has gathered, again and again.
func (d *DB) write() {
	defer close(d.done)
	for {
		var batch []*job
		select {
		case j := <-d.jobs:
			batch = append(batch, j)
		case <-d.ended:
			for {
				select {
				case j := <-d.jobs:
					j.answer <- types.Errorf(types.CodeNotReady, "the service is stopping")
				default:
					return
				}
			}
		}
	gather:
		for len(batch) < maxBatch {
			select {
			case j := <-d.jobs:
				batch = append(batch, j)
			default:
				break gather
			}
		}
		err := d.commit(batch)
		for _, j := range batch {
			if err != nil && j.err == nil {
				j.err = err
			}
			j.answer <- Failed(j.err)
		}
	}
}

// commit runs a batch in one transaction, each job behind a savepoint of its own.
func (d *DB) commit(batch []*job) error {
	tx, err := d.w.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing is left of it after a commit
	for _, j := range batch {
		if _, err := tx.Exec("SAVEPOINT job"); err != nil {
			return err
		}
		end := "RELEASE job"
		if j.err = j.do(tx); j.err != nil {
			end = "ROLLBACK TO job; RELEASE job"
		}
		if _, err := tx.Exec(end); err != nil {
			return err
		}
	}
	return tx.Commit()
}
