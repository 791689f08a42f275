package light

import (
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Source is where links are made from: a node's ledger.
type Source interface {
	Header(height uint64) (types.Header, error)
	Certificate(height uint64) (*types.FinalityCertificate, error)
	ValidatorSet(hash crypto.Hash) (types.ValidatorSet, error)
}

// MakeLink reads the link of a height.
func MakeLink(src Source, height uint64) (*Link, error) {
	h, err := src.Header(height)
	if err != nil {
		return nil, err
	}
	cert, err := src.Certificate(height)
	if err != nil {
		return nil, err
	}
	l := &Link{Header: h, Certificate: *cert}
	if l.Signers, err = src.ValidatorSet(h.Signers); err != nil {
		return nil, err
	}
	l.Next = l.Signers
	if h.NextSigners != h.Signers {
		l.Next, err = src.ValidatorSet(h.NextSigners)
	}
	return l, err
}

// Path returns links that lead from a trusted height, whose next signers are given, to
// the header of target, which is the last of them: as few as skipping allows, and at
// most max, so that the path may end early. changes are the heights above from at whose
// header the next signers changed, ascending; each of them can be reached from the one
// before.
func Path(src Source, from uint64, next types.ValidatorSet, target uint64, changes []uint64, max int) ([]*Link, error) {
	at := &Trusted{Height: from, Next: next}
	var out []*Link
	for len(out) < max {
		last, err := MakeLink(src, target)
		if err != nil {
			return nil, err
		}
		if at.reaches(last) {
			return append(out, last), nil
		}
		for len(changes) > 0 && changes[0] <= at.Height {
			changes = changes[1:]
		}
		step, n, err := farthest(src, at, changes, target)
		if err != nil {
			return nil, err
		}
		if step == nil {
			return nil, types.Errorf(types.CodeTrustGap, "no change of validators between heights %d and %d explains the set of the latter", at.Height, target)
		}
		out, changes = append(out, step), changes[n+1:]
		at = &Trusted{Height: step.Header.Height, Next: step.Next}
	}
	return out, nil
}

// farthest finds a change below target that can be reached in one step, trying the last
// of them and then half as far each time.
func farthest(src Source, at *Trusted, changes []uint64, target uint64) (*Link, int, error) {
	for len(changes) > 0 && changes[len(changes)-1] >= target {
		changes = changes[:len(changes)-1]
	}
	for n := len(changes) - 1; n >= 0; n /= 2 {
		l, err := MakeLink(src, changes[n])
		if err != nil {
			return nil, 0, err
		}
		if at.reaches(l) {
			return l, n, nil
		}
		if n == 0 {
			break
		}
	}
	return nil, 0, nil
}

// reaches reports whether a certificate is enough to step from at to a link that the
// caller knows to be good.
func (t *Trusted) reaches(l *Link) bool {
	if l.Header.Height <= t.Height {
		return false
	}
	return l.Header.Height == t.Height+1 || t.overlap(&l.Header, &l.Certificate, l.Signers) == nil
}
