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
	// PageBytes is the size of the file that holds leaves of the tree, about 80 bytes each, in
	// the folder PageDir; 0: there is none, and leaves are read from their rows.
	PageBytes int64
	PageDir   string
	PagesLost func(error) // told once if that file cannot be written: all leaves come from their rows then; may be nil
	Keep      int         // heights that proofs can be made at, counting the newest
	// LeafHint is about how many leaves there are; it only steers how Open reads them.
	LeafHint uint64
	// Checkpoint, if not zero, is the root that the tree must have: Open then takes what
	// Store.Checkpoint kept of it, if that is there, instead of reading every leaf row.
	Checkpoint crypto.Hash
}

// DefaultParams returns 32 MiB of checked rows, no page file, and proofs at the last 8 heights.
func DefaultParams() Params { return Params{CacheBytes: 32 << 20, Keep: 8} }

// Store is the state of one chain. Reading, Prepare and proofs may run side by side;
// Commit belongs to one goroutine.
type Store struct {
	db    driver.DB
	p     Params
	cache *rowCache
	have  *pageFile
	spare spareParts

	filling sync.WaitGroup // of the page file
	closing atomic.Bool

	mu     sync.RWMutex // guards what follows; Commit writes under it
	tree   *slab
	tops   tops
	root   ref
	hash   crypto.Hash
	leaves uint64
	seq    uint64
	ring   []*View // oldest first

	touched byte // what touch read, so that the compiler leaves it in

	checkpoint crypto.Hash // root of the checkpoint that is kept; zero if unknown
}

// Open takes the tree from the checkpoint that p names, or rebuilds it from the leaf rows of
// db. The caller MUST compare Root with the root it expects.
func Open(db driver.DB, p Params) (*Store, error) {
	pages, err := openPageFile(p.PageDir, p.PageBytes, p.PagesLost)
	if err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	s := &Store{db: db, p: p, cache: newRowCache(p.CacheBytes), have: pages, tree: newSlab()}
	if s.load() {
		s.findTops()
		s.startFill()
		return s, nil
	}
	if err := s.rebuild(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.findTops()
	return s, nil
}

// Close releases memory and the kept heights; the store MUST NOT be used any more. The
// database stays open.
func (s *Store) Close() error {
	s.closing.Store(true)
	s.filling.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, v := range s.ring {
		errs = append(errs, v.close())
	}
	s.ring = nil
	s.tree.close()
	s.tops.nodes.Free()
	return errors.Join(append(errs, s.have.close())...)
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
// leaf is checked against the tree, and the row against the leaf: HC-4101 if they differ.
// A key without a leaf is absent, whatever rows say. Row.Value MUST NOT be modified.
func (s *Store) Get(ns string, key []byte) (row Row, found bool, err error) {
	var room [128]byte // a hit allocates nothing
	rk := AppendRowKey(room[:0], ns, key)
	if raw, ok := s.cache.get(rk); ok {
		row, err = DecodeRow(raw)
		return row, err == nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.get(rk)
}

// get reads a row past the cache; the caller holds mu. A key that is not there allocates nothing.
func (s *Store) get(rk []byte) (row Row, found bool, err error) {
	kh := RowKeyHash(rk)
	leaf, found, err := s.leaf(&kh)
	if err != nil || !found {
		return Row{}, false, err
	}
	own := bytes.Clone(rk) // handed to a driver, rk itself would have to lie on the heap
	row, raw, err := checkedRow(s.db, own, &leaf)
	if err != nil {
		return Row{}, false, err
	}
	s.cache.put(own, raw)
	return row, true, nil
}

// checkedRow reads a row and checks it against its leaf in the tree.
func checkedRow(r driver.Reader, rk []byte, leaf *entry) (row Row, raw []byte, err error) {
	raw, has, err := r.Get(rk)
	if err != nil {
		return Row{}, nil, ReadError(err)
	}
	if !has {
		return Row{}, nil, Corrupt("state row %q is missing", rk)
	}
	if row, err = DecodeRow(raw); err != nil {
		return Row{}, nil, err
	}
	if proof.StateLeaf(leaf.key, crypto.Sum(raw)) != leaf.hash || row.Height != leaf.height || row.TxIndex != leaf.txIndex {
		return Row{}, nil, Corrupt("state row %q does not match its leaf", rk)
	}
	return row, raw, nil
}

// leaf finds the leaf of a key; the caller holds mu.
func (s *Store) leaf(kh *crypto.Hash) (entry, bool, error) {
	p := s.page(kh)
	if p.root == 0 || p.prints.lack(kh, p.root.leaves()) {
		return entry{}, false, nil
	}
	var room [pageLeaves]entry
	leaves, held := s.have.get(room[:0], p.page, p.hash, p.root.leaves())
	if !held {
		var err error
		if leaves, err = readPage(s.db, kh, p.level, p.root.leaves(), *p.hash); err != nil {
			return entry{}, false, err
		}
		p.note(s.have, leaves)
	}
	for i := range leaves {
		if leaves[i].key == *kh {
			return leaves[i], true, nil
		}
	}
	return entry{}, false, nil
}

// readPage reads the n leaves of a page and checks them against its hash.
func readPage(r driver.Reader, kh *crypto.Hash, level, n int, hash crypto.Hash) ([]entry, error) {
	src := &rowLeaves{r: r}
	rows, err := src.leavesUnder(make([]Leaf, 0, n), *kh, level, n)
	if err = errors.Join(err, src.close()); err != nil {
		return nil, err
	}
	h := newHasher()
	leaves, at := make([]entry, len(rows)), make([]int32, len(rows))
	for i := range rows {
		l := &rows[i]
		leaves[i] = entry{key: l.Key, written: written{l.Height, l.TxIndex}}
		at[i] = h.leaf(&l.Key, &l.Value)
	}
	top := h.page(leaves, at, level)
	h.run()
	if len(leaves) != n || h.hashes[top] != hash {
		return nil, Corrupt("leaf rows under %x/%d do not have the hash that the state tree holds of them", *kh, level)
	}
	for i := range leaves {
		leaves[i].hash = h.hashes[at[i]]
	}
	return leaves, nil
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
	ch := &Change{}
	if err := ch.lay(height, writes); err != nil {
		return nil, nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	ch.base, ch.baseSeq = s.hash, s.seq
	if err := s.apply(s.root, s.hash, ch); err != nil {
		return nil, nil, err
	}
	return ch, ch.records(), nil
}

// lay makes the updates of the writes, in the order of their key hashes, with their rows in
// one piece of memory.
func (c *Change) lay(height uint64, writes []types.Write) error {
	size := 0
	for i := range writes {
		w := &writes[i]
		if err := checkNames(w.NS, w.Key, w.Value); err != nil {
			return err
		}
		if i > 0 && !ascending(&writes[i-1], w) {
			return types.Errorf(types.CodeInternal, "writes of height %d are not unique and ascending at %s", height, describe(w.NS, w.Key))
		}
		size += 2 + len(w.NS) + len(w.Key) + proof.RowHeaderSize + len(w.Value)
	}
	room := make([]byte, 0, size)
	keys, rows := make([][]byte, len(writes)), make([][]byte, len(writes)) // keys without their first byte
	at := make([]int, len(writes))                                         // where they begin with it
	for i := range writes {
		w := &writes[i]
		at[i] = len(room)
		room = AppendRowKey(room, w.NS, w.Key)
		end := len(room)
		keys[i] = room[at[i]+1 : end : end]
		if w.Delete {
			room = proof.AppendTombstone(room, height, w.TxIndex)
		} else {
			room = proof.AppendRow(room, height, w.TxIndex, w.Value)
		}
		rows[i] = room[end:len(room):len(room)]
	}
	khs, vhs := crypto.SumEach(keys), crypto.SumEach(rows)
	c.updates = make([]update, len(writes))
	for k, i := range hashOrder(khs) {
		u := &c.updates[k]
		u.leaf = Leaf{Key: khs[i], Value: vhs[i], Height: height, TxIndex: writes[i].TxIndex}
		u.order = int(i)
		end := at[i] + 1 + len(keys[i])
		u.rowKey, u.row = room[at[i]:end:end], rows[i]
	}
	return nil
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
	ch.rows(b)
	with(b)
	if err := b.Commit(true); err != nil {
		return ReadError(err)
	}
	s.cache.replace(ch.updates)
	s.root, _ = s.adopt(ch, s.have)
	s.hash = ch.Root
	s.leaves += uint64(ch.added)
	s.tops.update(ch)
	s.findTops()
	s.seq++
	err := s.pushView(height, ch.replaced())
	s.spare.put(ch.parts)
	ch.parts = nil
	return err
}

// rows puts the rows of the change into a batch: each kind in the order of its keys, which
// is what sorted stores insert fastest.
func (c *Change) rows(b driver.Batch) {
	order := make([]int32, len(c.updates))
	for i := range c.updates {
		order[c.updates[i].order] = int32(i)
	}
	for _, i := range order {
		b.Set(c.updates[i].rowKey, c.updates[i].row)
	}
	var room [leafKeySize + leafRowSize]byte
	for i := range c.updates {
		row := c.updates[i].leaf.append(room[:0])
		b.Set(row[:leafKeySize], row[leafKeySize:])
	}
}
