package devnet

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/consensus"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

// Params says what devnet to create.
type Params struct {
	Home       string
	Validators int
	// PortBase is the first port of the HTTP APIs; peers follow 100 and metrics 200
	// higher. 0 takes the defaults.
	PortBase int
	// Apps adds a second chain, AppsName, of other organisations on part of the nodes.
	Apps bool
	// NoMirror keeps the first node from mirroring the chain for the console.
	NoMirror bool
	// Packages are the package files of the contracts to install, by name.
	Packages map[string][]byte
	// Say, where given, is told which ports were taken.
	Say func(en, zh string)
}

// supervisor is the contract whose rules a devnet obeys, where it is installed.
const supervisor = "supervision"

// Validate checks the bounds.
func (p *Params) Validate() error {
	if p.Validators < 1 || p.Validators > MaxValidators {
		return types.Errorf(types.CodeUsage, "a devnet has 1 to %d validators, not %d", MaxValidators, p.Validators)
	}
	if p.PortBase != 0 && (p.PortBase < 1024 || p.PortBase > 65000) {
		return types.Errorf(types.CodeUsage, "ports begin between 1024 and 65000, not at %d", p.PortBase)
	}
	return nil
}

// Create founds a network. What an interrupted attempt left behind is replaced; a
// complete devnet is HC-1011.
func Create(ctx context.Context, p Params) (*Network, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(manifestPath(p.Home)); err == nil {
		return nil, types.Errorf(types.CodeAlreadyExists, "a devnet in %s", p.Home)
	}
	n := &Network{Format: 1, Chain: ChainName, Created: time.Now().UTC().Truncate(time.Second), home: p.Home, NoMirror: p.NoMirror}
	if err := n.clear(); err != nil {
		return nil, err
	}
	secret, err := n.newPassphrase()
	if err != nil {
		return nil, err
	}
	orgs, err := n.foundOrganisations(ctx, secret)
	if err != nil {
		return nil, err
	}
	g := chain.Genesis{
		Format: 1, Chain: n.Chain, Time: n.Created, Protocol: chain.ProtocolVersion, Params: chain.DefaultParams(),
	}
	if p.Packages[supervisor] != nil {
		g.Params.Policy = supervisor
	}
	for _, o := range orgs {
		g.Organisations = append(g.Organisations, chain.GenesisOrganisation{Name: o.name, Roots: [][]byte{o.ca.Root().Raw}})
	}
	for i := range p.Validators {
		v, err := n.foundValidator(i, orgs[i%len(orgs)], secret)
		if err != nil {
			return nil, err
		}
		g.Validators = append(g.Validators, *v)
	}
	if err := n.installBundles(&g, p.Packages); err != nil {
		return nil, err
	}
	if err := n.writeGenesis(&g); err != nil {
		return nil, err
	}
	if p.Apps {
		if err := n.foundApps(secret, p.Packages); err != nil {
			return nil, err
		}
	}
	_, taken, err := n.assignPorts(p.PortBase)
	if err != nil {
		return nil, err
	}
	sayTaken(p.Say, taken)
	if err := n.publish(); err != nil {
		return nil, err
	}
	return n, ctx.Err()
}

// publish writes everything that names addresses; devnet.json last.
func (n *Network) publish() error {
	if err := n.writeConfigs(); err != nil {
		return err
	}
	profile := client.Profile{
		Nodes: n.URLs(), Chain: n.Chain, Genesis: n.Genesis, GenesisFile: n.GenesisFile(),
		Members: n.MembersDir(), PassphraseFile: n.PassphraseFile(), ConnectAs: connectAs, Chains: n.otherChains(false),
	}
	if err := n.writeProfile(profileName, &profile); err != nil {
		return err
	}
	profile.Nodes, profile.Chains = nil, n.otherChains(true)
	for i := range n.Nodes {
		profile.Nodes = append(profile.Nodes, n.Nodes[i].SecureURL())
	}
	if err := n.writeProfile(secureProfileName, &profile); err != nil {
		return err
	}
	return n.save()
}

func (n *Network) writeProfile(name string, p *client.Profile) error {
	raw, err := p.Encode()
	if err != nil {
		return err
	}
	return node.WriteFile(client.ProfilePath(n.home, name), raw, 0o644)
}

// clear removes what an interrupted creation left; the folder is ours by its name.
func (n *Network) clear() error {
	for i := range MaxValidators {
		if err := os.RemoveAll(filepath.Join(n.Dir(), fmt.Sprintf("node%d", i))); err != nil {
			return err
		}
	}
	for _, p := range []string{n.MembersDir(), n.PassphraseFile(), n.GenesisFile(), n.AppsFile(), n.AppsGenesisFile()} {
		if err := os.RemoveAll(p); err != nil {
			return err
		}
	}
	return os.MkdirAll(n.Dir(), 0o755)
}

func (n *Network) newPassphrase() ([]byte, error) {
	secret := keystore.RandomSecret()
	return secret, node.WriteFile(n.PassphraseFile(), append(secret, '\n'), 0o600)
}

// CacheDir is where the validators of the network keep compiled contracts.
func (n *Network) CacheDir() string { return cacheDir(n.home) }

func cacheDir(home string) string { return filepath.Join(dirOf(home), "cache", "wasm") }

// foundValidator makes keys, certificate and home of validator i.
func (n *Network) foundValidator(i int, o *organisation, secret []byte) (*chain.GenesisValidator, error) {
	name := fmt.Sprintf("node%d", i)
	v, _, err := makeValidator(n.NodeHome(name).Chain(n.Chain), name, o, secret)
	if err != nil {
		return nil, err
	}
	n.Nodes = append(n.Nodes, Node{Name: name, Member: o.name + "/" + name})
	return v, nil
}

// makeValidator makes the keys and certificates of a validator of a chain.
func makeValidator(home node.ChainHome, name string, o *organisation, secret []byte) (*chain.GenesisValidator, crypto.Signer, error) {
	key, err := crypto.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	keys := home.KeysDir()
	if err := os.MkdirAll(keys, 0o700); err != nil {
		return nil, nil, err
	}
	if err := keystore.Save(filepath.Join(keys, "validator.key"), key, secret); err != nil {
		return nil, nil, err
	}
	if _, err := o.certify(filepath.Join(keys, "validator.pem"), name, []types.Role{types.RoleValidator}, key.Public()); err != nil {
		return nil, nil, err
	}
	info, err := consensus.CreateKeys(node.ConsensusKeys(keys, nil))
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	link, err := tlcp.Issue(o.ca, cert.Request{
		Name: name, Roles: []string{string(types.RoleNode)}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(2, 0, 0),
	})
	if err != nil {
		return nil, nil, err
	}
	if err := home.LinkFiles().Save(link, secret); err != nil {
		return nil, nil, err
	}
	return &chain.GenesisValidator{
		Org: o.name, Name: name, Key: key.Public(), Ed25519: hex.EncodeToString(info.Ed25519[:]), Power: 1,
	}, key, nil
}

// installBundles names the packages in the genesis and puts them beside it in each home.
func (n *Network) installBundles(g *chain.Genesis, packages map[string][]byte) error {
	for _, name := range sortedNames(packages) {
		raw := packages[name]
		pkg, err := bundle.Open(raw)
		if err != nil {
			return err
		}
		g.Bundles = append(g.Bundles, chain.GenesisBundle{
			Name: pkg.Manifest.Name, Version: pkg.Manifest.Version, Package: pkg.Hash, Code: pkg.CodeHash, Params: pkg.Manifest.Params,
		})
		for i := range n.Nodes {
			path := filepath.Join(n.NodeHome(n.Nodes[i].Name).Chain(n.Chain).BundlesDir(), pkg.Manifest.Name+".hcp")
			if err := node.WriteFile(path, raw, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *Network) writeGenesis(g *chain.Genesis) error {
	raw, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		return fmt.Errorf("encode genesis: %w", err)
	}
	raw = append(raw, '\n')
	parsed, err := chain.ParseGenesis(raw)
	if err != nil {
		return err
	}
	n.Genesis = parsed.Hash().String()
	for i := range n.Nodes {
		if err := node.WriteFile(n.NodeHome(n.Nodes[i].Name).Chain(n.Chain).GenesisFile(), raw, 0o644); err != nil {
			return err
		}
	}
	return node.WriteFile(n.GenesisFile(), raw, 0o644)
}
