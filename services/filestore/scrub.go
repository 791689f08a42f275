package filestore

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/types"
)

// Report is what a scrub found and did.
type Report struct {
	Files       int           `json:"files"`
	Copies      int           `json:"copies"` // good ones, after repair
	Missing     int           `json:"missing"`
	Corrupt     int           `json:"corrupt"`
	Repaired    int           `json:"repaired"`
	Swept       int           `json:"swept"` // objects that belonged to no file
	Lost        []crypto.Hash `json:"lost"`  // files without a good copy of some part on the targets that were reached
	Unreachable []string      `json:"unreachable"`
}

// scrub is one run.
type scrub struct {
	s      *Store
	places []*place // that can be listed
	pace   *rate.Limiter

	mu     sync.Mutex // guards what follows
	report Report
	files  map[crypto.Hash]bool        // whether they are lost
	chunks map[crypto.Hash]crypto.Hash // to their files; those seen good are deleted
	extra  []string                    // objects of no file
}

// objectCost is what reading a copy takes at least, in bytes: finding and opening it takes a
// disk as long as reading so much, so that many small files are read slowly too.
const objectCost = 64 << 10

// Scrub reads every copy on every target that can be reached, at most ScrubBytesPerSecond,
// writes missing and altered ones anew from good ones until Copies of each stand, finishes
// removals, and sweeps what belongs to no file for longer than an upload may last. One that
// was cut before goes on with the chunks behind those it had read; what it had found counts.
// It holds the names of all files and chunks in memory, some 200 bytes each. One scrub runs
// at a time. The error is that of ctx, or HC-4504 if no target can be reached.
func (s *Store) Scrub(ctx context.Context) (*Report, error) {
	s.scrubbing.Lock()
	defer s.scrubbing.Unlock()
	r := &scrub{s: s, files: map[crypto.Hash]bool{}, chunks: map[crypto.Hash]crypto.Hash{}}
	if n := s.p.ScrubBytesPerSecond; n > 0 {
		r.pace = rate.NewLimiter(rate.Limit(n), int(n))
	}
	r.places = s.reachable(ctx, &r.report.Unreachable)
	if len(r.places) == 0 {
		return nil, types.Errorf(types.CodeFileTargets, "none of %d can be listed", len(*s.places.Load()))
	}
	for _, kind := range []string{"t", "m", "k"} {
		if err := r.kind(ctx, kind); err != nil {
			return nil, err
		}
	}
	if err := r.data(ctx); err != nil {
		return nil, err
	}
	for _, id := range r.chunks { // on no target, or bad on all
		r.files[id] = true
	}
	r.report.Lost = []crypto.Hash{}
	for id, lost := range r.files {
		if lost {
			r.report.Lost = append(r.report.Lost, id)
		}
	}
	slices.SortFunc(r.report.Lost, func(a, b crypto.Hash) int { return bytes.Compare(a[:], b[:]) })
	r.report.Files = len(r.files)
	s.metrics.lost.Set(float64(len(r.report.Lost)))
	s.saveProgress(&progress{Ended: s.p.Now().UTC()})
	return &r.report, r.sweep(ctx)
}

// kind scrubs the objects of a kind that says what is there: orders, manifests, grants.
func (r *scrub) kind(ctx context.Context, kind string) error {
	all, err := listing(ctx, r.places, kind)
	if err != nil {
		return err
	}
	return r.batch(ctx, kind, names(all), all)
}

// batch scrubs some objects, ScrubWorkers at a time.
func (r *scrub) batch(ctx context.Context, kind string, list []string, all map[string]held) error {
	work := make(chan string)
	var wg sync.WaitGroup
	for range r.s.p.ScrubWorkers {
		wg.Go(func() {
			for name := range work {
				at := those(r.places, all[name].places)
				if r.wait(ctx, max(all[name].size, objectCost)*int64(len(at))) == nil {
					r.object(ctx, kind, name, at)
				}
			}
		})
	}
	for _, name := range list {
		if ctx.Err() != nil {
			break
		}
		work <- name
	}
	close(work)
	wg.Wait()
	return ctx.Err()
}

// wait returns when so many bytes may be read.
func (r *scrub) wait(ctx context.Context, n int64) error {
	for r.pace != nil && n > 0 {
		part := min(n, int64(r.pace.Burst()))
		if err := r.pace.WaitN(ctx, int(part)); err != nil {
			return err
		}
		n -= part
	}
	return ctx.Err()
}

// idOf is the file or the sum that an object's name tells.
func idOf(name string) (crypto.Hash, bool) {
	if len(name) <= len("x/xx/") {
		return crypto.Hash{}, false
	}
	digits, _, _ := strings.Cut(name[len("x/xx/"):], "/")
	id, err := crypto.ParseHash(digits)
	return id, err == nil
}

// object scrubs one object, of which targets say that they have it.
func (r *scrub) object(ctx context.Context, kind, name string, at []*place) {
	id, ok := idOf(name)
	if !ok {
		return // not of ours
	}
	if kind == "c" {
		r.chunk(ctx, name, id, at)
		return
	}
	defer r.s.hold(id)()
	switch kind {
	case "t":
		b, good, bad := r.examine(ctx, name, at, func(b []byte) error { return r.s.decode(name, b, &order{}) })
		r.restore(ctx, name, b, good, bad)
	case "m":
		r.manifest(ctx, name, id, at)
	default:
		r.mu.Lock()
		_, known := r.files[id]
		r.mu.Unlock()
		if !known {
			r.orphan(name)
			return
		}
		b, good, bad := r.examine(ctx, name, at, func(b []byte) error { return r.s.decode(name, b, &grant{}) })
		r.restore(ctx, name, b, good, bad)
	}
}

// manifest scrubs a manifest and notes its chunks, or finishes the file's removal.
func (r *scrub) manifest(ctx context.Context, name string, id crypto.Hash, at []*place) {
	m := &manifest{}
	b, good, bad := r.examine(ctx, name, at, func(b []byte) error {
		got := &manifest{}
		err := r.s.decode(name, b, got)
		if err == nil {
			m = got
		}
		return err
	})
	if r.s.ordered(ctx, id) {
		m.ID = id
		if err := r.s.erase(ctx, m); err != nil {
			r.s.log.Warn("a removed file has copies left", "file", id.String(), "error", err)
		}
		return
	}
	r.mu.Lock()
	r.files[id] = len(good) == 0
	for _, sum := range m.Chunks {
		r.chunks[sum] = id
	}
	r.mu.Unlock()
	r.restore(ctx, name, b, good, bad)
}

// ordered reports whether the removal of a file was ordered.
func (s *Store) ordered(ctx context.Context, id crypto.Hash) bool {
	var o order
	return s.load(ctx, orderName(id), &o) == nil
}

// chunk scrubs a chunk.
func (r *scrub) chunk(ctx context.Context, name string, sum crypto.Hash, at []*place) {
	r.mu.Lock()
	_, known := r.chunks[sum]
	r.mu.Unlock()
	if !known {
		r.orphan(name)
		return
	}
	var good, bad []*place
	for _, p := range at {
		if err := holdsChunk(ctx, p.Target, sum); err == nil {
			good = append(good, p)
		} else if ctx.Err() == nil {
			bad = append(bad, p)
		}
	}
	if len(good) == 0 {
		return // stays in r.chunks: lost
	}
	r.mu.Lock()
	delete(r.chunks, sum)
	r.mu.Unlock()
	if len(bad) == 0 && len(good) >= min(r.s.p.Copies, len(r.places)) {
		r.count(len(good), 0, 0, 0)
		return
	}
	b, _, err := r.s.read(ctx, good[0], name, maxChunkBytes+envelope.Overhead, isChunk(sum))
	if err == nil {
		r.restore(ctx, name, b, good, bad)
	}
}

// examine reads all copies of an object that is small.
func (r *scrub) examine(ctx context.Context, name string, at []*place, check func([]byte) error) (content []byte, good, bad []*place) {
	for _, p := range at {
		b, _, err := r.s.read(ctx, p, name, maxSignedBytes, check)
		switch {
		case err == nil:
			content, good = b, append(good, p)
		case ctx.Err() == nil:
			bad = append(bad, p)
		}
	}
	return content, good, bad
}

// restore replaces bad copies and adds missing ones until enough stand. Without a good one
// nothing is touched: what is bad to us may be read by somebody wiser.
func (r *scrub) restore(ctx context.Context, name string, b []byte, good, bad []*place) {
	if len(good) == 0 {
		r.count(0, 0, len(bad), 0)
		return
	}
	want := min(r.s.p.Copies, len(r.places))
	stand, missing, repaired := len(good), max(want-len(good)-len(bad), 0), 0
	for _, p := range r.s.ranked(name) {
		switch {
		case !slices.Contains(r.places, p) || slices.Contains(good, p):
		case stand < want:
			if r.s.repair(ctx, p, name, b) {
				stand++
				repaired++
			}
		case slices.Contains(bad, p): // enough stand elsewhere
			if err := p.Target.Remove(ctx, name); err != nil {
				r.s.failed(p)
			}
		}
	}
	r.count(stand, missing, len(bad), repaired)
}

func (r *scrub) count(copies, missing, corrupt, repaired int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Copies += copies
	r.report.Missing += missing
	r.report.Corrupt += corrupt
	r.report.Repaired += repaired
}

func (r *scrub) orphan(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.extra = append(r.extra, name)
}

// sweep removes objects that belong to no file and did not at a scrub before, longer ago
// than an upload may last: an upload under way has chunks and no manifest yet. Where a
// target cannot be reached nothing is swept, since the manifest may stand there.
func (r *scrub) sweep(ctx context.Context) error {
	s, now := r.s, r.s.p.Now()
	before := s.orphans
	s.orphans = make(map[string]time.Time, len(r.extra))
	for _, name := range r.extra {
		first, ok := before[name]
		if !ok {
			first = now
		}
		s.orphans[name] = first
		if !ok || now.Sub(first) <= s.p.UploadTimeout || len(r.report.Unreachable) > 0 {
			continue
		}
		for _, p := range r.places {
			if err := p.Target.Remove(ctx, name); err != nil {
				return fmt.Errorf("sweep %s: %w", p.Name, err)
			}
		}
		delete(s.orphans, name)
		r.report.Swept++
	}
	return ctx.Err()
}
