package chaintest

import (
	"crypto/rand"
	"encoding/json"
	"io"
	mathrand "math/rand/v2"
	"time"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/types"
)

// World is a set of organisations and members from which a genesis is made.
type World struct {
	Start time.Time // certificates are valid from here
	Orgs  map[string]*cert.CA
	// RootKeys are the keys of the CAs that NewWorld made.
	RootKeys map[string]*crypto.PrivateKey
	Genesis  chain.Genesis

	key      func(name string) *crypto.PrivateKey // of a root or a header
	orgNames []string
	packages map[crypto.Hash][]byte
}

// Member is a member with its key.
type Member struct {
	ID   types.MemberID
	Key  *crypto.PrivateKey
	Cert []byte // DER
}

// Address is the member's address.
func (m *Member) Address() types.Address { return types.AddressOf(m.Key.Public()) }

// NewWorld makes a world with the named organisations. It panics on failure, which in a
// test is the right thing.
func NewWorld(start time.Time, orgs ...string) *World {
	return newWorld(rand.Reader, func(string) *crypto.PrivateKey { return NewKey() }, start, orgs)
}

// NewRepeatableWorld makes a world whose genesis is the same one in every run.
func NewRepeatableWorld(start time.Time, orgs ...string) *World {
	return newWorld(mathrand.NewChaCha8(crypto.Sum([]byte("repeatable world"))), KeyOf, start, orgs)
}

func newWorld(random io.Reader, key func(name string) *crypto.PrivateKey, start time.Time, orgs []string) *World {
	w := &World{key: key, Start: start.UTC(), Orgs: map[string]*cert.CA{}, RootKeys: map[string]*crypto.PrivateKey{}, packages: map[crypto.Hash][]byte{}}
	w.Genesis = chain.Genesis{Format: 1, Chain: "test", Time: w.Start, Protocol: chain.ProtocolVersion, Params: chain.DefaultParams()}
	for _, name := range orgs {
		w.RootKeys[name] = key("root of " + name)
		ca, err := cert.NewCAFrom(random, name, w.RootKeys[name], w.Start.Add(-time.Hour), w.Start.AddDate(10, 0, 0))
		must(err)
		w.Orgs[name] = ca
		w.orgNames = append(w.orgNames, name)
		w.Genesis.Organisations = append(w.Genesis.Organisations,
			chain.GenesisOrganisation{Name: name, Roots: [][]byte{ca.Root().Raw}})
	}
	return w
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// NewKey makes an SM2 key.
func NewKey() *crypto.PrivateKey {
	k, err := crypto.GenerateKey(rand.Reader)
	must(err)
	return k
}

// KeyOf makes the SM2 key that belongs to a name: the same one in every run.
func KeyOf(name string) *crypto.PrivateKey {
	d := crypto.Sum([]byte("test key of " + name))
	k, err := crypto.NewPrivateKey(d[:])
	must(err)
	return k
}

// Member issues a certificate valid for a year from the world's start.
func (w *World) Member(org, name string, roles ...string) *Member {
	return w.MemberUntil(org, name, w.Start.AddDate(1, 0, 0), roles...)
}

// MemberUntil issues a certificate that ends at a given time.
func (w *World) MemberUntil(org, name string, notAfter time.Time, roles ...string) *Member {
	return w.MemberOfKey(org, name, NewKey(), notAfter, roles...)
}

// MemberOfKey issues a certificate over an existing key that ends at a given time.
func (w *World) MemberOfKey(org, name string, key *crypto.PrivateKey, notAfter time.Time, roles ...string) *Member {
	c, err := w.Orgs[org].Issue(cert.Request{Name: name, Roles: roles, PublicKey: key.Public(), NotBefore: w.Start.Add(-time.Hour), NotAfter: notAfter})
	must(err)
	id, err := types.NewMemberID(org, name)
	must(err)
	return &Member{ID: id, Key: key, Cert: c.Raw}
}

// CertifyKey issues a certificate over an existing key.
func (w *World) CertifyKey(org, name string, key *crypto.PrivateKey, roles ...string) []byte {
	c, err := w.Orgs[org].Issue(cert.Request{Name: name, Roles: roles, PublicKey: key.Public(), NotBefore: w.Start.Add(-time.Hour), NotAfter: w.Start.AddDate(2, 0, 0)})
	must(err)
	return c.Raw
}

// LinkIdentity issues the pair of certificates of a node's links, until notAfter.
func (w *World) LinkIdentity(org, name string, notAfter time.Time, roles ...string) *tlcp.Identity {
	id, err := tlcp.Issue(w.Orgs[org], cert.Request{Name: name, Roles: roles, NotBefore: w.Start.Add(-time.Hour), NotAfter: notAfter})
	must(err)
	return id
}

// AddValidator adds a founding validator and returns its header key.
func (w *World) AddValidator(org, name string, ed25519 [32]byte) *crypto.PrivateKey {
	key := w.key(org + "/" + name)
	w.Genesis.Validators = append(w.Genesis.Validators, chain.GenesisValidator{
		Org: org, Name: name, Key: key.Public(), Ed25519: crypto.Hash(ed25519).String(), Power: 10})
	return key
}

// AddBundle installs a package at genesis.
func (w *World) AddBundle(name, version string, code crypto.Hash, pkg []byte) {
	h := crypto.Sum(pkg)
	w.packages[h] = pkg
	w.Genesis.Bundles = append(w.Genesis.Bundles, chain.GenesisBundle{Name: name, Version: version, Package: h, Code: code})
}

// Seal returns the parsed genesis and the packages it names. A world without a validator
// gets one.
func (w *World) Seal() (*chain.Genesis, map[crypto.Hash][]byte) {
	if len(w.Genesis.Validators) == 0 {
		w.AddValidator(w.orgNames[0], "node0", [32]byte{1})
	}
	raw, err := json.Marshal(&w.Genesis)
	must(err)
	g, err := chain.ParseGenesis(raw)
	must(err)
	return g, w.packages
}

// Call builds and signs a call of m, valid for a minute from at.
func Call(g *chain.Genesis, m *Member, at time.Time, contract, method, args string, withCert bool, cosigners ...*Member) *types.Tx {
	b := Body(g, m, at, contract, method, args)
	_, err := rand.Read(b.Salt[:])
	must(err)
	return Sign(b, m, withCert, cosigners...)
}

// Body is what Call signs, without a salt.
func Body(g *chain.Genesis, m *Member, at time.Time, contract, method, args string) *types.Body {
	return &types.Body{
		Genesis: g.Hash(), Sender: m.Address(), Contract: contract, Method: method, Args: []byte(args),
		GasLimit: 100_000_000, ValidUntil: at.Add(time.Minute).UnixMilli(),
	}
}

// Sign signs a body by m and the co-signers, whose addresses it fills in.
func Sign(b *types.Body, m *Member, withCert bool, cosigners ...*Member) *types.Tx {
	sortByAddress(cosigners)
	var der []byte
	if withCert {
		der = m.Cert
	}
	signers := make([]crypto.Signer, 0, len(cosigners))
	for _, c := range cosigners {
		b.Cosigners = append(b.Cosigners, c.Address())
		signers = append(signers, c.Key)
	}
	tx, err := types.SignTx(b, der, m.Key, signers...)
	must(err)
	return tx
}

func sortByAddress(ms []*Member) {
	for i := range ms {
		for j := i; j > 0; j-- {
			a, b := ms[j-1].Address(), ms[j].Address()
			if string(a[:]) <= string(b[:]) {
				break
			}
			ms[j-1], ms[j] = ms[j], ms[j-1]
		}
	}
}
