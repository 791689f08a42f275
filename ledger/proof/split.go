package proof

import (
	"slices"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Split takes the proofs of the single keys out of one of many, in the order of Keys. Each
// holds if, and only if, the whole does. The error is HC-4201.
func (p *MultiProof) Split() ([]*Proof, error) {
	if _, err := p.VerifyContent(); err != nil {
		return nil, types.Errorf(types.CodeProofInvalid, "%w", err)
	}
	if p.State == nil {
		return nil, types.Errorf(types.CodeProofInvalid, "the proof is of a list, not of keys")
	}
	singles := make([]StateProof, len(p.State.Keys))
	if _, _, err := p.State.root(singles); err != nil {
		return nil, types.Errorf(types.CodeProofInvalid, "%w", err)
	}
	out := make([]*Proof, len(singles))
	for i, k := range p.State.Keys {
		slices.Reverse(singles[i].Siblings)
		out[i] = &Proof{Header: p.Header, Certificate: p.Certificate, Signers: p.Signers, Path: p.Path,
			State: &StatePart{NS: k.NS, Key: k.Key, Proof: singles[i]}}
	}
	return out, nil
}

// single ends the proofs of the keys from:to, which lead to a leaf or to nothing.
func (w *walker) single(s *Step, from, to int) {
	var kh, vh crypto.Hash
	switch s.Kind {
	case StepForeign:
		kh, vh = s.ForeignKey, s.ForeignValue
	case StepValue:
		kh, vh = w.hashes[s.Key], ValueHash(s.Height, s.TxIndex, s.Value)
	case StepTombstone:
		kh, vh = w.hashes[s.Key], TombstoneHash(s.Height, s.TxIndex)
	}
	for i := from; i < to; i++ {
		p := &w.singles[i]
		switch {
		case s.Kind == StepEmpty:
			p.Ends = EndsEmpty
		case kh != w.hashes[i]:
			p.Ends, p.ForeignKey, p.ForeignValue = EndsForeign, kh, vh
		case s.Kind == StepValue:
			p.Ends, p.Height, p.TxIndex, p.Value = EndsValue, s.Height, s.TxIndex, s.Value
		default:
			p.Ends, p.Height, p.TxIndex = EndsTombstone, s.Height, s.TxIndex
		}
	}
}
