package mirror

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types/rest"
)

// TestPlans: SQLite finds records by the index that a manifest asks for, however few there
// are as yet; it reads all of a type where nothing else is possible alone.
func TestPlans(t *testing.T) {
	w := newWorld(t)
	story(w, 20)
	m := w.follow(Place{Dir: t.TempDir()})
	w.await(m)
	i, err := m.manifests.of(t.Context(), "permit")
	require.NoError(t, err)
	of, err := typeOf(i, "permit", "permit")
	require.NoError(t, err)
	s, _, err := m.opened(t.Context())
	require.NoError(t, err)
	site := of.columns["site"]
	require.NoError(t, s.indexColumn(t.Context(), of, site.expr(s.dialect)))
	plan := func(st *statement) string {
		t.Helper()
		rows, err := s.r.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+st.text.String(), st.args...)
		require.NoError(t, err)
		defer rows.Close()
		var steps []string
		for rows.Next() {
			var id, parent, unused int
			var step string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &step))
			steps = append(steps, step)
		}
		require.NoError(t, rows.Err())
		return strings.Join(steps, "; ")
	}
	ranged := &statement{d: s.dialect, args: []any{1, 2}}
	ranged.add("DELETE FROM words_data WHERE id >= ? AND id <= ?")
	require.Contains(t, plan(ranged), "SEARCH words_data USING INTEGER PRIMARY KEY", "as the full-text index does when it merges")
	records := func(q rest.RecordQuery) string {
		t.Helper()
		asked, err := ask(of, &q)
		require.NoError(t, err)
		return plan(selectRecords(s.dialect, asked))
	}
	require.Contains(t, records(rest.RecordQuery{}), "record_created")
	require.Regexp(t, `^SEARCH record USING INDEX by_\w+ \(<expr>=\?\)$`, records(rest.RecordQuery{Filter: []string{"site:eq:S-3"}}), "sorted already")
	require.Contains(t, records(rest.RecordQuery{Key: "P-001"}), "sqlite_autoindex_record_1 (contract=? AND record=? AND key=?)")
	require.Contains(t, records(rest.RecordQuery{Search: "Road"}), "SEARCH record USING INTEGER PRIMARY KEY (rowid=?)")
	for by, want := range map[string]string{"site": "USING INDEX by_", "month": "USING COVERING INDEX record_created"} {
		st, err := selectStatistic(s.dialect, of, &bundle.Statistic{Count: "permit", By: by}, "", &rest.StatisticQuery{}, func(*statement) {})
		require.NoError(t, err)
		require.Contains(t, plan(st), want)
	}
}
