package mirror

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// DatabaseFile is the name of the SQLite file in a mirror's folder.
const DatabaseFile = "mirror.db"

// Connections of a mirror: one writes, these read.
const readers = 4

// store is an open database.
type store struct {
	dialect
	w, r  *sql.DB
	path  string // of the file, for SQLite
	file  os.FileInfo
	stmts map[string]*sql.Stmt // of w, by text
}

// tip is the newest block that the database holds; height 0 is none.
type tip struct {
	height uint64
	hash   crypto.Hash
	time   int64 // ms
}

// Place says where a mirror is kept.
type Place struct {
	Dir      string // folder of the SQLite file
	Postgres string // connection string; empty: SQLite
	Schema   string // of the tables in PostgreSQL
}

func (p *Place) open(ctx context.Context) (*store, error) {
	s := &store{stmts: map[string]*sql.Stmt{}}
	var err error
	if p.Postgres != "" {
		err = s.openPostgres(ctx, p)
	} else {
		err = s.openSQLite(p)
	}
	if err != nil {
		s.close()
		return nil, databaseError(ctx, err)
	}
	return s, nil
}

func (s *store) openSQLite(p *Place) (err error) {
	s.dialect = sqliteDialect{}
	if err := registered(); err != nil {
		return err
	}
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		return err
	}
	s.path = filepath.Join(p.Dir, DatabaseFile)
	if s.w, err = openFile(s.path, "&_txlock=immediate"+writerPragmas); err != nil {
		return err
	}
	s.w.SetMaxOpenConns(1)
	if err := s.w.Ping(); err != nil {
		return err
	}
	if s.r, err = openFile(s.path, "&_pragma=query_only(1)&_pragma=cache_size(-16000)"); err != nil {
		return err
	}
	s.r.SetMaxOpenConns(readers)
	s.r.SetConnMaxIdleTime(time.Minute)
	s.file, err = os.Stat(s.path)
	return err
}

// writerPragmas: statements keep what they might undo in memory, and the log is moved into
// the file when it has some 64 MiB, so that a page that changes with many blocks is moved
// once. The pages of the indexes that random keys reach stay in memory.
const writerPragmas = "&_pragma=temp_store(MEMORY)&_pragma=wal_autocheckpoint(16000)&_pragma=cache_size(-64000)"

func openFile(path, more string) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"+more)
}

func (s *store) openPostgres(ctx context.Context, p *Place) error {
	s.dialect = postgresDialect{}
	cfg, err := pgx.ParseConfig(p.Postgres)
	if err != nil {
		return errors.New("the connection string is malformed") // err may hold the password
	}
	schema := pgx.Identifier{p.Schema}.Sanitize()
	cfg.RuntimeParams["search_path"] = schema
	cfg.RuntimeParams["timezone"] = "UTC"
	s.w, s.r = stdlib.OpenDB(*cfg), stdlib.OpenDB(*cfg)
	s.w.SetMaxOpenConns(1)
	s.r.SetMaxOpenConns(readers)
	_, err = s.w.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+schema)
	return err
}

func (s *store) close() {
	for _, db := range []*sql.DB{s.r, s.w} {
		if db != nil {
			db.Close() //nolint:errcheck // what was written was committed
		}
	}
}

// lost reports whether the file of the database was removed or replaced: what is written
// to it then goes nowhere.
func (s *store) lost() bool {
	if s.path == "" {
		return false
	}
	now, err := os.Stat(s.path)
	return err != nil || !os.SameFile(now, s.file)
}

// ours are the tables of a mirror.
var ours = []string{"words", "record", "activity", "event", "tx", "block", "tip"}

// reset makes the tables anew, empty, for a chain.
func (s *store) reset(ctx context.Context, genesis crypto.Hash) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		for _, t := range ours {
			if _, err := tx.ExecContext(ctx, "DROP TABLE IF EXISTS "+t); err != nil {
				return err
			}
		}
		for _, ddl := range s.schema() {
			if _, err := tx.ExecContext(ctx, ddl); err != nil {
				return fmt.Errorf("%s: %w", strings.SplitN(ddl, "(", 2)[0], err)
			}
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("INSERT INTO tip VALUES (1, %d, %s, 0, %s, 0)", schemaFormat, s.param(1), s.param(2)),
			genesis.String(), crypto.Hash{}.String())
		return err
	})
}

// has reports whether there is a table or an index of a name.
func (s *store) has(ctx context.Context, name string) (bool, error) {
	query := "SELECT count(*) FROM sqlite_master WHERE name = '" + name + "'"
	if s.path == "" {
		query = "SELECT count(*) FROM pg_class WHERE oid = to_regclass('" + name + "')"
	}
	var n int
	err := s.w.QueryRowContext(ctx, query).Scan(&n)
	return n > 0, databaseError(ctx, err)
}

// load reads the tip, and makes the tables where there are none, or those of another format.
// The database of another chain is refused.
func (s *store) load(ctx context.Context, genesis crypto.Hash) (tip, error) {
	has, err := s.has(ctx, "tip")
	if err != nil {
		return tip{}, err
	}
	if !has {
		return tip{}, s.reset(ctx, genesis)
	}
	var format int
	var of string
	if err := s.w.QueryRowContext(ctx, "SELECT format, genesis FROM tip").Scan(&format, &of); err != nil {
		return tip{}, databaseError(ctx, err)
	}
	if of != genesis.String() {
		return tip{}, types.Errorf(types.CodeMirrorDatabase, "it holds the chain with genesis %s, not %s", of, genesis)
	}
	if format != schemaFormat {
		return tip{}, s.reset(ctx, genesis)
	}
	return readTip(ctx, s.w)
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func readTip(ctx context.Context, q querier) (t tip, err error) {
	var hash string
	if err = q.QueryRowContext(ctx, "SELECT height, hash, time FROM tip").Scan(&t.height, &hash, &t.time); err == nil {
		t.hash, err = crypto.ParseHash(hash)
	}
	return t, databaseError(ctx, err)
}

// blockHash is the hash of the header of a block that is there.
func (s *store) blockHash(ctx context.Context, height uint64) (h crypto.Hash, err error) {
	var hash string
	if err = s.w.QueryRowContext(ctx, "SELECT hash FROM block WHERE height = "+s.param(1), int64(height)).Scan(&hash); err == nil {
		h, err = crypto.ParseHash(hash)
	}
	return h, databaseError(ctx, err)
}

// write runs f in a transaction.
func (s *store) write(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.w.BeginTx(ctx, nil)
	if err != nil {
		return databaseError(ctx, err)
	}
	if err := f(tx); err != nil {
		tx.Rollback() //nolint:errcheck // the cause counts
		return databaseError(ctx, err)
	}
	return databaseError(ctx, tx.Commit())
}

// read runs f on one unchanging view of the database.
func (s *store) read(ctx context.Context, f func(q querier) error) error {
	tx, err := s.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: s.path == "", Isolation: isolation(s.path == "")})
	if err != nil {
		return databaseError(ctx, err)
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	return databaseError(ctx, f(tx))
}

func isolation(postgres bool) sql.IsolationLevel {
	if postgres {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault // SQLite knows but one
}

// databaseError makes err HC-4603, or HC-4605 where time ran out; coded errors stay.
func databaseError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var coded *types.Error
	switch {
	case errors.As(err, &coded):
		return err
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return types.Errorf(types.CodeMirrorSlow, "%w", ctx.Err())
	}
	return types.Errorf(types.CodeMirrorDatabase, "%w", err)
}

// registered gives SQLite its further function, for the whole process.
var registered = sync.OnceValue(func() error {
	return sqlite.RegisterFunction("huchain_sum", &sqlite.FunctionImpl{NArgs: 1, Deterministic: true,
		MakeAggregate: func(sqlite.FunctionContext) (sqlite.AggregateFunction, error) { return &sum{}, nil }})
})

// sum adds up decimal numbers exactly: SQLite's own has 64 bits.
type sum struct{ total decimal }

// Step adds a value that is a decimal number; others count for nothing.
func (s *sum) Step(_ *sqlite.FunctionContext, args []driver.Value) error {
	s.total.add(fmt.Sprint(args[0]))
	return nil
}

// WindowInverse is not used: sums are of groups.
func (s *sum) WindowInverse(*sqlite.FunctionContext, []driver.Value) error {
	return errors.New("huchain_sum is no window function")
}

// WindowValue returns the sum as text.
func (s *sum) WindowValue(*sqlite.FunctionContext) (driver.Value, error) {
	return s.total.String(), nil
}

// Final has nothing to free.
func (s *sum) Final(*sqlite.FunctionContext) {}
