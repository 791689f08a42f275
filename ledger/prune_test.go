package ledger

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/fsck"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// A ledger that begins shortly below the end of an epoch, as one made from a snapshot
// does, gives up the epoch once it lies below what is kept; what stays is whole.
func TestPruneByEpoch(t *testing.T) {
	c := newFeeder(t)
	dir := filepath.Join(t.TempDir(), "chain")
	im, err := NewImport(dir, genesisHash, DefaultParams().Driver)
	require.NoError(t, err)
	const start = 1<<block.EpochBits - 12
	content := proof.Content{Config: crypto.Sum([]byte("config")), Protocol: 1}
	head := types.Header{Genesis: genesisHash, Height: start - 1, Time: 1_800_000_000_000_000_000 + (start-1)*1_000_000_000, Content: content.Root(),
		Signers: c.set.Hash(), NextSigners: c.set.Hash(), Protocol: 1, CometHash: crypto.Sum(nil), Previous: crypto.Sum(nil)}
	next := head
	next.Height, next.Previous = start, head.Hash()
	var below archive.Peaks
	for range start {
		below, _, _ = below.Append(crypto.Sum(nil))
	}
	require.NoError(t, im.Finish(Base{Blocks: []BaseBlock{{head, content}, {next, content}}, Sets: []types.ValidatorSet{c.set}, Records: below}))
	open := func() {
		c.l, err = Open(dir, genesisHash, DefaultParams())
		require.NoError(t, err)
	}
	open()
	for range 40 {
		c.commit(2)
	}
	old, kept := Ref{Height: start + 3}, Ref{Height: 1<<block.EpochBits + 3}
	oldTx, err := c.l.Tx(old)
	require.NoError(t, err)
	keptTx, err := c.l.Tx(kept)
	require.NoError(t, err)
	require.Equal(t, uint64(start+1), c.l.Base())
	require.NoError(t, c.l.Prune(1<<block.EpochBits-1), "still within the epoch")
	require.Equal(t, uint64(start+1), c.l.Base())
	require.NoError(t, c.l.Prune(1<<block.EpochBits+5))
	check := func() {
		require.Equal(t, uint64(1<<block.EpochBits), c.l.Base())
		_, err = c.l.Tx(old)
		require.Equal(t, types.CodeHeightUnknown, types.CodeOf(err))
		tx, err := types.DecodeTx(oldTx)
		require.NoError(t, err)
		_, _, err = c.l.TxByID(tx.ID())
		require.Equal(t, types.CodeNotFound, types.CodeOf(err))
		tx, err = types.DecodeTx(keptTx)
		require.NoError(t, err)
		_, err = c.l.ProveTx(tx.ID())
		require.NoError(t, err)
		refs, _, err := c.l.TxsBySender(types.AddressOf(c.user.Public()), Page{Limit: MaxPage, Oldest: true})
		require.NoError(t, err)
		require.Equal(t, uint64(1<<block.EpochBits), refs[0].Height)
		c.checkState()
	}
	check()
	require.NoError(t, c.l.Close())
	open() // the ring of proofs is restored as far as history goes
	check()
	for range 4 {
		c.commit(1)
	}
	p, err := c.l.ProveState("evidence", []byte("record/1"))
	require.NoError(t, err)
	require.NoError(t, p.Verify(c.trust()))
	require.NoError(t, c.l.Prune(1<<62), "never above the newest")
	require.NoError(t, c.l.Close())
	r, err := fsck.Check(context.Background(), DefaultParams().Driver, dir, nil)
	require.NoError(t, err)
	require.True(t, r.OK(), "%v", r.Findings)
}
