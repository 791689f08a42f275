// Package repo keeps the archive of one chain: segments with their manifests and wrapped
// keys in a target, and on this node a catalogue of the segments that are known to be there.
//
// A segment enters the catalogue only after it was read back from the target and every
// record was recomputed up to the root that the chain's headers name. Nothing is deleted
// here: what the catalogue holds may be deleted from the ledger.
//
// Names in the target, below a folder of the first 16 digits of the genesis hash:
//
//	seg-<segment>-<first 8 digits of SM3>.hcs       segments, see package archive
//	seg-<segment>.json                              manifests
//	seg-<segment>-<first 8 digits of SM3>.<address of the recipient>.key   wrapped keys
//
// Several nodes may share a target: whoever finds a manifest there verifies the segment
// instead of storing it again.
package repo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/archive/target"
	"github.com/huchain/huchain/types"
)

// Params are the parts of an archive.
type Params struct {
	Genesis crypto.Hash
	Dir     string // on this node: catalogue, staging and cache
	Target  target.Target
	// Key opens encrypted segments, and makes this node encrypt those it stores; nil for
	// plaintext.
	Key crypto.Decrypter
	// Recipients may open what is stored from now on, beside Key.
	Recipients []crypto.PublicKey
	CacheBytes int64 // of the target's bytes on this node's disk; 0: none, for targets that are near
	// BytesPerSecond bounds how much of the plaintext is archived in a second, so that the
	// chain beside it is not held up; 0: no bound. Drills go at twice that.
	BytesPerSecond int64
	// Step, if not nil, is told each step of the procedure that is done, for logs.
	Step func(step Step, segment uint64)
}

// Chain is the chain that is archived: *ledger.Ledger.
type Chain interface {
	Record(height uint64) (*archive.Record, error)
	SegmentRoot(segment uint64) (crypto.Hash, error)
	SegmentEvidence(segment uint64) (*archive.Evidence, error)
	Header(height uint64) (types.Header, error)
}

// Repo is an open archive. It is safe for concurrent use; Run runs one at a time.
type Repo struct {
	p     Params
	cache *rangeCache // nil: none
	pace  *pace       // nil: none

	run  sync.Mutex // held by what stores segments
	open *lru.Cache[uint64, *segment]

	mu      sync.RWMutex
	entries map[uint64]*archive.Manifest // the catalogue
}

// openSegments bounds the segments whose directories stay in memory.
const openSegments = 16

// Open opens the archive and reads the catalogue. The target is not touched.
func Open(p Params) (*Repo, error) {
	if p.Target == nil || p.Dir == "" {
		return nil, types.Errorf(types.CodeConfig, "an archive needs a target and a folder")
	}
	if len(p.Recipients) > 0 && p.Key == nil {
		return nil, types.Errorf(types.CodeConfig, "a node that encrypts its archive needs a key to read it by")
	}
	r := &Repo{p: p, pace: newPace(p.BytesPerSecond), entries: map[uint64]*archive.Manifest{}}
	if r.p.Step == nil {
		r.p.Step = func(Step, uint64) {}
	}
	for _, dir := range []string{r.catalogueDir(), r.stagingDir()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
		}
	}
	if p.CacheBytes > 0 {
		c, err := newRangeCache(filepath.Join(p.Dir, "cache"), p.CacheBytes)
		if err != nil {
			return nil, err
		}
		r.cache = c
	}
	var err error
	if r.open, err = lru.NewWithEvict(openSegments, func(_ uint64, s *segment) { s.drop() }); err != nil {
		return nil, err
	}
	return r, r.readCatalogue()
}

// Target names the target, without credentials.
func (r *Repo) Target() string { return r.p.Target.String() }

// Close lets go of open segments.
func (r *Repo) Close() { r.open.Purge() }

func (r *Repo) catalogueDir() string { return filepath.Join(r.p.Dir, "catalogue") }
func (r *Repo) stagingDir() string   { return filepath.Join(r.p.Dir, "staging") }

func (r *Repo) folder() string { return r.p.Genesis.String()[:16] }

func (r *Repo) manifestName(segment uint64) string {
	return fmt.Sprintf("%s/seg-%08d.json", r.folder(), segment)
}

// keyName is where the key of a stored file is, wrapped for a recipient.
func keyName(file string, to crypto.PublicKey) string {
	return strings.TrimSuffix(file, ".hcs") + "." + types.AddressOf(to).String() + ".key"
}

func (r *Repo) catalogueFile(segment uint64) string {
	return filepath.Join(r.catalogueDir(), fmt.Sprintf("seg-%08d.json", segment))
}

func (r *Repo) readCatalogue() error {
	files, err := filepath.Glob(filepath.Join(r.catalogueDir(), "seg-*.json"))
	if err != nil {
		return err
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return types.Errorf(types.CodeDiskFailure, "%w", err)
		}
		m, err := archive.DecodeManifest(raw)
		if err == nil && (m.Genesis != r.p.Genesis || f != r.catalogueFile(m.Segment)) {
			err = types.Errorf(types.CodeLedgerCorrupt, "it is of another chain or segment")
		}
		if err != nil {
			return types.Errorf(types.CodeOf(err), "%s: %w; delete it to have the segment verified anew", f, err)
		}
		r.entries[m.Segment] = m
		if err := r.clearStaging(m.Segment); err != nil { // of a run that ended just behind this
			return err
		}
	}
	return nil
}

// enter puts a verified segment into the catalogue, durably.
func (r *Repo) enter(m *archive.Manifest) error {
	raw, err := m.Encode()
	if err == nil {
		err = writeFile(r.catalogueFile(m.Segment), raw)
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries[m.Segment] = m
	return nil
}

// Has reports whether a segment is in the catalogue.
func (r *Repo) Has(segment uint64) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.entries[segment] != nil
}

// List returns the catalogue by segment.
func (r *Repo) List() []*archive.Manifest {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]*archive.Manifest, 0, len(r.entries))
	for _, m := range r.entries {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b *archive.Manifest) int { return int(int64(a.Segment) - int64(b.Segment)) })
	return out
}

// Archived is the greatest height up to which every block from one on is archived; the
// height below that one if it is not.
func (r *Repo) Archived(from uint64) uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	from = max(from, 1)
	n := archive.Segment(from)
	if r.entries[n] == nil {
		return from - 1
	}
	for r.entries[n] != nil {
		n++
	}
	return archive.First(n) - 1
}

// manifest reads the manifest of a segment from the target: HC-4402 if there is none.
func (r *Repo) manifest(ctx context.Context, segment uint64) (*archive.Manifest, error) {
	raw, err := r.small(ctx, r.manifestName(segment), archive.MaxManifestBytes)
	if err != nil {
		return nil, err
	}
	m, err := archive.DecodeManifest(raw)
	if err == nil && (m.Genesis != r.p.Genesis || m.Segment != segment) {
		err = types.Errorf(types.CodeLedgerCorrupt, "%s is the manifest of segment %d of chain %s", r.manifestName(segment), m.Segment, m.Genesis)
	}
	return m, err
}

// small reads a small file of the target whole.
func (r *Repo) small(ctx context.Context, name string, limit int64) (_ []byte, err error) {
	f, err := r.p.Target.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if f.Size() > limit {
		return nil, types.Errorf(types.CodeLedgerCorrupt, "%s in %s has %d bytes", name, r.p.Target, f.Size())
	}
	b := make([]byte, f.Size())
	return b, f.ReadRange(ctx, b, 0)
}

// dataKey finds the key of a stored segment; nil if it is not encrypted.
func (r *Repo) dataKey(ctx context.Context, m *archive.Manifest) (*archive.DataKey, error) {
	if m.Cipher == archive.CipherNone {
		return nil, nil
	}
	if r.p.Key == nil {
		return nil, types.Errorf(types.CodeArchiveKey, "segment %d is encrypted, and this node has no archive key", m.Segment)
	}
	raw, err := r.small(ctx, keyName(m.File, r.p.Key.Public()), archive.MaxManifestBytes)
	if types.CodeOf(err) == types.CodeArchiveMissing {
		return nil, types.Errorf(types.CodeArchiveKey, "segment %d is not encrypted to this node's archive key", m.Segment)
	}
	if err != nil {
		return nil, err
	}
	w, err := archive.DecodeWrappedKey(raw)
	if err != nil {
		return nil, err
	}
	if w.File != m.File || w.Genesis != m.Genesis {
		return nil, types.Errorf(types.CodeArchiveKey, "the wrapped key of segment %d is of another file", m.Segment)
	}
	return w.Unwrap(r.p.Key)
}

// writeFile writes a file whole or not at all, durably.
func writeFile(path string, data []byte) (err error) {
	defer func() {
		if err != nil {
			err = types.Errorf(types.CodeDiskFailure, "%w", err)
		}
	}()
	draft := path + "~"
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
