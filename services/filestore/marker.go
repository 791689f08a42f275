package filestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive/target"
	"github.com/huchain/huchain/types"
)

// markerName is the object that says whose a target is.
const markerName = "target"

// marker is what it holds.
type marker struct {
	Format int    `json:"format"`
	Name   string `json:"name"` // of the place
	Sig    string `json:"signature"`
}

func (m *marker) purpose() string    { return "huchain/filestore-target/1" }
func (m *marker) signature() *string { return &m.Sig }

func (m *marker) check(name string) error {
	if m.Format != layoutFormat || name != markerName {
		return errors.New("not the marker of a target")
	}
	return nil
}

// marked is a target that is touched only once its marker was seen. A target without one is
// new, or of a release before markers, and gets it.
type marked struct {
	Target
	s    *Store
	name string
	seen atomic.Bool
	mu   sync.Mutex
}

// Check looks at the markers of all targets: HC-4508 if one belongs to another store, or is
// another one of this store's. A target that cannot be reached is looked at when it can.
func (s *Store) Check(ctx context.Context) error {
	for _, p := range *s.places.Load() {
		err := p.Target.(*marked).ready(ctx)
		switch {
		case types.CodeOf(err) == types.CodeFileForeign || ctx.Err() != nil:
			return err
		case err != nil:
			s.failed(p)
			s.log.Warn("a target cannot be reached", "target", p.Name, "error", err)
		}
	}
	return nil
}

// ready returns nil once the target is known to be the one that its name says.
func (m *marked) ready(ctx context.Context) error {
	if m.seen.Load() {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen.Load() {
		return nil
	}
	b, err := readWhole(ctx, m.Target, markerName)
	switch {
	case types.CodeOf(err) == types.CodeArchiveMissing:
		if b, err = m.s.encode(&marker{Format: layoutFormat, Name: m.name}); err == nil {
			err = m.Target.Put(ctx, markerName, int64(len(b)), crypto.Sum(b), bytes.NewReader(b))
		}
		if err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		var mark marker
		if err := m.s.decode(markerName, b, &mark); err != nil {
			return types.Errorf(types.CodeFileForeign, "target %s (%s): %w", m.name, m.Target, err)
		}
		if mark.Name != m.name {
			return types.Errorf(types.CodeFileForeign, "target %s (%s) is marked as %s", m.name, m.Target, mark.Name)
		}
	}
	m.seen.Store(true)
	return nil
}

// readWhole reads a small object.
func readWhole(ctx context.Context, t Target, name string) (_ []byte, err error) {
	f, err := t.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if f.Size() > maxSignedBytes {
		return nil, fmt.Errorf("%s: %d bytes, at most %d", name, f.Size(), maxSignedBytes)
	}
	b := make([]byte, f.Size())
	return b, f.ReadRange(ctx, b, 0)
}

func (m *marked) Put(ctx context.Context, name string, size int64, sum crypto.Hash, r io.Reader) error {
	if err := m.ready(ctx); err != nil {
		return err
	}
	return m.Target.Put(ctx, name, size, sum, r)
}

func (m *marked) Replace(ctx context.Context, name string, size int64, sum crypto.Hash, r io.Reader) error {
	if err := m.ready(ctx); err != nil {
		return err
	}
	return m.Target.Replace(ctx, name, size, sum, r)
}

func (m *marked) Open(ctx context.Context, name string) (target.File, error) {
	if err := m.ready(ctx); err != nil {
		return nil, err
	}
	return m.Target.Open(ctx, name)
}

func (m *marked) List(ctx context.Context, prefix string, fn func(string, int64) error) error {
	if err := m.ready(ctx); err != nil {
		return err
	}
	return m.Target.List(ctx, prefix, fn)
}

func (m *marked) Remove(ctx context.Context, name string) error {
	if err := m.ready(ctx); err != nil {
		return err
	}
	return m.Target.Remove(ctx, name)
}
