package mirror

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// maxGroups bounds the groups of one answer.
const maxGroups = 1000

// calendar are the groups by time.
var calendar = []string{"hour", "day", "month", "year"}

// Statistic computes a figure that a bundle declares, of the records as they stand and a
// reader may see, as Records does. On a long chain the answer is of a little before, as its
// height tells: it is counted again after twenty times as long as counting took.
func (m *Mirror) Statistic(ctx context.Context, q *rest.StatisticQuery, r *rest.Reader) (*rest.MirroredStatistic, error) {
	ctx, cancel := context.WithTimeout(ctx, m.p.QueryTimeout)
	defer cancel()
	i, err := m.manifests.of(ctx, q.Contract)
	if err != nil {
		return nil, err
	}
	spec, ok := i.Spec.Statistics[q.Statistic]
	if !ok {
		return nil, types.Errorf(types.CodeNotFound, "contract %s declares no statistic %q", q.Contract, q.Statistic)
	}
	record, field := about(&spec)
	t, err := typeOf(i, q.Contract, record)
	if err != nil {
		return nil, err
	}
	out := &rest.MirroredStatistic{Name: q.Statistic, Title: types.Text(spec.Title), Record: record, By: spec.By, Groups: []rest.FigureItem{}}
	if field != "" {
		out.Unit = t.spec.Fields[field].Unit
	}
	own, err := only(i, record, r)
	if err != nil {
		return nil, err
	}
	db, at, err := m.opened(ctx)
	if err != nil {
		return nil, err
	}
	st, err := selectStatistic(db.dialect, t, &spec, field, q, func(s *statement) { s.readable(own, at.time) })
	if err != nil {
		return nil, err
	}
	c, err := m.figures.of(ctx, db, at.height, st, func() (*counted, error) {
		c := &counted{}
		return c, db.read(ctx, func(rd querier) error {
			at, err := readTip(ctx, rd)
			if err != nil {
				return err
			}
			c.height = at.height
			return readFigures(ctx, rd, st, spec.By, c)
		})
	})
	if err != nil {
		return nil, err
	}
	out.Height, out.Total = c.height, c.total
	out.Groups = append(out.Groups, c.groups...)
	return out, nil
}

// about returns the record that a statistic counts, or whose field it adds up.
func about(s *bundle.Statistic) (record, field string) {
	if s.Sum == "" {
		return s.Count, ""
	}
	record, field, _ = strings.Cut(s.Sum, ".")
	return record, field
}

func selectStatistic(d dialect, t *recordType, spec *bundle.Statistic, field string, q *rest.StatisticQuery, readable func(*statement)) (*statement, error) {
	s := &statement{d: d}
	group := "''"
	switch {
	case slices.Contains(calendar, spec.By):
		group = d.when(fmt.Sprintf("created + %d", int64(q.Zone)*60_000), spec.By)
	case spec.By != "":
		c, err := t.find(spec.By)
		if err != nil {
			return nil, err
		}
		group = c.expr(d)
	}
	figure := "COUNT(*)"
	if field != "" {
		figure = d.sum(d.field(field))
	}
	s.add("SELECT ", group, ", ", figure, " FROM record WHERE ", t.where())
	readable(s)
	if !q.From.IsZero() {
		s.add(" AND created >= ", s.param(q.From.UnixMilli()))
	}
	if !q.To.IsZero() {
		s.add(" AND created < ", s.param(q.To.UnixMilli()))
	}
	s.add(" GROUP BY 1")
	return s, nil
}

// readFigures adds all groups up and keeps the first: the newest times in order, or the
// largest groups.
func readFigures(ctx context.Context, db querier, st *statement, by string, out *counted) error {
	rows, err := db.QueryContext(ctx, st.text.String(), st.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var total decimal
	type figure struct {
		rest.FigureItem
		d decimal
	}
	var all []figure
	for rows.Next() {
		var group, value any
		if err := rows.Scan(&group, &value); err != nil {
			return err
		}
		var f figure
		f.Group, f.d = text(group), decimal{}
		f.d.add(text(value))
		f.Value = f.d.String()
		total.add(f.Value)
		all = append(all, f)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	out.total = total.String()
	byTime := slices.Contains(calendar, by)
	slices.SortFunc(all, func(a, b figure) int {
		if c := b.d.compare(&a.d); c != 0 && !byTime {
			return c
		}
		return strings.Compare(a.Group, b.Group)
	})
	if n := len(all); n > maxGroups && byTime {
		all = all[n-maxGroups:]
	} else if n > maxGroups {
		all = all[:maxGroups]
	}
	for _, f := range all {
		if by != "" {
			out.groups = append(out.groups, f.FigureItem)
		}
	}
	return nil
}

// text is a value of a database as text.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []byte:
		return string(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	}
	return fmt.Sprint(v)
}

// Activity counts transactions out of hourly counts, so that it costs the same on a long
// chain as on a short one.
func (m *Mirror) Activity(ctx context.Context, q *rest.ActivityQuery) (*rest.Activity, error) {
	ctx, cancel := context.WithTimeout(ctx, m.p.QueryTimeout)
	defer cancel()
	db, _, err := m.opened(ctx)
	if err != nil {
		return nil, err
	}
	by := q.By
	if by == "" {
		by = "day"
	}
	group, ok := map[string]string{"contract": "contract", "method": "contract || '.' || method", "code": "code"}[by]
	if !ok {
		if !slices.Contains(calendar, by) {
			return nil, refuse("activity by %q", by)
		}
		group = db.when(fmt.Sprintf("hour * %d + %d", hourMs, int64(q.Zone)*60_000), by)
	}
	st := &statement{d: db.dialect}
	st.add("SELECT ", group, ", SUM(txs), SUM(CASE WHEN code <> 0 THEN txs ELSE 0 END), SUM(gas) FROM activity WHERE 1 = 1")
	st.equal("contract", q.Contract)
	if !q.From.IsZero() {
		st.add(" AND hour >= ", st.param(q.From.UnixMilli()/hourMs))
	}
	if !q.To.IsZero() {
		st.add(" AND hour < ", st.param((q.To.UnixMilli()+hourMs-1)/hourMs))
	}
	st.add(" GROUP BY 1")
	out := &rest.Activity{Items: []rest.ActivityItem{}}
	return out, db.read(ctx, func(rd querier) error {
		at, err := readTip(ctx, rd)
		if err != nil {
			return err
		}
		out.Height = at.height
		return readActivity(ctx, rd, st, by, out)
	})
}

func readActivity(ctx context.Context, db querier, st *statement, by string, out *rest.Activity) error {
	rows, err := db.QueryContext(ctx, st.text.String(), st.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var group any
		var it rest.ActivityItem
		if err := rows.Scan(&group, &it.Txs, &it.Refused, &it.Gas); err != nil {
			return err
		}
		if it.Group = text(group); by == "code" {
			it.Group = types.Code(rest.ParseCode(it.Group)).String()
		}
		out.Txs += it.Txs
		out.Failed += it.Refused
		out.Items = append(out.Items, it)
	}
	byTime := slices.Contains(calendar, by)
	slices.SortFunc(out.Items, func(a, b rest.ActivityItem) int {
		if a.Txs != b.Txs && !byTime {
			return int(int64(b.Txs) - int64(a.Txs))
		}
		return strings.Compare(a.Group, b.Group)
	})
	if n := len(out.Items); n > maxGroups && byTime {
		out.Items = out.Items[n-maxGroups:]
	} else if n > maxGroups {
		out.Items = out.Items[:maxGroups]
	}
	return rows.Err()
}
