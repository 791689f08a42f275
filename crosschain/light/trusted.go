package light

import (
	"errors"
	"fmt"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Trusted is a header that a light client believes, with the validators that sign the
// header after it. Height 0 stands for the genesis file.
type Trusted struct {
	Genesis crypto.Hash        // genesis hash of the chain
	Height  uint64             //
	Time    int64              // block time in Unix nanoseconds; that of the founding at height 0
	Hash    crypto.Hash        // of the header; zero at height 0
	Next    types.ValidatorSet // nextSigners(Height): they sign the header of Height+1
}

// TrustHeader makes an anchor of a header that the caller trusts by other means, such as
// its hash read from a newspaper. next must be the set the header names.
func TrustHeader(h *types.Header, next types.ValidatorSet) (*Trusted, error) {
	if err := next.Validate(); err != nil {
		return nil, invalid("next signers: %w", err)
	}
	if next.Hash() != h.NextSigners {
		return nil, invalid("validator set is not the one that header %d names as its next signers", h.Height)
	}
	return &Trusted{Genesis: h.Genesis, Height: h.Height, Time: h.Time, Hash: h.Hash(), Next: next}, nil
}

// Age is how old the anchor is at a time.
func (t *Trusted) Age(at time.Time) time.Duration { return at.Sub(time.Unix(0, t.Time)) }

// Check judges whether a header, attested by a certificate of its signers, belongs to
// the trusted chain. Errors: HC-4202 if too few validators of the trusted set signed, so
// that a header between the two is needed first; HC-4203 if the certificate is good but
// contradicts the trusted header, which proves that a third of the validators lied;
// HC-4201 for everything else.
func (t *Trusted) Check(h *types.Header, c *types.FinalityCertificate, signers types.ValidatorSet) error {
	if h.Genesis != t.Genesis {
		return invalid("header is of another chain: the genesis hash differs")
	}
	if h.Height <= t.Height {
		return t.checkKnown(h, c, signers)
	}
	if h.Time < t.Time || h.Time == t.Time && t.Height > 0 { // block 1 is dated at the founding
		return invalid("header %d is not later than header %d", h.Height, t.Height)
	}
	adjacent := h.Height == t.Height+1
	if !adjacent {
		if err := t.overlap(h, c, signers); err != nil {
			return err
		}
	} else if h.Signers != t.Next.Hash() {
		return invalid("header %d names other signers than the header before it", h.Height)
	}
	if err := c.Verify(h, signers); err != nil {
		return invalid("header %d: %w", h.Height, err)
	}
	if adjacent && h.Previous != t.Hash {
		return types.Errorf(types.CodeFork, "header %d is attested, and follows another header %d", h.Height, t.Height)
	}
	return nil
}

// checkKnown judges a header that is not above the trusted one.
func (t *Trusted) checkKnown(h *types.Header, c *types.FinalityCertificate, signers types.ValidatorSet) error {
	switch {
	case h.Height < t.Height || h.Height == 0:
		return invalid("header %d is older than the anchor at height %d", h.Height, t.Height)
	case h.Hash() == t.Hash:
		return nil
	}
	if err := c.Verify(h, signers); err != nil {
		return invalid("header %d is not the trusted one: %w", h.Height, err)
	}
	return types.Errorf(types.CodeFork, "two headers of height %d are attested", h.Height)
}

// overlap demands that validators with more than a third of the trusted set's power
// stand in the certificate. Whether their signatures hold is checked afterwards.
func (t *Trusted) overlap(h *types.Header, c *types.FinalityCertificate, signers types.ValidatorSet) error {
	power := make(map[crypto.PublicKey]int64, len(t.Next))
	for i := range t.Next {
		power[t.Next[i].Key] = t.Next[i].Power
	}
	var have int64
	for i := range c.Signatures {
		n := c.Signatures[i].Index
		if int(n) >= len(signers) || i > 0 && c.Signatures[i-1].Index >= n {
			return invalid("certificate of header %d names a signer twice, or one that does not exist", h.Height)
		}
		have += power[signers[n].Key]
	}
	if total := t.Next.Power(); have*3 <= total {
		return types.Errorf(types.CodeTrustGap, "validators with power %d of %d trusted at height %d signed header %d, more than a third needed",
			have, total, t.Height, h.Height)
	}
	return nil
}

// Advance checks a link and returns the anchor it makes. The errors are those of Check.
func (t *Trusted) Advance(l *Link) (*Trusted, error) {
	if err := t.Check(&l.Header, &l.Certificate, l.Signers); err != nil {
		return nil, err
	}
	return TrustHeader(&l.Header, l.Next)
}

// Follow advances over links in order.
func (t *Trusted) Follow(links []*Link) (*Trusted, error) {
	for _, l := range links {
		next, err := t.Advance(l)
		if err != nil {
			return nil, err
		}
		t = next
	}
	return t, nil
}

// invalid is HC-4201, once.
func invalid(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	var coded *types.Error
	if errors.As(err, &coded) {
		return err
	}
	return &types.Error{Code: types.CodeProofInvalid, Detail: err.Error(), Err: err}
}
