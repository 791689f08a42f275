package node

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/founding"
	"github.com/huchain/huchain/consensus"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/types"
)

// InitOptions say what home to make.
type InitOptions struct {
	Home           Home
	Name           string // of the node
	Org            string // of the node; with GenesisFile the node gets a candidacy
	Chain          string // needed without GenesisFile
	GenesisFile    string
	BundlesDir     string // packages the genesis names
	Sealed         bool   // GenesisFile is a sealed one (package founding); its signatures are verified
	Expect         string // hash or short hash that the genesis must have; empty: not compared
	Peers          []string
	P2P, Web, API  string // listen addresses; empty: defaults, and no API for members
	Advertise      string // host:port under which others reach the node; empty: P2P
	Follower       bool
	Link           string // base of the link files that the organisation issued; see LinkFiles
	Passphrase     func() ([]byte, error)
	PassphraseFile string // noted in chain.toml where given
}

// InitResult is what a new node shows to others.
type InitResult struct {
	Home    string            `json:"home"`
	Chain   string            `json:"chain"`
	Genesis string            `json:"genesis,omitempty"`
	NodeID  string            `json:"nodeId,omitempty"`       // organisation/node, of the link certificate; for peers: NODE@host:port
	Key     *crypto.PublicKey `json:"validatorKey,omitempty"` // for the genesis file, as the next
	Ed25519 string            `json:"ed25519,omitempty"`
	// Candidate is the file by which governance takes the node in as a validator, or a
	// ceremony (chain genesis add-validator) where there is no genesis yet.
	Candidate string   `json:"candidate,omitempty"`
	P2P       string   `json:"p2p"`
	Peers     []string `json:"peers"`

	key crypto.Signer
}

// writeCandidacy signs and writes what a node hands to others to become a validator: of an
// existing chain, or of one that is being founded, where g is nil.
func (o *InitOptions) writeCandidacy(ch ChainHome, g *chain.Genesis, r *InitResult) error {
	if o.Org == "" || r.key == nil {
		return nil
	}
	if !types.ValidName(o.Org) {
		return types.Errorf(types.CodeUsage, "%q is no organisation name", o.Org)
	}
	ed, err := hex.DecodeString(r.Ed25519)
	if err != nil {
		return err
	}
	var genesis crypto.Hash
	v := founding.Validator{GenesisValidator: chain.GenesisValidator{Org: o.Org, Name: o.Name, Key: *r.Key, Ed25519: r.Ed25519, Power: 1}}
	name := "candidate.json"
	if g != nil {
		genesis = g.Hash()
	} else {
		name, v.Address = "validator.json", cmp.Or(o.Advertise, o.P2P)
	}
	if v.Possession, err = r.key.Sign(types.PossessionSignBytes(genesis, o.Org, o.Name, *r.Key, [32]byte(ed))); err != nil {
		return fmt.Errorf("sign candidacy: %w", err)
	}
	text, err := json.MarshalIndent(&v, "", "  ")
	if err != nil {
		return err
	}
	r.Candidate = filepath.Join(ch.Dir, name)
	return WriteFile(r.Candidate, append(text, '\n'), 0o644)
}

// Init makes the home of a node, or completes one: keys that exist are kept, a genesis
// file that exists is only accepted again if it is the same.
func Init(o InitOptions) (*InitResult, error) {
	raw, g, err := o.readGenesis()
	if err != nil {
		return nil, err
	}
	if !types.ValidName(o.Chain) || !types.ValidName(o.Name) {
		return nil, types.Errorf(types.CodeUsage, "a chain (--chain or --genesis) and a node name of lower-case letters, digits and hyphens are needed")
	}
	ch := o.Home.Chain(o.Chain)
	lock, err := Acquire(ch.LockFile()) // the node may run, with other chains
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if g != nil {
		if old, err := os.ReadFile(ch.GenesisFile()); err == nil && crypto.Sum(old) != g.Hash() {
			return nil, types.Errorf(types.CodeAlreadyExists, "%s is the genesis of another chain of this name", ch.GenesisFile())
		}
		if err := copyPackages(o.BundlesDir, ch, g); err != nil {
			return nil, err
		}
	}
	out, err := o.makeKeys(ch)
	if err != nil {
		return nil, err
	}
	if g != nil {
		if err := o.fromGenesis(ch, g, out.NodeID); err != nil {
			return nil, err
		}
	}
	if err := o.writeConfigs(ch); err != nil {
		return nil, err
	}
	cfg, err := LoadChainConfig(ch.ConfigFile())
	if err != nil {
		return nil, err
	}
	out.P2P, out.Peers = cfg.P2P.Listen, cfg.P2P.Peers
	if err := o.writeCandidacy(ch, g, out); err != nil || g == nil {
		return out, err
	}
	out.Genesis = g.Hash().String()
	return out, WriteFile(ch.GenesisFile(), raw, 0o644) // last: from now on the node starts the chain
}

// fromGenesis takes from the genesis what neither the operator nor an existing chain.toml
// says: where the other founding nodes are reached, and this one.
func (o *InitOptions) fromGenesis(ch ChainHome, g *chain.Genesis, self string) error {
	var others []string
	own := ""
	for _, p := range g.Peers {
		if id, address, _ := strings.Cut(p, "@"); id == self {
			own = address
		} else {
			others = append(others, p)
		}
	}
	text, err := os.ReadFile(ch.ConfigFile())
	switch {
	case os.IsNotExist(err):
		if o.P2P == "" && own != "" {
			o.Advertise, o.P2P = cmp.Or(o.Advertise, own), listenFor(own)
		}
		if len(o.Peers) == 0 {
			o.Peers = others
		}
		return nil
	case err != nil || len(o.Peers) > 0 || o.P2P != "" || len(others) == 0:
		return err
	}
	return WriteFile(ch.ConfigFile(), bytes.Replace(text, []byte(noPeers), []byte("peers = ["+quoted(others)+"]\n"), 1), 0o644)
}

// noPeers is what a chain.toml says that was made before there was a genesis.
const noPeers = "peers = []\n"

func quoted(list []string) string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = strconv.Quote(p)
	}
	return strings.Join(out, ", ")
}

// listenFor is where a node listens that others reach under address: there on loopback,
// else on all interfaces, since the address may be a name, or another machine's.
func listenFor(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip != nil && ip.IsLoopback() {
		return address
	}
	return net.JoinHostPort("0.0.0.0", port)
}

func (o *InitOptions) readGenesis() ([]byte, *chain.Genesis, error) {
	if o.GenesisFile == "" {
		return nil, nil, nil
	}
	raw, err := os.ReadFile(o.GenesisFile)
	if err != nil {
		return nil, nil, types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	g, raw, err := o.parseGenesis(raw)
	if err != nil {
		return nil, nil, err
	}
	if o.Expect != "" && !founding.SameHash(g.Hash(), o.Expect) {
		return nil, nil, types.Errorf(types.CodeWrongGenesis, "%s has the hash %s (%s), not %s", o.GenesisFile, founding.Short(g.Hash()), g.Hash(), o.Expect)
	}
	if o.Chain != "" && o.Chain != g.Chain {
		return nil, nil, types.Errorf(types.CodeUsage, "%s founds chain %q, not %q", o.GenesisFile, g.Chain, o.Chain)
	}
	o.Chain = g.Chain
	return raw, g, nil
}

// parseGenesis reads a sealed genesis, whose signatures must be complete, or a bare one.
func (o *InitOptions) parseGenesis(raw []byte) (*chain.Genesis, []byte, error) {
	if founding.IsSealed(raw) {
		s, g, err := founding.ParseSealed(raw)
		if err != nil {
			return nil, nil, err
		}
		return g, []byte(s.Genesis), nil
	}
	if o.Sealed && o.Expect == "" {
		return nil, nil, types.Errorf(types.CodeFoundingUnsigned, "%s is not sealed; of a bare genesis file say what its hash must be (--expect)", o.GenesisFile)
	}
	g, err := chain.ParseGenesis(raw)
	return g, raw, err
}

// copyPackages puts the packages the genesis names beside it; all must be there.
func copyPackages(dir string, ch ChainHome, g *chain.Genesis) error {
	have := map[crypto.Hash][]byte{}
	for _, d := range []string{dir, ch.BundlesDir()} {
		files, err := filepath.Glob(filepath.Join(d, "*.hcp"))
		if err != nil || d == "" {
			continue
		}
		for _, f := range files {
			raw, err := os.ReadFile(f)
			if err != nil {
				return types.Errorf(types.CodePackageInvalid, "%w", err)
			}
			have[crypto.Sum(raw)] = raw
		}
	}
	for _, b := range g.Bundles {
		raw, ok := have[b.Package]
		if !ok {
			return types.Errorf(types.CodeNotFound, "package of contract %s %s (%s): name its folder with --bundles", b.Name, b.Version, b.Package)
		}
		if err := WriteFile(filepath.Join(ch.BundlesDir(), b.Name+".hcp"), raw, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// makeKeys makes the keys that do not exist yet.
func (o *InitOptions) makeKeys(ch ChainHome) (*InitResult, error) {
	out := &InitResult{Home: o.Home.Dir, Chain: ch.Name}
	if err := os.MkdirAll(ch.KeysDir(), 0o700); err != nil {
		return nil, fmt.Errorf("make keys folder: %w", err)
	}
	files := ConsensusKeys(ch.KeysDir(), nil)
	info, err := consensus.CreateKeys(files)
	if types.CodeOf(err) == types.CodeAlreadyExists {
		info, err = consensus.ReadKeys(files)
	}
	if err != nil || o.Follower && o.Link == "" {
		return out, err
	}
	secret, err := o.Passphrase()
	if err != nil {
		return nil, err
	}
	if out.NodeID, err = o.takeLink(ch, secret); err != nil || o.Follower {
		return out, err
	}
	out.Ed25519 = hex.EncodeToString(info.Ed25519[:])
	path := filepath.Join(ch.KeysDir(), "validator.key")
	key, err := keystore.Load(path, secret)
	if _, serr := os.Stat(path); os.IsNotExist(serr) {
		if key, err = crypto.GenerateKey(rand.Reader); err == nil {
			err = keystore.Save(path, key, secret)
		}
	}
	if err != nil {
		return nil, err
	}
	pub := key.Public()
	out.Key, out.key = &pub, key
	return out, nil
}

// takeLink copies the link files, which must open with the node's passphrase, and returns
// whom they name; "" if there are none yet.
func (o *InitOptions) takeLink(ch ChainHome, secret []byte) (string, error) {
	files := ch.LinkFiles()
	if o.Link != "" {
		id, err := (LinkFiles{o.Link}).Load(secret)
		if err != nil {
			return "", err
		}
		for _, f := range files.all() {
			if err := os.Remove(f); err != nil && !os.IsNotExist(err) {
				return "", types.Errorf(types.CodeCertFile, "%w", err)
			}
		}
		return id.Sign.Org + "/" + id.Sign.Name, files.Save(id, secret)
	}
	if _, err := os.Stat(files.Base + ".pem"); os.IsNotExist(err) {
		return "", nil
	}
	id, err := files.Load(secret)
	if err != nil {
		return "", err
	}
	return id.Sign.Org + "/" + id.Sign.Name, nil
}

// writeConfigs writes node.toml and chain.toml unless they exist.
func (o *InitOptions) writeConfigs(ch ChainHome) error {
	if !o.Home.Exists() {
		text := fmt.Sprintf("name = %q\n\n[web]\nlisten = %q\n", o.Name, cmp.Or(o.Web, DefaultConfig().Web.Listen))
		if err := WriteFile(o.Home.ConfigFile(), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if _, err := LoadConfig(o.Home.ConfigFile()); err != nil {
		return err
	}
	if _, err := os.Stat(ch.ConfigFile()); err == nil && len(o.Peers) == 0 && o.P2P == "" {
		return nil
	}
	p2p := o.P2P
	if p2p == "" && o.Advertise != "" {
		p2p = listenFor(o.Advertise)
	} else if p2p == "" {
		var err error
		if p2p, err = o.Home.freeP2P(ch.Name); err != nil {
			return err
		}
	}
	text := fmt.Sprintf("[p2p]\nlisten = %q\npeers = [%s]\n", p2p, quoted(o.Peers))
	if o.Advertise != "" {
		text += fmt.Sprintf("advertise = %q\n", o.Advertise)
	}
	if o.API != "" {
		text += fmt.Sprintf("\n[api]\nlisten = %q\n", o.API)
	}
	if o.PassphraseFile != "" {
		file, err := filepath.Abs(o.PassphraseFile)
		if err != nil {
			return err
		}
		text += fmt.Sprintf("\n[keys]\npassphraseFile = %q\n", file)
	}
	return WriteFile(ch.ConfigFile(), []byte(text), 0o644)
}

// freeP2P is a default address for the peers of a chain that no other chain of the home
// has: port 7200 for the first, and ChainPortStep more for each further one.
func (h Home) freeP2P(name string) (string, error) {
	chains, err := h.Chains()
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, c := range chains {
		if cfg, err := LoadChainConfig(c.ConfigFile()); err == nil && c.Name != name {
			_, port, _ := net.SplitHostPort(cfg.P2P.Listen)
			taken[port] = true
		}
	}
	for port := DefaultP2PPort; port < 65_000; port += ChainPortStep {
		if text := strconv.Itoa(port); !taken[text] {
			return net.JoinHostPort("127.0.0.1", text), nil
		}
	}
	return "", types.Errorf(types.CodeConfig, "no default port is left: name an address for peers")
}
