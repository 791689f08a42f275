package chain

import (
	"context"
	"encoding/hex"
	"encoding/json"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

func hexString(b []byte) string { return hex.EncodeToString(b) }

// InitGenesis returns the state a chain starts from, as the result of height 0:
// organisations, validators, parameters and installed bundles. packages holds the bundle
// files by their hash.
func (c *Chain) InitGenesis(ctx context.Context, packages map[crypto.Hash][]byte) (*Result, error) {
	g := c.genesis
	o := newOverlay(emptyState{})
	for i := range g.Organisations {
		org := Organisation{Name: g.Organisations[i].Name, Roots: g.Organisations[i].Roots, Status: StatusActive}
		if err := putJSON(o, NSMembership, orgKey(org.Name), &org, 0); err != nil {
			return nil, err
		}
	}
	set, err := g.ValidatorSet()
	if err != nil {
		return nil, err
	}
	o.put(NSGovernance, validatorsKey, set.Encode(), 0)
	if err := putJSON(o, NSGovernance, []byte("params"), g.Params, 0); err != nil {
		return nil, err
	}
	for i := range g.Validators {
		v := &g.Validators[i]
		if err := putJSON(o, NSGovernance, nodeKey(v.Org, v.Name), v, 0); err != nil {
			return nil, err
		}
	}
	if err := putJSON(o, NSGovernance, organisationsKey, orgIndex{Count: len(g.Organisations)}, 0); err != nil {
		return nil, err
	}
	res := &Result{Protocol: g.Protocol}
	for i := range g.Bundles {
		if err := c.installGenesis(ctx, o, res, &g.Bundles[i], packages); err != nil {
			return nil, err
		}
	}
	sup, err := c.supervision(o, &g.Params)
	if err == nil {
		err = c.closeRules(o, sup, &g.Params, &g.Params, 0)
	}
	if err != nil {
		return nil, err
	}
	if res.Writes, err = o.writes(); err != nil {
		return nil, err
	}
	_, res.Config, err = c.Params(o)
	return res, err
}

func (c *Chain) installGenesis(ctx context.Context, o *overlay, res *Result, b *GenesisBundle, packages map[crypto.Hash][]byte) error {
	raw, ok := packages[b.Package]
	if !ok {
		return types.Errorf(types.CodeGenesisInvalid, "bundle %s: the package file with SM3 %s is missing", b.Name, b.Package)
	}
	if crypto.Sum(raw) != b.Package || len(raw) > maxPackageBytes {
		return types.Errorf(types.CodeGenesisInvalid, "bundle %s: the package file does not have SM3 %s", b.Name, b.Package)
	}
	p, err := bundle.Open(raw)
	if err != nil {
		return err
	}
	if p.CodeHash != b.Code || p.Manifest.Name != b.Name || p.Manifest.Version != b.Version {
		return types.Errorf(types.CodeGenesisInvalid, "bundle %s: the package is %s %s with code %s", b.Name, p.Manifest.Name, p.Manifest.Version, p.CodeHash)
	}
	if !c.vm.Recall(ctx, p.CodeHash, &c.genesis.Params.Gas) {
		if _, err := c.vm.Load(ctx, p.Code, &c.genesis.Params.Gas); err != nil {
			return err
		}
	}
	params := p.Manifest.Params
	if len(b.Params) > 0 {
		params = b.Params
	}
	rec := newRecord(p, params, len(raw), Version{Version: b.Version, Package: b.Package, Code: b.Code})
	storePackage(o, b.Package, raw, 0)
	if err := putJSON(o, NSContracts, recordKey(b.Name), rec, 0); err != nil {
		return err
	}
	if !p.Manifest.Init {
		return nil
	}
	return c.runInit(ctx, o, res, rec, params)
}

func newRecord(p *bundle.Package, params json.RawMessage, size int, v Version) *ContractRecord {
	return &ContractRecord{
		Name: p.Manifest.Name, Status: StatusActive, Language: p.Manifest.Language, PackageBytes: size,
		Methods: p.Manifest.Methods, Uses: p.Manifest.Uses, Params: params, Versions: []Version{v},
	}
}

// runInit calls a contract's init entry with its parameters, as part of height 0.
func (c *Chain) runInit(ctx context.Context, o *overlay, res *Result, rec *ContractRecord, params []byte) error {
	var fatal error
	s := &callScope{
		c: c, ctx: ctx, o: o, events: &res.Events, firstEvent: len(res.Events), fatal: &fatal, staged: &res.Staged,
		block: &blockScope{timeNs: c.genesis.Time.UnixNano(), params: c.genesis.Params}, gasLeft: c.genesis.Params.MaxTxGas,
	}
	if name := c.genesis.Params.Policy; name != "" {
		s.sup = &supervision{contract: name} // checks the rules that init writes
	}
	return s.runEntry(rec, bundle.InitMethod, params, host.KindInit)
}

// emptyState is the state before height 0.
type emptyState struct{}

func (emptyState) Get(string, []byte) ([]byte, bool, error) { return nil, false, nil }

func (emptyState) Scan(string, []byte, []byte, func(key, value []byte) bool) error { return nil }
