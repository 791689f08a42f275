package filestore

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Basis is why a file may be removed.
type Basis string

// The reasons there are.
const (
	BasisRetention Basis = "retention" // its time of keeping is over
	BasisLegal     Basis = "legal"     // a legal order demands it
)

// Order is the order to remove a file.
type Order struct {
	Basis     Basis          `json:"basis"`
	Reference string         `json:"reference"` // of the policy or the legal order, 1 to 200 characters
	By        types.MemberID `json:"by"`        // who acts
}

func (o *Order) validate() error {
	switch n := utf8.RuneCountInString(o.Reference); {
	case o.Basis != BasisRetention && o.Basis != BasisLegal:
		return fmt.Errorf("basis %q: %s or %s", o.Basis, BasisRetention, BasisLegal)
	case n < 1 || n > 200 || !utf8.ValidString(o.Reference):
		return errors.New("reference: 1 to 200 characters")
	case o.By == "" || len(o.By) > 200:
		return errors.New("by: who acts")
	}
	return nil
}

// order is what is stored of an Order; it stays.
type order struct {
	Format int         `json:"format"`
	File   crypto.Hash `json:"file"`
	Order
	Time time.Time `json:"time"`
	Sig  string    `json:"signature"`
}

func (o *order) check(name string) error {
	if o.Format != layoutFormat || name != orderName(o.File) {
		return fmt.Errorf("not the order %s", name)
	}
	return o.validate()
}

// Remove removes a file for good, and keeps the order that demanded it. After a legal order
// the same content is refused from then on. What cannot be reached now is removed by the
// next Scrub. Errors: HC-4507 if there is no basis for it; HC-4501, HC-4504, HC-4506.
func (s *Store) Remove(ctx context.Context, id crypto.Hash, o Order) error {
	if err := o.validate(); err != nil {
		return types.Errorf(types.CodeFileRetained, "%s: %w", id, err)
	}
	defer s.hold(id)()
	m, err := s.manifest(ctx, id)
	if err != nil {
		return err
	}
	if until := m.Stored.Add(s.p.Retention); o.Basis == BasisRetention && s.p.Now().Before(until) {
		return types.Errorf(types.CodeFileRetained, "%s is kept until %s", id, until.Format(time.RFC3339))
	}
	b, err := s.encode(&order{Format: layoutFormat, File: id, Order: o, Time: s.p.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	if err := s.spread(ctx, orderName(id), crypto.Sum(b), b); err != nil {
		return err
	}
	return s.erase(ctx, m)
}

// erase removes all objects of a file but the order, its manifest first, so that what is
// left after a crash is swept. The file is held.
func (s *Store) erase(ctx context.Context, m *manifest) error {
	names := []string{manifestName(m.ID)}
	for _, sum := range m.Chunks {
		names = append(names, chunkName(sum))
	}
	var errs []error
	for _, p := range *s.places.Load() {
		grants := []string{}
		err := p.Target.List(ctx, objectName("k", m.ID), func(name string, _ int64) error {
			grants = append(grants, name)
			return nil
		})
		for _, name := range append(names, grants...) {
			err = errors.Join(err, p.Target.Remove(ctx, name))
			if err != nil {
				break
			}
		}
		if err != nil {
			s.failed(p)
			errs = append(errs, fmt.Errorf("%s: %w", p.Name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return types.Errorf(types.CodeFileTargets, "the order stands, copies are left that the next scrub removes: %w", err)
	}
	return nil
}
