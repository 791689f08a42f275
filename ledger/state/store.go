package state

import (
	"bytes"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// Params are the settings of a Store.
type Params struct {
	CacheBytes int // memory for rows that were read and checked
	Keep       int // heights that proofs can be made at, counting the newest
	// LeafHint is about how many leaves there are; it only steers how Open reads them.
	LeafHint uint64
}

// DefaultParams returns 32 MiB of checked rows and proofs at the last 8 heights.
func DefaultParams() Params { return Params{CacheBytes: 32 << 20, Keep: 8} }

// Store is the state of one chain. Reading, Prepare and proofs may run side by side;
// Commit belongs to one goroutine.
type Store struct {
	db    driver.DB
	p     Params
	cache *rowCache

	spare atomic.Pointer[hasher] // for its memory; not used by any Prepare

	mu     sync.RWMutex // guards what follows; Commit writes under it
	tree   *slab
	root   ref
	hash   crypto.Hash
	leaves uint64
	seq    uint64
	ring   []*View // oldest first
}

// Open rebuilds the tree from the leaf rows of db. The caller MUST compare Root with the
// root it expects.
func Open(db driver.DB, p Params) (*Store, error) {
	s := &Store{db: db, p: p, cache: newRowCache(p.CacheBytes), tree: newSlab()}
	if err := s.rebuild(); err != nil {
		return nil, err
	}
	return s, nil
}

// Close releases the kept heights. The database stays open.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, v := range s.ring {
		errs = append(errs, v.close())
	}
	s.ring = nil
	return errors.Join(errs...)
}

// Root is the root of the committed state.
func (s *Store) Root() crypto.Hash {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.hash
}

// Leaves is the number of keys ever written.
func (s *Store) Leaves() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.leaves
}

// TreeBytes is the memory the tree takes.
func (s *Store) TreeBytes() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tree.bytes()
}

// ReadError turns a driver's error into HC-4101 (damaged) or HC-4103 (disk).
func ReadError(err error) error {
	if err == nil {
		return nil
	}
	var damaged *driver.ErrCorrupt
	if errors.As(err, &damaged) {
		return types.Errorf(types.CodeLedgerCorrupt, "%w", err)
	}
	return types.Errorf(types.CodeDiskFailure, "%w", err)
}

// Get returns the committed row of a key; found is false where it was never written. The
// row is checked against its leaf, absence against the absence of a leaf: HC-4101 if they
// differ. Row.Value MUST NOT be modified.
func (s *Store) Get(ns string, key []byte) (row Row, found bool, err error) {
	rk := RowKey(ns, key)
	if raw, ok := s.cache.get(rk); ok {
		row, err = DecodeRow(raw)
		return row, err == nil, err
	}
	gen := s.cache.generation()
	raw, found, err := checkedRow(s.db, rk)
	if types.CodeOf(err) == types.CodeLedgerCorrupt {
		s.mu.RLock() // row and leaf may be of two heights: read again with commits held off
		raw, found, err = checkedRow(s.db, rk)
		s.mu.RUnlock()
	}
	if err != nil || !found {
		return Row{}, false, err
	}
	s.cache.put(rk, raw, gen)
	row, err = DecodeRow(raw)
	return row, err == nil, err
}

// checkedRow reads a row and checks it against its leaf.
func checkedRow(r driver.Reader, rowKey []byte) (raw []byte, found bool, err error) {
	raw, found, err = r.Get(rowKey)
	if err != nil {
		return nil, false, ReadError(err)
	}
	return raw, found, checkRow(r, rowKey, raw, found)
}

// checkRow checks a row, or its absence, against the leaf rows of the same reader.
func checkRow(r driver.Reader, rowKey, raw []byte, found bool) error {
	kh := RowKeyHash(rowKey)
	lk := LeafKey(kh)
	lv, has, err := r.Get(lk)
	if err != nil {
		return ReadError(err)
	}
	if found != has {
		return Corrupt("state row %q: row present %v, leaf present %v", rowKey, found, has)
	}
	if !found {
		return nil
	}
	leaf, err := DecodeLeaf(lk, lv)
	if err != nil {
		return err
	}
	row, err := DecodeRow(raw)
	if err != nil {
		return err
	}
	if crypto.Sum(raw) != leaf.Value || row.Height != leaf.Height || row.TxIndex != leaf.TxIndex {
		return Corrupt("state row %q does not match its leaf", rowKey)
	}
	return nil
}

// Scan calls fn for the live rows of ns with start ≤ key < end in key order until fn
// returns false; a nil end is the end of the namespace. It sees one committed height.
// Key and value MUST NOT be modified; they stay valid. Each row is checked against its
// leaf: HC-4101 where they differ.
func (s *Store) Scan(ns string, start, end []byte, fn func(key, value []byte) bool) error {
	snap, err := s.db.Snapshot()
	if err != nil {
		return ReadError(err)
	}
	err = scanRows(snap, ns, start, end, fn)
	return errors.Join(err, ReadError(snap.Close()))
}

func scanRows(r driver.Reader, ns string, start, end []byte, fn func(key, value []byte) bool) error {
	prefix := RowKey(ns, nil)
	lower, upper := RowKey(ns, start), prefixEnd(prefix)
	if end != nil {
		upper = RowKey(ns, end)
	}
	if bytes.Compare(lower, upper) >= 0 {
		return nil
	}
	it, err := r.Iter(lower, upper)
	if err != nil {
		return ReadError(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		rk, raw := bytes.Clone(it.Key()), bytes.Clone(it.Value())
		if err = checkRow(r, rk, raw, true); err != nil {
			break
		}
		var row Row
		if row, err = DecodeRow(raw); err != nil {
			break
		}
		if !row.Deleted && !fn(rk[len(prefix):], row.Value) {
			break
		}
	}
	if err == nil {
		err = ReadError(it.Error())
	}
	return errors.Join(err, ReadError(it.Close()))
}

// prefixEnd is the first key after all keys with a prefix.
func prefixEnd(prefix []byte) []byte {
	out := bytes.Clone(prefix)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]++; out[i] != 0 {
			return out[:i+1]
		}
	}
	return nil
}

// Prepare computes what writes do to the state at a height, leaving no trace. Writes MUST
// be unique and ascend by (NS, Key). The records are in the order of the writes.
func (s *Store) Prepare(height uint64, writes []types.Write) (*Change, []proof.WriteRecord, error) {
	ch := &Change{updates: make([]update, len(writes))}
	keys, rows := make([][]byte, len(writes)), make([][]byte, len(writes))
	for i := range writes {
		w := &writes[i]
		if err := checkNames(w.NS, w.Key, w.Value); err != nil {
			return nil, nil, err
		}
		if i > 0 && !ascending(&writes[i-1], w) {
			return nil, nil, types.Errorf(types.CodeInternal, "writes of height %d are not unique and ascending at %s", height, describe(w.NS, w.Key))
		}
		u := &ch.updates[i]
		u.order = i
		u.rowKey = RowKey(w.NS, w.Key)
		if w.Delete {
			u.row = proof.TombstoneBytes(height, w.TxIndex)
		} else {
			u.row = proof.RowBytes(height, w.TxIndex, w.Value)
		}
		u.leaf.Height, u.leaf.TxIndex = height, w.TxIndex
		keys[i], rows[i] = u.rowKey[1:], u.row
	}
	for i, kh := range SumEach(keys) {
		ch.updates[i].leaf.Key = kh
	}
	for i, vh := range SumEach(rows) {
		ch.updates[i].leaf.Value = vh
	}
	ch.updates = sortUpdates(ch.updates)
	s.mu.RLock()
	defer s.mu.RUnlock()
	ch.base, ch.baseSeq = s.hash, s.seq
	ch.nodes, ch.replaced = make([]node, 0, 6*len(writes)), make([]ref, 0, 5*len(writes))
	if err := s.apply(s.root, s.hash, ch, s.db); err != nil {
		return nil, nil, err
	}
	return ch, ch.records(), nil
}

// apply computes the change of the subtree at root; the caller holds mu.
func (s *Store) apply(root ref, hash crypto.Hash, ch *Change, r driver.Reader) error {
	if len(ch.updates) == 0 {
		ch.root, ch.Root = root, hash
		return nil
	}
	src, err := newRowLeaves(r)
	if err != nil {
		return err
	}
	h := s.spare.Swap(nil)
	if h == nil {
		h = newHasher()
	}
	u := &updater{tree: s.tree, leaves: src, h: h, ch: ch, at: make([]int32, 0, cap(ch.nodes))}
	err = u.run(root)
	s.spare.Store(h)
	return errors.Join(err, src.close())
}

func ascending(a, b *types.Write) bool {
	if a.NS != b.NS {
		return a.NS < b.NS
	}
	return bytes.Compare(a.Key, b.Key) < 0
}

// Commit applies a change as the state of a height, together with the caller's own rows,
// in one synced batch. The change MUST be of the last commit. After an error the outcome
// is unknown: the store MUST be opened anew.
func (s *Store) Commit(ch *Change, height uint64, with func(driver.Batch)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch.baseSeq != s.seq || ch.base != s.hash {
		return types.Errorf(types.CodeInternal, "commit of height %d: prepared on another state", height)
	}
	b := s.db.Batch()
	for i := range ch.updates {
		u := &ch.updates[i]
		b.Set(u.rowKey, u.row)
		k, v := u.leaf.Row()
		b.Set(k, v)
	}
	with(b)
	if err := b.Commit(true); err != nil {
		return ReadError(err)
	}
	s.cache.replace(ch.updates)
	s.root, _ = s.adopt(ch)
	s.hash = ch.Root
	s.leaves += uint64(ch.added)
	s.seq++
	return s.pushView(height, ch.replaced)
}

// adopt moves the nodes of a change into the tree; it returns the root there and the nodes.
func (s *Store) adopt(ch *Change) (root ref, nodes []ref) {
	final := make([]ref, len(ch.nodes))
	for i := range ch.nodes {
		final[i] = s.tree.take()
	}
	resolve := func(r ref) ref {
		if r&localBit != 0 {
			return final[r&^localBit]
		}
		return r
	}
	for i := range ch.nodes {
		n := ch.nodes[i]
		if !n.isPage() {
			n.left, n.right = resolve(n.left), resolve(n.right)
		}
		*s.tree.at(final[i]) = n
	}
	return resolve(ch.root), final
}
