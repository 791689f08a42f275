package block

import (
	"errors"

	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// Refill writes the contents of a block whose header and indexes are kept, and the commit
// that it carries; with sync this and all that was written before is durable when it
// returns. d needs height, transactions, receipts, encoded events and changes.
func (s *Store) Refill(d *Data, commit []byte, sync bool) error {
	for _, raw := range d.EventBytes {
		e, err := types.DecodeEvent(raw)
		if err != nil {
			return state.Corrupt("block %d: %w", d.Height, err)
		}
		d.Events = append(d.Events, e)
	}
	var err error
	if d.Indexes, err = s.indexed(d); err != nil {
		return err
	}
	d.Hash()
	k := key(d.Height, KindCommit, u64(d.Height))
	return s.Apply(d.sectionRows([]Pair{{k, state.Seal(k, commit)}}), sync)
}

// indexed finds out which optional indexes a block stands in, by its first entries.
func (s *Store) indexed(d *Data) (Indexes, error) {
	var set Indexes
	var failed error
	probe := func(index Indexes, k Kind, prefix []byte) {
		_, ok, err := s.db.Get(key(d.Height, k, prefix, u64(d.Height)))
		if ok {
			set |= index
		}
		failed = errors.Join(failed, state.ReadError(err))
	}
	for _, raw := range d.Txs {
		tx, err := types.DecodeTx(raw)
		if err != nil {
			continue // it has no sender to be found by
		}
		k, prefix := BySender(tx.Body.Sender)
		probe(IndexSender, k, prefix)
		k, prefix = ByContract(tx.Body.Contract)
		probe(IndexContract, k, prefix)
		break
	}
	if len(d.Events) > 0 {
		k, prefix := ByEvent(d.Events[0].Contract, "")
		probe(IndexEvent, k, prefix)
	}
	if len(d.Changes) > 0 {
		c, err := DecodeChange(d.Changes[0])
		if err != nil {
			return 0, err
		}
		k, prefix := ByKey(c.NS, c.Key)
		probe(IndexKey, k, prefix)
	}
	return set, failed
}
