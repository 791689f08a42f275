package devnet

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

// Bounds of a devnet.
const (
	DefaultValidators = 4
	MaxValidators     = 16
	ChainName         = "gov"
)

// Profiles of a devnet: over HTTP, and over TLCP as the member connectAs.
const (
	profileName       = "devnet"
	secureProfileName = "devnet-tlcp"
	connectAs         = "archives/clerk"
)

// Network is a devnet as devnet.json describes it.
type Network struct {
	Format   int       `json:"format"` // 1
	Chain    string    `json:"chain"`
	Genesis  string    `json:"genesis"`
	Created  time.Time `json:"created"`
	Nodes    []Node    `json:"nodes"`
	Apps     *Apps     `json:"apps,omitempty"`     // the second chain, where it was asked for
	NoMirror bool      `json:"noMirror,omitempty"` // the first node keeps none
	Sample   bool      `json:"sampleLoaded"`       // the demo stories are on the chain

	home string
}

// Node is one validator of the network.
type Node struct {
	Name    string `json:"name"`
	Member  string `json:"member"`
	Web     string `json:"web"` // host:port, as those below
	P2P     string `json:"p2p"`
	API     string `json:"api"`
	Metrics string `json:"metrics"`
}

// SecureURL is the address of the node's API for members, over TLCP.
func (n *Node) SecureURL() string { return "tlcp://" + n.API }

// URL is the address of the node's HTTP API.
func (n *Node) URL() string { return "http://" + n.Web }

func dirOf(home string) string { return filepath.Join(home, "devnet") }

// Dir is the folder of the network.
func (n *Network) Dir() string { return dirOf(n.home) }

// MembersDir holds keys and certificates of the members.
func (n *Network) MembersDir() string { return filepath.Join(n.Dir(), "members") }

// PassphraseFile opens the keys.
func (n *Network) PassphraseFile() string { return filepath.Join(n.Dir(), "passphrase") }

// GenesisFile is the network's genesis file.
func (n *Network) GenesisFile() string { return filepath.Join(n.Dir(), "genesis.json") }

// NodeHome is the home folder of one of the nodes.
func (n *Network) NodeHome(name string) node.Home {
	return node.Home{Dir: filepath.Join(n.Dir(), name)}
}

// URLs lists the HTTP APIs of all nodes.
func (n *Network) URLs() []string {
	var out []string
	for i := range n.Nodes {
		out = append(out, n.Nodes[i].URL())
	}
	return out
}

func manifestPath(home string) string { return filepath.Join(dirOf(home), "devnet.json") }

// Load reads the devnet of a home; HC-1003 if none was created.
func Load(home string) (*Network, error) {
	raw, err := os.ReadFile(manifestPath(home))
	if os.IsNotExist(err) {
		return nil, types.Errorf(types.CodeNotFound, "no devnet in %s", home)
	}
	if err != nil {
		return nil, types.Errorf(types.CodeConfig, "%w", err)
	}
	n := &Network{home: home}
	if err := json.Unmarshal(raw, n); err != nil {
		return nil, types.Errorf(types.CodeConfig, "%s: %w", manifestPath(home), err)
	}
	if n.Format != 1 || len(n.Nodes) == 0 {
		return nil, types.Errorf(types.CodeConfig, "%s: format %d is unknown to this release", manifestPath(home), n.Format)
	}
	return n, nil
}

func (n *Network) save() error {
	raw, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return fmt.Errorf("encode devnet.json: %w", err)
	}
	return node.WriteFile(manifestPath(n.home), append(raw, '\n'), 0o644)
}

// Running returns the processes of the network by node name, each verified to be the
// holder of its home's lock.
func (n *Network) Running() map[string]node.Owner {
	out := map[string]node.Owner{}
	for i := range n.Nodes {
		if o, ok := node.Holder(n.NodeHome(n.Nodes[i].Name).LockFile()); ok {
			out[n.Nodes[i].Name] = o
		}
	}
	return out
}
