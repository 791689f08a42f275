package mirror

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/huchain/huchain/types"
)

// errMoved means that somebody else moved the tip: another process writes to the same
// database, or "mirror rebuild" emptied it.
var errMoved = errors.New("the tip of the database was moved")

// apply writes a batch that follows was, in one transaction with its height. On error
// nothing is written; errMoved if the tip is not was.
func (s *store) apply(ctx context.Context, b *batch, was tip) (tip, error) {
	h := &b.to.Header
	next := tip{height: h.Height, hash: h.Hash(), time: h.Time / 1e6}
	err := s.write(ctx, func(tx *sql.Tx) error {
		done, err := s.exec(ctx, tx, "UPDATE tip SET height = "+s.param(1)+", hash = "+s.param(2)+", time = "+s.param(3)+
			" WHERE height = "+s.param(4)+" AND hash = "+s.param(5), int64(next.height), next.hash.String(), next.time, int64(was.height), was.hash.String())
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, errMoved)
		}
		if err := s.insert(ctx, tx, "block", blockColumns, b.blocks, ""); err != nil {
			return err
		}
		if err := s.insert(ctx, tx, "tx", txColumns, b.txs, ""); err != nil {
			return err
		}
		if err := s.insert(ctx, tx, "event", eventColumns, b.events, ""); err != nil {
			return err
		}
		if err := s.applyActivity(ctx, tx, b); err != nil {
			return err
		}
		return s.applyRecords(ctx, tx, b)
	})
	if err == nil {
		err = s.keepPrepared(ctx)
	}
	if err != nil {
		return was, err
	}
	return next, nil
}

func (s *store) applyActivity(ctx context.Context, tx *sql.Tx, b *batch) error {
	var rows [][]any
	for k, a := range b.activity {
		rows = append(rows, []any{k.hour, k.contract, k.method, int64(k.code), int64(a.txs), int64(a.gas)})
	}
	return s.insert(ctx, tx, "activity", []string{"hour", "contract", "method", "code", "txs", "gas"}, rows,
		" ON CONFLICT (hour, contract, method, code) DO UPDATE SET txs = activity.txs + excluded.txs, gas = activity.gas + excluded.gas")
}

// applyRecords buries what was deleted, then writes each record once, with its last value.
func (s *store) applyRecords(ctx context.Context, tx *sql.Tx, b *batch) error {
	postgres := s.path == ""
	for _, r := range b.removed {
		where := " WHERE contract = " + s.param(1) + " AND record = " + s.param(2) + " AND key = " + s.param(3)
		if !postgres {
			if _, err := s.exec(ctx, tx, "DELETE FROM words WHERE rowid = (SELECT id FROM record"+where+")", r[3:]...); err != nil {
				return err
			}
		}
		set := "UPDATE record SET value = '{}', deleted = 1, updated = " + s.param(4) + ", updated_at = " + s.param(5) + ", tx = " + s.param(6)
		if postgres {
			set += ", words = ''"
		}
		if _, err := s.exec(ctx, tx, set+where, r[3], r[4], r[5], r[0], r[1], r[2]); err != nil {
			return err
		}
	}
	columns, tail := recordColumns, " ON CONFLICT (contract, record, key) DO UPDATE SET value = excluded.value, deleted = excluded.deleted, "+
		"updated = excluded.updated, updated_at = excluded.updated_at, tx = excluded.tx"
	if postgres {
		columns, tail = append(columns[:len(columns):len(columns)], "words"), tail+", words = excluded.words"
	} else {
		tail += " RETURNING id, contract, record, key"
	}
	rows := make([][]any, 0, len(b.inOrder))
	for _, k := range b.inOrder {
		r := b.records[k]
		deleted := 0
		if r.deleted {
			deleted = 1
		}
		row := []any{k.contract, k.record, k.key, r.value, deleted, r.created, int64(r.createdAt), r.updated, int64(r.updatedAt), int64(r.txIndex)}
		if postgres {
			row = append(row, vector(r.words))
		}
		rows = append(rows, row)
	}
	if postgres {
		return s.insert(ctx, tx, "record", columns, rows, tail)
	}
	return s.indexWords(ctx, tx, b, rows, tail)
}

// indexWords writes records to SQLite and their words to its full-text index, whose rows
// go by the records' ids.
func (s *store) indexWords(ctx context.Context, tx *sql.Tx, b *batch, rows [][]any, tail string) error {
	var words [][]any
	for len(rows) > 0 {
		n := chunk(len(rows))
		found, err := s.query(ctx, tx, s.insertText("record", recordColumns, n, tail), flat(rows[:n])...)
		if err != nil {
			return err
		}
		for found.Next() {
			var id int64
			var k recordKey
			if err := found.Scan(&id, &k.contract, &k.record, &k.key); err != nil {
				return errors.Join(err, found.Close())
			}
			words = append(words, []any{id, b.records[k].words})
		}
		if err := errors.Join(found.Err(), found.Close()); err != nil {
			return err
		}
		rows = rows[n:]
	}
	// One by one: a statement of several rows opens a savepoint, at which the index writes what
	// it has gathered as a segment of its own.
	for _, w := range words {
		if _, err := s.exec(ctx, tx, "INSERT OR REPLACE INTO words (rowid, body) VALUES (?, ?)", w...); err != nil {
			return err
		}
	}
	return nil
}

// maxChunk bounds the rows of one statement. Chunks are powers of two, so that there are
// few statements, each prepared once.
const maxChunk = 64

func chunk(n int) int {
	size := maxChunk
	for size > n {
		size /= 2
	}
	return size
}

func flat(rows [][]any) []any {
	out := make([]any, 0, len(rows)*len(rows[0]))
	for _, r := range rows {
		out = append(out, r...)
	}
	return out
}

func (s *store) insert(ctx context.Context, tx *sql.Tx, table string, columns []string, rows [][]any, tail string) error {
	for len(rows) > 0 {
		n := chunk(len(rows))
		if _, err := s.exec(ctx, tx, s.insertText(table, columns, n, tail), flat(rows[:n])...); err != nil {
			return types.Errorf(types.CodeMirrorDatabase, "write %s: %w", table, err)
		}
		rows = rows[n:]
	}
	return nil
}

func (s *store) insertText(table string, columns []string, rows int, tail string) string {
	var b strings.Builder
	b.WriteString(s.insertWord() + " INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES ")
	n := 0
	for i := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for j, c := range columns {
			n++
			if j > 0 {
				b.WriteByte(',')
			}
			if p := s.next(n); c == "words" && table == "record" {
				b.WriteString("CAST(CAST(" + p + " AS TEXT) AS TSVECTOR)")
			} else {
				b.WriteString(p)
			}
		}
		b.WriteByte(')')
	}
	return b.String() + tail
}

// prepared returns a statement in a transaction. It can only be prepared for good between
// transactions, since they have the one connection: see keepPrepared.
func (s *store) prepared(ctx context.Context, tx *sql.Tx, text string) (*sql.Stmt, error) {
	if st := s.stmts[text]; st != nil {
		return tx.StmtContext(ctx, st), nil
	}
	s.stmts[text] = nil
	return tx.PrepareContext(ctx, text)
}

// keepPrepared prepares the statements that were used for the first time.
func (s *store) keepPrepared(ctx context.Context) error {
	for text, st := range s.stmts {
		if st != nil {
			continue
		}
		st, err := s.w.PrepareContext(ctx, text)
		if err != nil {
			return databaseError(ctx, err)
		}
		s.stmts[text] = st
	}
	return nil
}

func (s *store) exec(ctx context.Context, tx *sql.Tx, text string, args ...any) (sql.Result, error) {
	st, err := s.prepared(ctx, tx, text)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, args...)
}

func (s *store) query(ctx context.Context, tx *sql.Tx, text string, args ...any) (*sql.Rows, error) {
	st, err := s.prepared(ctx, tx, text)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args...)
}
