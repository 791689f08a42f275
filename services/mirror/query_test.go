package mirror

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func keysOf(r *rest.MirroredRecords) (keys []string) {
	for _, it := range r.Items {
		keys = append(keys, it.Key)
	}
	return keys
}

// covers: T.02
func TestQueries(t *testing.T) {
	places(t, func(t *testing.T, at Place) {
		w := newWorld(t)
		story(w, 20) // of each five, the third and the fourth are withdrawn
		m := w.follow(at)
		w.await(m)
		ask := func(q rest.RecordQuery) *rest.MirroredRecords {
			t.Helper()
			q.Contract, q.Record = "permit", "permit"
			out, err := m.Records(t.Context(), &q, nil)
			require.NoError(t, err)
			require.Equal(t, uint64(20), out.Height)
			return out
		}
		all := ask(rest.RecordQuery{MirrorPage: rest.MirrorPage{Limit: 100}})
		require.Len(t, all.Items, 12, "tombstones are none")
		require.Equal(t, "P-019", all.Items[0].Key, "newest first")
		require.Equal(t, worldStart.Add(19*time.Hour), all.Items[0].Created)
		require.JSONEq(t, `"S-3"`, string(all.Items[0].Fields["site"]))
		require.JSONEq(t, `"granted"`, string(all.Items[0].Fields["meta.state"]))
		require.NotContains(t, all.Items[0].Fields, "contact", "sensitive fields are given where they are asked for")
		require.NotContains(t, all.Items[0].Fields, "meta", "columns of the manifest alone")
		require.Len(t, ask(rest.RecordQuery{Columns: []string{"contact"}, Key: "P-019"}).Items[0].Fields, 1)

		for _, c := range []struct {
			filter []string
			want   string
		}{
			{[]string{"site:eq:S-3"}, "P-019 P-015 P-011"},
			{[]string{"site:in:S-0,S-3", "meta.state:eq:granted"}, "P-019 P-015 P-011"},
			{[]string{"fee:ge:15.50"}, "P-019 P-016 P-015"},
			{[]string{"fee:gt:9", "fee:lt:11.2"}, "P-011 P-010 P-009"},
			{[]string{"permit:prefix:P-00", "meta.version:eq:1", "site:ne:S-0"}, "P-009 P-006 P-005 P-001"},
			{[]string{"meta.time:le:2026-03-02T09:00:00+08:00", "from:eq:2026-04-01", "permit:lt:P-001"}, "P-000"},
			{[]string{"block.created:ge:2026-03-02T17:00:00Z"}, "P-019 P-016"},
			{[]string{"site:eq:' OR 1=1 --"}, ""},
		} {
			require.Equal(t, c.want, strings.Join(keysOf(ask(rest.RecordQuery{Filter: c.filter})), " "), "%v", c.filter)
		}
		for q, want := range map[string]int{"施工许可": 12, "临时 施工": 12, "许": 12, "可": 12, "可许": 0, "road 11": 1, "ROAD 1": 9, "nobody": 0, "builders": 12, "临时占道 no 16": 1} {
			require.Len(t, ask(rest.RecordQuery{Search: q}).Items, want, "%s", q)
		}
		for _, sort := range [][]string{nil, {"fee"}, {"-site", "fee"}, {"meta.state", "-permit"}, {"block.height"}} {
			whole := keysOf(ask(rest.RecordQuery{Sort: sort, MirrorPage: rest.MirrorPage{Limit: 100}}))
			var paged []string
			page := rest.MirrorPage{Limit: 5}
			for {
				out := ask(rest.RecordQuery{Sort: sort, MirrorPage: page})
				paged = append(paged, keysOf(out)...)
				if page.Cursor = out.Next; page.Cursor == "" {
					break
				}
			}
			require.Equal(t, whole, paged, "%v", sort)
			require.Len(t, whole, 12)
		}
		statistics(t, m)
		lists(t, m)
	})
}

func statistics(t *testing.T, m *Mirror) {
	get := func(q rest.StatisticQuery) *rest.MirroredStatistic {
		t.Helper()
		q.Contract = "permit"
		out, err := m.Statistic(t.Context(), &q, nil)
		require.NoError(t, err)
		return out
	}
	perState := get(rest.StatisticQuery{Statistic: "perState"})
	require.Equal(t, "12", perState.Total)
	require.Equal(t, []rest.FigureItem{{Group: "draft", Value: "6"}, {Group: "granted", Value: "6"}}, perState.Groups)
	fees := get(rest.StatisticQuery{Statistic: "fees"})
	require.Equal(t, "元", fees.Unit)
	require.Equal(t, []rest.FigureItem{{Group: "2026-03", Value: fees.Total}}, fees.Groups)
	require.Equal(t, "115", fees.Total, "decimals add up exactly")
	require.Equal(t, "0", get(rest.StatisticQuery{Statistic: "fees", Span: rest.Span{To: worldStart}}).Total)
	_, err := m.Statistic(t.Context(), &rest.StatisticQuery{Contract: "permit", Statistic: "none"}, nil)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))

	days, err := m.Activity(t.Context(), &rest.ActivityQuery{By: "day", Zone: 480})
	require.NoError(t, err)
	require.Equal(t, uint64(44), days.Txs)
	require.Equal(t, uint64(20), days.Failed)
	require.Equal(t, []string{"2026-03-02", "2026-03-03"}, []string{days.Items[0].Group, days.Items[1].Group})
	require.Equal(t, uint64(33), days.Items[0].Txs, "15 hours are left of the day that began in China at 16:00 the day before")
	codes, err := m.Activity(t.Context(), &rest.ActivityQuery{By: "code", Contract: "permit"})
	require.NoError(t, err)
	require.Equal(t, "OK", codes.Items[0].Group)
	require.Equal(t, types.CodePermissionDenied.String(), codes.Items[1].Group)
}

// Of private records each reader is shown what he owns or was granted to read, himself or
// his organisation, in lists, by key and in figures; open records everybody sees.
// covers: A15.03
func TestReaders(t *testing.T) {
	places(t, func(t *testing.T, at Place) {
		w := newWorld(t)
		w.closed = true
		story(w, 4)
		grant := func(to, rights, until string) string {
			return strings.Replace(permit("P-001", "S-1", "1.10", "granted", ""), `"meta":{`, `"meta":{"grants":[{"to":"`+to+`","rights":[`+rights+`]`+until+`}],`, 1)
		}
		m := w.follow(at)
		see := func(r *rest.Reader) (n int, total string) {
			t.Helper()
			w.await(m)
			out, err := m.Records(t.Context(), &rest.RecordQuery{Contract: "permit", Record: "permit"}, r)
			require.NoError(t, err)
			one, err := m.Records(t.Context(), &rest.RecordQuery{Contract: "permit", Record: "permit", Key: "P-001", Filter: []string{"site:eq:S-1"}}, r)
			require.NoError(t, err)
			require.Equal(t, len(out.Items) > 0, len(one.Items) == 1)
			figure, err := m.Statistic(t.Context(), &rest.StatisticQuery{Contract: "permit", Statistic: "perState"}, r)
			require.NoError(t, err)
			return len(out.Items), figure.Total
		}
		shown := func(n int, total string, who string, roles ...types.Role) {
			t.Helper()
			got, figure := see(&rest.Reader{Member: types.MemberID(who), Roles: roles})
			require.Equal(t, n, got, who)
			require.Equal(t, total, figure, who)
		}
		shown(4, "4", "builders/clerk", types.RoleClient)
		shown(0, "0", "office/clerk", types.RoleClient, types.RoleAdmin)
		shown(0, "0", "builders/other", types.RoleClient)
		all, _ := see(nil)
		require.Equal(t, 4, all)
		for _, g := range []struct {
			to, rights, until, who string
			n                      int
		}{
			{"office/clerk", `"read"`, "", "office/clerk", 1}, {"office", `"read","write"`, "", "office/clerk", 1}, {"office", `"write"`, "", "office/clerk", 0},
			{"office/clerk", `"read"`, "", "office/other", 0}, {"office", `"read"`, `,"until":"2026-03-02T02:00:00Z"`, "office/clerk", 0},
			{"office", `"read"`, `,"until":"2026-05-02T02:00:00Z"`, "office/clerk", 1}, {"offic", `"read"`, "", "office/clerk", 0},
		} {
			w.block(did{method: "grant", puts: map[string]string{"permit/P-001": grant(g.to, g.rights, g.until)}})
			shown(g.n, fmt.Sprint(g.n), g.who, types.RoleClient)
		}
		for _, r := range []*rest.Reader{{}, {Roles: []types.Role{types.RoleAuditor}}} {
			_, err := m.Records(t.Context(), &rest.RecordQuery{Contract: "permit", Record: "permit"}, r)
			require.Equal(t, types.CodePermissionDenied, types.CodeOf(err))
			_, err = m.Statistic(t.Context(), &rest.StatisticQuery{Contract: "permit", Statistic: "perState"}, r)
			require.Equal(t, types.CodePermissionDenied, types.CodeOf(err))
		}
		w.mu.Lock()
		w.closed = false
		w.mu.Unlock()
		m.manifests.forget()
		all, _ = see(&rest.Reader{})
		require.Equal(t, 4, all, "a public method answers with permits")
	})
}

func lists(t *testing.T, m *Mirror) {
	seen := 0
	q := rest.TxQuery{Method: "decide", Code: "refused", MirrorPage: rest.MirrorPage{Limit: 7}}
	for {
		out, err := m.Txs(t.Context(), &q)
		require.NoError(t, err)
		for _, tx := range out.Items {
			require.Equal(t, types.CodePermissionDenied.String(), tx.Code)
		}
		seen += len(out.Items)
		if q.Cursor = out.Next; q.Cursor == "" {
			break
		}
	}
	require.Equal(t, 20, seen)
	out, err := m.Events(t.Context(), &rest.EventQuery{Contract: "permit", Name: "decided", Span: rest.Span{From: worldStart.Add(18 * time.Hour)}})
	require.NoError(t, err)
	require.Len(t, out.Items, 2)
	require.Equal(t, uint64(20), out.Items[0].Height)
	after, top, err := m.EventsAfter(t.Context(), "permit", "", 18, 0, 10)
	require.NoError(t, err)
	require.Equal(t, uint64(20), top)
	require.Len(t, after, 2)
	require.Equal(t, uint64(19), after[0].Height)
}

func TestRefusedQueries(t *testing.T) {
	w := newWorld(t)
	story(w, 5)
	m := w.follow(Place{Dir: t.TempDir()})
	w.await(m)
	for name, q := range map[string]rest.RecordQuery{
		"no such record":   {Record: "nothing"},
		"part of others":   {Record: "meta"},
		"no such column":   {Filter: []string{"deleted:eq:0"}},
		"column of SQL":    {Filter: []string{"value:eq:x"}},
		"injected column":  {Filter: []string{"site') OR 1=1 --:eq:x"}},
		"injected sort":    {Sort: []string{"site; DROP TABLE record"}},
		"opaque column":    {Filter: []string{"contact:eq:00ff"}},
		"no operator":      {Filter: []string{"site:like:S"}},
		"half a filter":    {Filter: []string{"site"}},
		"no number":        {Filter: []string{"fee:gt:many"}},
		"no date":          {Filter: []string{"from:eq:tomorrow"}},
		"prefix of number": {Filter: []string{"fee:prefix:1"}},
		"many values":      {Filter: []string{"site:in:" + strings.Repeat(",", maxValues)}},
		"many filters":     {Filter: make([]string, rest.MaxMirrorFilters+1)},
		"twice sorted":     {Sort: []string{"site", "-site"}},
		"no such field":    {Columns: []string{"secret"}},
		"column of table":  {Columns: []string{"block.height"}},
		"signs alone":      {Search: "--"},
		"long search":      {Search: strings.Repeat("x", rest.MaxMirrorSearch+1)},
		"no cursor":        {MirrorPage: rest.MirrorPage{Cursor: "!"}},
		"foreign cursor":   {MirrorPage: rest.MirrorPage{Cursor: "eyJvZiI6IngiLCJ2IjpbeyJpIjoxfV0sImsiOiJ4In0"}},
	} {
		q.Contract = "permit"
		if q.Record == "" {
			q.Record = "permit"
		}
		_, err := m.Records(t.Context(), &q, nil)
		require.Equal(t, types.CodeMirrorQuery, types.CodeOf(err), "%s: %v", name, err)
	}
	_, err := m.Records(t.Context(), &rest.RecordQuery{Contract: "nothing", Record: "permit"}, nil)
	require.Equal(t, types.CodeUnknownContract, types.CodeOf(err))
	_, err = m.Txs(t.Context(), &rest.TxQuery{Sender: "x"})
	require.Equal(t, types.CodeMirrorQuery, types.CodeOf(err))
	_, err = m.Events(t.Context(), &rest.EventQuery{MirrorPage: rest.MirrorPage{Cursor: "x"}})
	require.Equal(t, types.CodeMirrorQuery, types.CodeOf(err))

	m.p.QueryTimeout = time.Nanosecond
	_, err = m.Txs(t.Context(), &rest.TxQuery{})
	require.Equal(t, types.CodeMirrorSlow, types.CodeOf(err), "%v", err)
}

// FuzzRecordQuery: whatever is asked, the answer is coded, and every statement is one that
// the database can parse, with all values as parameters.
func FuzzRecordQuery(f *testing.F) {
	for _, s := range [][5]string{
		{"site:eq:S-1", "fee:in:1,2", "-fee", "施工 road", ""},
		{"permit:prefix:P", "meta.state:ne:draft", "meta.time", "'\"*", "eyJvZiI6IngiLCJ2IjpbeyJpIjoxfV0sImsiOiJ4In0"},
		{"block.created:ge:2026-03-02T17:00:00Z", "from:lt:2026-01-01", "block.height", "\x00 NEAR(", "e30"},
	} {
		f.Add(s[0], s[1], s[2], s[3], s[4])
	}
	w := newWorld(f)
	i, err := w.Interface(context.Background(), "permit")
	require.NoError(f, err)
	face, err := bundle.ReadInterface(i.Bundle, i.Schema)
	require.NoError(f, err)
	t0, err := typeOf(face, "permit", "permit")
	require.NoError(f, err)
	db, err := (&Place{Dir: f.TempDir()}).open(context.Background())
	require.NoError(f, err)
	f.Cleanup(db.close)
	_, err = db.load(context.Background(), w.genesis)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, a, b, sort, search, cursor string) {
		in := &rest.RecordQuery{Contract: "permit", Record: "permit", Filter: []string{a, b}, Sort: []string{sort}, Search: search, MirrorPage: rest.MirrorPage{Cursor: cursor}}
		q, err := ask(t0, in)
		if err != nil {
			require.Equal(t, types.CodeMirrorQuery, types.CodeOf(err))
			return
		}
		out := &rest.MirroredRecords{}
		require.NoError(t, readRecords(t.Context(), db.r, db.dialect, q, q.digest(in), out))
		require.Empty(t, out.Items)
		for _, v := range []string{a, b, search} {
			if text := selectRecords(postgresDialect{}, q).text.String(); len(v) > 20 {
				require.NotContains(t, text, v, "values are parameters")
			}
		}
	})
}
