package consensus

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

func TestWatchAndSubscribe(t *testing.T) {
	h := newHub()
	id, other := crypto.Hash{1}, crypto.Hash{2}
	a, b, gone := h.watch(id), h.watch(id), h.watch(other)
	gone.Stop()
	blocks, cancel := h.subscribe(1)
	slow, _ := h.subscribe(1)
	e := &BlockEvent{Header: types.Header{Height: 7}, TxIDs: []crypto.Hash{{9}, id, other}, Receipts: []types.Receipt{
		{TxID: crypto.Hash{9}}, {TxID: id}, {TxID: other, Code: types.CodeBlockFull}}}
	full := h.watch(other)
	h.publish(e)
	for _, w := range []*Watch{a, b} {
		c, err := w.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, &Committed{Height: 7, Index: 1, Receipt: types.Receipt{TxID: id}}, c)
		w.Stop()
	}
	require.Same(t, e, <-blocks)
	h.publish(&BlockEvent{Header: types.Header{Height: 8}})
	require.EqualValues(t, 7, (<-slow).Header.Height)
	_, open := <-slow
	require.False(t, open, "a reader that falls behind is cut off")
	cancel()
	cancel()

	h.dropped(other, types.Errorf(types.CodeTxExpired, "late"))
	_, err := full.Wait(t.Context())
	require.Equal(t, types.CodeTxExpired, types.CodeOf(err), "a full block settles nothing")
	w := h.watch(id)
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	_, err = w.Wait(ctx)
	require.Equal(t, types.CodeOutcomeUnknown, types.CodeOf(err))
	w.Stop()
	require.Empty(t, h.watches)
	h.close()
	require.Empty(t, h.subs)
}
