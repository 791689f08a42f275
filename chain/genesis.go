package chain

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/instrument"
)

// Bounds of a genesis file.
const (
	MaxGenesisBytes  = 4 << 20
	MaxOrganisations = 256
	MaxBundles       = 256
	MaxPeers         = 256
)

// Genesis is what a chain starts from. Its hash is SM3 over the exact bytes of the
// file (`openssl dgst -sm3 genesis.json`), so that operators can compare it by telephone.
type Genesis struct {
	Format        int                   `json:"format"` // 1
	Chain         string                `json:"chain"`  // name: lower-case letters, digits, hyphens
	Time          time.Time             `json:"time"`   // block time of the first block is later
	Protocol      uint32                `json:"protocol"`
	Params        Params                `json:"params"`
	Organisations []GenesisOrganisation `json:"organisations"`
	Validators    []GenesisValidator    `json:"validators"`
	Bundles       []GenesisBundle       `json:"bundles"`
	// Peers says where founding nodes are first reached, organisation/node@host:port: a
	// help for whoever joins, and no rule of the chain.
	Peers []string `json:"peers,omitempty"`

	hash crypto.Hash
}

// GenesisOrganisation is a founding organisation with the roots of its CA.
type GenesisOrganisation struct {
	Name  string   `json:"name"`
	Roots [][]byte `json:"roots"` // DER, base64 in JSON
}

// GenesisValidator is a founding validator.
type GenesisValidator struct {
	Org     string           `json:"org"`
	Name    string           `json:"name"`
	Key     crypto.PublicKey `json:"key"`     // SM2, signs headers
	Ed25519 string           `json:"ed25519"` // 64 hex digits, votes inside CometBFT
	Power   int64            `json:"power"`
}

// GenesisBundle names a contract bundle by hash; the package file stands beside the genesis file.
type GenesisBundle struct {
	Name    string          `json:"name"`
	Version string          `json:"version"`
	Package crypto.Hash     `json:"package"` // SM3 of the package file
	Code    crypto.Hash     `json:"code"`    // SM3 of the WASM module in it
	Params  json.RawMessage `json:"params,omitempty"`
}

// Params are the governed parameters of a chain. They are consensus rules.
type Params struct {
	MaxBlockBytes int64  `json:"maxBlockBytes"`    // of a CometBFT block
	MaxBlockGas   uint64 `json:"maxBlockGas"`      // gas used after which a block takes no more transactions
	MaxTxGas      uint64 `json:"maxTxGas"`         // gas limit a transaction may ask for
	Lifecycle     string `json:"lifecycle"`        // allow rule: who installs, upgrades and freezes contracts
	Policy        string `json:"policy,omitempty"` // the supervision contract whose rules hold; "" for none
	// Gas says what running contracts costs and may use. A change has every contract
	// compiled anew.
	Gas instrument.Schedule `json:"gas"`
}

// DefaultParams returns the parameters of a new chain.
func DefaultParams() Params {
	return Params{MaxBlockBytes: 4 << 20, MaxBlockGas: 20_000_000_000, MaxTxGas: 1_000_000_000, Lifecycle: "ANY role:admin", Gas: instrument.ScheduleV1()}
}

// Validate checks the ranges.
func (p Params) Validate() error {
	switch {
	case p.MaxBlockBytes < 512<<10 || p.MaxBlockBytes > 16<<20:
		return fmt.Errorf("maxBlockBytes %d is outside 524288..16777216", p.MaxBlockBytes)
	case p.MaxTxGas < 1_000_000 || p.MaxTxGas > types.MaxGasLimit:
		return fmt.Errorf("maxTxGas %d is outside 1000000..%d", p.MaxTxGas, uint64(types.MaxGasLimit))
	case p.Policy != "" && (!types.ValidName(p.Policy) || isNative(p.Policy)):
		return fmt.Errorf("policy %q is no contract's name", p.Policy)
	case p.MaxBlockGas < p.MaxTxGas || p.MaxBlockGas > 1<<50:
		return fmt.Errorf("maxBlockGas %d is below maxTxGas or above 2^50", p.MaxBlockGas)
	}
	if err := p.Gas.Validate(); err != nil {
		return err
	}
	if rule, err := bundle.ParseAllow(p.Lifecycle); err != nil {
		return fmt.Errorf("lifecycle: %w", err)
	} else if rule.Permits(nil, 1) {
		return fmt.Errorf("lifecycle %q would let anyone change contracts", p.Lifecycle)
	}
	return nil
}

// ParseGenesis reads and checks a genesis file. Errors are HC-5102, or HC-5103 for a
// protocol version this binary does not know.
func ParseGenesis(raw []byte) (*Genesis, error) {
	if len(raw) > MaxGenesisBytes {
		return nil, types.Errorf(types.CodeGenesisInvalid, "genesis file of %d bytes, at most %d", len(raw), MaxGenesisBytes)
	}
	var g Genesis
	if err := decodeStrict(raw, &g); err != nil {
		return nil, types.Errorf(types.CodeGenesisInvalid, "read genesis: %w", err)
	}
	if _, err := protocolOf(g.Protocol); err != nil {
		return nil, err
	}
	if err := g.validate(); err != nil {
		return nil, types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	g.hash = crypto.Sum(raw)
	return &g, nil
}

// Hash identifies the chain: SM3 of the genesis file.
func (g *Genesis) Hash() crypto.Hash { return g.hash }

// CometChainID is the chain id inside CometBFT: name and the first 16 digits of the hash,
// so that a re-created chain of the same name accepts no vote of the old one.
func (g *Genesis) CometChainID() string { return cometChainID(g.Chain, g.hash) }

// RestartedChainID is the chain id inside CometBFT after an act of restarting, whose hash it
// names: votes of before say nothing about the heights that are voted on again. Without an
// act it is CometChainID.
func (g *Genesis) RestartedChainID(r *types.Restart) string {
	if r == nil {
		return g.CometChainID()
	}
	return cometChainID(g.Chain, r.ID())
}

func cometChainID(name string, h crypto.Hash) string { return name + "-" + h.String()[:16] }

func (g *Genesis) validate() error {
	switch {
	case g.Format != 1:
		return fmt.Errorf("genesis format %d is unknown, this binary reads 1", g.Format)
	case !types.ValidName(g.Chain):
		return fmt.Errorf("%q is no valid chain name", g.Chain)
	case g.Time.IsZero() || g.Time.Year() < 2000 || g.Time.Year() > 2200:
		return fmt.Errorf("genesis time is missing or out of range")
	case len(g.Organisations) == 0 || len(g.Organisations) > MaxOrganisations:
		return fmt.Errorf("a chain has 1 to %d organisations, not %d", MaxOrganisations, len(g.Organisations))
	case len(g.Bundles) > MaxBundles:
		return fmt.Errorf("more than %d bundles", MaxBundles)
	}
	if err := g.Params.Validate(); err != nil {
		return err
	}
	orgs := map[string]bool{}
	for i := range g.Organisations {
		o := &g.Organisations[i]
		if !types.ValidName(o.Name) || orgs[o.Name] {
			return fmt.Errorf("organisation %q: the name is invalid or stands twice", o.Name)
		}
		orgs[o.Name] = true
		if _, err := o.roots(); err != nil {
			return err
		}
	}
	for _, v := range g.Validators {
		if !orgs[v.Org] || !types.ValidName(v.Name) {
			return fmt.Errorf("validator %s/%s: unknown organisation or invalid name", v.Org, v.Name)
		}
	}
	if _, err := g.ValidatorSet(); err != nil {
		return err
	}
	if err := g.validatePeers(); err != nil {
		return err
	}
	return g.validateBundles()
}

func (g *Genesis) validatePeers() error {
	if len(g.Peers) > MaxPeers {
		return fmt.Errorf("more than %d peers", MaxPeers)
	}
	for _, p := range g.Peers {
		node, address, _ := strings.Cut(p, "@")
		_, err := types.ParseMemberID(node)
		port := address[strings.LastIndexByte(address, ':')+1:]
		n, perr := strconv.ParseUint(port, 10, 16)
		plain := !strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' })
		if err != nil || perr != nil || n == 0 || !plain || len(address) > 261 || len(address) < len(port)+2 {
			return fmt.Errorf("peer %q is no organisation/node@host:port", p)
		}
	}
	return nil
}

func (g *Genesis) validateBundles() error {
	seen := map[string]bool{}
	for _, b := range g.Bundles {
		if !types.ValidName(b.Name) || seen[b.Name] || isNative(b.Name) {
			return fmt.Errorf("bundle %q: the name is invalid, reserved or stands twice", b.Name)
		}
		seen[b.Name] = true
		if b.Package.IsZero() || b.Code.IsZero() {
			return fmt.Errorf("bundle %s: package and code hash are required", b.Name)
		}
	}
	return nil
}

func (o *GenesisOrganisation) roots() ([]*cert.Certificate, error) {
	if len(o.Roots) == 0 || len(o.Roots) > 4 {
		return nil, fmt.Errorf("organisation %s: 1 to 4 root certificates are required", o.Name)
	}
	var out []*cert.Certificate
	for _, der := range o.Roots {
		c, err := cert.Parse(der)
		if err != nil {
			return nil, fmt.Errorf("organisation %s: root certificate: %w", o.Name, err)
		}
		if !c.IsCA || c.Org != o.Name {
			return nil, fmt.Errorf("organisation %s: root certificate is of %q, or no CA", o.Name, c.Org)
		}
		out = append(out, c)
	}
	return out, nil
}

// ValidatorSet returns the founding validators in set order.
func (g *Genesis) ValidatorSet() (types.ValidatorSet, error) {
	var set types.ValidatorSet
	names, votes := map[string]bool{}, map[string]bool{}
	for _, v := range g.Validators {
		ed, err := hex.DecodeString(v.Ed25519)
		if err != nil || len(ed) != 32 {
			return nil, fmt.Errorf("validator %s/%s: ed25519 key is not 64 hex digits", v.Org, v.Name)
		}
		if names[v.Org+"/"+v.Name] || votes[string(ed)] {
			return nil, fmt.Errorf("validator %s/%s stands twice, or shares its ed25519 key", v.Org, v.Name)
		}
		names[v.Org+"/"+v.Name], votes[string(ed)] = true, true
		set = append(set, types.Validator{Key: v.Key, Ed25519: [32]byte(ed), Power: v.Power})
	}
	sort.Slice(set, func(i, j int) bool { return bytes.Compare(set[i].Key[:], set[j].Key[:]) < 0 })
	return set, set.Validate()
}

// decodeStrict decodes one JSON value, refusing unknown fields and trailing bytes.
func decodeStrict(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("something follows the JSON value")
	}
	return nil
}
