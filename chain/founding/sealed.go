package founding

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
)

// Sealed is a genesis with the signatures of all founding organisations. It keeps the
// exact text of the genesis file, whose SM3 is the genesis hash.
type Sealed struct {
	Format     int         `json:"format"` // 1
	Chain      string      `json:"chain"`
	Hash       crypto.Hash `json:"hash"`
	Genesis    string      `json:"sealedGenesis"` // text of genesis.json
	Signatures []Signature `json:"signatures"`
}

// Seal closes the ceremony. It refuses with HC-5104 until every organisation has signed
// this content, and names those that have not.
func (d *Draft) Seal() (*Sealed, error) {
	g, raw, err := d.Complete()
	if err != nil {
		return nil, err
	}
	if err := checkSignatures(g, d.Signatures); err != nil {
		return nil, err
	}
	return &Sealed{Format: 1, Chain: g.Chain, Hash: g.Hash(), Genesis: string(raw), Signatures: d.Signatures}, nil
}

// Encode renders the sealed file.
func (s *Sealed) Encode() ([]byte, error) { return indent(s) }

// IsSealed reports whether a file is a sealed one rather than a draft or a bare genesis.
func IsSealed(raw []byte) bool {
	var probe struct {
		Genesis *string `json:"sealedGenesis"`
	}
	return json.Unmarshal(raw, &probe) == nil && probe.Genesis != nil
}

// IsDraft reports whether a file is a draft.
func IsDraft(raw []byte) bool {
	var probe struct {
		Genesis json.RawMessage `json:"genesis"`
	}
	return json.Unmarshal(raw, &probe) == nil && probe.Genesis != nil
}

// ParseSealed reads a sealed file and verifies every signature. It returns the genesis and
// the bytes of genesis.json. Errors are HC-5102 for a file that cannot be, HC-5104 for
// one that not every founding organisation has signed.
func ParseSealed(raw []byte) (*Sealed, *chain.Genesis, error) {
	s := new(Sealed)
	if err := decodeStrict(raw, s); err != nil {
		return nil, nil, types.Errorf(types.CodeGenesisInvalid, "read sealed genesis: %w", err)
	}
	if s.Format != 1 {
		return nil, nil, types.Errorf(types.CodeGenesisInvalid, "sealed genesis of format %d, this binary reads 1", s.Format)
	}
	g, err := chain.ParseGenesis([]byte(s.Genesis))
	if err != nil {
		return nil, nil, err
	}
	if g.Hash() != s.Hash || g.Chain != s.Chain {
		return nil, nil, types.Errorf(types.CodeFoundingUnsigned, "the file says chain %s with hash %s, its genesis is of chain %s with hash %s", s.Chain, s.Hash, g.Chain, g.Hash())
	}
	return s, g, checkSignatures(g, s.Signatures)
}

// checkSignatures refuses unless each organisation of the genesis has signed it, once.
func checkSignatures(g *chain.Genesis, list []Signature) error {
	signed := map[string]bool{}
	for i := range list {
		s := &list[i]
		if err := s.check(g); err != nil {
			return err
		}
		if signed[s.Org] {
			return types.Errorf(types.CodeFoundingUnsigned, "organisation %s signs twice", s.Org)
		}
		signed[s.Org] = true
	}
	var missing []string
	for _, o := range g.Organisations {
		if !signed[o.Name] {
			missing = append(missing, o.Name)
		}
	}
	if len(missing) > 0 {
		return types.Errorf(types.CodeFoundingUnsigned, "not signed by %s", strings.Join(missing, ", "))
	}
	return nil
}

// check verifies one signature: by the root of the organisation, or by an admin whom one
// of the roots certified.
func (s *Signature) check(g *chain.Genesis) error {
	c, err := cert.Parse(s.Certificate)
	if err != nil {
		return types.Errorf(types.CodeBadCertificate, "signature of %s: %w", s.Org, err)
	}
	i := slices.IndexFunc(g.Organisations, func(o chain.GenesisOrganisation) bool { return o.Name == s.Org })
	if i < 0 || c.Org != s.Org {
		return types.Errorf(types.CodeFoundingUnsigned, "a signature of %s by a certificate of %s, which founds nothing here", s.Org, c.Org)
	}
	var roots []*cert.Certificate
	for _, der := range g.Organisations[i].Roots {
		root, err := cert.Parse(der)
		if err != nil {
			return types.Errorf(types.CodeGenesisInvalid, "root of %s: %w", s.Org, err)
		}
		roots = append(roots, root)
	}
	if c.IsCA {
		if !slices.ContainsFunc(roots, func(r *cert.Certificate) bool { return bytes.Equal(r.Raw, c.Raw) }) {
			return types.Errorf(types.CodeForeignCA, "the signature of %s is by a root that is not in the genesis", s.Org)
		}
		err = c.CheckRoot(s.SignedAt)
	} else {
		err = c.Check(roots, s.SignedAt)
	}
	switch {
	case err != nil:
		return types.Errorf(types.CodeBadCertificate, "signature of %s: %w", s.Org, err)
	case !c.IsCA && !slices.Contains(c.Roles, string(types.RoleAdmin)):
		return types.Errorf(types.CodePermissionDenied, "%s/%s is no admin: an admin or the root's key signs for an organisation", c.Org, c.Name)
	case !c.PublicKey.Verify(types.FoundingSignBytes(g.Hash(), s.Org, s.SignedAt), s.Signature):
		return types.Errorf(types.CodeFoundingUnsigned, "the signature of %s is not of this content (%s)", s.Org, Short(g.Hash()))
	}
	return nil
}

// Short is a hash to be read out: its first 32 hex digits in groups of four. 128 bits, so
// that nobody can make two drafts with equal ones.
func Short(h crypto.Hash) string {
	text := h.String()
	var groups []string
	for i := 0; i < 32; i += 4 {
		groups = append(groups, text[i:i+4])
	}
	return strings.Join(groups, " ")
}

// SameHash reports whether text, with or without spaces, is the hash or its short form.
func SameHash(h crypto.Hash, text string) bool {
	text = strings.ToLower(strings.Join(strings.Fields(text), ""))
	return (len(text) == 32 || len(text) == 64) && strings.HasPrefix(h.String(), text)
}
