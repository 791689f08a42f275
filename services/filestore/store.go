package filestore

import (
	"context"
	"log/slog"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Store is an open file store. Its methods are safe for concurrent use.
type Store struct {
	p       Params
	key     Key
	log     *slog.Logger
	metrics *metrics
	places  atomic.Pointer[[]*place]
	turn    atomic.Uint64 // of reads, where targets are equally busy
	buffers sync.Pool     // *[]byte of chunks

	mu     sync.Mutex // guards what follows
	busy   map[crypto.Hash]*lock
	cancel context.CancelFunc
	done   chan struct{}

	scrubbing sync.Mutex // one scrub at a time; guards orphans
	orphans   map[string]time.Time
}

// lock is held on a file while its manifest, keys or order change.
type lock struct {
	sync.Mutex
	waiting int
}

// place is a target in use.
type place struct {
	Place
	seed      crypto.Hash
	reading   atomic.Int64
	restUntil atomic.Int64 // Unix nanoseconds
}

var placeName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// New opens a store over targets, of which there must be at least Copies. Nothing is read
// or written yet. Metrics go to reg, which may be nil.
func New(p Params, key Key, places []Place, log *slog.Logger, reg prometheus.Registerer) (*Store, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	s := &Store{p: p, key: key, log: log, metrics: newMetrics(reg), busy: map[crypto.Hash]*lock{}, orphans: map[string]time.Time{}}
	s.buffers.New = func() any { b := make([]byte, 0, p.ChunkBytes+64); return &b }
	return s, s.SetPlaces(places)
}

// SetPlaces changes the targets. What stood on those that left is written to others by the
// next Scrub.
func (s *Store) SetPlaces(places []Place) error {
	if len(places) < s.p.Copies || len(places) > maxTargets {
		return types.Errorf(types.CodeConfig, "file store: %d targets, %d to %d needed for %d copies", len(places), s.p.Copies, maxTargets, s.p.Copies)
	}
	var out []*place
	names := map[string]bool{}
	for _, pl := range places {
		if !placeName.MatchString(pl.Name) || names[pl.Name] {
			return types.Errorf(types.CodeConfig, "file store: target %q: names are a-z, 0-9 and hyphens, each once", pl.Name)
		}
		names[pl.Name] = true
		pl.Target = &marked{Target: pl.Target, s: s, name: pl.Name}
		out = append(out, &place{Place: pl, seed: crypto.Sum([]byte("huchain/filestore-place/1"), []byte(pl.Name))})
	}
	s.places.Store(&out)
	return nil
}

// Start scrubs every ScrubEvery until Stop; a scrub that the last process did not end goes
// on at once.
func (s *Store) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil || s.p.ScrubEvery == 0 {
		return nil
	}
	ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.done = make(chan struct{})
	go s.run(ctx, s.done)
	return nil
}

func (s *Store) run(ctx context.Context, done chan struct{}) {
	defer close(done)
	next := time.NewTimer(s.untilScrub())
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		report, err := s.Scrub(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.Error("files cannot be scrubbed", "code", types.CodeOf(err).String(), "error", err)
		case len(report.Lost) > 0 || len(report.Unreachable) > 0:
			s.log.Error("files are damaged", "lost", len(report.Lost), "unreachable", report.Unreachable, "repaired", report.Repaired)
		default:
			s.log.Info("files are scrubbed", "files", report.Files, "copies", report.Copies, "repaired", report.Repaired, "swept", report.Swept)
		}
		next.Reset(s.p.ScrubEvery)
	}
}

// Stop ends scrubbing; what is under way stops between two objects.
func (s *Store) Stop(ctx context.Context) error {
	s.mu.Lock()
	cancel, done := s.cancel, s.done
	s.cancel = nil
	s.mu.Unlock()
	if cancel == nil {
		return nil
	}
	cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hold locks a file against changes by others; the result releases it.
func (s *Store) hold(id crypto.Hash) (release func()) {
	s.mu.Lock()
	l := s.busy[id]
	if l == nil {
		l = &lock{}
		s.busy[id] = l
	}
	l.waiting++
	s.mu.Unlock()
	l.Lock()
	return func() {
		l.Unlock()
		s.mu.Lock()
		if l.waiting--; l.waiting == 0 {
			delete(s.busy, id)
		}
		s.mu.Unlock()
	}
}
