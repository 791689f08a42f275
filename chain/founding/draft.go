// Package founding makes the genesis file of a chain by ceremony: organisations and nodes
// are added to a draft, each organisation signs the same content, and the sealed file
// holds the genesis with all signatures, so that whoever joins sees that every founder
// agreed. By the same form of ceremony validators restart a chain of which nothing is left
// but its genesis and archive. It is pure: files, keys and clocks stay with the caller.
package founding

import (
	"bytes"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
)

// MaxFileBytes bounds a draft and a sealed file.
const MaxFileBytes = 2*chain.MaxGenesisBytes + (1 << 20)

// Draft is a genesis in the making. Its content is what Render returns; a change of it
// drops the signatures, which would no longer hold.
type Draft struct {
	Format     int           `json:"format"` // 1
	Genesis    chain.Genesis `json:"genesis"`
	Signatures []Signature   `json:"signatures"`
}

// Signature says that an organisation agrees with the content.
type Signature struct {
	Org         string    `json:"org"`
	SignedAt    time.Time `json:"signedAt"`    // the certificate has to be valid then
	Certificate []byte    `json:"certificate"` // DER, base64: the organisation's root, or of one of its admins
	Signature   []byte    `json:"signature"`   // SM2 over types.FoundingSignBytes, base64
}

// Validator is what a node's operator hands to the ceremony: public keys, the proof that
// it holds the SM2 one (types.PossessionSignBytes under the zero genesis hash), and where
// the node is reached.
type Validator struct {
	chain.GenesisValidator
	Possession []byte `json:"possession"`        // base64
	Address    string `json:"address,omitempty"` // host:port of its links
}

// New begins a draft. Organisations and validators are still missing.
func New(name string, at time.Time, params chain.Params, bundles []chain.GenesisBundle) (*Draft, error) {
	if !types.ValidName(name) {
		return nil, types.Errorf(types.CodeUsage, "%q is no chain name", name)
	}
	if err := params.Validate(); err != nil {
		return nil, types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	return &Draft{Format: 1, Genesis: chain.Genesis{
		Format: 1, Chain: name, Time: at.UTC().Truncate(time.Second), Protocol: chain.ProtocolVersion, Params: params,
		Organisations: []chain.GenesisOrganisation{}, Validators: []chain.GenesisValidator{}, Bundles: append([]chain.GenesisBundle{}, bundles...),
	}, Signatures: []Signature{}}, nil
}

// ParseDraft reads a draft, complete or not. Errors are HC-5102.
func ParseDraft(raw []byte) (*Draft, error) {
	d := new(Draft)
	if err := decodeStrict(raw, d); err != nil {
		return nil, types.Errorf(types.CodeGenesisInvalid, "read draft: %w", err)
	}
	if d.Format != 1 || d.Genesis.Format != 1 {
		return nil, types.Errorf(types.CodeGenesisInvalid, "this is no draft of format 1")
	}
	if len(d.Signatures) > chain.MaxOrganisations {
		return nil, types.Errorf(types.CodeGenesisInvalid, "more than %d signatures", chain.MaxOrganisations)
	}
	return d, nil
}

// Encode renders the draft as a file.
func (d *Draft) Encode() ([]byte, error) { return indent(d) }

// Render returns the content: the exact bytes of the genesis file to be.
func (d *Draft) Render() ([]byte, error) { return indent(&d.Genesis) }

// Complete returns the checked genesis of the content and its bytes. Errors are HC-5102.
func (d *Draft) Complete() (*chain.Genesis, []byte, error) {
	raw, err := d.Render()
	if err != nil {
		return nil, nil, err
	}
	g, err := chain.ParseGenesis(raw)
	return g, raw, err
}

// AddOrganisation takes in an organisation by the root certificate of its CA, valid at
// the time at, and drops the signatures. A second root of an organisation that stands in
// the draft is added to it.
func (d *Draft) AddOrganisation(root *cert.Certificate, at time.Time) error {
	if err := root.CheckRoot(at); err != nil {
		return types.Errorf(types.CodeBadCertificate, "%w", err)
	}
	g := &d.Genesis
	i := slices.IndexFunc(g.Organisations, func(o chain.GenesisOrganisation) bool { return o.Name == root.Org })
	if i < 0 {
		g.Organisations = append(g.Organisations, chain.GenesisOrganisation{Name: root.Org})
		i = len(g.Organisations) - 1
	}
	o := &g.Organisations[i]
	if slices.ContainsFunc(o.Roots, func(der []byte) bool { return bytes.Equal(der, root.Raw) }) {
		return types.Errorf(types.CodeAlreadyExists, "organisation %s with this root stands in the draft", root.Org)
	}
	o.Roots = append(o.Roots, root.Raw)
	d.Signatures = []Signature{}
	return nil
}

// AddValidator takes in a node of an organisation in the draft and drops the signatures.
func (d *Draft) AddValidator(v *Validator) error {
	g := &d.Genesis
	if !slices.ContainsFunc(g.Organisations, func(o chain.GenesisOrganisation) bool { return o.Name == v.Org }) {
		return types.Errorf(types.CodeNotFound, "organisation %q does not stand in the draft: add it first", v.Org)
	}
	ed, err := hex.DecodeString(v.Ed25519)
	if err != nil || len(ed) != 32 || !types.ValidName(v.Name) || v.Power < 1 {
		return types.Errorf(types.CodeGenesisInvalid, "validator %s/%s: name, ed25519 key (64 hex digits) or power is wrong", v.Org, v.Name)
	}
	if !v.Key.Verify(types.PossessionSignBytes(crypto.Hash{}, v.Org, v.Name, v.Key, [32]byte(ed)), v.Possession) {
		return types.Errorf(types.CodeBadSignature, "possession of the key of %s/%s is not proven", v.Org, v.Name)
	}
	for i := range g.Validators {
		w := &g.Validators[i]
		if w.Org == v.Org && w.Name == v.Name || w.Key == v.Key || w.Ed25519 == v.Ed25519 {
			return types.Errorf(types.CodeAlreadyExists, "validator %s/%s, or one with its key, stands in the draft", w.Org, w.Name)
		}
	}
	g.Validators = append(g.Validators, v.GenesisValidator)
	if v.Address != "" {
		g.Peers = append(g.Peers, v.Org+"/"+v.Name+"@"+v.Address)
	}
	d.Signatures = []Signature{}
	return nil
}

// Sign adds the signature of an organisation, by the key of its root or of an admin,
// and returns the hash signed. The draft must be complete.
func (d *Draft) Sign(key crypto.Signer, certificate *cert.Certificate, at time.Time) (crypto.Hash, error) {
	g, _, err := d.Complete()
	if err != nil {
		return crypto.Hash{}, err
	}
	at = at.UTC().Truncate(time.Second)
	sig, err := key.Sign(types.FoundingSignBytes(g.Hash(), certificate.Org, at))
	if err != nil {
		return crypto.Hash{}, fmt.Errorf("sign draft: %w", err)
	}
	s := Signature{Org: certificate.Org, SignedAt: at, Certificate: certificate.Raw, Signature: sig}
	if err := s.check(g); err != nil {
		return crypto.Hash{}, err
	}
	d.put(s)
	return g.Hash(), nil
}

func (d *Draft) put(s Signature) {
	d.Signatures = slices.DeleteFunc(d.Signatures, func(o Signature) bool { return o.Org == s.Org })
	d.Signatures = append(d.Signatures, s)
	slices.SortFunc(d.Signatures, func(a, b Signature) int { return bytes.Compare([]byte(a.Org), []byte(b.Org)) })
}

// Merge takes the signatures of another copy, which must have the same content.
func (d *Draft) Merge(o *Draft) error {
	mine, err := d.Render()
	if err != nil {
		return err
	}
	other, err := o.Render()
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(mine, other) != 1 {
		return types.Errorf(types.CodeFoundingUnsigned, "the copies differ in content: %s and %s", Short(crypto.Sum(mine)), Short(crypto.Sum(other)))
	}
	for _, s := range o.Signatures {
		d.put(s)
	}
	return nil
}

func indent(v any) ([]byte, error) {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	return append(raw, '\n'), nil
}

func decodeStrict(raw []byte, into any) error {
	if len(raw) > MaxFileBytes {
		return fmt.Errorf("%d bytes, at most %d", len(raw), MaxFileBytes)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("something follows the JSON value")
	}
	return nil
}
