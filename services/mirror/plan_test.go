package mirror

import (
	"os"
	"path/filepath"
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

// TestKeysAreNotIndexedTwice: a field that is the key in hex digits is found by the key.
func TestKeysAreNotIndexedTwice(t *testing.T) {
	const dir = "../../contracts/base/evidence"
	yaml, err := os.ReadFile(filepath.Join(dir, bundle.YAMLFile))
	require.NoError(t, err)
	schema, err := os.ReadFile(filepath.Join(dir, bundle.SchemaFile))
	require.NoError(t, err)
	i, err := bundle.ReadInterface(yaml, schema)
	require.NoError(t, err)
	of, err := typeOf(i, "evidence", "evidence")
	require.NoError(t, err)
	hash := of.columns["hash"]
	require.Equal(t, "key", hash.expr(sqliteDialect{}))
	asked, err := ask(of, &rest.RecordQuery{Filter: []string{"hash:eq:" + strings.Repeat("a", 64)}})
	require.NoError(t, err)
	require.Contains(t, selectRecords(sqliteDialect{}, asked).text.String(), " AND key = ?1 ")
	owner := of.columns["owner"]
	require.NotEqual(t, "key", owner.expr(sqliteDialect{}))
}

// TestWords: runs of letters and digits, Chinese in pairs; 〇 is no letter, but Chinese.
func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"采购合同 No.7":    "采购 购合 合同 同 no 7",
		"二〇二六年":        "二〇 〇二 二六 六年 年",
		"〇":            "〇",
		"Éclair-ABC甲":  "éclair abc 甲",
		"\xff -- \x00": "",
		strings.Repeat("a", maxWordSize+1) + " b": "b",
	} {
		require.Equal(t, want, wordsOf(text), text)
	}
}
