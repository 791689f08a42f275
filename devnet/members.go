package devnet

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

// founders are the organisations of a devnet and their first members. Names apart from
// admin are unique, so that commands can leave the organisation out.
var founders = []founderOrg{
	{"archives", []founder{
		{"admin", []types.Role{types.RoleAdmin, types.RoleClient}},
		{"clerk", []types.Role{types.RoleClient}},
		{"auditor", []types.Role{types.RoleAuditor}},
		{evidenceName, []types.Role{types.RoleClient}},
	}},
	{"notary", []founder{
		{"admin", []types.Role{types.RoleAdmin, types.RoleClient}},
		{"officer", []types.Role{types.RoleClient}},
	}},
	{"court", []founder{
		{"admin", []types.Role{types.RoleAdmin, types.RoleClient}},
		{"judge", []types.Role{types.RoleClient}},
		{clockName, []types.Role{types.RoleClient}},
	}},
	{"city", []founder{
		{"admin", []types.Role{types.RoleAdmin, types.RoleClient}},
		{"operator", []types.Role{types.RoleClient}},
	}},
}

// The members of an evidence service: that of the archives signs, that of the court stamps.
const (
	evidenceName = "evidence"
	clockName    = "clock"
)

type founderOrg struct {
	org     string
	members []founder
}

type founder struct {
	name  string
	roles []types.Role
}

type organisation struct {
	name string
	ca   *cert.CA
}

func (n *Network) foundOrganisations(ctx context.Context, secret []byte) ([]*organisation, error) {
	var out []*organisation
	for _, f := range founders {
		o, err := n.foundOrganisation(f, secret)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// foundOrganisation makes the CA of an organisation and its first members.
func (n *Network) foundOrganisation(f founderOrg, secret []byte) (*organisation, error) {
	key, err := crypto.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	ca, err := cert.NewCA(f.org, key, n.Created.Add(-24*time.Hour), n.Created.AddDate(20, 0, 0))
	if err != nil {
		return nil, err
	}
	o := &organisation{name: f.org, ca: ca}
	base := filepath.Join(n.MembersDir(), f.org, "ca")
	if err := os.MkdirAll(filepath.Dir(base), 0o700); err != nil {
		return nil, err
	}
	if err := keystore.Save(base+".key", key, secret); err != nil {
		return nil, err
	}
	if err := node.WriteFile(base+".pem", cert.EncodePEM(ca.Root().Raw), 0o644); err != nil {
		return nil, err
	}
	for _, m := range f.members {
		if _, err := n.addMember(o, m.name, m.roles, secret); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// addMember makes key and certificate of a member.
func (n *Network) addMember(o *organisation, name string, roles []types.Role, secret []byte) (*client.Identity, error) {
	id, err := types.NewMemberID(o.name, name)
	if err != nil {
		return nil, types.Errorf(types.CodeUsage, "%w", err)
	}
	key, err := crypto.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	base := filepath.Join(n.MembersDir(), o.name, name)
	if err := keystore.Save(base+".key", key, secret); err != nil {
		return nil, err
	}
	der, err := o.certify(base+".pem", name, roles, key.Public())
	if err != nil {
		return nil, err
	}
	return &client.Identity{Signer: key, Certificate: der, Member: id}, nil
}

// certify issues a certificate for two years from now, writes it and returns its DER.
func (o *organisation) certify(path, name string, roles []types.Role, pub crypto.PublicKey) ([]byte, error) {
	list := make([]string, len(roles))
	for i, r := range roles {
		list[i] = string(r)
	}
	sort.Strings(list)
	now := time.Now()
	c, err := o.ca.Issue(cert.Request{
		Name: name, Roles: list, PublicKey: pub, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(2, 0, 0),
	})
	if err != nil {
		return nil, fmt.Errorf("certify %s/%s: %w", o.name, name, err)
	}
	return c.Raw, node.WriteFile(path, cert.EncodePEM(c.Raw), 0o644)
}

// organisation opens the CA of one of the founding organisations.
func (n *Network) organisation(name string, secret []byte) (*organisation, error) {
	base := filepath.Join(n.MembersDir(), name, "ca")
	text, err := os.ReadFile(base + ".pem")
	if err != nil {
		return nil, types.Errorf(types.CodeCertFile, "%w", err)
	}
	root, err := cert.ParsePEM(text)
	if err != nil {
		return nil, types.Errorf(types.CodeCertFile, "%s.pem: %w", base, err)
	}
	key, err := keystore.Load(base+".key", secret)
	if err != nil {
		return nil, err
	}
	ca, err := cert.LoadCA(root.Raw, key)
	if err != nil {
		return nil, types.Errorf(types.CodeCertFile, "%s: %w", base, err)
	}
	return &organisation{name: name, ca: ca}, nil
}

// AddMember issues a member of one of the devnet's organisations.
func (n *Network) AddMember(id types.MemberID, roles []types.Role) (*client.Identity, error) {
	secret, err := keystore.ReadPassphrase(n.PassphraseFile())
	if err != nil {
		return nil, err
	}
	o, err := n.organisation(id.Org(), secret)
	if err != nil {
		return nil, err
	}
	return n.addMember(o, id.Name(), roles, secret)
}

// Member opens a member's key.
func (n *Network) Member(spec string) (*client.Identity, error) {
	return client.LoadMember(n.MembersDir(), spec, func() ([]byte, error) { return keystore.ReadPassphrase(n.PassphraseFile()) })
}

func sortedNames(m map[string][]byte) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
