package block

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"

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

// Commit returns CometBFT's commit that a block carries; HC-1003 if it is not kept.
func (s *Store) Commit(height uint64) ([]byte, error) {
	k := key(height, KindCommit, u64(height))
	row, ok, err := s.db.Get(k)
	if err != nil {
		return nil, state.ReadError(err)
	}
	if !ok {
		return nil, types.Errorf(types.CodeNotFound, "no commit of block %d", height)
	}
	return state.Unseal(k, row)
}

// Carried returns what a block carries of the blocks before it, encoded: the act that it
// restarts the chain with, or else the finality certificate of the block two below, or
// nothing if that is not kept.
func (s *Store) Carried(height uint64) ([]byte, error) {
	k := key(height, KindRestart, u64(height))
	row, ok, err := s.db.Get(k)
	if err != nil {
		return nil, state.ReadError(err)
	}
	if ok {
		return state.Unseal(k, row)
	}
	if height <= CertificateLag {
		return nil, nil
	}
	c, err := s.Certificate(height - CertificateLag)
	if types.CodeOf(err) == types.CodeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return c.Encode(), nil
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

// TxByID returns where a transaction stands; ok is false if it is not known. The epochs of
// base to tip are searched, newest first.
func (s *Store) TxByID(id crypto.Hash, base, tip uint64) (ref Ref, ok bool, err error) {
	return s.byHash(KindID, id, base, tip)
}

// ByHeaderHash returns the height of the block whose header has a hash, see TxByID.
func (s *Store) ByHeaderHash(hash crypto.Hash, base, tip uint64) (height uint64, ok bool, err error) {
	ref, ok, err := s.byHash(KindHash, hash, base, tip)
	return ref.Height, ok, err
}

func (s *Store) byHash(k Kind, hash crypto.Hash, base, tip uint64) (ref Ref, ok bool, err error) {
	for e := int64(tip >> EpochBits); e >= int64(base>>EpochBits); e-- {
		v, ok, err := s.db.Get(epochKey(uint64(e), k, hash[:IDBytes]))
		if err != nil {
			return Ref{}, false, state.ReadError(err)
		}
		if ok {
			ref, err := DecodeRef(v)
			return ref, err == nil, err
		}
	}
	return Ref{}, false, nil
}

// hashBatch bounds the index rows that IndexHashes writes at a time.
const hashBatch = 1 << 14

// IndexHashes enters the headers of base to tip by their hashes, the newest last: a store
// written before there was that index has no row for its tip.
func (s *Store) IndexHashes(base, tip uint64) error {
	var rows []Pair
	for h := max(base, 1); h <= tip; h++ {
		header, _, err := s.Header(h)
		if err != nil {
			return err
		}
		if rows = append(rows, hashRow(h, header.Hash())); len(rows) == hashBatch || h == tip {
			if err := s.Apply(rows, h == tip); err != nil {
				return err
			}
			rows = rows[:0]
		}
	}
	return nil
}

// Query says which rows of an index to list.
type Query struct {
	Kind   Kind
	Prefix []byte // what stands between kind and position
	Base   uint64 // lowest height that is kept
	Tip    uint64 // newest height
	After  *Ref   // continue behind this one
	Oldest bool   // oldest first; else newest first
	Limit  int
}

// List returns up to q.Limit positions and whether more follow.
func (s *Store) List(q Query) (refs []Ref, more bool, err error) {
	lowest := int64(q.Base >> EpochBits)
	first, last := lowest, int64(q.Tip>>EpochBits)
	step := int64(1)
	if !q.Oldest {
		first, last, step = last, lowest, -1
	}
	if q.After != nil {
		first = max(int64(min(q.After.Height, q.Tip)>>EpochBits), lowest)
	}
	l := listing{q: q}
	for e := first; step*(last-e) >= 0 && !l.more; e += step {
		if err := s.listEpoch(&l, uint64(e)); err != nil {
			return nil, false, err
		}
	}
	return l.refs, l.more, nil
}

// listing is a List at work.
type listing struct {
	q    Query
	refs []Ref
	more bool
}

// add appends the positions of a block that belong on the page.
func (l *listing) add(height uint64, positions []uint32) {
	if height > l.q.Tip {
		return
	}
	if !l.q.Oldest {
		slices.Reverse(positions)
	}
	for _, i := range positions {
		if a := l.q.After; a != nil && a.Height == height && (l.q.Oldest && i <= a.Index || !l.q.Oldest && i >= a.Index) {
			continue
		}
		if len(l.refs) == l.q.Limit {
			l.more = true
			return
		}
		l.refs = append(l.refs, Ref{height, i})
	}
}

func (s *Store) listEpoch(l *listing, epoch uint64) error {
	prefix := epochKey(epoch, l.q.Kind, l.q.Prefix)
	lower, upper := prefix, append(bytes.Clone(prefix), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	if a := l.q.After; a != nil && a.Height>>EpochBits == epoch {
		if l.q.Oldest {
			lower = append(bytes.Clone(prefix), u64(a.Height)...)
		} else {
			upper = append(bytes.Clone(prefix), u64(a.Height+1)...)
		}
	}
	it, err := s.db.Iter(lower, upper)
	if err != nil {
		return state.ReadError(err)
	}
	start, next := it.Last, it.Prev
	if l.q.Oldest {
		start, next = it.First, it.Next
	}
	for ok := start(); ok && !l.more; ok = next() {
		at := it.Key()[len(prefix):]
		if len(at) != 8 {
			err = state.Corrupt("malformed index row")
			break
		}
		var positions []uint32
		if positions, err = DecodePositions(it.Value()); err != nil {
			break
		}
		l.add(binary.BigEndian.Uint64(at), positions)
	}
	if err == nil {
		err = state.ReadError(it.Error())
	}
	return errors.Join(err, state.ReadError(it.Close()))
}

// Cut removes every block above height: a store may be ahead of the state after a restore.
func (s *Store) Cut(height, tip uint64) error {
	b := s.db.Batch()
	for e := height >> EpochBits; e <= tip>>EpochBits; e++ {
		for _, k := range []Kind{KindHeader, KindSection, KindDirectory, KindCertificate, KindCommit, KindRestart} {
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

// cutIndexes deletes the index rows of an epoch that are of blocks above height.
func (s *Store) cutIndexes(b driver.Batch, epoch, height uint64) error {
	return state.EachRow(s.db, epochKey(epoch, 0), epochKey(epoch+1, 0), func(k, value []byte) error {
		var of uint64
		switch Kind(k[epochSize]) {
		case KindID, KindHash:
			ref, err := DecodeRef(value)
			if err != nil {
				ref.Height = math.MaxUint64
			}
			of = ref.Height
		case KindSender, KindContract, KindEvent, KindEventName, KindKey:
			of = math.MaxUint64
			if len(k) > epochSize+8 {
				of = binary.BigEndian.Uint64(k[len(k)-8:])
			}
		}
		if of > height {
			b.Delete(bytes.Clone(k))
		}
		return nil
	})
}

// DB is the database beneath, for copies of it.
func (s *Store) DB() driver.DB { return s.db }

// Close closes the database.
func (s *Store) Close() error { return state.ReadError(s.db.Close()) }
