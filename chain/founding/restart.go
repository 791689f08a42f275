package founding

import (
	"bytes"
	"slices"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// RestartDraft is an act of restarting a chain (types.Restart) in the making. It names keys
// where the act has indexes, so that it can be read and signed apart.
type RestartDraft struct {
	Format     int                `json:"format"` // 1
	Restart    RestartTerms       `json:"restart"`
	Signatures []RestartSignature `json:"signatures"` // ascending by key
}

// RestartTerms are what is signed.
type RestartTerms struct {
	Chain   string      `json:"chain"`
	Genesis crypto.Hash `json:"genesis"`
	Height  uint64      `json:"height"` // the newest block that is kept
	Header  crypto.Hash `json:"header"` // of that block
	Time    time.Time   `json:"time"`   // of the next block
}

// RestartSignature is what one validator signs with its header key.
type RestartSignature struct {
	Key     crypto.PublicKey `json:"key"`
	Restart []byte           `json:"restart"`          // over types.Restart.SignBytes, base64
	Before  []byte           `json:"before,omitempty"` // over the header below, base64, by those who sign that
}

// RestartPoint is what a restart stands on: the last two headers of a chain with their
// signers, from the signer's or the node's own ledger.
type RestartPoint struct {
	Last, Before           types.Header
	Signers, SignersBefore types.ValidatorSet
}

// NewRestart begins a draft, for the chain's validators to sign. HC-5107 unless the chain
// has two blocks and the time is later than that of the last.
func NewRestart(chain string, p *RestartPoint, at time.Time) (*RestartDraft, error) {
	d := &RestartDraft{Format: 1, Restart: RestartTerms{
		Chain: chain, Genesis: p.Last.Genesis, Height: p.Last.Height, Header: p.Last.Hash(), Time: at.UTC().Truncate(time.Second),
	}, Signatures: []RestartSignature{}}
	return d, d.of(p)
}

// ParseRestart reads a draft. Nothing is verified. The error is HC-5107.
func ParseRestart(raw []byte) (*RestartDraft, error) {
	d := new(RestartDraft)
	if err := decodeStrict(raw, d); err != nil {
		return nil, types.Errorf(types.CodeRestartRefused, "read act of restarting: %w", err)
	}
	year := d.Restart.Time.Year()
	switch {
	case d.Format != 1 || !types.ValidName(d.Restart.Chain) || d.Restart.Height < 2 || d.Restart.Height > 1<<62:
		return nil, types.Errorf(types.CodeRestartRefused, "this is no act of restarting of format 1")
	case year < 2000 || year > 2200 || d.Restart.Time.Nanosecond() != 0:
		return nil, types.Errorf(types.CodeRestartRefused, "the time of the next block is out of range, or not in whole seconds")
	case len(d.Signatures) > types.MaxValidators:
		return nil, types.Errorf(types.CodeRestartRefused, "more than %d signatures", types.MaxValidators)
	}
	for i := range d.Signatures {
		s := &d.Signatures[i]
		if len(s.Restart) != crypto.SignatureSize || len(s.Before) != 0 && len(s.Before) != crypto.SignatureSize {
			return nil, types.Errorf(types.CodeRestartRefused, "the signature of %s is not of %d bytes", s.Key, crypto.SignatureSize)
		}
		if i > 0 && bytes.Compare(d.Signatures[i-1].Key[:], s.Key[:]) >= 0 {
			return nil, types.Errorf(types.CodeRestartRefused, "the signatures do not ascend by key")
		}
	}
	return d, nil
}

// Encode renders the draft as a file.
func (d *RestartDraft) Encode() ([]byte, error) { return indent(d) }

// Terms is the act without signatures.
func (d *RestartDraft) Terms() *types.Restart {
	t := &d.Restart
	return &types.Restart{Genesis: t.Genesis, Height: t.Height, Header: t.Header, Time: t.Time.UnixNano(),
		Before: types.FinalityCertificate{Height: t.Height - 1}}
}

// ByKey are the signatures over the terms.
func (d *RestartDraft) ByKey() map[crypto.PublicKey][]byte {
	out := make(map[crypto.PublicKey][]byte, len(d.Signatures))
	for i := range d.Signatures {
		out[d.Signatures[i].Key] = d.Signatures[i].Restart
	}
	return out
}

// of refuses a draft that does not stand on the point: HC-5107.
func (d *RestartDraft) of(p *RestartPoint) error {
	t := &d.Restart
	switch {
	case t.Genesis != p.Last.Genesis:
		return types.Errorf(types.CodeRestartRefused, "it is of the chain with genesis %s, not %s", t.Genesis, p.Last.Genesis)
	case t.Height != p.Last.Height || t.Height < 2:
		return types.Errorf(types.CodeRestartRefused, "it restarts the chain above block %d, the ledger ends at block %d", t.Height, p.Last.Height)
	case t.Header != p.Last.Hash():
		return types.Errorf(types.CodeRestartRefused, "it names another block %d, with the header %s; the ledger has %s", t.Height, t.Header, p.Last.Hash())
	case t.Time.UnixNano() <= p.Last.Time:
		return types.Errorf(types.CodeRestartRefused, "it dates the next block %s, before block %d", t.Time.Format(time.RFC3339), t.Height)
	}
	return nil
}

// Sign adds the signature of a validator that signs the point's last header. HC-5107 if the
// draft does not stand on the point, HC-2201 if the key is no validator's, HC-6104 if it does
// not sign.
func (d *RestartDraft) Sign(key crypto.Signer, p *RestartPoint) error {
	if err := d.of(p); err != nil {
		return err
	}
	s := RestartSignature{Key: key.Public()}
	if indexOf(p.Signers, s.Key) < 0 {
		return types.Errorf(types.CodePermissionDenied, "%s is the key of no validator at block %d", s.Key, d.Restart.Height)
	}
	var err error
	if s.Restart, err = key.Sign(d.Terms().SignBytes()); err == nil && indexOf(p.SignersBefore, s.Key) >= 0 {
		s.Before, err = key.Sign(p.Before.SignBytes())
	}
	if err != nil {
		return types.Errorf(types.CodeSigner, "%w", err)
	}
	d.put(s)
	return nil
}

func indexOf(set types.ValidatorSet, key crypto.PublicKey) int {
	return slices.IndexFunc(set, func(v types.Validator) bool { return v.Key == key })
}

func (d *RestartDraft) put(s RestartSignature) {
	d.Signatures = slices.DeleteFunc(d.Signatures, func(o RestartSignature) bool { return o.Key == s.Key })
	d.Signatures = append(d.Signatures, s)
	slices.SortFunc(d.Signatures, func(a, b RestartSignature) int { return bytes.Compare(a.Key[:], b.Key[:]) })
}

// Merge takes the signatures of another copy, which must be of the same act: HC-5107.
func (d *RestartDraft) Merge(o *RestartDraft) error {
	if mine, other := d.Terms().ID(), o.Terms().ID(); mine != other || d.Restart.Chain != o.Restart.Chain {
		return types.Errorf(types.CodeRestartRefused, "the copies are of different acts: %s and %s", Short(mine), Short(other))
	}
	for _, s := range o.Signatures {
		d.put(s)
	}
	return nil
}

// Act closes the draft: it is verified on the point, with the signatures of more than two
// thirds. The error is HC-5107.
func (d *RestartDraft) Act(p *RestartPoint) (*types.Restart, error) {
	if err := d.of(p); err != nil {
		return nil, err
	}
	r := d.Terms()
	for i := range d.Signatures { // keys ascend, as they do in a set
		s := &d.Signatures[i]
		n := indexOf(p.Signers, s.Key)
		if n < 0 {
			return nil, types.Errorf(types.CodeRestartRefused, "%s is the key of no validator at block %d", s.Key, d.Restart.Height)
		}
		r.Signatures = append(r.Signatures, types.HeaderSignature{Index: uint32(n), Signature: [crypto.SignatureSize]byte(s.Restart)})
		if n := indexOf(p.SignersBefore, s.Key); n >= 0 && len(s.Before) > 0 {
			r.Before.Signatures = append(r.Before.Signatures, types.HeaderSignature{Index: uint32(n), Signature: [crypto.SignatureSize]byte(s.Before)})
		}
	}
	return r, r.Verify(&p.Last, p.Signers, &p.Before, p.SignersBefore)
}
