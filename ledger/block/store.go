package block

import (
	"encoding/binary"
	"errors"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// Store reads and writes the history. Reading is safe beside one writer.
type Store struct{ db driver.DB }

// NewStore takes an open database.
func NewStore(db driver.DB) *Store { return &Store{db} }

// Tip is the height of the newest block kept; ok is false while there is none.
func (s *Store) Tip() (height uint64, ok bool, err error) {
	row, ok, err := s.db.Get(tipKey)
	if err != nil || !ok {
		return 0, false, state.ReadError(err)
	}
	b, err := state.Unseal(tipKey, row)
	if err != nil || len(b) != 8 {
		return 0, false, errors.Join(err, state.Corrupt("malformed tip row of the block store"))
	}
	return binary.BigEndian.Uint64(b), true, nil
}

// Apply writes rows in one batch.
func (s *Store) Apply(pairs []Pair, sync bool) error {
	b := s.db.Batch()
	for i := range pairs {
		b.Set(pairs[i].Key, pairs[i].Value)
	}
	return state.ReadError(b.Commit(sync))
}

// Header returns header (zero at genesis) and content of a block as stored; HC-4104 if
// there is none. The caller checks them against the chain.
func (s *Store) Header(height uint64) (h types.Header, c proof.Content, err error) {
	k := key(height, KindHeader, u64(height))
	row, ok, err := s.db.Get(k)
	if err != nil {
		return h, c, state.ReadError(err)
	}
	if !ok {
		return h, c, types.Errorf(types.CodeHeightUnknown, "block %d is not kept here", height)
	}
	b, err := state.Unseal(k, row)
	if err != nil {
		return h, c, err
	}
	return DecodeHead(height, b)
}

// DecodeHead reads u16 len ‖ header ‖ content; the header is zero at genesis.
func DecodeHead(height uint64, b []byte) (h types.Header, c proof.Content, err error) {
	if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
		return h, c, state.Corrupt("malformed header row of block %d", height)
	}
	n := 2 + int(binary.BigEndian.Uint16(b))
	if n > 2 {
		h, err = types.DecodeHeader(b[2:n])
	}
	if err == nil {
		c, err = proof.DecodeContent(b[n:])
	}
	if err != nil {
		return h, c, state.Corrupt("header row of block %d: %w", height, err)
	}
	return h, c, nil
}

// Items returns the items of one kind of a block in order, as stored. The caller checks
// them against the block's content.
func (s *Store) Items(height uint64, k Kind) ([][]byte, error) {
	prefix := key(height, k, u64(height))
	it, err := s.db.Iter(prefix, key(height, k, u64(height+1)))
	if err != nil {
		return nil, state.ReadError(err)
	}
	var out [][]byte
	for ok := it.First(); ok; ok = it.Next() {
		first := it.Key()[len(prefix):]
		if len(first) != 4 || int(binary.BigEndian.Uint32(first)) != len(out) {
			err = state.Corrupt("frames of block %d have a gap", height)
			break
		}
		items, derr := types.DecodeList(append([]byte(nil), it.Value()...), MaxItems)
		if derr != nil {
			err = state.Corrupt("frame of block %d: %w", height, derr)
			break
		}
		out = append(out, items...)
	}
	if err == nil {
		err = state.ReadError(it.Error())
	}
	return out, errors.Join(err, state.ReadError(it.Close()))
}

// Certificate returns the finality certificate of a height; HC-1003 if none is kept.
func (s *Store) Certificate(height uint64) (*types.FinalityCertificate, error) {
	k := key(height, KindCertificate, u64(height))
	row, ok, err := s.db.Get(k)
	if err != nil {
		return nil, state.ReadError(err)
	}
	if !ok {
		return nil, types.Errorf(types.CodeNotFound, "no finality certificate of height %d", height)
	}
	b, err := state.Unseal(k, row)
	if err != nil {
		return nil, err
	}
	c, err := types.DecodeFinalityCertificate(b)
	if err != nil {
		return nil, state.Corrupt("certificate of height %d: %w", height, err)
	}
	return &c, nil
}

// PutCertificate keeps a certificate; it may be lost in a crash.
func (s *Store) PutCertificate(c *types.FinalityCertificate) error {
	return s.Apply([]Pair{certificateRow(c)}, false)
}

// LastCertified is the newest height up to tip with a certificate; 0 if there is none.
func (s *Store) LastCertified(tip uint64) (uint64, error) {
	for e := int64(tip >> EpochBits); e >= 0; e-- {
		it, err := s.db.Iter(epochKey(uint64(e), KindCertificate), epochKey(uint64(e), KindCertificate+1))
		if err != nil {
			return 0, state.ReadError(err)
		}
		var height uint64
		if it.Last() && len(it.Key()) == epochSize+1+8 {
			height = binary.BigEndian.Uint64(it.Key()[epochSize+1:])
		}
		if err := errors.Join(state.ReadError(it.Error()), state.ReadError(it.Close())); err != nil {
			return 0, err
		}
		if height > 0 {
			return height, nil
		}
	}
	return 0, nil
}

// TxByID returns where a transaction stands; ok is false if it is not known. tip bounds
// the epochs that are searched, newest first.
func (s *Store) TxByID(id crypto.Hash, tip uint64) (ref Ref, ok bool, err error) {
	for e := int64(tip >> EpochBits); e >= 0; e-- {
		v, ok, err := s.db.Get(epochKey(uint64(e), KindID, id[:]))
		if err != nil {
			return Ref{}, false, state.ReadError(err)
		}
		if ok {
			ref, err := decodeRef(v)
			return ref, err == nil, err
		}
	}
	return Ref{}, false, nil
}

// Query says which rows of an index to list.
type Query struct {
	Kind   Kind
	Prefix []byte // what stands between kind and position
	Tip    uint64 // newest height
	After  *Ref   // continue behind this one
	Oldest bool   // oldest first; else newest first
	Limit  int
}

// BySender, ByContract, ByEvent make the prefixes of a Query.
func BySender(a types.Address) (Kind, []byte) { return KindSender, a[:] }

// ByContract lists transactions that called a contract.
func ByContract(contract string) (Kind, []byte) { return KindContract, name(contract) }

// ByEvent lists the events of a contract, of one name or, if it is empty, all.
func ByEvent(contract, event string) (Kind, []byte) {
	if event == "" {
		return KindEvent, name(contract)
	}
	return KindEventName, append(name(contract), name(event)...)
}

// List returns up to q.Limit positions and whether more follow.
func (s *Store) List(q Query) (refs []Ref, more bool, err error) {
	first, last := int64(0), int64(q.Tip>>EpochBits)
	step := int64(1)
	if !q.Oldest {
		first, last, step = last, 0, -1
	}
	if q.After != nil {
		first = int64(q.After.Height >> EpochBits)
	}
	for e := first; step*(last-e) >= 0; e += step {
		more, err = s.listEpoch(q, uint64(e), &refs)
		if err != nil || more {
			return refs, more, err
		}
	}
	return refs, false, nil
}

func (s *Store) listEpoch(q Query, epoch uint64, refs *[]Ref) (more bool, err error) {
	prefix := epochKey(epoch, q.Kind, q.Prefix)
	lower, upper := prefix, append(append([]byte(nil), prefix...), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	if q.After != nil && q.After.Height>>EpochBits == epoch {
		at := append(append([]byte(nil), prefix...), q.After.encode()...)
		if q.Oldest {
			lower = append(at, 0)
		} else {
			upper = at
		}
	}
	it, err := s.db.Iter(lower, upper)
	if err != nil {
		return false, state.ReadError(err)
	}
	start, next := it.Last, it.Prev
	if q.Oldest {
		start, next = it.First, it.Next
	}
	for ok := start(); ok; ok = next() {
		var ref Ref
		if ref, err = decodeRef(it.Key()[len(prefix):]); err != nil {
			break
		}
		if ref.Height > q.Tip {
			continue
		}
		if len(*refs) == q.Limit {
			more = true
			break
		}
		*refs = append(*refs, ref)
	}
	if err == nil {
		err = state.ReadError(it.Error())
	}
	return more, errors.Join(err, state.ReadError(it.Close()))
}

// Cut removes every block above height: a store may be ahead of the state after a restore.
func (s *Store) Cut(height, tip uint64) error {
	b := s.db.Batch()
	for e := height >> EpochBits; e <= tip>>EpochBits; e++ {
		for _, k := range []Kind{KindHeader, KindTxs, KindReceipts, KindEvents, KindWrites, KindCertificate} {
			b.DeleteRange(epochKey(e, k, u64(height+1)), epochKey(e, k+1))
		}
		if err := s.cutIndexes(b, e, height); err != nil {
			b.Discard()
			return err
		}
	}
	b.Set(tipKey, state.Seal(tipKey, u64(height)))
	return state.ReadError(b.Commit(true))
}

// cutIndexes deletes the index rows of an epoch that point above height.
func (s *Store) cutIndexes(b driver.Batch, epoch, height uint64) error {
	it, err := s.db.Iter(epochKey(epoch, 0), epochKey(epoch+1, 0))
	if err != nil {
		return state.ReadError(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		k := it.Key()
		var at []byte
		switch Kind(k[epochSize]) {
		case KindID:
			at = it.Value()
		case KindSender, KindContract, KindEvent, KindEventName:
			at = k[max(len(k)-refSize, 0):]
		default:
			continue
		}
		if ref, err := decodeRef(at); err != nil || ref.Height > height {
			b.Delete(append([]byte(nil), k...))
		}
	}
	return errors.Join(state.ReadError(it.Error()), state.ReadError(it.Close()))
}

// Close closes the database.
func (s *Store) Close() error { return state.ReadError(s.db.Close()) }
