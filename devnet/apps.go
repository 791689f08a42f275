package devnet

import (
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/founding"
	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

// AppsName is the second chain of a devnet: of other organisations than the first, on all
// nodes but node0, each of which runs both chains in one process.
const AppsName = "apps"

// Apps is the second chain as devnet.json describes it.
type Apps struct {
	Genesis string     `json:"genesis"`
	Nodes   []AppsNode `json:"nodes"`
}

// AppsNode is a node of the network that hosts the second chain too.
type AppsNode struct {
	Name   string `json:"name"`
	Member string `json:"member"`
	P2P    string `json:"p2p"`
	API    string `json:"api"`
}

// appsConnectAs is a member of organisations of both chains.
const appsConnectAs = "court/judge"

// newcomer is the organisation that takes part in the second chain alone.
var newcomer = founderOrg{"tax", []founder{
	{"admin", []types.Role{types.RoleAdmin, types.RoleClient}},
	{"inspector", []types.Role{types.RoleClient}},
}}

// AppsFile is the sealed genesis of the second chain, AppsGenesisFile the genesis in it.
func (n *Network) AppsFile() string        { return filepath.Join(n.Dir(), AppsName+".sealed") }
func (n *Network) AppsGenesisFile() string { return filepath.Join(n.Dir(), AppsName+".genesis.json") }

// foundApps founds the second chain by ceremony: its organisations sign one draft.
func (n *Network) foundApps(secret []byte, packages map[string][]byte) error {
	orgs, err := n.appsOrganisations(secret)
	if err != nil {
		return err
	}
	var bundles []chain.GenesisBundle
	for _, name := range sortedNames(packages) {
		pkg, err := bundle.Open(packages[name])
		if err != nil {
			return err
		}
		bundles = append(bundles, chain.GenesisBundle{Name: pkg.Manifest.Name, Version: pkg.Manifest.Version, Package: pkg.Hash, Code: pkg.CodeHash, Params: pkg.Manifest.Params})
	}
	d, err := founding.New(AppsName, n.Created, chain.DefaultParams(), bundles)
	if err != nil {
		return err
	}
	for _, o := range orgs {
		if err := d.AddOrganisation(o.ca.Root(), time.Now()); err != nil {
			return err
		}
	}
	n.Apps = &Apps{}
	for i, host := range n.Nodes[min(1, len(n.Nodes)-1):] {
		if err := n.addAppsNode(d, host.Name, orgs[i%len(orgs)], secret); err != nil {
			return err
		}
	}
	return n.sealApps(d, orgs, secret, packages)
}

func (n *Network) appsOrganisations(secret []byte) ([]*organisation, error) {
	tax, err := n.foundOrganisation(newcomer, secret)
	if err != nil {
		return nil, err
	}
	court, err := n.organisation("court", secret)
	if err != nil {
		return nil, err
	}
	city, err := n.organisation("city", secret)
	return []*organisation{tax, court, city}, err
}

// addAppsNode makes the keys of a node for the second chain and takes it into the draft.
func (n *Network) addAppsNode(d *founding.Draft, name string, o *organisation, secret []byte) error {
	v, key, err := makeValidator(n.NodeHome(name).Chain(AppsName), name, o, secret)
	if err != nil {
		return err
	}
	ed, err := hex.DecodeString(v.Ed25519)
	if err != nil {
		return err
	}
	proof, err := key.Sign(types.PossessionSignBytes(crypto.Hash{}, v.Org, v.Name, v.Key, [32]byte(ed)))
	if err != nil {
		return fmt.Errorf("prove possession: %w", err)
	}
	n.Apps.Nodes = append(n.Apps.Nodes, AppsNode{Name: name, Member: o.name + "/" + name})
	return d.AddValidator(&founding.Validator{GenesisValidator: *v, Possession: proof})
}

// sealApps has every organisation sign and puts genesis and packages into the homes.
func (n *Network) sealApps(d *founding.Draft, orgs []*organisation, secret []byte, packages map[string][]byte) error {
	for _, o := range orgs {
		key, err := keystore.Load(filepath.Join(n.MembersDir(), o.name, "ca.key"), secret)
		if err != nil {
			return err
		}
		if _, err := d.Sign(key, o.ca.Root(), time.Now()); err != nil {
			return err
		}
	}
	s, err := d.Seal()
	if err != nil {
		return err
	}
	n.Apps.Genesis = s.Hash.String()
	text, err := s.Encode()
	if err != nil {
		return err
	}
	files := map[string][]byte{n.AppsFile(): text, n.AppsGenesisFile(): []byte(s.Genesis)}
	for _, host := range n.Apps.Nodes {
		home := n.NodeHome(host.Name).Chain(AppsName)
		files[home.GenesisFile()] = []byte(s.Genesis)
		for name, raw := range packages {
			files[filepath.Join(home.BundlesDir(), name+".hcp")] = raw
		}
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if err := node.WriteFile(path, files[path], 0o644); err != nil {
			return err
		}
	}
	return nil
}

// otherChains is what a profile says of the second chain.
func (n *Network) otherChains(secure bool) map[string]client.OtherChain {
	if n.Apps == nil {
		return nil
	}
	o := client.OtherChain{Genesis: n.Apps.Genesis, GenesisFile: n.AppsGenesisFile(), ConnectAs: appsConnectAs}
	for _, host := range n.Apps.Nodes {
		if secure {
			o.Nodes = append(o.Nodes, "tlcp://"+host.API)
			continue
		}
		o.Nodes = append(o.Nodes, n.node(host.Name).URL())
	}
	return map[string]client.OtherChain{AppsName: o}
}

func (n *Network) node(name string) *Node {
	i := slices.IndexFunc(n.Nodes, func(v Node) bool { return v.Name == name })
	return &n.Nodes[i]
}

// writeAppsConfigs writes chain.toml of the second chain for every node that hosts it.
func (n *Network) writeAppsConfigs() error {
	if n.Apps == nil {
		return nil
	}
	for _, host := range n.Apps.Nodes {
		var peers []string
		for _, other := range n.Apps.Nodes {
			if other.Name != host.Name {
				peers = append(peers, fmt.Sprintf("\n  %q,", other.Member+"@"+other.P2P))
			}
		}
		text := fmt.Sprintf("[p2p]\nlisten = %q\npeers = [%s\n]\n\n[api]\nlisten = %q\n\n[keys]\npassphraseFile = %q\n",
			host.P2P, strings.Join(peers, ""), host.API, n.PassphraseFile())
		if err := node.WriteFile(n.NodeHome(host.Name).Chain(AppsName).ConfigFile(), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
