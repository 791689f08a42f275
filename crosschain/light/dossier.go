package light

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sort"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
)

// Bounds of a dossier.
const (
	MaxDossierBytes  = 8 << 20 // of the JSON form
	MaxDossierLinks  = 1024
	MaxDossierProofs = 64
)

// DossierFormat names the JSON form.
const DossierFormat = "huchain-dossier/1"

// Dossier is a file that stands on its own: facts of one chain with everything that
// leads from an anchor to the headers they belong to.
type Dossier struct {
	// Links lead from the anchor to the proofs' headers, ascending by height. There are
	// none while the validators of the anchor attest those headers themselves.
	Links []*Link
	// Proofs are the facts; the first is what the dossier is about.
	Proofs []*proof.Proof
}

// Verify checks that every proof holds and stands under a header that the anchor leads
// to. Errors are those of Trusted.Check.
func (d *Dossier) Verify(anchor *Trusted) error {
	if len(d.Proofs) == 0 || len(d.Proofs) > MaxDossierProofs || len(d.Links) > MaxDossierLinks {
		return invalid("a dossier holds 1 to %d proofs and at most %d links", MaxDossierProofs, MaxDossierLinks)
	}
	order := make([]*proof.Proof, len(d.Proofs))
	copy(order, d.Proofs)
	sort.SliceStable(order, func(i, j int) bool { return order[i].Header.Height < order[j].Header.Height })
	at, links := anchor, d.Links
	for len(links) > 0 && links[0].Header.Height <= anchor.Height {
		links = links[1:] // the anchor may stand in the middle of the dossier
	}
	for _, p := range order {
		for len(links) > 0 && links[0].Header.Height <= p.Header.Height {
			next, err := at.Advance(links[0])
			if err != nil {
				return err
			}
			at, links = next, links[1:]
		}
		if err := at.CheckProof(p); err != nil {
			return err
		}
	}
	_, err := at.Follow(links)
	return err
}

// CheckProof checks a proof whose header the anchor leads to in one step.
func (t *Trusted) CheckProof(p *proof.Proof) error {
	if err := p.VerifyContent(); err != nil {
		return invalid("%w", err)
	}
	return t.Check(&p.Header, &p.Certificate, p.Signers)
}

// Anchor makes an anchor of a header in the dossier that the caller trusts by its hash.
// Of a proof's header it can be used for proofs at the same height alone.
func (d *Dossier) Anchor(hash crypto.Hash) (*Trusted, error) {
	for _, l := range d.Links {
		if l.Header.Hash() == hash {
			return TrustHeader(&l.Header, l.Next)
		}
	}
	for _, p := range d.Proofs {
		if h := &p.Header; h.Hash() == hash {
			t := &Trusted{Genesis: h.Genesis, Height: h.Height, Time: h.Time, Hash: hash}
			if h.NextSigners == h.Signers && p.Signers.Hash() == h.Signers {
				t.Next = p.Signers
			}
			return t, nil
		}
	}
	return nil, invalid("no header of the dossier has the hash %s", hash)
}

type jsonDossier struct {
	Format   string            `json:"format"`
	Links    []jsonLink        `json:"links"`
	Proofs   []json.RawMessage `json:"proofs"`
	Checksum string            `json:"checksum"`
}

type jsonLink struct {
	Height uint64      `json:"height"` // as the next two, for readers; they must agree
	Hash   crypto.Hash `json:"hash"`
	Next   crypto.Hash `json:"nextSigners"`
	Link   string      `json:"link"` // hex of the link's canonical bytes
}

// MarshalJSON returns the form for files.
func (d *Dossier) MarshalJSON() ([]byte, error) {
	out := jsonDossier{Format: DossierFormat, Links: []jsonLink{}, Proofs: []json.RawMessage{}}
	sum := []byte(DossierFormat)
	for _, l := range d.Links {
		raw := l.Encode()
		sum = append(sum, raw...)
		out.Links = append(out.Links, jsonLink{l.Header.Height, l.Header.Hash(), l.Header.NextSigners, hex.EncodeToString(raw)})
	}
	for _, p := range d.Proofs {
		raw, err := p.Encode()
		if err != nil {
			return nil, err
		}
		sum = append(sum, raw...)
		text, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		out.Proofs = append(out.Proofs, text)
	}
	h := crypto.Sum(sum)
	out.Checksum = hex.EncodeToString(h[:8])
	return json.Marshal(&out)
}

// UnmarshalJSON reads what MarshalJSON wrote; white space apart, any other byte is
// refused. Nothing is verified. The error is HC-4201.
func (d *Dossier) UnmarshalJSON(in []byte) error {
	got, err := parseDossier(in)
	if err != nil {
		return invalid("read dossier: %w", err)
	}
	*d = *got
	return nil
}

func parseDossier(in []byte) (*Dossier, error) {
	if len(in) > MaxDossierBytes {
		return nil, fmt.Errorf("%d bytes, at most %d", len(in), MaxDossierBytes)
	}
	var j jsonDossier
	dec := json.NewDecoder(bytes.NewReader(in))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&j); err != nil {
		return nil, err
	}
	if j.Format != DossierFormat || len(j.Links) > MaxDossierLinks || len(j.Proofs) > MaxDossierProofs {
		return nil, fmt.Errorf("not of the form %s, or too many links or proofs", DossierFormat)
	}
	d := &Dossier{}
	for i := range j.Links {
		raw, err := hex.DecodeString(j.Links[i].Link)
		if err != nil {
			return nil, fmt.Errorf("link %d: %w", i, err)
		}
		l, err := DecodeLink(raw)
		if err != nil {
			return nil, fmt.Errorf("link %d: %w", i, err)
		}
		d.Links = append(d.Links, l)
	}
	for i := range j.Proofs {
		p := &proof.Proof{}
		if err := json.Unmarshal(j.Proofs[i], p); err != nil {
			return nil, fmt.Errorf("proof %d: %w", i, err)
		}
		d.Proofs = append(d.Proofs, p)
	}
	again, err := d.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, in); err != nil {
		return nil, err
	}
	if !bytes.Equal(compact.Bytes(), again) {
		return nil, errors.New("altered, or not in the canonical form")
	}
	return d, nil
}

// IsDossier reports whether text looks like a dossier rather than a single proof.
func IsDossier(text []byte) bool {
	var head struct{ Format string }
	return json.Unmarshal(text, &head) == nil && head.Format == DossierFormat
}
