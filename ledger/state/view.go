package state

import (
	"errors"
	"sync/atomic"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// View is the state at one of the last heights, for proofs and for readers that need
// several rows of the same height.
type View struct {
	s        *Store
	holders  atomic.Int32 // the ring and those who hold it; 0: gone
	height   uint64
	root     ref
	hash     crypto.Hash
	snap     driver.Snapshot
	past     *past // what the snapshot holds differently from the height, or nil
	replaced []ref // nodes the next height no longer needs: freed together with this view
}

func (v *View) close() error { return ReadError(v.snap.Close()) }

// pushView keeps the state just committed and gives up the oldest view beyond the bound;
// replaced are the nodes that only older roots need. The caller holds mu.
func (s *Store) pushView(height uint64, replaced []ref) error {
	if n := len(s.ring); n > 0 {
		s.ring[n-1].replaced = append(s.ring[n-1].replaced, replaced...)
	} else {
		s.tree.release(replaced)
	}
	snap, err := s.db.Snapshot()
	if err != nil {
		return ReadError(err)
	}
	v := &View{s: s, height: height, root: s.root, hash: s.hash, snap: snap}
	v.holders.Store(1)
	s.ring = append(s.ring, v)
	for len(s.ring) > max(s.p.Keep, 1) {
		v := s.ring[0]
		if !v.holders.CompareAndSwap(1, 0) {
			return nil // younger views need nodes that this one holds back: a later commit frees them
		}
		s.ring = append(s.ring[:0], s.ring[1:]...)
		s.tree.release(v.replaced)
		if err := v.close(); err != nil {
			return err
		}
	}
	return nil
}

// KeepTip keeps the state as it was opened, as the view of the tip's height.
func (s *Store) KeepTip(height uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pushView(height, nil)
}

// Newest returns the view of the newest committed height, held; nil before the first commit.
func (s *Store) Newest() *View {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := len(s.ring)
	if n == 0 || !s.ring[n-1].Hold() {
		return nil
	}
	return s.ring[n-1]
}

// Hold keeps the view readable until Release; false if it is gone already.
func (v *View) Hold() bool {
	for n := v.holders.Load(); n > 0; n = v.holders.Load() {
		if v.holders.CompareAndSwap(n, n+1) {
			return true
		}
	}
	return false
}

// Release ends a Hold; the view MUST NOT be used any more. What it held back is freed by
// a later commit.
func (v *View) Release() { v.holders.Add(-1) }

// Height is the height whose state this is.
func (v *View) Height() uint64 { return v.height }

// Get is Store.Get at the view's height.
func (v *View) Get(ns string, key []byte) (row Row, found bool, err error) {
	rk := RowKey(ns, key)
	if raw, ok := v.s.cache.get(rk); ok {
		if row, err = DecodeRow(raw); err != nil || row.Height <= v.height {
			return row, err == nil, err
		}
	}
	v.s.mu.RLock()
	defer v.s.mu.RUnlock()
	if v.s.ring[len(v.s.ring)-1] == v {
		return v.s.get(rk)
	}
	return v.get(rk)
}

// get reads a row of a height that is no longer the newest; the caller holds the store's mu.
func (v *View) get(rk []byte) (row Row, found bool, err error) {
	kh := RowKeyHash(rk)
	t, level := subtree{root: v.root, hash: &v.hash}, 0
	for t.root.inTree() {
		n, b := v.s.tree.at(t.root), bit(&kh, level)
		t = subtree{root: n.kid[b], page: n.atPage(b), hash: &n.hash[b]}
		level++
	}
	if t.root == 0 {
		return Row{}, false, nil
	}
	var room [pageLeaves]entry
	leaves, held := v.s.have.get(room[:0], t.page, t.hash, t.root.leaves())
	if !held {
		if leaves, err = readPage(v.snap, &kh, level, t.root.leaves(), *t.hash); err != nil {
			return Row{}, false, err
		}
	}
	for i := range leaves {
		if leaves[i].key == kh {
			row, _, err = checkedRow(v.snap, rk, &leaves[i])
			return row, err == nil, err
		}
	}
	return Row{}, false, nil
}

// Scan is Store.Scan at the view's height.
func (v *View) Scan(ns string, start, end []byte, fn func(key, value []byte) bool) error {
	return scanRows(v.snap, ns, start, end, fn)
}

// Oldest is the oldest height that Prove serves; false if there is none.
func (s *Store) Oldest() (uint64, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.ring) == 0 {
		return 0, false
	}
	return s.ring[0].height, true
}

// Prove returns the proof of what a key holds at one of the last heights, with the state
// root of that height. HC-4104 if the height is not kept, HC-4101 if rows are damaged.
func (s *Store) Prove(height uint64, ns string, key []byte) (*proof.StateProof, crypto.Hash, error) {
	if err := checkNames(ns, key, nil); err != nil {
		return nil, crypto.Hash{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, v := range s.ring {
		if v.height == height {
			p, err := s.prove(v, ns, key)
			return p, v.hash, err
		}
	}
	return nil, crypto.Hash{}, types.Errorf(types.CodeHeightUnknown, "state of height %d is not kept for proofs", height)
}

func (s *Store) prove(v *View, ns string, key []byte) (p *proof.StateProof, err error) {
	rk := RowKey(ns, key)
	kh := RowKeyHash(rk)
	p = &proof.StateProof{Siblings: make([]crypto.Hash, 0, 32)}
	t, level := subtree{root: v.root, hash: &v.hash}, 0
	for t.root.inTree() {
		n, b := s.tree.at(t.root), bit(&kh, level)
		t = subtree{root: n.kid[b], page: n.atPage(b), hash: &n.hash[b]}
		p.Siblings = append(p.Siblings, n.hash[1-b])
		level++
	}
	leaf, hash, err := v.provePage(p, t, &kh, level)
	switch {
	case err != nil:
	case leaf == nil:
		p.Ends = proof.EndsEmpty
	case leaf.Key == kh:
		err = v.endWithValue(p, rk, &kh, &hash)
	default:
		p.Ends, p.ForeignKey, p.ForeignValue = proof.EndsForeign, leaf.Key, leaf.Value
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// provePage adds the path inside a page and returns the leaf in which it ends, nil if it ends
// in none, and its hash. Leaves that are read from rows MUST have the hash that the tree
// holds of the page. Leaves of the page file lack the hash of their value, which a proof
// states of another key than its own: for that, rows are read.
func (v *View) provePage(p *proof.StateProof, t subtree, kh *crypto.Hash, level int) (end *Leaf, hash crypto.Hash, err error) {
	if t.root == 0 {
		return nil, hash, nil
	}
	var room [pageLeaves]entry
	inner := len(p.Siblings)
	if leaves, held := v.s.have.get(room[:0], t.page, t.hash, t.root.leaves()); held {
		h := newHasher()
		at := make([]int32, len(leaves))
		for i := range leaves {
			at[i] = h.known(leaves[i].hash)
		}
		i, ok := pathInPage(p, h, leaves, at, kh, level, *t.hash)
		switch {
		case ok && i < 0:
			return nil, hash, nil
		case ok && leaves[i].key == *kh:
			return &Leaf{Key: *kh}, leaves[i].hash, nil
		}
		p.Siblings = p.Siblings[:inner]
	}
	rows, err := v.leavesUnder(*kh, level)
	if err != nil {
		return nil, hash, err
	}
	h := newHasher()
	leaves, at := make([]entry, len(rows)), make([]int32, len(rows))
	for i := range rows {
		leaves[i].key, at[i] = rows[i].Key, h.leaf(&rows[i].Key, &rows[i].Value)
	}
	i, ok := pathInPage(p, h, leaves, at, kh, level, *t.hash)
	switch {
	case !ok:
		return nil, hash, Corrupt("leaf rows under %x/%d do not have the hash that the state tree holds of them", *kh, level)
	case i < 0:
		return nil, hash, nil
	}
	return &rows[i], h.hashes[at[i]], nil
}

// pathInPage adds the path inside a page with the leaves at in h, and returns in which leaf it
// ends, below 0 if in none, unless ok is false: the page does not have the wanted hash.
func pathInPage(p *proof.StateProof, h *hasher, leaves []entry, at []int32, kh *crypto.Hash, level int, want crypto.Hash) (end int, ok bool) {
	top := h.page(leaves, at, level)
	var siblings []int32
	from, to := 0, len(leaves)
	for n := top; to-from > 1; level++ {
		kids, mid := h.kids[n], from+split(leaves[from:to], level)
		if bit(kh, level) == 0 {
			n, to = kids[0], mid
			siblings = append(siblings, kids[1])
		} else {
			n, from = kids[1], mid
			siblings = append(siblings, kids[0])
		}
	}
	h.run()
	if h.hashes[top] != want {
		return -1, false
	}
	for _, i := range siblings {
		p.Siblings = append(p.Siblings, h.hashes[i])
	}
	if from == to {
		return -1, true
	}
	return from, true
}

// endWithValue ends a path in the key's own leaf, which has a hash, with its row.
func (v *View) endWithValue(p *proof.StateProof, rowKey []byte, kh, hash *crypto.Hash) error {
	raw, found, err := v.row(rowKey)
	if err != nil {
		return err
	}
	if !found {
		return Corrupt("state row %q is missing", rowKey)
	}
	row, err := DecodeRow(raw)
	if err != nil {
		return err
	}
	if proof.StateLeaf(*kh, crypto.Sum(raw)) != *hash {
		return Corrupt("state row %q does not match its leaf", rowKey)
	}
	p.Height, p.TxIndex, p.Value = row.Height, row.TxIndex, row.Value
	p.Ends = proof.EndsValue
	if row.Deleted {
		p.Ends = proof.EndsTombstone
	}
	return nil
}

// row reads a state row as of the view's height.
func (v *View) row(rowKey []byte) ([]byte, bool, error) {
	if v.past != nil {
		if u := v.past.find(RowKeyHash(rowKey)); u != nil {
			return u.row, !u.removed, nil
		}
	}
	raw, found, err := v.snap.Get(rowKey)
	return raw, found, ReadError(err)
}

// leavesUnder reads leaves as of the view's height.
func (v *View) leavesUnder(prefix crypto.Hash, level int) ([]Leaf, error) {
	src := &rowLeaves{r: v.snap}
	leaves, err := src.leavesUnder(nil, prefix, level, -1)
	if err == nil && v.past != nil {
		leaves = v.past.replace(leaves)
	}
	return leaves, errors.Join(err, src.close())
}
