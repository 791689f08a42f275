package state

import (
	"bytes"
	"slices"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// Former is what a key held before a block changed it.
type Former struct {
	NS      string
	Key     []byte
	Existed bool // else the key had never been written
	Row     Row  // if it existed
}

// past is the difference between a height and the newer state its view reads, by key hash.
type past struct{ updates []update }

func (p *past) find(kh crypto.Hash) *update {
	i, ok := slices.BinarySearchFunc(p.updates, kh, func(u update, k crypto.Hash) int {
		return bytes.Compare(u.leaf.Key[:], k[:])
	})
	if !ok {
		return nil
	}
	return &p.updates[i]
}

// replace puts former leaves in the place of newer ones.
func (p *past) replace(leaves []Leaf) []Leaf {
	kept := leaves[:0]
	for _, l := range leaves {
		u := p.find(l.Key)
		switch {
		case u == nil:
			kept = append(kept, l)
		case !u.removed:
			kept = append(kept, u.leaf)
		}
	}
	return kept
}

// KeepPast keeps a height below the opened tip as a view: former says what each key that
// was written after that height held at it. It MUST be called before KeepTip and any
// Commit. The tree of the height has the returned root, which the caller MUST check.
func (s *Store) KeepPast(height uint64, former []Former) (crypto.Hash, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.ring); n > 0 && s.ring[n-1].past == nil {
		return crypto.Hash{}, types.Errorf(types.CodeInternal, "older heights must be kept before the tip")
	}
	ups := make([]update, len(former))
	for i := range former {
		f, u := &former[i], &ups[i]
		u.rowKey = RowKey(f.NS, f.Key)
		u.leaf.Key = RowKeyHash(u.rowKey)
		u.removed = !f.Existed
		if u.removed {
			continue
		}
		if f.Row.Deleted {
			u.row = proof.TombstoneBytes(f.Row.Height, f.Row.TxIndex)
		} else {
			u.row = proof.RowBytes(f.Row.Height, f.Row.TxIndex, f.Row.Value)
		}
		u.leaf.Value, u.leaf.Height, u.leaf.TxIndex = crypto.Sum(u.row), f.Row.Height, f.Row.TxIndex
	}
	sortUpdates(ups)
	ch := &Change{updates: ups}
	if err := s.apply(s.root, s.hash, ch); err != nil {
		return crypto.Hash{}, err
	}
	snap, err := s.db.Snapshot()
	if err != nil {
		return crypto.Hash{}, ReadError(err)
	}
	root, own := s.adopt(ch, nil) // the file is of the committed tree alone
	s.spare.put(ch.parts)
	v := &View{s: s, height: height, root: root, hash: ch.Root, snap: snap, past: &past{ups}, replaced: own}
	v.holders.Store(1)
	s.ring = append(s.ring, v)
	return ch.Root, nil
}
