package filestore

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"time"

	"github.com/huchain/huchain/crypto"
)

// progress is how far a scrub came, as ProgressFile keeps it. It is a hint: without it, or
// with one that cannot be read, a scrub begins anew.
type progress struct {
	Ended time.Time `json:"ended"` // of the last scrub; zero while one is under way
	// Chunk is the name up to which all chunks were read, in order; what was found up to there
	// follows.
	Chunk    string        `json:"chunk,omitempty"`
	Copies   int           `json:"copies,omitempty"`
	Missing  int           `json:"missing,omitempty"`
	Corrupt  int           `json:"corrupt,omitempty"`
	Repaired int           `json:"repaired,omitempty"`
	Lost     []crypto.Hash `json:"lost,omitempty"` // chunks
}

const (
	chunksAtOnce = 64 // chunks between two looks at the clock
	saveEvery    = 5 * time.Second
)

func (s *Store) loadProgress() *progress {
	p := &progress{}
	raw, err := os.ReadFile(s.p.ProgressFile)
	if s.p.ProgressFile == "" || err != nil || json.Unmarshal(raw, p) != nil {
		return &progress{}
	}
	return p
}

func (s *Store) saveProgress(p *progress) {
	if s.p.ProgressFile == "" {
		return
	}
	raw, err := json.Marshal(p)
	draft := s.p.ProgressFile + "~"
	if err == nil {
		err = os.WriteFile(draft, raw, 0o600)
	}
	if err == nil {
		err = os.Rename(draft, s.p.ProgressFile)
	}
	if err != nil {
		s.log.Warn("progress of a scrub is not kept", "error", err)
	}
}

// untilScrub is how long the next scrub is away.
func (s *Store) untilScrub() time.Duration {
	p := s.loadProgress()
	switch {
	case p.Chunk != "":
		return 0
	case p.Ended.IsZero():
		return s.p.ScrubEvery
	}
	return min(max(p.Ended.Add(s.p.ScrubEvery).Sub(s.p.Now()), 0), s.p.ScrubEvery)
}

// data scrubs the chunks, from where the last scrub was cut.
func (r *scrub) data(ctx context.Context) error {
	all, err := listing(ctx, r.places, "c")
	if err != nil {
		return err
	}
	list := names(all)
	at, before := r.s.loadProgress(), r.report
	if at.Chunk != "" {
		list = r.passOver(at, list)
	}
	saved := time.Now()
	for len(list) > 0 {
		n := min(len(list), chunksAtOnce)
		if err := r.batch(ctx, "c", list[:n], all); err != nil {
			r.s.saveProgress(at)
			return err
		}
		r.note(at, before, list[:n])
		list = list[n:]
		if time.Since(saved) > saveEvery {
			saved = time.Now()
			r.s.saveProgress(at)
		}
	}
	return nil
}

// passOver takes on what was found before, and returns the chunks that follow.
func (r *scrub) passOver(at *progress, list []string) []string {
	n, found := slices.BinarySearch(list, at.Chunk)
	if found {
		n++
	}
	for _, name := range list[:n] {
		if id, ok := idOf(name); ok && !slices.Contains(at.Lost, id) {
			delete(r.chunks, id)
		}
	}
	r.count(at.Copies, at.Missing, at.Corrupt, at.Repaired)
	return list[n:]
}

// note brings progress up to the last of some chunks that were read; before is what was
// found of other objects.
func (r *scrub) note(at *progress, before Report, list []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at.Ended, at.Chunk = time.Time{}, list[len(list)-1]
	at.Copies, at.Missing = r.report.Copies-before.Copies, r.report.Missing-before.Missing
	at.Corrupt, at.Repaired = r.report.Corrupt-before.Corrupt, r.report.Repaired-before.Repaired
	for _, name := range list {
		if id, ok := idOf(name); ok {
			if _, lost := r.chunks[id]; lost {
				at.Lost = append(at.Lost, id)
			}
		}
	}
}
