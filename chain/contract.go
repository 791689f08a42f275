package chain

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/engine"
	"github.com/huchain/huchain/vm/instrument"
)

// VM runs contract code. It is deterministic: equal code, input and state give equal
// results, writes and gas.
type VM interface {
	// Check judges whether a module may be installed under the capabilities that its
	// manifest grants it, without compiling it: HC-3301.
	Check(code []byte, granted []types.Capability, s *instrument.Schedule) error
	// Load admits, compiles and snapshots a module and returns its hash. It is
	// idempotent and may take seconds. HC-3301 refuses the module.
	Load(ctx context.Context, code []byte, s *instrument.Schedule) (crypto.Hash, error)
	// Recall loads a module that was loaded before by its hash, from what an earlier process
	// kept; false if there is nothing. It saves what Load costs beside compiling, and admits
	// nothing new: only for code that the chain has installed.
	Recall(ctx context.Context, code crypto.Hash, s *instrument.Schedule) bool
	// Loaded reports whether a module is ready to be called under a schedule.
	Loaded(code crypto.Hash, s *instrument.Schedule) bool
	// Call runs one method on fresh contract memory; engine.ErrNotLoaded if the module
	// is not loaded, or no longer.
	Call(ctx context.Context, c *engine.Call) (engine.Outcome, error)
}

// PartBytes is the size of the parts a package is uploaded and kept in.
const PartBytes = 60 << 10

// maxPackageBytes bounds a compressed package.
const maxPackageBytes = 8 << 20

// Version is one entry in a contract's history.
type Version struct {
	Version   string         `json:"version"`
	Package   crypto.Hash    `json:"package"`
	Code      crypto.Hash    `json:"code"`
	Publisher types.MemberID `json:"publisher,omitempty"` // empty: genesis
	Signature []byte         `json:"signature,omitempty"` // of the publisher, over PackageSignBytes
	Height    uint64         `json:"height"`
}

// ContractRecord is what the chain knows of an installed contract: the row record/<name>.
type ContractRecord struct {
	Name         string          `json:"name"`
	Status       Status          `json:"status"`
	Language     string          `json:"language"`
	PackageBytes int             `json:"packageBytes"`
	Methods      []bundle.Method `json:"methods"`        // ascending by name
	Uses         []string        `json:"uses,omitempty"` // contracts it calls, name@major
	Params       json.RawMessage `json:"params,omitempty"`
	Versions     []Version       `json:"versions"` // oldest first; the last one is active
	// Rules are what governance has set instead of the package's own, ascending by method.
	Rules []MethodRule `json:"rules,omitempty"`

	rules map[string]bundle.Rule
}

// MethodRule is a rule that governance has set for a method.
type MethodRule struct {
	Method string `json:"method"`
	Allow  string `json:"allow"`
}

// Allow is the rule in force for a method: governance's, else the package's.
func (r *ContractRecord) Allow(method string) string { return r.rules[method].String() }

// keepRules takes over the rules that governance set, for the methods there still are.
func (r *ContractRecord) keepRules(old *ContractRecord) {
	for _, rule := range old.Rules {
		if _, ok := r.Method(rule.Method); ok {
			r.Rules = append(r.Rules, rule)
		}
	}
}

// Current is the active version.
func (r *ContractRecord) Current() *Version { return &r.Versions[len(r.Versions)-1] }

// Method finds a method by name.
func (r *ContractRecord) Method(name string) (*bundle.Method, bool) {
	for i := range r.Methods {
		if r.Methods[i].Name == name {
			return &r.Methods[i], true
		}
	}
	return nil, false
}

// mayCall reports whether the contract's package declares that it calls another.
func (r *ContractRecord) mayCall(name string) bool {
	return slices.ContainsFunc(r.Uses, func(use string) bool {
		n, _, _ := strings.Cut(use, "@")
		return n == name
	})
}

func recordKey(name string) []byte { return []byte("record/" + name) }

func partKey(h crypto.Hash, n int) []byte { return fmt.Appendf(nil, "package/%s/%04d", h, n) }

// Contract looks an installed contract up.
func (c *Chain) Contract(st State, name string) (*ContractRecord, bool, error) {
	o, ok := st.(*overlay)
	if !ok || slices.Contains(o.spaces, NSContracts) {
		return c.readContract(st, name)
	}
	// Most transactions of a block call the same contract, and none of them changes one.
	if o.called == nil || o.called.Name != name {
		r, found, err := c.readContract(o.base, name)
		if err != nil || !found {
			return nil, false, err
		}
		o.called = r
	}
	return o.called, true, nil
}

func (c *Chain) readContract(st State, name string) (*ContractRecord, bool, error) {
	raw, found, err := st.Get(NSContracts, recordKey(name))
	if err != nil || !found {
		return nil, false, err
	}
	r, err := c.contracts.get(name, raw, decodeRecord)
	if err != nil {
		return nil, false, errCorrupt("contract "+name, err)
	}
	return r, true, nil
}

func decodeRecord(raw []byte) (*ContractRecord, error) {
	var r ContractRecord
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, err
	}
	if len(r.Versions) == 0 {
		return nil, fmt.Errorf("no version")
	}
	r.rules = make(map[string]bundle.Rule, len(r.Methods))
	for _, m := range r.Methods {
		rule, err := bundle.ParseAllow(m.Allow)
		if err != nil {
			return nil, err
		}
		r.rules[m.Name] = rule
	}
	for _, set := range r.Rules {
		rule, err := bundle.ParseAllow(set.Allow)
		if err != nil {
			return nil, err
		}
		r.rules[set.Method] = rule
	}
	return &r, nil
}

// Contracts lists the installed contracts, ascending by name.
func (c *Chain) Contracts(st State) ([]*ContractRecord, error) {
	var out []*ContractRecord
	var bad error
	err := st.Scan(NSContracts, []byte("record/"), []byte("record0"), func(_, value []byte) bool {
		r, err := decodeRecord(value)
		if err != nil {
			bad = errCorrupt("contract record", err)
			return false
		}
		out = append(out, r)
		return true
	})
	if err == nil {
		err = bad
	}
	return out, err
}

// Package reads the package of a contract's active version out of the state.
func (c *Chain) Package(st State, r *ContractRecord) (*bundle.Package, error) {
	p, err := c.loadPackage(st, r.Current().Package, r.PackageBytes)
	if err == nil && p.CodeHash != r.Current().Code {
		err = errCorrupt("package of "+r.Name, fmt.Errorf("code hash differs"))
	}
	return p, err
}

func (c *Chain) loadPackage(st State, hash crypto.Hash, size int) (*bundle.Package, error) {
	raw := make([]byte, 0, size)
	for n := 0; len(raw) < size; n++ {
		part, found, err := st.Get(NSContracts, partKey(hash, n))
		if err != nil {
			return nil, err
		}
		if !found || len(part) == 0 {
			return nil, errCorrupt("package "+hash.String(), fmt.Errorf("part %d is missing", n))
		}
		raw = append(raw, part...)
	}
	if crypto.Sum(raw) != hash {
		return nil, errCorrupt("package "+hash.String(), fmt.Errorf("hash differs"))
	}
	p, err := bundle.Open(raw)
	if err != nil {
		return nil, errCorrupt("package "+hash.String(), err)
	}
	return p, nil
}

// storePackage writes the parts of a package.
func storePackage(o *overlay, hash crypto.Hash, raw []byte, txIndex uint32) {
	for n := 0; len(raw) > 0; n++ {
		part := raw[:min(PartBytes, len(raw))]
		o.put(NSContracts, partKey(hash, n), part, txIndex)
		raw = raw[len(part):]
	}
}

// load makes a contract's code callable. Its package is read only where the code cannot be
// recalled.
func (c *Chain) load(ctx context.Context, st State, r *ContractRecord, s *instrument.Schedule) error {
	if c.vm.Recall(ctx, r.Current().Code, s) {
		return nil
	}
	p, err := c.Package(st, r)
	if err != nil {
		return err
	}
	if _, err := c.vm.Load(ctx, p.Code, s); err != nil {
		return fmt.Errorf("load contract %s: %w", r.Name, err)
	}
	return nil
}

// LoadCode compiles the code of every contract that may be called under the gas schedule
// in force. Call it at start and when the schedule has changed: what is not compiled yet
// is compiled inside the block that calls it. It may run beside the execution of blocks.
func (c *Chain) LoadCode(ctx context.Context, st State) error {
	params, _, err := c.Params(st)
	if err != nil {
		return err
	}
	list, err := c.Contracts(st)
	if err != nil {
		return err
	}
	for _, r := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if r.Status == StatusRevoked || c.vm.Loaded(r.Current().Code, &params.Gas) {
			continue
		}
		// A schedule that refuses a contract leaves the others callable.
		if err := c.load(ctx, st, r, &params.Gas); err != nil && types.CodeOf(err) != types.CodeModuleRefused {
			return err
		}
	}
	return nil
}

// LoadStaged compiles a package that was staged, so that it is ready when it becomes
// active. It may run beside the execution of blocks.
func (c *Chain) LoadStaged(ctx context.Context, st State, pkg crypto.Hash) error {
	row, ready, err := c.Staged(st, pkg)
	if err != nil || row == nil || ready {
		return err
	}
	params, _, err := c.Params(st)
	if err != nil {
		return err
	}
	p, err := c.loadPackage(st, pkg, row.Bytes)
	if err != nil {
		return err
	}
	_, err = c.vm.Load(ctx, p.Code, &params.Gas)
	return err
}
