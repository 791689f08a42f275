package filestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Rotation is what Rotate did.
type Rotation struct {
	Objects     int      `json:"objects"` // under the store's signature
	Renewed     int      `json:"renewed"` // copies
	Left        int      `json:"left"`    // copies that still need a key of before, or are damaged
	Unreachable []string `json:"unreachable"`
}

// Done reports whether nothing needs the keys of before any more.
func (r *Rotation) Done() bool { return r.Left == 0 && len(r.Unreachable) == 0 }

// Rotate wraps the keys of all files to the store's key and signs anew what keys of before
// signed; the data stays as it is. It may be stopped and run again at any time: what is
// renewed is passed over. Who has a key of before and copies of the old manifests can open
// those files for ever; what must be safe from him has to be stored anew.
func (s *Store) Rotate(ctx context.Context) (*Rotation, error) {
	s.scrubbing.Lock()
	defer s.scrubbing.Unlock()
	out := &Rotation{Unreachable: []string{}}
	places := s.reachable(ctx, &out.Unreachable)
	if err := s.remark(ctx, places); err != nil {
		return nil, err
	}
	for kind, blank := range map[string]func() signedObject{
		"t": func() signedObject { return &order{} }, "m": func() signedObject { return &manifest{} }, "k": func() signedObject { return &grant{} },
	} {
		held, err := listing(ctx, places, kind)
		if err != nil {
			return nil, err
		}
		for name, at := range held {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			out.Objects++
			renewed, left := s.renew(ctx, name, those(places, at.places), blank)
			out.Renewed += renewed
			out.Left += left
		}
	}
	return out, ctx.Err()
}

// remark signs markers anew.
func (s *Store) remark(ctx context.Context, places []*place) error {
	for _, p := range places {
		b, err := s.encode(&marker{Format: layoutFormat, Name: p.Name})
		if err == nil {
			err = p.Target.Replace(ctx, markerName, int64(len(b)), crypto.Sum(b), bytes.NewReader(b))
		}
		if err != nil {
			return types.Errorf(types.CodeFileTargets, "%s: %w", p.Name, err)
		}
	}
	return nil
}

// renew brings the copies of one object under the store's key, all of them as the same bytes.
func (s *Store) renew(ctx context.Context, name string, at []*place, blank func() signedObject) (renewed, left int) {
	id, ok := idOf(name)
	if !ok {
		return 0, 0
	}
	defer s.hold(id)()
	var old []*place
	var now []byte
	var from signedObject
	for _, p := range at {
		o := blank()
		var by Key
		b, err := readWhole(ctx, p.Target, name)
		if types.CodeOf(err) == types.CodeArchiveMissing {
			continue // removed meanwhile
		}
		if err == nil {
			by, err = s.decodeBy(name, b, o)
		}
		if m, is := o.(*manifest); is {
			m.by = by
		}
		switch {
		case err != nil:
			left++
		case by.Public() == s.key.Public():
			now = b
		default:
			from, old = o, append(old, p)
		}
	}
	if len(old) == 0 {
		return 0, left
	}
	if now == nil {
		var err error
		if now, err = s.resign(from); err != nil {
			s.log.Warn("an object is not brought under the new key", "object", name, "error", err)
			return 0, left + len(old)
		}
	}
	for _, p := range old {
		if err := p.Target.Replace(ctx, name, int64(len(now)), crypto.Sum(now), bytes.NewReader(now)); err != nil {
			s.failed(p)
			left++
			continue
		}
		renewed++
	}
	return renewed, left
}

// resign signs an object with the store's key, to which it also wraps a manifest's.
func (s *Store) resign(o signedObject) ([]byte, error) {
	if m, ok := o.(*manifest); ok {
		k, err := s.open(m)
		if err == nil {
			m.Key, err = k.wrap(m.ID, s.key.Public())
		}
		if err != nil {
			return nil, err
		}
	}
	return s.encode(o)
}

// reachable are the targets that can be listed; the others are named in away.
func (s *Store) reachable(ctx context.Context, away *[]string) []*place {
	var out []*place
	stop := errors.New("listed")
	for _, p := range *s.places.Load() {
		p.Target.(*marked).seen.Store(false) // it may have been exchanged
		if err := p.Target.List(ctx, "m/", func(string, int64) error { return stop }); err != nil && !errors.Is(err, stop) {
			s.failed(p)
			s.log.Warn("a target cannot be listed", "target", p.Name, "error", err)
			*away = append(*away, p.Name)
			continue
		}
		out = append(out, p)
	}
	return out
}

// held says on which of some places an object is, a bit for each, and its size.
type held struct {
	places uint64
	size   int64
}

// listing lists the objects of a kind on some places.
func listing(ctx context.Context, places []*place, kind string) (map[string]held, error) {
	out := map[string]held{}
	for i, p := range places {
		err := p.Target.List(ctx, kind+"/", func(name string, size int64) error {
			h := out[name]
			out[name] = held{h.places | 1<<i, max(h.size, size)}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", p.Name, err)
		}
	}
	return out, nil
}

// those are the places of a set of bits.
func those(places []*place, bits uint64) []*place {
	var out []*place
	for i, p := range places {
		if bits&(1<<i) != 0 {
			out = append(out, p)
		}
	}
	return out
}

// names are the names of a listing, in order.
func names(of map[string]held) []string {
	out := make([]string, 0, len(of))
	for name := range of {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
