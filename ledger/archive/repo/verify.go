package repo

import (
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/archive/target"
	"github.com/huchain/huchain/types"
)

// verify reads a stored segment back and recomputes it up to the root that the chain knows.
func (r *Repo) verify(ctx context.Context, c Chain, m *archive.Manifest, progress Progress) error {
	if err := trusted(c, m); err != nil {
		return err
	}
	return r.readAll(ctx, m, func(rec *archive.Record) error {
		progress(StageVerify, m.Segment, rec.Header.Height-m.First+1, archive.SegmentBlocks)
		return nil
	})
}

// trusted checks a manifest's root against the chain: by the root that the ledger computed
// itself, or, of a segment that was complete before this ledger began, by a header it has.
func trusted(c Chain, m *archive.Manifest) error {
	root, err := c.SegmentRoot(m.Segment)
	switch {
	case err == nil && root == m.Root:
		return nil
	case err == nil:
		return types.Errorf(types.CodeLedgerCorrupt, "the stored manifest has the root %s, the chain %s", m.Root, root)
	case types.CodeOf(err) != types.CodeNotFound:
		return err
	}
	h, err := c.Header(m.Evidence.Header.Height)
	if err != nil {
		return err
	}
	if h.Hash() != m.Evidence.Header.Hash() {
		return types.Errorf(types.CodeLedgerCorrupt, "the stored manifest ends in a header that is not of this chain")
	}
	return nil
}

// readAll reads a stored segment from end to end: file, records, root.
func (r *Repo) readAll(ctx context.Context, m *archive.Manifest, fn func(*archive.Record) error) error {
	s, err := r.openFile(ctx, m, true)
	if err != nil {
		return err
	}
	defer func() { s.drop(); s.release() }()
	return r.named(m, s.reader.Verify(ctx, m.Identity(), func(rec *archive.Record) error {
		if err := r.pace.wait(ctx, rec); err != nil || fn == nil {
			return err
		}
		return fn(rec)
	}))
}

// Finding is what is wrong with an archived segment.
type Finding struct {
	Segment uint64 `json:"segment"`
	File    string `json:"file"`
	Code    string `json:"code"`
	What    string `json:"what"`
}

// Report is the outcome of checking an archive.
type Report struct {
	Segments uint64    `json:"segments"`
	Blocks   uint64    `json:"blocks"`
	Txs      uint64    `json:"txs"`
	Bytes    uint64    `json:"bytes"`
	Findings []Finding `json:"findings"`
}

// Verify reads archived segments back from the target and recomputes every record: those
// listed, or all from the first of the catalogue to its last. What is wrong, missing segments
// included, is in the report; the error tells that the check could not be made: HC-4406 while
// nothing is archived, so that nobody takes it for a check that found nothing wrong.
func (r *Repo) Verify(ctx context.Context, segments []uint64, progress Progress) (*Report, error) {
	if progress == nil {
		progress = func(string, uint64, uint64, uint64) {}
	}
	rep := &Report{Findings: []Finding{}}
	all := segments == nil
	if all {
		list, err := r.listed()
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			for n := m.Segment; len(segments) > 0 && segments[len(segments)-1]+1 < n; {
				segments = append(segments, segments[len(segments)-1]+1)
			}
			segments = append(segments, m.Segment)
		}
	}
	for _, n := range segments {
		r.mu.RLock()
		m := r.entries[n]
		r.mu.RUnlock()
		if m == nil && all {
			err := missing(n, "the catalogue has none between those before and after it")
			rep.Findings = append(rep.Findings, Finding{n, r.manifestName(n), types.CodeOf(err).String(), err.Error()})
			continue
		}
		if m == nil {
			return rep, types.Errorf(types.CodeNotFound, "segment %d is not in the catalogue", n)
		}
		err := r.check(ctx, m, rep, progress)
		if ctx.Err() != nil {
			return rep, ctx.Err()
		}
		rep.Segments++
		if err != nil {
			rep.Findings = append(rep.Findings, Finding{n, m.File, types.CodeOf(err).String(), err.Error()})
		}
	}
	return rep, nil
}

// Try makes sure that the target can be listed, and that the newest segment of the catalogue
// is there with its manifest and a key that this node opens; known is false while there is
// none. It reads some kilobytes and writes nothing: HC-4402, HC-4403, or HC-4101 where it is not
// the segment that was stored.
func (r *Repo) Try(ctx context.Context) (known bool, err error) {
	enough := errors.New("one is enough")
	if err := r.p.Target.List(ctx, r.folder()+"/", func(string, int64) error { return enough }); err != nil && !errors.Is(err, enough) {
		return false, err
	}
	list := r.List()
	if len(list) == 0 {
		return false, nil
	}
	m := list[len(list)-1]
	if err := r.sameManifest(ctx, m); err != nil {
		return true, err
	}
	f, err := r.p.Target.Open(ctx, m.File)
	if err != nil {
		return true, err
	}
	size := f.Size()
	if err := f.Close(); err != nil {
		return true, err
	}
	if uint64(size) != m.Bytes {
		return true, types.Errorf(types.CodeLedgerCorrupt, "%s in %s has %d bytes, its manifest says %d", m.File, r.p.Target, size, m.Bytes)
	}
	_, err = r.dataKey(ctx, m)
	return true, err
}

// sameManifest compares the stored manifest of a segment with the catalogue's.
func (r *Repo) sameManifest(ctx context.Context, m *archive.Manifest) error {
	stored, err := r.manifest(ctx, m.Segment)
	if err == nil && (stored.Root != m.Root || stored.File != m.File || stored.Sum != m.Sum) {
		err = types.Errorf(types.CodeLedgerCorrupt, "the manifest in %s is not the one of the catalogue", r.p.Target)
	}
	return err
}

func (r *Repo) check(ctx context.Context, m *archive.Manifest, rep *Report, progress Progress) error {
	if err := r.sameManifest(ctx, m); err != nil {
		return err
	}
	if err := checkSum(ctx, r.p.Target, m); err != nil {
		return err
	}
	return r.readAll(ctx, m, func(rec *archive.Record) error {
		rep.Blocks++
		rep.Txs += uint64(len(rec.Txs))
		for _, t := range rec.Txs {
			rep.Bytes += uint64(len(t))
		}
		progress(StageVerify, m.Segment, rec.Header.Height-m.First+1, archive.SegmentBlocks)
		return nil
	})
}

// checkSum compares a whole stored file with its manifest.
func checkSum(ctx context.Context, t target.Target, m *archive.Manifest) error {
	got, err := target.Sum(ctx, t, m.File)
	if err == nil && got != m.Sum {
		err = types.Errorf(types.CodeLedgerCorrupt, "%s in %s was altered: its SM3 is %s, its manifest says %s", m.File, t, got, m.Sum)
	}
	return err
}

// listed is the catalogue: HC-4406 while it is empty.
func (r *Repo) listed() ([]*archive.Manifest, error) {
	list := r.List()
	if len(list) == 0 {
		return nil, types.Errorf(types.CodeArchiveEmpty, "the catalogue in %s lists no segment of %s", r.p.Dir, r.p.Target)
	}
	return list, nil
}

// DrillReport tells of one drill.
type DrillReport struct {
	Segment uint64  `json:"segment"`
	Seconds float64 `json:"seconds"`
	Report
}

// Drill restores a segment chosen at random as an operator would have to, from the target
// alone, and checks all of it. HC-4406 while nothing is archived.
func (r *Repo) Drill(ctx context.Context, progress Progress) (*DrillReport, error) {
	list, err := r.listed()
	if err != nil {
		return nil, err
	}
	i, err := rand.Int(rand.Reader, big.NewInt(int64(len(list))))
	if err != nil {
		return nil, err
	}
	start := time.Now()
	n := list[i.Int64()].Segment
	rep, err := r.Verify(ctx, []uint64{n}, progress)
	if err != nil {
		return nil, err
	}
	return &DrillReport{Segment: n, Seconds: time.Since(start).Seconds(), Report: *rep}, nil
}

// Restore calls fn for every record of an archived segment in order, verified up to the
// segment's root before fn sees the first of them.
func (r *Repo) Restore(ctx context.Context, n uint64, fn func(*archive.Record) error) error {
	if _, err := r.verified(ctx, n); err != nil {
		return err
	}
	r.open.Remove(n) // what was opened before may be another file than the one just verified
	for h := archive.First(n); h < archive.First(n+1); h++ {
		rec, err := r.Record(ctx, h)
		if err != nil {
			return err
		}
		if err := fn(rec); err != nil {
			return err
		}
	}
	return nil
}

func (r *Repo) verified(ctx context.Context, n uint64) (*archive.Manifest, error) {
	r.mu.RLock()
	m := r.entries[n]
	r.mu.RUnlock()
	if m == nil {
		return nil, types.Errorf(types.CodeNotFound, "segment %d is not in the catalogue", n)
	}
	return m, r.readAll(ctx, m, nil)
}

// Rewrap gives the archived segments that this node can open to another key as well. The
// segments stay as they are. It returns for how many that was not so before; HC-4406 while nothing is archived.
func (r *Repo) Rewrap(ctx context.Context, to crypto.PublicKey) (int, error) {
	list, err := r.listed()
	if err != nil {
		return 0, err
	}
	n := 0
	for _, m := range list {
		if m.Cipher == archive.CipherNone {
			continue
		}
		_, err := r.small(ctx, keyName(m.File, to), archive.MaxManifestBytes)
		if err == nil {
			continue
		}
		if types.CodeOf(err) != types.CodeArchiveMissing {
			return n, err
		}
		data, err := r.dataKey(ctx, m)
		if err != nil {
			return n, err
		}
		w, err := data.Wrap(m.Genesis, m.Segment, m.File, to)
		if err == nil {
			err = r.putKey(ctx, w)
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
