package ledger

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// Found makes the rows the genesis state of a ledger, durable when it returns: for a state
// too large for one block. All rows MUST be of height 0, and b, which says what else the
// genesis state holds, has no writes. The write set of the genesis is not kept, so what
// rows held before their first change cannot be looked up.
func (im *Import) Found(b *Block) error {
	if b.Height != 0 || len(b.Txs) > 0 || len(b.Events) > 0 || len(b.Writes) > 0 {
		return errors.Join(types.Errorf(types.CodeInternal, "a genesis state is made of rows alone"), im.Discard())
	}
	st, err := state.Open(im.db, state.Params{LeafHint: im.leaves, Keep: 1})
	if err != nil {
		return errors.Join(err, im.Discard())
	}
	none := proof.ListRoot(nil)
	content := proof.Content{State: st.Root(), Txs: none, Receipts: none, Events: none, Config: b.Config, Protocol: b.Protocol}
	if err := st.Close(); err != nil {
		return errors.Join(err, im.Discard())
	}
	own := im.db.Batch()
	setSealed(own, formatKey, binary.BigEndian.AppendUint32(nil, FormatVersion))
	setSealed(own, genesisKey, im.genesis[:])
	setSealed(own, baseKey, binary.BigEndian.AppendUint64(nil, 1))
	t := tip{height: 0, content: content.Root(), leaves: im.leaves}
	setSealed(own, tipKey, t.encode())
	setSealed(own, heightKey(prefixHeader, 0), encodeHead(nil, &content))
	s, n := b.Signers.Hash(), b.NextSigners.Hash()
	for _, set := range []types.ValidatorSet{b.Signers, b.NextSigners} {
		h := set.Hash()
		setSealed(own, append([]byte{prefixSet}, h[:]...), set.Encode())
	}
	setSealed(own, heightKey(prefixSigners, 0), append(s[:], n[:]...))
	history := im.blocks.Batch()
	history.Set(block.TipRow(0))
	if err := errors.Join(state.ReadError(history.Commit(true)), state.ReadError(own.Commit(true))); err != nil {
		return errors.Join(err, im.Discard())
	}
	return im.settle()
}

// compacter is a store that can sort what was written in bulk.
type compacter interface {
	Compact(ctx context.Context) error
}

// Compact sorts the rows put in so far, where the driver can: validators that open the
// ledger would otherwise do it while they are measured.
func (im *Import) Compact(ctx context.Context) error {
	if c, ok := im.db.(compacter); ok {
		return state.ReadError(c.Compact(ctx))
	}
	return nil
}
