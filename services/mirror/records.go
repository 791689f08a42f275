package mirror

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/huchain/huchain/types/rest"
)

// statement is SQL under construction with its parameters.
type statement struct {
	d    dialect
	text strings.Builder
	args []any
}

// param adds a parameter and returns its placeholder.
func (s *statement) param(v any) string {
	if n, ok := v.(number); ok {
		s.args = append(s.args, string(n))
		return "CAST(" + s.d.param(len(s.args)) + map[string]string{"sqlite": " AS REAL)", "postgres": " AS NUMERIC)"}[s.d.name()]
	}
	s.args = append(s.args, v)
	return s.d.param(len(s.args))
}

func (s *statement) add(parts ...string) {
	for _, p := range parts {
		s.text.WriteString(p)
	}
}

func (s *statement) filter(f *filter) {
	expr := f.column.expr(s.d)
	s.add(" AND ")
	switch f.op {
	case "in":
		var list []string
		for _, v := range f.values {
			list = append(list, s.param(v))
		}
		s.add(expr, " IN (", strings.Join(list, ", "), ")")
	case "prefix":
		from := f.values[0].(string) //nolint:errcheck // parse gives texts for prefix
		s.add(expr, " >= ", s.param(from), " AND ", expr, " < ", s.param(from+"\U0010FFFF"))
	default:
		s.add(expr, " ", operators[f.op], " ", s.param(f.values[0]))
	}
}

// after is the condition that a row stands behind a cursor in the order of sorts and key:
// behind in the first column, or equal there and behind in the next, and so on.
func (s *statement) after(sorts []order, c *cursor) {
	var behind []string
	for n := range len(sorts) + 1 {
		var all []string
		for i := range n + 1 {
			expr, down, v := s.sorted(sorts, c, i)
			op := " = "
			if i == n && down {
				op = " < "
			} else if i == n {
				op = " > "
			}
			all = append(all, expr+op+s.param(v))
		}
		behind = append(behind, "("+strings.Join(all, " AND ")+")")
	}
	s.add(" AND (", strings.Join(behind, " OR "), ")")
}

// sorted is the i-th expression sorted by, the key last, with the cursor's value of it.
func (s *statement) sorted(sorts []order, c *cursor, i int) (expr string, down bool, value any) {
	if i == len(sorts) {
		return s.d.binary("key"), sorts[0].down, c.Key
	}
	o := sorts[i]
	value = c.Values[i].value()
	if text, ok := value.(string); ok && o.column.kind == decimals {
		value = number(plain(text))
	}
	return o.column.expr(s.d), o.down, value
}

func direction(down bool) string {
	if down {
		return " DESC"
	}
	return ""
}

// selectRecords writes the query; one row more than the page tells whether there is a next.
func selectRecords(d dialect, q *question) *statement {
	s := &statement{d: d}
	s.add("SELECT key, value, created, created_at, updated, updated_at, tx")
	for _, o := range q.sorts {
		s.add(", ", o.column.expr(d))
	}
	s.add(" FROM record WHERE ", q.of.where())
	s.readable(q.only, q.now)
	for i := range q.filters {
		s.filter(&q.filters[i])
	}
	if q.key != nil {
		s.add(" AND key = ", s.param(*q.key))
	}
	if len(q.search) > 0 {
		condition, words := d.search(q.search)
		s.add(" AND ", fmt.Sprintf(condition, s.param(words)))
	}
	if q.after != nil {
		s.after(q.sorts, q.after)
	}
	s.add(" ORDER BY ")
	for _, o := range q.sorts {
		s.add(o.column.expr(d), direction(o.down), ", ")
	}
	s.add(d.binary("key"), direction(q.sorts[0].down), fmt.Sprintf(" LIMIT %d", q.limit+1))
	return s
}

// Records answers a query of the records of one type with those that a reader may see; nil:
// with all. HC-2201 if the reader may see none.
func (m *Mirror) Records(ctx context.Context, in *rest.RecordQuery, r *rest.Reader) (*rest.MirroredRecords, error) {
	ctx, cancel := context.WithTimeout(ctx, m.p.QueryTimeout)
	defer cancel()
	i, err := m.manifests.of(ctx, in.Contract)
	if err != nil {
		return nil, err
	}
	t, err := typeOf(i, in.Contract, in.Record)
	if err != nil {
		return nil, err
	}
	q, err := ask(t, in)
	if err == nil {
		q.only, err = only(i, in.Record, r)
	}
	if err != nil {
		return nil, err
	}
	s, _, err := m.opened(ctx)
	if err != nil {
		return nil, err
	}
	out := &rest.MirroredRecords{Items: []rest.MirroredRecord{}}
	return out, s.read(ctx, func(db querier) error {
		at, err := readTip(ctx, db)
		if err != nil {
			return err
		}
		out.Height = at.height
		q.now = at.time
		return readRecords(ctx, db, s.dialect, q, q.digest(in), out)
	})
}

func readRecords(ctx context.Context, db querier, d dialect, q *question, digest string, out *rest.MirroredRecords) error {
	st := selectRecords(d, q)
	rows, err := db.QueryContext(ctx, st.text.String(), st.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var last cursor
	for rows.Next() {
		var r rest.MirroredRecord
		var value []byte
		var created, updated int64
		sorted := make([]any, len(q.sorts))
		into := []any{&r.Key, &value, &created, &r.CreatedAt, &updated, &r.UpdatedAt, &r.TxIndex}
		for i := range sorted {
			into = append(into, &sorted[i])
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if len(out.Items) == q.limit {
			out.Next, err = last.encode()
			return err
		}
		r.Created, r.Updated = time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
		if r.Fields, err = q.of.pick(value, q.columns); err != nil {
			return err
		}
		out.Items = append(out.Items, r)
		last = cursor{Of: digest, Key: r.Key}
		for _, v := range sorted {
			last.Values = append(last.Values, scalarOf(v))
		}
	}
	return rows.Err()
}

// pick takes the wanted columns out of a record.
func (t *recordType) pick(value []byte, columns []string) (map[string]json.RawMessage, error) {
	var all, meta map[string]json.RawMessage
	if err := json.Unmarshal(value, &all); err != nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	for _, name := range columns {
		from, member := all, name
		if path := t.columns[name].path; len(path) == 2 {
			if meta == nil {
				meta = map[string]json.RawMessage{}
				_ = json.Unmarshal(all[path[0]], &meta) // a record without meta data shows none
			}
			from, member = meta, path[1]
		}
		if v, ok := from[member]; ok {
			out[name] = v
		}
	}
	return out, nil
}
