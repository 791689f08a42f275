package node

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/huchain/huchain/chain"
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
	Peers          []string
	P2P, Web       string // listen addresses; empty: defaults
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
	// Candidate is the file by which governance takes the node in as a validator.
	Candidate string `json:"candidate,omitempty"`

	key crypto.Signer
}

// Candidacy is what governance.addValidator asks for: the node's public keys and the
// proof that it holds the SM2 one.
type Candidacy struct {
	chain.GenesisValidator
	Possession []byte `json:"possession"` // base64
}

// writeCandidacy signs and writes the candidacy of a node for an existing chain.
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
	proof, err := r.key.Sign(types.PossessionSignBytes(g.Hash(), o.Org, o.Name, *r.Key, [32]byte(ed)))
	if err != nil {
		return fmt.Errorf("sign candidacy: %w", err)
	}
	c := Candidacy{chain.GenesisValidator{Org: o.Org, Name: o.Name, Key: *r.Key, Ed25519: r.Ed25519, Power: 1}, proof}
	text, err := json.MarshalIndent(&c, "", "  ")
	if err != nil {
		return err
	}
	r.Candidate = filepath.Join(ch.Dir, "candidate.json")
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
	lock, err := Acquire(o.Home.LockFile())
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	ch := o.Home.Chain(o.Chain)
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
	if err := o.writeConfigs(ch); err != nil {
		return nil, err
	}
	if g != nil {
		out.Genesis = g.Hash().String()
		if err := WriteFile(ch.GenesisFile(), raw, 0o644); err != nil {
			return nil, err
		}
		if err := o.writeCandidacy(ch, g, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (o *InitOptions) readGenesis() ([]byte, *chain.Genesis, error) {
	if o.GenesisFile == "" {
		return nil, nil, nil
	}
	raw, err := os.ReadFile(o.GenesisFile)
	if err != nil {
		return nil, nil, types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	g, err := chain.ParseGenesis(raw)
	if err != nil {
		return nil, nil, err
	}
	if o.Chain != "" && o.Chain != g.Chain {
		return nil, nil, types.Errorf(types.CodeUsage, "%s founds chain %q, not %q", o.GenesisFile, g.Chain, o.Chain)
	}
	o.Chain = g.Chain
	return raw, g, nil
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
	web, p2p := o.Web, o.P2P
	if web == "" {
		web = DefaultConfig().Web.Listen
	}
	if p2p == "" {
		p2p = DefaultChainConfig().P2P.Listen
	}
	if !o.Home.Exists() {
		text := fmt.Sprintf("name = %q\n\n[web]\nlisten = %q\n", o.Name, web)
		if err := WriteFile(o.Home.ConfigFile(), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if _, err := os.Stat(ch.ConfigFile()); err == nil && len(o.Peers) == 0 && o.P2P == "" {
		return nil
	}
	quoted := make([]string, len(o.Peers))
	for i, p := range o.Peers {
		quoted[i] = fmt.Sprintf("%q", p)
	}
	text := fmt.Sprintf("[p2p]\nlisten = %q\npeers = [%s]\n", p2p, strings.Join(quoted, ", "))
	if o.PassphraseFile != "" {
		file, err := filepath.Abs(o.PassphraseFile)
		if err != nil {
			return err
		}
		text += fmt.Sprintf("\n[keys]\npassphraseFile = %q\n", file)
	}
	if err := WriteFile(ch.ConfigFile(), []byte(text), 0o644); err != nil {
		return err
	}
	if _, err := LoadConfig(o.Home.ConfigFile()); err != nil {
		return err
	}
	_, err := LoadChainConfig(ch.ConfigFile())
	return err
}
