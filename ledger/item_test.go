package ledger

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// TestSingleItems reads transactions, receipts and events one by one from blocks of one
// section and of many, freshly opened, and compares them with the block.
//
// covers: T.05
func TestSingleItems(t *testing.T) {
	fs := vfs.NewMem()
	c := newChain(t, fs)
	c.commit(3)
	var blocks []*Block
	for _, n := range []int{600, 1, 0, 150} {
		c.commit(n)
		blocks = append(blocks, c.last)
	}
	require.NoError(t, c.l.Close())
	c.open(fs)
	d, err := c.l.blocks.Directory(1)
	require.NoError(t, err)
	require.Greater(t, d.Sections(), uint32(2))
	for _, b := range blocks {
		for i := range b.Txs {
			at := Ref{Height: b.Height, Index: uint32(i)}
			raw, err := c.l.Tx(at)
			require.NoError(t, err)
			require.Equal(t, b.Txs[i], raw)
			r, err := c.l.Receipt(at)
			require.NoError(t, err)
			require.Equal(t, b.Receipts[i], r)
			e, err := c.l.Event(at)
			require.NoError(t, err)
			require.Equal(t, b.Events[i], e)
			of, first, err := c.l.EventsOf(at)
			require.NoError(t, err)
			require.Equal(t, b.Events[i:i+1], of)
			require.Equal(t, uint32(i), first)
		}
		_, err := c.l.Tx(Ref{Height: b.Height, Index: uint32(len(b.Txs))})
		require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	}
	require.NoError(t, c.l.Close())
}
