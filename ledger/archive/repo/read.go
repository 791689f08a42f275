package repo

import (
	"context"
	"errors"
	"sync"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/archive/target"
	"github.com/huchain/huchain/types"
)

// segment is an open segment. It is closed once nobody uses it any more.
type segment struct {
	file   target.File
	reader *archive.Reader

	mu      sync.Mutex
	users   int
	dropped bool
}

func (s *segment) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users--
	s.close()
}

// drop has the segment closed when its last user is done.
func (s *segment) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped = true
	s.close()
}

func (s *segment) close() {
	if s.dropped && s.users == 0 && s.file != nil {
		s.reader.Close()
		_ = s.file.Close() // it was only read
		s.file = nil
	}
}

// hold takes an open segment; false if it was closed meanwhile.
func (s *segment) hold() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return false
	}
	s.users++
	return true
}

// openFile opens the file of a manifest, past the cache if direct.
func (r *Repo) openFile(ctx context.Context, m *archive.Manifest, direct bool) (*segment, error) {
	data, err := r.dataKey(ctx, m)
	if err != nil {
		return nil, err
	}
	var key *envelope.Key
	if data != nil {
		if key, err = data.Envelope(); err != nil {
			return nil, err
		}
	}
	f, err := r.p.Target.Open(ctx, m.File)
	if err != nil {
		return nil, err
	}
	if uint64(f.Size()) != m.Bytes {
		return nil, errors.Join(types.Errorf(types.CodeLedgerCorrupt, "%s in %s has %d bytes, its manifest says %d", m.File, r.p.Target, f.Size(), m.Bytes), f.Close())
	}
	s := &segment{file: f, users: 1}
	var src archive.Source = f
	if r.cache != nil && !direct {
		src = &cachedSource{r.cache, m.Sum, f}
	}
	if s.reader, err = archive.Open(ctx, src, key); err != nil {
		return nil, errors.Join(r.named(m, err), f.Close())
	}
	if s.reader.Identity() != m.Identity() {
		err := types.Errorf(types.CodeLedgerCorrupt, "%s in %s is not the segment of its manifest", m.File, r.p.Target)
		s.drop()
		s.release()
		return nil, err
	}
	return s, nil
}

// named says of which stored file an error is.
func (r *Repo) named(m *archive.Manifest, err error) error {
	if err == nil {
		return nil
	}
	return types.Errorf(types.CodeOf(err), "%s in %s: %w", m.File, r.p.Target, err)
}

// faulty is named, of an open segment. It is opened anew the next time: by then a good copy
// may be there.
func (r *Repo) faulty(m *archive.Manifest, err error) error {
	if err != nil {
		r.open.Remove(m.Segment)
	}
	return r.named(m, err)
}

// take returns the open segment of the catalogue that holds a height. The caller releases it.
func (r *Repo) take(ctx context.Context, height uint64) (*segment, *archive.Manifest, error) {
	n := archive.Segment(height)
	r.mu.RLock()
	m := r.entries[n]
	r.mu.RUnlock()
	if m == nil {
		return nil, nil, types.Errorf(types.CodeHeightUnknown, "block %d is not archived", height)
	}
	if s, ok := r.open.Get(n); ok && s.hold() {
		return s, m, nil
	}
	s, err := r.openFile(ctx, m, false)
	if err != nil {
		return nil, nil, err
	}
	r.open.Add(n, s)
	return s, m, nil
}

// Items returns one list of an archived block by one ranged read, as package archive
// encodes its items. The caller MUST check them against the block's content.
func (r *Repo) Items(ctx context.Context, height uint64, p archive.Part) ([][]byte, error) {
	s, m, err := r.take(ctx, height)
	if err != nil {
		return nil, err
	}
	defer s.release()
	items, err := s.reader.Items(ctx, height, p)
	return items, r.faulty(m, err)
}

// Record returns the whole record of an archived block, checked against its own header.
func (r *Repo) Record(ctx context.Context, height uint64) (*archive.Record, error) {
	s, m, err := r.take(ctx, height)
	if err != nil {
		return nil, err
	}
	defer s.release()
	rec, err := s.reader.Record(ctx, height)
	return rec, r.faulty(m, err)
}

// Find returns header-checked positions of a transaction in one archived segment; HC-1003
// if it is not there.
func (r *Repo) Find(ctx context.Context, id crypto.Hash) (*archive.Record, uint32, error) {
	for _, m := range r.List() {
		rec, i, err := r.findIn(ctx, m.First, id)
		if err != nil || rec != nil {
			return rec, i, err
		}
	}
	return nil, 0, types.Errorf(types.CodeNotFound, "transaction %s is not in the archive", id)
}

func (r *Repo) findIn(ctx context.Context, height uint64, id crypto.Hash) (*archive.Record, uint32, error) {
	s, m, err := r.take(ctx, height)
	if err != nil {
		return nil, 0, err
	}
	defer s.release()
	refs, err := s.reader.Find(ctx, id)
	if err != nil {
		return nil, 0, r.faulty(m, err)
	}
	for _, ref := range refs {
		rec, err := s.reader.Record(ctx, ref.Height)
		if err != nil {
			return nil, 0, r.faulty(m, err)
		}
		if int(ref.Index) >= len(rec.Txs) {
			return nil, 0, types.Errorf(types.CodeLedgerCorrupt, "%s: the id table leads to no transaction", m.File)
		}
		if tx, err := types.DecodeTx(rec.Txs[ref.Index]); err == nil && tx.ID() == id {
			return rec, ref.Index, nil
		}
	}
	return nil, 0, nil
}
