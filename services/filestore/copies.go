package filestore

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive/target"
	"github.com/huchain/huchain/types"
)

// Kinds of faults of a copy.
const (
	faultMissing     = "missing"
	faultCorrupt     = "corrupt"
	faultUnreachable = "unreachable"
)

// ranked returns the targets in the order in which an object belongs on them: rendezvous
// hashing (Thaler and Ravishankar 1998). The first Copies of them are to hold it.
func (s *Store) ranked(name string) []*place {
	type score struct {
		at     *place
		weight uint64
	}
	places := *s.places.Load()
	scores := make([]score, len(places))
	for i, p := range places {
		h := crypto.Sum(p.seed[:], []byte(name))
		scores[i] = score{p, binary.BigEndian.Uint64(h[:8])}
	}
	slices.SortFunc(scores, func(a, b score) int {
		if a.weight != b.weight {
			return cmp.Compare(b.weight, a.weight)
		}
		return strings.Compare(a.at.Name, b.at.Name)
	})
	out := make([]*place, len(scores))
	for i, sc := range scores {
		out[i] = sc.at
	}
	return out
}

func (s *Store) resting(p *place) bool { return p.restUntil.Load() > s.p.Now().UnixNano() }

// failed notes that a target could not be used.
func (s *Store) failed(p *place) {
	s.metrics.faults.WithLabelValues(p.Name, faultUnreachable).Inc()
	p.restUntil.Store(s.p.Now().Add(s.p.RestAfter).UnixNano())
}

// spread stores an object, whose SM3 is given, on Copies targets, each of which confirms it by reading it back.
// A target that fails is replaced by the next: HC-4504 if too few are left.
func (s *Store) spread(ctx context.Context, name string, sum crypto.Hash, b []byte) error {
	order := s.ranked(name)
	slices.SortStableFunc(order, func(a, b *place) int { return rank(s.resting(a)) - rank(s.resting(b)) })
	next, good := 0, 0
	var failures []error
	for good < s.p.Copies && next < len(order) {
		batch := order[next:min(next+s.p.Copies-good, len(order))]
		next += len(batch)
		errs := make([]error, len(batch))
		var wg sync.WaitGroup
		for i, p := range batch {
			wg.Go(func() { errs[i] = s.write(ctx, p, name, sum, b) })
		}
		wg.Wait()
		for i, err := range errs {
			switch {
			case err == nil:
				good++
			case ctx.Err() != nil:
				return ctx.Err()
			default:
				failures = append(failures, fmt.Errorf("%s: %w", batch[i].Name, err))
				s.failed(batch[i])
			}
		}
	}
	if good < s.p.Copies {
		return types.Errorf(types.CodeFileTargets, "%d of %d copies: %w", good, s.p.Copies, errors.Join(failures...))
	}
	return nil
}

func rank(resting bool) int {
	if resting {
		return 1
	}
	return 0
}

// write puts a copy on a target. A bad one of that name, which nothing was ever confirmed
// for under other bytes, is replaced.
func (s *Store) write(ctx context.Context, p *place, name string, sum crypto.Hash, b []byte) error {
	err := p.Target.Put(ctx, name, int64(len(b)), sum, bytes.NewReader(b))
	if types.CodeOf(err) != types.CodeArchiveConflict {
		return err
	}
	return p.Target.Replace(ctx, name, int64(len(b)), sum, bytes.NewReader(b))
}

// fault is a copy that could not be used.
type fault struct {
	at   *place
	kind string
}

// fetch reads an object from the target that has the fewest reads under way, of those that
// should hold it, then from any other, until one gives bytes that check accepts. Bad and
// missing copies are then written anew. Errors: HC-4501 if it is nowhere, HC-4503 if no copy
// is good, HC-4504 if targets that may hold a good one cannot be reached.
func (s *Store) fetch(ctx context.Context, name string, limit int64, check func([]byte) error) ([]byte, error) {
	order := s.ranked(name)
	s.balance(order[:s.p.Copies])
	slices.SortStableFunc(order, func(a, b *place) int { return rank(s.resting(a)) - rank(s.resting(b)) })
	var faults []fault
	var details []error
	absent, away := 0, 0
	for _, p := range order {
		b, kind, err := s.read(ctx, p, name, limit, check)
		if err == nil {
			s.mend(ctx, name, b, faults)
			return b, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		switch kind {
		case faultMissing:
			absent++
		case faultUnreachable:
			away++
		}
		if kind != faultMissing {
			details = append(details, fmt.Errorf("%s: %s: %w", p.Name, kind, err))
		}
		faults = append(faults, fault{p, kind})
	}
	switch {
	case absent+away == len(order) && away < s.p.Copies: // one of its copies would have been met
		return nil, types.Errorf(types.CodeFileMissing, "%s", name)
	case away > 0:
		return nil, types.Errorf(types.CodeFileTargets, "%s: %w", name, errors.Join(details...))
	}
	return nil, types.Errorf(types.CodeFileDamaged, "%s: %w", name, errors.Join(details...))
}

// balance orders targets by how many reads are under way, and equally busy ones in turns.
func (s *Store) balance(order []*place) {
	n := int(s.turn.Add(1)) % len(order)
	slices.Reverse(order[:n])
	slices.Reverse(order[n:])
	slices.Reverse(order)
	slices.SortStableFunc(order, func(a, b *place) int { return int(a.reading.Load() - b.reading.Load()) })
}

// read reads a copy and says what is wrong with it.
func (s *Store) read(ctx context.Context, p *place, name string, limit int64, check func([]byte) error) (_ []byte, kind string, err error) {
	p.reading.Add(1)
	defer p.reading.Add(-1)
	f, err := p.Target.Open(ctx, name)
	if err != nil {
		if types.CodeOf(err) == types.CodeArchiveMissing {
			return nil, faultMissing, err
		}
		s.failed(p)
		return nil, faultUnreachable, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if f.Size() > limit {
		s.metrics.faults.WithLabelValues(p.Name, faultCorrupt).Inc()
		return nil, faultCorrupt, fmt.Errorf("%d bytes, at most %d", f.Size(), limit)
	}
	b := make([]byte, f.Size())
	if err := f.ReadRange(ctx, b, 0); err != nil {
		s.failed(p)
		return nil, faultUnreachable, err
	}
	s.metrics.readBytes.WithLabelValues(p.Name).Add(float64(len(b)))
	if err := check(b); err != nil {
		s.metrics.faults.WithLabelValues(p.Name, faultCorrupt).Inc()
		return nil, faultCorrupt, err
	}
	return b, "", nil
}

// mend writes an object to targets whose copy is bad, or that should have one and do not.
// What fails is left to the next scrub.
func (s *Store) mend(ctx context.Context, name string, b []byte, faults []fault) {
	if len(faults) == 0 || s.leaving(ctx, name) {
		return
	}
	wanted := s.ranked(name)[:s.p.Copies]
	for _, f := range faults {
		if f.kind == faultUnreachable || f.kind == faultMissing && !slices.Contains(wanted, f.at) {
			continue
		}
		if f.kind == faultMissing {
			s.metrics.faults.WithLabelValues(f.at.Name, faultMissing).Inc()
		}
		s.repair(ctx, f.at, name, b)
	}
}

// leaving reports whether an object is the manifest of a file whose removal was ordered, so
// that a read under way does not bring it back.
func (s *Store) leaving(ctx context.Context, name string) bool {
	digits, ok := strings.CutPrefix(name, "m/")
	if !ok {
		return false
	}
	id, err := crypto.ParseHash(digits[len("xx/"):])
	return err == nil && s.ordered(ctx, id)
}

// repair writes one copy anew and reports whether it stands.
func (s *Store) repair(ctx context.Context, p *place, name string, b []byte) bool {
	if err := s.write(ctx, p, name, crypto.Sum(b), b); err != nil {
		if ctx.Err() == nil {
			s.failed(p)
			s.log.Warn("a copy cannot be written anew", "target", p.Name, "object", name, "error", err)
		}
		return false
	}
	s.metrics.repairs.WithLabelValues(p.Name).Inc()
	s.log.Info("a copy is written anew", "target", p.Name, "object", name)
	return true
}

// load reads a signed object: HC-4501, HC-4503.
func (s *Store) load(ctx context.Context, name string, o signedObject) error {
	_, err := s.fetch(ctx, name, maxSignedBytes, func(b []byte) error { return s.decode(name, b, o) })
	return err
}

// isChunk accepts the bytes that a chunk's name tells.
func isChunk(sum crypto.Hash) func([]byte) error {
	return func(b []byte) error {
		if crypto.Sum(b) != sum {
			return errors.New("the bytes are not those the name tells")
		}
		return nil
	}
}

// holdsChunk is nil if a copy is there and good; its bytes are not kept.
func holdsChunk(ctx context.Context, t Target, sum crypto.Hash) error {
	got, err := target.Sum(ctx, t, chunkName(sum))
	if err == nil && got != sum {
		err = errors.New("the bytes are not those the name tells")
	}
	return err
}
