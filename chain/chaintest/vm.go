package chaintest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/engine"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/instrument"
)

// GoVM runs contracts written as Go functions on the chain's own host interface, for
// tests of what surrounds the VM. Gas is 1,000 a call.
type GoVM struct {
	mu     sync.Mutex
	code   map[crypto.Hash]Contract
	loaded map[crypto.Hash]bool
	broken map[crypto.Hash]bool // passes Check, fails Load
}

// Contract is a contract as a Go function: it is told the method by env.Info.
type Contract func(env host.Env, args []byte) ([]byte, error)

// NewGoVM returns a VM without contracts.
func NewGoVM() *GoVM {
	return &GoVM{code: map[crypto.Hash]Contract{}, loaded: map[crypto.Hash]bool{}, broken: map[crypto.Hash]bool{}}
}

// Install registers a Go contract and adds a bundle for it to the world's genesis.
// allow maps each method to its rule; methods that begin with "get" only read.
func (v *GoVM) Install(w *World, name string, allow map[string]string, fn Contract, uses ...string) {
	code := []byte("go contract " + name)
	m := &bundle.Manifest{Bundle: bundle.Format, Name: name, Version: "1.0.0", Language: "go", Uses: uses}
	for _, method := range sortedKeys(allow) {
		m.Methods = append(m.Methods, bundle.Method{Name: method, Writes: len(method) < 3 || method[:3] != "get", Allow: allow[method]})
	}
	pkg, err := bundle.Pack(m, []byte("bundle: 1\n"), []byte("{}"), code)
	must(err)
	v.Register(code, fn)
	w.AddBundle(name, "1.0.0", crypto.Sum(code), pkg)
}

// Register makes a Go function the meaning of some module bytes.
func (v *GoVM) Register(code []byte, fn Contract) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.code[crypto.Sum(code)] = fn
}

// Forget makes code count as not loaded, as an engine does that needs the room.
func (v *GoVM) Forget(code crypto.Hash) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.loaded, code)
}

// RegisterBroken makes module bytes pass admission and fail to compile.
func (v *GoVM) RegisterBroken(code []byte) {
	v.Register(code, func(host.Env, []byte) ([]byte, error) { return nil, errors.New("never called") })
	v.broken[crypto.Sum(code)] = true
}

func sortedKeys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Load implements chain.VM.
func (v *GoVM) Load(_ context.Context, code []byte, _ *instrument.Schedule) (crypto.Hash, error) {
	h := crypto.Sum(code)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.code[h] == nil {
		return h, types.Errorf(types.CodeModuleRefused, "no Go contract is registered for this code")
	}
	if v.broken[h] {
		return h, types.Errorf(types.CodeModuleRefused, "does not compile")
	}
	v.loaded[h] = true
	return h, nil
}

// Recall implements chain.VM: nothing is kept.
func (v *GoVM) Recall(context.Context, crypto.Hash, *instrument.Schedule) bool { return false }

// Check implements chain.VM.
func (v *GoVM) Check(code []byte, _ []types.Capability, _ *instrument.Schedule) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.code[crypto.Sum(code)] == nil {
		return types.Errorf(types.CodeModuleRefused, "no Go contract is registered for this code")
	}
	return nil
}

// Loaded implements chain.VM.
func (v *GoVM) Loaded(code crypto.Hash, _ *instrument.Schedule) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.loaded[code]
}

// Call implements chain.VM.
func (v *GoVM) Call(_ context.Context, c *engine.Call) (engine.Outcome, error) {
	v.mu.Lock()
	fn, ready := v.code[c.Code], v.loaded[c.Code]
	v.mu.Unlock()
	if fn == nil || !ready {
		return engine.Outcome{}, engine.ErrNotLoaded
	}
	const gas = 1000
	if c.GasLimit < gas {
		return engine.Outcome{GasUsed: c.GasLimit}, types.Errorf(types.CodeOutOfGas, "1000 needed")
	}
	out, err := fn(c.Env, c.Args)
	return engine.Outcome{Result: out, GasUsed: gas}, err
}
