package repo

import (
	"context"
	"fmt"
	"strings"

	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/types"
)

// Found lists the segments that the target holds, from the first on, for a node that has
// nothing else of the chain. HC-4402 names the first that is missing: below another one, or
// all of them.
func (r *Repo) Found(ctx context.Context) ([]uint64, error) {
	there := map[uint64]bool{}
	last := uint64(0)
	prefix := r.folder() + "/seg-"
	err := r.p.Target.List(ctx, prefix, func(name string, _ int64) error {
		var n uint64
		if _, err := fmt.Sscanf(strings.TrimPrefix(name, prefix), "%08d.json", &n); err == nil && name == r.manifestName(n) {
			there[n] = true
			last = max(last, n)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := []uint64{}
	for n := uint64(0); n <= last; n++ {
		if !there[n] {
			return nil, missing(n, fmt.Sprintf("%s in %s", r.manifestName(n), r.p.Target))
		}
		out = append(out, n)
	}
	return out, nil
}

// missing says that a segment is not there: HC-4402.
func missing(n uint64, what string) error {
	return types.Errorf(types.CodeArchiveMissing, "segment %d (blocks %d to %d): %s", n, archive.First(n), archive.First(n+1)-1, what)
}

// TakeUp reads a segment that the target holds and whose root this node has no other word
// of. The whole of it is verified up to the root of its manifest before fn sees the first
// record; then the manifest enters the catalogue. fn judges whether the records are the
// chain's, and is given the manifest for the evidence in it.
func (r *Repo) TakeUp(ctx context.Context, n uint64, progress Progress, fn func(*archive.Manifest, *archive.Record) error) error {
	r.run.Lock()
	defer r.run.Unlock()
	if progress == nil {
		progress = func(string, uint64, uint64, uint64) {}
	}
	err := r.takeUp(ctx, n, progress, fn)
	if err != nil {
		err = types.Errorf(types.CodeOf(err), "segment %d (blocks %d to %d): %w", n, archive.First(n), archive.First(n+1)-1, err)
	}
	return err
}

func (r *Repo) takeUp(ctx context.Context, n uint64, progress Progress, fn func(*archive.Manifest, *archive.Record) error) error {
	m, err := r.manifest(ctx, n)
	if err != nil {
		return err
	}
	if err := checkSum(ctx, r.p.Target, m); err != nil {
		return err
	}
	err = r.readAll(ctx, m, func(rec *archive.Record) error {
		progress(StageVerify, n, rec.Header.Height-m.First+1, archive.SegmentBlocks)
		return nil
	})
	if err != nil {
		return err
	}
	s, err := r.openFile(ctx, m, true)
	if err != nil {
		return err
	}
	defer func() { s.drop(); s.release() }()
	for h := m.First; h <= m.Last; h++ {
		rec, err := s.reader.Record(ctx, h)
		if err != nil {
			return r.named(m, err)
		}
		if err := fn(m, rec); err != nil {
			return err
		}
	}
	return r.enter(m)
}
