package repo

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/huchain/huchain/ledger/archive"
)

// What a record takes of the pace is its bytes, for each of the two passes; one that is larger
// than what may come at once is not refused, and a stop ends the wait.
func TestPace(t *testing.T) {
	var none *pace
	rec := &archive.Record{Head: archive.Head{Commit: make([]byte, 100), Certificate: make([]byte, 50)},
		Txs: [][]byte{make([]byte, 1000), make([]byte, 2000)}, Receipts: [][]byte{make([]byte, 300)}, Events: [][]byte{make([]byte, 20)}, Writes: [][]byte{make([]byte, 1)}}
	require.NoError(t, none.wait(t.Context(), rec))
	require.Nil(t, newPace(0))
	p := newPace(1)
	require.EqualValues(t, passes, p.limit.Limit())
	now := time.Now()
	require.NoError(t, p.wait(t.Context(), rec))
	require.InDelta(t, paceBurst-3471, p.limit.TokensAt(now), 1)

	large := &archive.Record{Txs: [][]byte{make([]byte, 3*paceBurst)}}
	quick := &pace{rate.NewLimiter(rate.Limit(1<<40), paceBurst)}
	require.NoError(t, quick.wait(t.Context(), large))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, p.wait(ctx, large))
	require.Error(t, none.wait(ctx, rec))
}
