package types

import (
	"errors"
	"fmt"

	"github.com/huchain/huchain/crypto"
)

// RestartPurpose is the purpose tag in front of what validators sign to restart a chain.
const RestartPurpose = "huchain/restart/1"

// MaxRestartBytes bounds an encoded act of restarting.
const MaxRestartBytes = 32 << 10

// Restart is the act by which the validators of a chain go on above a height when nothing
// is left of the chain but its history up to there: what was above it, if anything, is
// given up. Block Height+1 opens with it, and the headers link on.
type Restart struct {
	Genesis crypto.Hash // of the chain
	Height  uint64      // the newest block that is kept, from 2 on
	Header  crypto.Hash // of that block
	Time    int64       // block time of the next block, in Unix nanoseconds
	// Before is the finality certificate of Height-1, which no block holds. It is not under
	// the signatures: it proves itself.
	Before FinalityCertificate
	// Signatures are over SignBytes, by index in signers(Height), ascending.
	Signatures []HeaderSignature
}

// SignBytes is what a validator signs: purpose tag, genesis hash, height, header and time in
// canonical encoding.
func (r *Restart) SignBytes() []byte {
	out := appendString(nil, 1, RestartPurpose)
	out = appendHash(out, 2, r.Genesis)
	out = appendUint(out, 3, r.Height)
	out = appendHash(out, 4, r.Header)
	return appendUint(out, 5, uint64(r.Time))
}

// ID is SM3 of SignBytes: acts that differ in signatures alone are the same act.
func (r *Restart) ID() crypto.Hash { return crypto.Sum(r.SignBytes()) }

// Encode returns the canonical bytes.
func (r *Restart) Encode() []byte {
	out := appendElement(r.SignBytes(), 6, r.Before.Encode())
	return appendSignatures(out, 7, r.Signatures)
}

// DecodeRestart reads the canonical bytes; signatures are not verified.
func DecodeRestart(in []byte) (*Restart, error) {
	if len(in) > MaxRestartBytes {
		return nil, fmt.Errorf("decode act of restarting: %d bytes, at most %d", len(in), MaxRestartBytes)
	}
	r := reader{rest: in}
	if r.string(1, 64) != RestartPurpose {
		r.fail(errors.New("purpose tag is not " + RestartPurpose))
	}
	out := &Restart{Genesis: r.hash(2), Height: r.uint(3, 1<<62), Header: r.hash(4), Time: int64(r.uint(5, 1<<63-1))}
	before, ok := r.element(6, MaxRestartBytes)
	out.Signatures = r.signatures(7)
	if err := r.done("act of restarting"); err != nil {
		return nil, err
	}
	if !ok || out.Height < 2 {
		return nil, errors.New("decode act of restarting: it lacks a certificate, or a height from 2 on")
	}
	var err error
	out.Before, err = DecodeFinalityCertificate(before)
	return out, err
}

// Verify checks that the act restarts the chain above header last, whose signers are given,
// by more than two thirds of their power, and that its certificate is that of the header
// before. The caller MUST know both headers to be the chain's. The error is HC-5107.
func (r *Restart) Verify(last *Header, signers ValidatorSet, before *Header, signersBefore ValidatorSet) error {
	err := r.verify(last, signers)
	if err == nil {
		if err = r.Before.Verify(before, signersBefore); err != nil {
			err = fmt.Errorf("certificate of block %d: %w", before.Height, err)
		}
	}
	if err != nil {
		return Errorf(CodeRestartRefused, "%w", err)
	}
	return nil
}

func (r *Restart) verify(last *Header, signers ValidatorSet) error {
	switch {
	case r.Genesis != last.Genesis:
		return fmt.Errorf("it is of the chain with genesis %s, not %s", r.Genesis, last.Genesis)
	case r.Height != last.Height:
		return fmt.Errorf("it restarts the chain above block %d, not %d", r.Height, last.Height)
	case r.Header != last.Hash():
		return fmt.Errorf("it names another block %d, with the header %s, not %s", r.Height, r.Header, last.Hash())
	case r.Time <= last.Time:
		return fmt.Errorf("it dates the next block before block %d", r.Height)
	case signers.Hash() != last.Signers:
		return errors.New("validator set is not the one the header names as its signers")
	}
	power, err := signedPower(r.Signatures, signers, r.SignBytes())
	if err != nil {
		return err
	}
	if total := signers.Power(); power*3 <= total*2 {
		return fmt.Errorf("signed by power %d of %d, more than two thirds needed", power, total)
	}
	return nil
}
