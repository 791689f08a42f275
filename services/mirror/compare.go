package mirror

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/huchain/huchain/types"
)

// Verified is what a comparison of a mirror with the chain found.
type Verified struct {
	Height uint64            `json:"height"` // up to which both were compared
	Rows   map[string]uint64 `json:"rows"`   // compared, by table
	Equal  bool              `json:"equal"`
	Differ string            `json:"difference,omitempty"` // the first: table, row, what stands there and what should
}

// listing reads a table in an order that both databases share.
type listing struct {
	table   string
	columns []string
	keys    int // how many columns name the row
	json    int // column that holds JSON, which databases write in their own ways; -1: none
}

var listings = []listing{
	{"block", blockColumns, 1, -1},
	{"tx", txColumns, 2, -1},
	{"event", eventColumns, 2, -1},
	{"activity", []string{"hour", "contract", "method", "code", "txs", "gas"}, 4, -1},
	{"record", recordColumns, 3, 3},
}

// Verify makes a second mirror, in a file under dir that is removed afterwards, out of the
// chain up to the height that this one has, and compares all rows. What differs is told, not
// repaired: see Rebuild.
func (m *Mirror) Verify(ctx context.Context, dir string) (*Verified, error) {
	s, _, err := m.opened(ctx)
	if err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp(dir, "verify-")
	if err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	defer os.RemoveAll(tmp)
	var out *Verified
	return out, s.read(ctx, func(q querier) error {
		at, err := readTip(ctx, q)
		if err != nil {
			return err
		}
		second, err := m.copyTo(ctx, Place{Dir: tmp}, at)
		if err != nil {
			return err
		}
		defer second.close()
		out, err = compare(ctx, q, second, at.height)
		return err
	})
}

// copyTo makes another mirror up to a tip.
func (m *Mirror) copyTo(ctx context.Context, to Place, end tip) (*store, error) {
	s, err := to.open(ctx)
	if err != nil {
		return nil, err
	}
	at, err := s.load(ctx, m.genesis)
	for err == nil && at.height < end.height {
		blocks, nerr := next(ctx, m.sources[0], at, m.p.Wait)
		if err = nerr; err != nil {
			break
		}
		b := newBatch()
		for _, c := range blocks {
			if c.Header.Height > end.height {
				break
			}
			err = errors.Join(err, b.add(c))
		}
		if err == nil {
			at, err = s.apply(ctx, b, at)
		}
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func compare(ctx context.Context, q querier, second *store, height uint64) (*Verified, error) {
	out := &Verified{Height: height, Rows: map[string]uint64{}, Equal: true}
	for _, l := range listings {
		a, err := l.open(ctx, q)
		if err != nil {
			return nil, err
		}
		b, err := l.open(ctx, second.r)
		if err != nil {
			a.Close() //nolint:errcheck // it only read
			return nil, err
		}
		n, differ, err := l.compare(a, b)
		if err = errors.Join(err, a.Close(), b.Close()); err != nil {
			return nil, err
		}
		if out.Rows[l.table] = n; differ != "" {
			out.Equal, out.Differ = false, differ
			return out, nil
		}
	}
	return out, nil
}

func (l *listing) open(ctx context.Context, q querier) (*sql.Rows, error) {
	return q.QueryContext(ctx, "SELECT "+strings.Join(l.columns, ", ")+" FROM "+l.table+" ORDER BY "+strings.Join(l.columns[:l.keys], ", "))
}

// compare walks two listings side by side to the first row that differs.
func (l *listing) compare(a, b *sql.Rows) (rows uint64, differ string, err error) {
	for {
		x, err := l.row(a)
		if err != nil {
			return rows, "", err
		}
		y, err := l.row(b)
		if err != nil {
			return rows, "", err
		}
		if x == nil && y == nil {
			return rows, "", nil
		}
		if !slices.Equal(x, y) {
			return rows, fmt.Sprintf("%s: the mirror has %s, the chain %s", l.table, show(x), show(y)), nil
		}
		rows++
	}
}

// row reads the next row as texts, nil at the end.
func (l *listing) row(rows *sql.Rows) ([]string, error) {
	if !rows.Next() {
		return nil, rows.Err()
	}
	values, into := make([]any, len(l.columns)), make([]any, len(l.columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	out := make([]string, len(values))
	for i, v := range values {
		if out[i] = text(v); i == l.json {
			out[i] = canonical(out[i])
		}
	}
	return out, nil
}

// canonical is JSON with sorted members and no spaces.
func canonical(s string) string {
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return s
	}
	b, err := marshal(v)
	if err != nil {
		return s
	}
	return string(b)
}

const maxShown = 300

func show(row []string) string {
	if row == nil {
		return "no such row"
	}
	s := strings.Join(row, " ")
	if r := []rune(s); len(r) > maxShown {
		s = string(r[:maxShown]) + "…"
	}
	return s
}
