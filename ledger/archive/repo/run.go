package repo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/types"
)

// Progress is told how far a segment is: blocks done of all, at a stage.
type Progress func(stage string, segment, done, of uint64)

// Stages of the procedure.
const (
	StageBuild  = "build"
	StageUpload = "upload"
	StageVerify = "verify"
)

// Step is one that is done for a segment and stays done if the node ends here.
type Step string

// The steps in order. After the last one the segment may be deleted from the ledger.
const (
	StepBuilt    Step = "built"    // in the staging folder
	StepUploaded Step = "uploaded" // with its keys
	StepVerified Step = "verified" // read back, every record recomputed up to the root
	StepManifest Step = "manifest" // in the target
	StepEntered  Step = "entered"  // into the catalogue
)

// Outcome is what Run did.
type Outcome struct {
	Stored  []uint64 `json:"stored"`  // segments stored by this node
	Adopted []uint64 `json:"adopted"` // segments that another node had stored, verified here
	Bytes   uint64   `json:"bytes"`   // of the segments stored
	Plain   uint64   `json:"plainBytes"`
}

// Run archives every complete segment from the one that holds height from up to the one
// that holds height to, if that is all at or below to. It goes on where an earlier run
// ended, however that ended. On an error what is in the catalogue stays there.
func (r *Repo) Run(ctx context.Context, c Chain, from, to uint64, progress Progress) (*Outcome, error) {
	r.run.Lock()
	defer r.run.Unlock()
	if progress == nil {
		progress = func(string, uint64, uint64, uint64) {}
	}
	out := &Outcome{Stored: []uint64{}, Adopted: []uint64{}}
	for n := archive.Segment(max(from, 1)); archive.First(n+1)-1 <= to; n++ {
		if r.Has(n) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return out, err
		}
		m, adopted, err := r.one(ctx, c, n, progress)
		if archive.First(n) < from && types.CodeOf(err) == types.CodeHeightUnknown {
			continue // this node lacks blocks of it, and no other has stored it yet: nothing of it is released
		}
		if err != nil {
			return out, types.Errorf(types.CodeOf(err), "segment %d (blocks %d to %d): %w", n, archive.First(n), archive.First(n+1)-1, err)
		}
		if adopted {
			out.Adopted = append(out.Adopted, n)
			continue
		}
		out.Stored = append(out.Stored, n)
		out.Bytes += m.Bytes
		out.Plain += m.Plain
	}
	return out, nil
}

// one archives one segment: build, upload, read back and recompute, manifest, catalogue.
func (r *Repo) one(ctx context.Context, c Chain, n uint64, progress Progress) (m *archive.Manifest, adopted bool, err error) {
	m, err = r.adopt(ctx, c, n, progress)
	if err == nil {
		return m, true, r.clearStaging(n) // what an interrupted run may have left
	}
	if types.CodeOf(err) != types.CodeArchiveMissing {
		return nil, false, err
	}
	s, err := r.staged(n)
	if err != nil {
		return nil, false, err
	}
	if s == nil {
		if s, err = r.build(ctx, c, n, progress); err != nil {
			return nil, false, err
		}
	}
	r.p.Step(StepBuilt, n)
	m = &s.Manifest
	if err := r.upload(ctx, s, progress); err != nil {
		return nil, false, err
	}
	r.p.Step(StepUploaded, n)
	if err := r.verify(ctx, c, m, progress); err != nil {
		return nil, false, err
	}
	r.p.Step(StepVerified, n)
	raw, err := m.Encode()
	if err != nil {
		return nil, false, err
	}
	err = r.p.Target.Put(ctx, r.manifestName(n), int64(len(raw)), crypto.Sum(raw), bytes.NewReader(raw))
	if types.CodeOf(err) == types.CodeArchiveConflict { // another node was faster
		if m, err = r.adopt(ctx, c, n, progress); err == nil {
			return m, true, r.clearStaging(n)
		}
	}
	if err != nil {
		return nil, false, err
	}
	r.p.Step(StepManifest, n)
	if err := r.enter(m); err != nil {
		return nil, false, err
	}
	r.p.Step(StepEntered, n)
	return m, false, r.clearStaging(n)
}

// adopt takes up a segment that the target holds already.
func (r *Repo) adopt(ctx context.Context, c Chain, n uint64, progress Progress) (*archive.Manifest, error) {
	m, err := r.manifest(ctx, n)
	if err != nil {
		return nil, err
	}
	if err := r.verify(ctx, c, m, progress); err != nil {
		return nil, err
	}
	if err := r.enter(m); err != nil {
		return nil, err
	}
	r.p.Step(StepEntered, n)
	return m, nil
}

// stagedSegment is a segment that was built and is not archived yet.
type stagedSegment struct {
	Manifest archive.Manifest      `json:"manifest"`
	Keys     []*archive.WrappedKey `json:"keys"`
}

func (r *Repo) stagedFile(n uint64, ext string) string {
	return filepath.Join(r.stagingDir(), fmt.Sprintf("seg-%08d%s", n, ext))
}

// staged reads what an interrupted run built; nil if it built nothing whole, or for other
// recipients than now.
func (r *Repo) staged(n uint64) (*stagedSegment, error) {
	raw, err := os.ReadFile(r.stagedFile(n, ".json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	s := &stagedSegment{}
	if err := json.Unmarshal(raw, s); err != nil {
		return nil, r.clearStaging(n)
	}
	want := r.recipients()
	same := len(want) == len(s.Keys) && s.Manifest.Segment == n && s.Manifest.Genesis == r.p.Genesis
	for i := range want {
		same = same && s.Keys[i].Recipient == want[i]
	}
	if st, err := os.Stat(r.stagedFile(n, ".hcs")); !same || err != nil || uint64(st.Size()) != s.Manifest.Bytes {
		return nil, r.clearStaging(n)
	}
	return s, nil
}

func (r *Repo) clearStaging(n uint64) error {
	for _, ext := range []string{".json", ".hcs", ".draft"} {
		if err := os.Remove(r.stagedFile(n, ext)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return types.Errorf(types.CodeDiskFailure, "%w", err)
		}
	}
	return nil
}

// recipients are those that a segment is encrypted to; none for plaintext.
func (r *Repo) recipients() []crypto.PublicKey {
	if r.p.Key == nil {
		return nil
	}
	out := []crypto.PublicKey{r.p.Key.Public()}
	for _, k := range r.p.Recipients {
		if k != out[0] {
			out = append(out, k)
		}
	}
	return out
}

// build makes a segment in the staging folder.
func (r *Repo) build(ctx context.Context, c Chain, n uint64, progress Progress) (*stagedSegment, error) {
	if err := r.clearStaging(n); err != nil {
		return nil, err
	}
	root, err := c.SegmentRoot(n)
	if err != nil {
		return nil, err
	}
	evidence, err := c.SegmentEvidence(n)
	if err != nil {
		return nil, err
	}
	s := &stagedSegment{Manifest: archive.Manifest{Format: archive.ManifestFormat, Genesis: r.p.Genesis, Segment: n,
		First: archive.First(n), Last: archive.First(n+1) - 1, Root: root, Cipher: archive.CipherNone, Evidence: *evidence}}
	var data *archive.DataKey
	var key *envelope.Key
	if len(r.recipients()) > 0 {
		s.Manifest.Cipher = archive.CipherSM4
		if data, err = archive.NewDataKey(); err == nil {
			key, err = data.Envelope()
		}
		if err != nil {
			return nil, err
		}
	}
	if err := r.write(ctx, c, &s.Manifest, key, progress); err != nil {
		return nil, err
	}
	for _, to := range r.recipients() {
		w, err := data.Wrap(r.p.Genesis, n, s.Manifest.File, to)
		if err != nil {
			return nil, err
		}
		s.Keys = append(s.Keys, w)
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return s, writeFile(r.stagedFile(n, ".json"), raw)
}

// write writes the file of a segment and fills in what the manifest says of it.
func (r *Repo) write(ctx context.Context, c Chain, m *archive.Manifest, key *envelope.Key, progress Progress) (err error) {
	draft := r.stagedFile(m.Segment, ".draft")
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(draft))
		}
	}()
	w, err := archive.NewWriter(f, m.Identity(), key)
	if err != nil {
		return err
	}
	for h := m.First; h <= m.Last; h++ {
		rec, err := c.Record(h)
		if err != nil {
			return err
		}
		if err := r.pace.wait(ctx, rec); err != nil {
			return err
		}
		if err := w.Add(rec); err != nil {
			return err
		}
		m.Txs += uint64(len(rec.Txs))
		if h == m.First {
			m.FirstMs = rec.Header.Time / 1e6
		}
		m.LastMs = rec.Header.Time / 1e6
		progress(StageBuild, m.Segment, h-m.First+1, archive.SegmentBlocks)
	}
	info, err := w.Close()
	if err != nil {
		return err
	}
	m.Bytes, m.Plain, m.Sum = info.Bytes, info.Plain, info.Sum
	m.File = fmt.Sprintf("%s/seg-%08d-%s.hcs", r.folder(), m.Segment, m.Sum.String()[:8])
	if err := f.Sync(); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	if err := f.Close(); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	if err := os.Rename(draft, r.stagedFile(m.Segment, ".hcs")); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return nil
}

// upload puts keys and segment into the target. It is repeated to the same effect.
func (r *Repo) upload(ctx context.Context, s *stagedSegment, progress Progress) error {
	m := &s.Manifest
	for _, w := range s.Keys {
		if err := r.putKey(ctx, w); err != nil {
			return err
		}
	}
	f, err := os.Open(r.stagedFile(m.Segment, ".hcs"))
	if err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	progress(StageUpload, m.Segment, 0, archive.SegmentBlocks)
	return r.p.Target.Put(ctx, m.File, int64(m.Bytes), m.Sum, f)
}

// putKey stores a wrapped key.
func (r *Repo) putKey(ctx context.Context, w *archive.WrappedKey) error {
	raw, err := w.Encode()
	if err != nil {
		return err
	}
	return r.p.Target.Put(ctx, keyName(w.File, w.Recipient), int64(len(raw)), crypto.Sum(raw), bytes.NewReader(raw))
}
