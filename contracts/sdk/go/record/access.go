package record

import "github.com/huchain/huchain/contracts/sdk/go/contract"

// MaxGrants bounds the grants of one record.
const MaxGrants = 64

// May reports whether the caller owns the record or holds all of some rights, by
// grants that are in force.
func (m *Meta) May(r contract.Reader, rights Rights) bool {
	c := r.Caller()
	if m.Owner.Is(c) {
		return true
	}
	for i := range m.Grants {
		if g := &m.Grants[i]; g.To.Is(c) && g.holds(r.Time()) {
			rights &^= g.Rights
		}
	}
	return rights == 0
}

func (t *table) maySee(r contract.Reader, m *Meta) bool { return !t.private || m.May(r, Read) }

func (t *table) mayWrite(r contract.Reader, m *Meta) error {
	if t.open || m.May(r, Write) {
		return nil
	}
	return ErrForbidden
}

// grantTo adds a grant.
func (m *Meta) grantTo(ctx *contract.Ctx, g Grant) error {
	now := ctx.Time()
	if g.To == "" || g.Rights == 0 || g.Rights > Read|Write|Share || !g.holds(now) || g.To == m.Owner {
		return ErrBadGrant
	}
	if !m.Owner.Is(ctx.Caller()) {
		if err := m.mayShare(ctx, &g); err != nil {
			return err
		}
	}
	g.By = ctx.Caller().Member
	kept := make([]Grant, 0, len(m.Grants)+1)
	for _, old := range m.Grants {
		if old.To != g.To && old.holds(now) {
			kept = append(kept, old)
		}
	}
	if len(kept) >= MaxGrants {
		return ErrBadGrant.With("at most 64 grants")
	}
	m.Grants = append(kept, g)
	return nil
}

// mayShare reports whether one grant to the caller covers g, so that nobody passes on
// more than they hold, or for longer.
func (m *Meta) mayShare(ctx *contract.Ctx, g *Grant) error {
	covered := false
	for i := range m.Grants {
		own := &m.Grants[i]
		if !own.holds(ctx.Time()) {
			continue
		}
		if own.To == g.To {
			return ErrForbidden.With("only the owner replaces a grant")
		}
		if own.To.Is(ctx.Caller()) && (g.Rights|Share)&^own.Rights == 0 &&
			(own.Until == 0 || g.Until != 0 && g.Until <= own.Until) {
			covered = true
		}
	}
	if !covered {
		return ErrForbidden
	}
	return nil
}

// revoke takes a party's grant away.
func (m *Meta) revoke(ctx *contract.Ctx, p Party) error {
	c := ctx.Caller()
	for i, g := range m.Grants {
		if g.To != p {
			continue
		}
		if !m.Owner.Is(c) && !p.Is(c) && (g.By == "" || g.By != c.Member) {
			return ErrForbidden
		}
		kept := make([]Grant, 0, len(m.Grants)-1)
		m.Grants = append(append(kept, m.Grants[:i]...), m.Grants[i+1:]...)
		return nil
	}
	return ErrNotFound.With("no grant to " + string(p))
}
