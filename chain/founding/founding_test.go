package founding

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
)

var now = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// party is an organisation at the ceremony.
type party struct {
	ca   *cert.CA
	root *crypto.PrivateKey
}

func newKey(t testing.TB) *crypto.PrivateKey {
	k, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return k
}

func newParty(t testing.TB, name string) *party {
	k := newKey(t)
	ca, err := cert.NewCA(name, k, now.AddDate(-1, 0, 0), now.AddDate(10, 0, 0))
	require.NoError(t, err)
	return &party{ca, k}
}

// member is a key with a certificate of the party.
func (p *party) member(t testing.TB, role string, until time.Time) (*crypto.PrivateKey, *cert.Certificate) {
	k := newKey(t)
	c, err := p.ca.Issue(cert.Request{Name: "someone", Roles: []string{role}, PublicKey: k.Public(), NotBefore: now.AddDate(0, -1, 0), NotAfter: until})
	require.NoError(t, err)
	return k, c
}

func validator(t testing.TB, org, name string, seed byte) *Validator {
	k := newKey(t)
	v := &Validator{GenesisValidator: chain.GenesisValidator{Org: org, Name: name, Key: k.Public(), Ed25519: strings.Repeat(hex.EncodeToString([]byte{seed}), 32), Power: 1},
		Address: "10.0.0." + string('0'+rune(seed)) + ":7200"}
	ed, err := hex.DecodeString(v.Ed25519)
	require.NoError(t, err)
	v.Possession, err = k.Sign(types.PossessionSignBytes(crypto.Hash{}, org, name, v.Key, [32]byte(ed)))
	require.NoError(t, err)
	return v
}

// draft has two organisations with a validator each, and no signature.
func draft(t testing.TB) (*Draft, *party, *party) {
	a, b := newParty(t, "archives"), newParty(t, "court")
	d, err := New("gov", now, chain.DefaultParams(), nil)
	require.NoError(t, err)
	require.NoError(t, d.AddOrganisation(a.ca.Root(), now))
	require.NoError(t, d.AddOrganisation(b.ca.Root(), now))
	require.NoError(t, d.AddValidator(validator(t, "archives", "node0", 1)))
	require.NoError(t, d.AddValidator(validator(t, "court", "node1", 2)))
	return d, a, b
}

// copyOf is the draft as it travels in a file.
func copyOf(t testing.TB, d *Draft) *Draft {
	text, err := d.Encode()
	require.NoError(t, err)
	out, err := ParseDraft(text)
	require.NoError(t, err)
	return out
}

// Two organisations sign copies of one draft apart, one by its CA, one by an admin. The
// sealed file holds for whoever reads it.
func TestCeremony(t *testing.T) {
	d, a, b := draft(t)
	_, err := d.Seal()
	require.Equal(t, types.CodeFoundingUnsigned, types.CodeOf(err))
	require.ErrorContains(t, err, "archives, court")

	other := copyOf(t, d)
	h1, err := d.Sign(a.root, a.ca.Root(), now)
	require.NoError(t, err)
	_, err = d.Seal()
	require.ErrorContains(t, err, "not signed by court")
	key, crt := b.member(t, "admin", now.AddDate(1, 0, 0))
	h2, err := other.Sign(key, crt, now.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, h1, h2, "the same content")
	require.NoError(t, d.Merge(copyOf(t, other)))

	s, err := d.Seal()
	require.NoError(t, err)
	require.Equal(t, h1, s.Hash)
	text, err := s.Encode()
	require.NoError(t, err)
	require.True(t, IsSealed(text))
	got, g, err := ParseSealed(text)
	require.NoError(t, err)
	require.Equal(t, crypto.Sum([]byte(got.Genesis)), g.Hash(), "the genesis hash is SM3 of the text")
	require.Equal(t, h1, g.Hash())
	require.Equal(t, []string{"archives/node0@10.0.0.1:7200", "court/node1@10.0.0.2:7200"}, g.Peers)

	require.True(t, SameHash(h1, Short(h1)))
	require.True(t, SameHash(h1, h1.String()))
	require.False(t, SameHash(h1, h1.String()[:31]), "too short to be compared")
	require.False(t, SameHash(h1, Short(crypto.Hash{})))
}

// A change after a signature, by the tool or by hand, leaves nothing to seal.
func TestContentChangedAfterSigning(t *testing.T) {
	d, a, b := draft(t)
	_, err := d.Sign(a.root, a.ca.Root(), now)
	require.NoError(t, err)
	before := copyOf(t, d)
	require.NoError(t, d.AddValidator(validator(t, "court", "node2", 3)))
	require.Empty(t, d.Signatures, "they were of another content")
	_, err = d.Sign(b.root, b.ca.Root(), now)
	require.NoError(t, err)
	require.Equal(t, types.CodeFoundingUnsigned, types.CodeOf(d.Merge(before)), "copies of different content")

	forged := copyOf(t, d)
	forged.Signatures = append(before.Signatures, d.Signatures...)
	_, err = forged.Seal()
	require.Equal(t, types.CodeFoundingUnsigned, types.CodeOf(err))
	require.ErrorContains(t, err, "archives is not of this content")
}

func TestWhoMaySign(t *testing.T) {
	d, a, b := draft(t)
	stranger := newParty(t, "archives") // of the same name
	tax := newParty(t, "tax")
	client, clientCert := a.member(t, "client", now.AddDate(1, 0, 0))
	late, lateCert := a.member(t, "admin", now.AddDate(0, 0, -1))
	foreign, foreignCert := stranger.member(t, "admin", now.AddDate(1, 0, 0))
	for name, c := range map[string]struct {
		key  crypto.Signer
		crt  *cert.Certificate
		want types.Code
	}{
		"not an admin":           {client, clientCert, types.CodePermissionDenied},
		"ended certificate":      {late, lateCert, types.CodeBadCertificate},
		"another root":           {stranger.root, stranger.ca.Root(), types.CodeForeignCA},
		"admin of another root":  {foreign, foreignCert, types.CodeBadCertificate},
		"not a founder":          {tax.root, tax.ca.Root(), types.CodeFoundingUnsigned},
		"certificate of another": {b.root, a.ca.Root(), types.CodeFoundingUnsigned},
	} {
		_, err := d.Sign(c.key, c.crt, now)
		require.Equal(t, c.want, types.CodeOf(err), "%s: %v", name, err)
		require.Empty(t, d.Signatures, name)
	}
}

func TestWhatDraftsRefuse(t *testing.T) {
	d, a, _ := draft(t)
	require.Equal(t, types.CodeAlreadyExists, types.CodeOf(d.AddOrganisation(a.ca.Root(), now)))
	require.Equal(t, types.CodeBadCertificate, types.CodeOf(d.AddOrganisation(newParty(t, "tax").ca.Root(), now.AddDate(20, 0, 0))))
	_, crt := a.member(t, "admin", now.AddDate(1, 0, 0))
	require.Equal(t, types.CodeBadCertificate, types.CodeOf(d.AddOrganisation(crt, now)), "no root")

	v := validator(t, "archives", "node7", 7)
	v.Org = "tax"
	require.Equal(t, types.CodeNotFound, types.CodeOf(d.AddValidator(v)))
	v = validator(t, "archives", "node7", 7)
	v.Name = "node8"
	require.Equal(t, types.CodeBadSignature, types.CodeOf(d.AddValidator(v)), "the proof is of another node")
	v = validator(t, "archives", "node0", 7)
	require.Equal(t, types.CodeAlreadyExists, types.CodeOf(d.AddValidator(v)))
	v = validator(t, "archives", "node7", 7)
	v.Power = 0
	require.Equal(t, types.CodeGenesisInvalid, types.CodeOf(d.AddValidator(v)))

	v = validator(t, "archives", "node7", 7)
	v.Address = "10.0.0.7"
	require.NoError(t, d.AddValidator(v))
	_, err := d.Sign(a.root, a.ca.Root(), now)
	require.Equal(t, types.CodeGenesisInvalid, types.CodeOf(err), "an address without a port")

	_, err = New("Not A Name", now, chain.DefaultParams(), nil)
	require.Equal(t, types.CodeUsage, types.CodeOf(err))
	_, err = New("gov", now, chain.Params{}, nil)
	require.Equal(t, types.CodeGenesisInvalid, types.CodeOf(err))
	empty, err := New("gov", now, chain.DefaultParams(), nil)
	require.NoError(t, err)
	_, err = empty.Sign(a.root, a.ca.Root(), now)
	require.Equal(t, types.CodeGenesisInvalid, types.CodeOf(err), "nothing to agree to yet")
}

func sealed(t testing.TB) []byte {
	d, a, b := draft(t)
	for _, p := range []*party{a, b} {
		_, err := d.Sign(p.root, p.ca.Root(), now)
		require.NoError(t, err)
	}
	s, err := d.Seal()
	require.NoError(t, err)
	text, err := s.Encode()
	require.NoError(t, err)
	return text
}

// No altered digit of a sealed file passes for it: either it is refused, or it says the same.
func TestSealedAltered(t *testing.T) {
	text := sealed(t)
	_, want, err := ParseSealed(text)
	require.NoError(t, err)
	for i := range text {
		if text[i] < '0' || text[i] > 'z' {
			continue
		}
		bad := bytes.Clone(text)
		bad[i] ^= 1
		_, g, err := ParseSealed(bad)
		require.True(t, err != nil || g.Hash() == want.Hash(), "byte %d", i)
	}

	change := func(f func(*Sealed)) error {
		s := new(Sealed)
		require.NoError(t, json.Unmarshal(text, s))
		f(s)
		raw, err := s.Encode()
		require.NoError(t, err)
		_, _, err = ParseSealed(raw)
		return err
	}
	require.NoError(t, change(func(*Sealed) {}))
	for name, f := range map[string]func(*Sealed){
		"signature missing": func(s *Sealed) { s.Signatures = s.Signatures[:1] },
		"signature twice":   func(s *Sealed) { s.Signatures[1] = s.Signatures[0] },
		"power raised":      func(s *Sealed) { s.Genesis = strings.Replace(s.Genesis, `"power": 1`, `"power": 9`, 1) },
		"genesis and hash":  func(s *Sealed) { s.Genesis += "\n"; s.Hash = crypto.Sum([]byte(s.Genesis)) },
		"time of signing":   func(s *Sealed) { s.Signatures[0].SignedAt = now.Add(time.Second) },
		"name of the chain": func(s *Sealed) { s.Chain = "apps" },
	} {
		require.Equal(t, types.CodeFoundingUnsigned, types.CodeOf(change(f)), name)
	}
}

func FuzzFiles(f *testing.F) {
	d, a, _ := draft(f)
	_, err := d.Sign(a.root, a.ca.Root(), now)
	require.NoError(f, err)
	text, err := d.Encode()
	require.NoError(f, err)
	f.Add(text)
	f.Add(sealed(f))
	f.Add([]byte(`{"format":1,"genesis":{"format":1},"signatures":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, g, err := ParseSealed(raw); err == nil {
			require.NotEmpty(t, g.Organisations)
		}
		d, err := ParseDraft(raw)
		if err != nil {
			return
		}
		again, err := d.Encode()
		require.NoError(t, err)
		other, err := ParseDraft(again)
		require.NoError(t, err)
		require.NoError(t, d.Merge(other), "a draft written and read is the same content")
	})
}
