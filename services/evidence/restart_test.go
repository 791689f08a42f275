package evidence

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/services/connector"
	"github.com/huchain/huchain/services/database"
	"github.com/huchain/huchain/services/gateway"
	"github.com/huchain/huchain/services/notify"
	"github.com/huchain/huchain/services/tenant"
	"github.com/huchain/huchain/types"
)

// What a restart gave up is looked for by the index of heights, and an act that was followed asks
// neither the deposits nor the chain again.
func TestRestartIsFollowedOnceByIndex(t *testing.T) {
	db, err := database.Open(filepath.Join(t.TempDir(), DatabaseFile), tenant.Schema, gateway.Schema, connector.Schema, notify.Schema, schema)
	require.NoError(t, err)
	defer db.Close()
	var plan string
	_, err = db.Row(t.Context(), "EXPLAIN QUERY PLAN "+selectAbove, []any{1, 1, 1, restartPage}, new(any), new(any), new(any), &plan)
	require.NoError(t, err)
	require.Equal(t, "SEARCH deposit USING INDEX deposit_height (state=? AND height>?)", plan)
	_, err = db.Row(t.Context(), "EXPLAIN QUERY PLAN "+selectNotarised, []any{"", restartPage}, new(any), new(any), new(any), &plan)
	require.NoError(t, err)
	require.Equal(t, "SEARCH deposit USING INDEX deposit_notarised (id>?)", plan)

	act := &types.Restart{Height: 9}
	away := types.Errorf(types.CodeUnreachable, "away")
	s := &Service{db: db, p: Params{Connect: func(context.Context) (*client.Client, error) { return nil, away }}}
	_, err = s.takeUp(t.Context(), act)
	require.ErrorIs(t, err, away, "the chain has to be asked")
	done, err := db.Row(t.Context(), "SELECT 1 FROM restart", nil, new(int))
	require.NoError(t, err)
	require.False(t, done)
	require.NoError(t, s.followed(t.Context(), act, 0))
	found, err := s.takeUp(t.Context(), act)
	require.NoError(t, err)
	require.Zero(t, found)
}
