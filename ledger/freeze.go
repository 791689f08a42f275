package ledger

import (
	"errors"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// Frozen is the state of one committed height, which stays as it is while blocks go on. It
// holds back the storage of rows that change meanwhile, and MUST be closed.
type Frozen struct {
	Header  types.Header
	Content proof.Content
	Leaves  uint64 // rows, tombstones included

	l    *Ledger
	snap driver.Snapshot
}

// Freeze keeps the newest height from 1 on. HC-4104 while there is none.
func (l *Ledger) Freeze() (*Frozen, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	snap, err := l.db.Snapshot()
	if err != nil {
		return nil, state.ReadError(err)
	}
	f := &Frozen{l: l, snap: snap}
	if err := f.read(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// read takes the height from the snapshot itself: a commit writes it together with the rows.
func (f *Frozen) read() error {
	body, found, err := sealedIn(f.snap, tipKey)
	if err != nil {
		return err
	}
	var t tip
	if found {
		if t, err = decodeTip(body); err != nil {
			return err
		}
	}
	if t.height == 0 {
		return types.Errorf(types.CodeHeightUnknown, "no block is committed yet")
	}
	body, found, err = sealedIn(f.snap, heightKey(prefixHeader, t.height))
	if err == nil && !found {
		err = state.Corrupt("header of height %d is missing", t.height)
	}
	if err != nil {
		return err
	}
	f.Leaves = t.leaves
	if f.Header, f.Content, err = block.DecodeHead(t.height, body); err != nil {
		return err
	}
	if f.Header.Hash() != t.header || f.Content.Root() != f.Header.Content {
		return state.Corrupt("header or content of height %d was altered", t.height)
	}
	return nil
}

// Rows calls fn for every state row, in key order, as stored: key and value of package
// state's layout, tombstones among them. They are not checked against leaves; what is made
// of them must be checked against Content.State. They are valid until fn returns.
func (f *Frozen) Rows(fn func(rowKey, row []byte) error) error {
	return state.EachRow(f.snap, []byte{state.PrefixRow}, []byte{state.PrefixRow + 1}, fn)
}

// Receipts returns header, content and encoded receipts of a height up to the frozen one.
// HC-4104 if its block is not kept here.
func (f *Frozen) Receipts(height uint64) (types.Header, proof.Content, [][]byte, error) {
	h, c, err := f.l.checkedHead(height)
	if err != nil {
		return h, c, nil, err
	}
	if height < f.l.Base() {
		return h, c, nil, types.Errorf(types.CodeHeightUnknown, "block %d is not kept here", height)
	}
	s, err := f.l.serve(height, block.KindReceipts)
	if err != nil {
		return h, c, nil, err
	}
	return h, c, s.items, nil
}

// ValidatorSet returns a set by its hash.
func (f *Frozen) ValidatorSet(hash crypto.Hash) (types.ValidatorSet, error) {
	return f.l.namedSet(hash)
}

// Close lets the height go.
func (f *Frozen) Close() error { return state.ReadError(f.snap.Close()) }
