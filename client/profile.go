package client

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Profile is a named connection: <home>/profiles/<name>.toml.
type Profile struct {
	Nodes          []string `toml:"nodes"`                    // base URLs, tried in order: http, https, tlcp
	Chain          string   `toml:"chain"`                    // chain name
	Genesis        string   `toml:"genesis,omitempty"`        // genesis hash the chain must have
	GenesisFile    string   `toml:"genesisFile,omitempty"`    // local copy: who the founding validators are
	Members        string   `toml:"members,omitempty"`        // folder <org>/<name>.key and .pem
	PassphraseFile string   `toml:"passphraseFile,omitempty"` // opens the keys under Members
	ConnectAs      string   `toml:"connectAs,omitempty"`      // member whose certificate tlcp nodes are shown
	Roots          []string `toml:"roots,omitempty"`          // PEM files of roots of nodes, besides those of the genesis
	APIKeyFile     string   `toml:"apiKeyFile,omitempty"`     // holds the key that https nodes are shown
	WebRoots       []string `toml:"webRoots,omitempty"`       // PEM files of roots that certify https nodes; left out: the system's

	Chains map[string]OtherChain `toml:"chains,omitempty"` // further chains of the nodes, by name
}

// OtherChain is a chain that a profile knows besides its own.
type OtherChain struct {
	Nodes       []string `toml:"nodes,omitempty"` // those that host it; left out: the profile's
	Genesis     string   `toml:"genesis,omitempty"`
	GenesisFile string   `toml:"genesisFile,omitempty"`
	ConnectAs   string   `toml:"connectAs,omitempty"`
}

// Select makes another chain the profile's. Of one it does not know nothing is pinned.
func (p *Profile) Select(chain string) {
	if chain == "" || chain == p.Chain {
		return
	}
	o := p.Chains[chain]
	p.Chain, p.Genesis, p.GenesisFile = chain, o.Genesis, o.GenesisFile
	if len(o.Nodes) > 0 {
		p.Nodes = o.Nodes
	}
	if o.ConnectAs != "" {
		p.ConnectAs = o.ConnectAs
	}
}

// ProfilePath is where the named profile lies.
func ProfilePath(home, name string) string {
	return filepath.Join(home, "profiles", name+".toml")
}

// LoadProfile reads a profile; HC-1003 if there is none of the name.
func LoadProfile(home, name string) (Profile, error) {
	var p Profile
	if !types.ValidName(name) {
		return p, types.Errorf(types.CodeUsage, "%q is no profile name", name)
	}
	path := ProfilePath(home, name)
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return p, types.Errorf(types.CodeNotFound, "profile %s: there is no %s", name, path)
	}
	if err != nil {
		return p, types.Errorf(types.CodeConfig, "%w", err)
	}
	defer f.Close()
	if err := toml.NewDecoder(f).DisallowUnknownFields().Decode(&p); err != nil {
		return p, types.Errorf(types.CodeConfig, "%s: %w", path, err)
	}
	return p, nil
}

// Encode returns the profile as TOML.
func (p *Profile) Encode() ([]byte, error) {
	out, err := toml.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode profile: %w", err)
	}
	return out, nil
}

// Connect opens a client for the profile.
func (p *Profile) Connect(ctx context.Context) (*Client, error) {
	params, err := p.params()
	if err != nil {
		return nil, err
	}
	return New(ctx, params)
}

// List lists the chains of the profile's nodes.
func (p *Profile) List(ctx context.Context) (*rest.Chains, error) {
	params, err := p.params()
	if err != nil {
		return nil, err
	}
	return ListChains(ctx, params)
}

func (p *Profile) params() (Params, error) {
	params := DefaultParams(p.Nodes...)
	params.Chain = p.Chain
	if p.Genesis != "" {
		h, err := crypto.ParseHash(p.Genesis)
		if err != nil {
			return params, types.Errorf(types.CodeConfig, "genesis hash of the profile: %w", err)
		}
		params.Genesis = h
	}
	if err := p.web(&params); err != nil {
		return params, err
	}
	if slices.ContainsFunc(p.Nodes, func(n string) bool { return strings.HasPrefix(n, secureScheme+"://") }) {
		var err error
		if params.TLCP, err = p.secure(params.Genesis); err != nil {
			return params, err
		}
	}
	return params, nil
}

// web adds what nodes with a web listener want: a key, and whom to trust.
func (p *Profile) web(params *Params) error {
	if p.APIKeyFile != "" {
		raw, err := os.ReadFile(p.APIKeyFile)
		if err != nil {
			return types.Errorf(types.CodeConfig, "apiKeyFile of the profile: %w", err)
		}
		params.APIKey = strings.TrimSpace(string(raw))
		if params.APIKey == "" || strings.ContainsFunc(params.APIKey, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return types.Errorf(types.CodeConfig, "apiKeyFile of the profile: %s holds no key", p.APIKeyFile)
		}
	}
	for _, f := range p.WebRoots {
		pem, err := os.ReadFile(f)
		if err != nil {
			return types.Errorf(types.CodeCertFile, "%w", err)
		}
		if params.Roots == nil {
			params.Roots = x509.NewCertPool()
		}
		if !params.Roots.AppendCertsFromPEM(pem) {
			return types.Errorf(types.CodeCertFile, "%s holds no certificate", f)
		}
	}
	return nil
}

// Passphrase reads the passphrase of the keys under Members: from a file, if one is named
// here or by HUCHAIN_PASSPHRASE_FILE, or else from the profile's.
func (p *Profile) Passphrase(file string) ([]byte, error) {
	if file == "" && os.Getenv("HUCHAIN_PASSPHRASE_FILE") == "" {
		file = p.PassphraseFile
	}
	return keystore.ReadPassphrase(file)
}

// secure is the TLCP configuration of the profile. The genesis file must have the hash
// that is expected.
func (p *Profile) secure(genesis crypto.Hash) (*tlcp.Config, error) {
	if p.ConnectAs == "" {
		return nil, types.Errorf(types.CodeConfig, "tlcp nodes ask for a certificate: name a member with --connect-as, or connectAs in the profile")
	}
	id, err := LoadMember(p.Members, p.ConnectAs, func() ([]byte, error) { return p.Passphrase("") })
	if err != nil {
		return nil, err
	}
	var roots []*cert.Certificate
	if p.GenesisFile != "" {
		raw, err := os.ReadFile(p.GenesisFile)
		if err != nil {
			return nil, types.Errorf(types.CodeConfig, "%w", err)
		}
		if !genesis.IsZero() && crypto.Sum(raw) != genesis {
			return nil, types.Errorf(types.CodeWrongGenesis, "%s is not the genesis %s of the profile", p.GenesisFile, genesis)
		}
		if roots, err = GenesisRoots(raw); err != nil {
			return nil, err
		}
	}
	for _, f := range p.Roots {
		pem, err := os.ReadFile(f)
		if err != nil {
			return nil, types.Errorf(types.CodeCertFile, "%w", err)
		}
		c, err := cert.ParsePEM(pem)
		if err != nil {
			return nil, types.Errorf(types.CodeCertFile, "%s: %w", f, err)
		}
		roots = append(roots, c)
	}
	if len(roots) == 0 {
		return nil, types.Errorf(types.CodeConfig, "whom to trust? tlcp nodes need genesisFile or roots in the profile")
	}
	return Secure(id, roots)
}

// LoadMember opens the key and certificate of a member kept under dir as
// <org>/<name>.key and <org>/<name>.pem. spec is org/name, or name where only one
// organisation has a member of it.
func LoadMember(dir, spec string, passphrase func() ([]byte, error)) (*Identity, error) {
	if dir == "" {
		return nil, types.Errorf(types.CodeConfig, "the profile names no folder of members")
	}
	id, err := findMember(dir, spec)
	if err != nil {
		return nil, err
	}
	base := filepath.Join(dir, id.Org(), id.Name())
	pass, err := passphrase()
	if err != nil {
		return nil, err
	}
	key, err := keystore.Load(base+".key", pass)
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(base + ".pem")
	if err != nil {
		return nil, types.Errorf(types.CodeCertFile, "%w", err)
	}
	c, err := cert.ParsePEM(pem)
	if err != nil {
		return nil, types.Errorf(types.CodeCertFile, "%s.pem: %w", base, err)
	}
	if c.PublicKey != key.Public() {
		return nil, types.Errorf(types.CodeCertFile, "%s: certificate and key do not belong together", base)
	}
	return &Identity{Signer: key, Certificate: c.Raw, Member: id}, nil
}

func findMember(dir, spec string) (types.MemberID, error) {
	if strings.Contains(spec, "/") {
		id, err := types.ParseMemberID(spec)
		if err != nil {
			return "", types.Errorf(types.CodeUsage, "%w", err)
		}
		if _, err := os.Stat(filepath.Join(dir, id.Org(), id.Name()+".key")); err != nil {
			return "", noMember(dir, spec)
		}
		return id, nil
	}
	if !types.ValidName(spec) {
		return "", types.Errorf(types.CodeUsage, "%q is no member name", spec)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", spec+".key"))
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", noMember(dir, spec)
	case len(found) > 1:
		var orgs []string
		for _, f := range found {
			orgs = append(orgs, filepath.Base(filepath.Dir(f))+"/"+spec)
		}
		return "", types.Errorf(types.CodeUsage, "%q is not unique: %s", spec, strings.Join(orgs, ", "))
	}
	return types.NewMemberID(filepath.Base(filepath.Dir(found[0])), spec)
}

// Members lists the members kept under dir.
func Members(dir string) []types.MemberID {
	found, _ := filepath.Glob(filepath.Join(dir, "*", "*.key"))
	var out []types.MemberID
	for _, f := range found {
		id, err := types.NewMemberID(filepath.Base(filepath.Dir(f)), strings.TrimSuffix(filepath.Base(f), ".key"))
		if err == nil {
			out = append(out, id)
		}
	}
	return out
}

func noMember(dir, spec string) error {
	var names []string
	for _, m := range Members(dir) {
		names = append(names, string(m))
	}
	return types.Errorf(types.CodeNotFound, "member %s; %s holds: %s", spec, dir, strings.Join(names, ", "))
}
