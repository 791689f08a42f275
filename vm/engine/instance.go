package engine

import (
	"context"
	"fmt"

	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/check"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/instrument"
	"github.com/huchain/huchain/vm/wasm"
)

// module is a loaded module with the state its calls start from.
type module struct {
	engine   *Engine
	hash     crypto.Hash
	compiled wazero.CompiledModule
	globals  []string // export names of its mutable globals
	snapshot []byte
	values   []uint64 // of globals

	mu   sync.Mutex
	idle []*instance
}

// instance is an instantiated module. One call uses it at a time.
type instance struct {
	module  *module
	mod     api.Module
	call    api.Function
	gas     api.MutableGlobal
	stack   api.MutableGlobal
	flag    api.MutableGlobal
	globals []api.MutableGlobal
	failed  bool // the last run ended in an error
}

// initialize makes the first instance, runs _initialize and takes the snapshot.
func (m *module) initialize(ctx context.Context, decoded *wasm.Module) error {
	in, err := m.instantiate(ctx)
	if err != nil {
		return types.Errorf(types.CodeModuleRefused, "the module can't be instantiated: %w", err)
	}
	defer in.mod.Close(ctx)
	if _, ok := decoded.Export(check.EntryInit); ok {
		s := &host.Session{}
		if _, err := in.run(ctx, s, in.mod.ExportedFunction(check.EntryInit), m.engine.p.Schedule.InitGas); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return types.Errorf(types.CodeModuleRefused, "%s failed: %w", check.EntryInit, err)
		}
	}
	mem := in.mod.Memory()
	b, _ := mem.Read(0, mem.Size())
	m.snapshot = append([]byte{}, b...)
	for _, g := range in.globals {
		m.values = append(m.values, g.Get())
	}
	return nil
}

func (m *module) instantiate(ctx context.Context) (*instance, error) {
	cfg := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	mod, err := m.engine.rt.InstantiateModule(ctx, m.compiled, cfg)
	if err != nil {
		return nil, err
	}
	in := &instance{module: m, mod: mod, call: mod.ExportedFunction(check.EntryCall)}
	global := func(name string) api.MutableGlobal { return mod.ExportedGlobal(name).(api.MutableGlobal) }
	in.gas, in.stack, in.flag = global(instrument.GasGlobal), global(instrument.StackGlobal), global(instrument.FlagGlobal)
	for _, name := range m.globals {
		in.globals = append(in.globals, global(name))
	}
	return in, nil
}

// acquire returns an instance in the state of the snapshot.
func (m *module) acquire(ctx context.Context) (*instance, error) {
	m.mu.Lock()
	if n := len(m.idle); n > 0 {
		in := m.idle[n-1]
		m.idle = m.idle[:n-1]
		m.mu.Unlock()
		return in, nil
	}
	m.mu.Unlock()
	in, err := m.instantiate(ctx)
	if err != nil {
		return nil, types.Errorf(types.CodeInternal, "instantiate contract: %w", err)
	}
	mem := in.mod.Memory()
	if _, ok := mem.Grow((uint32(len(m.snapshot)) - mem.Size()) / pageSize); !ok || !in.reset() {
		in.mod.Close(ctx)
		return nil, types.Errorf(types.CodeInternal, "instantiate contract: %w", fmt.Errorf("memory of %d bytes", len(m.snapshot)))
	}
	return in, nil
}

// release resets an instance and keeps it for the next call, or closes it.
func (m *module) release(ctx context.Context, in *instance) {
	if in.reset() {
		m.mu.Lock()
		if len(m.idle) < m.engine.p.MaxInstances {
			m.idle = append(m.idle, in)
			m.mu.Unlock()
			return
		}
		m.mu.Unlock()
	}
	in.mod.Close(ctx)
}

// reset brings memory and globals back to the snapshot; false if memory has grown.
func (in *instance) reset() bool {
	m := in.module
	mem := in.mod.Memory()
	if int(mem.Size()) != len(m.snapshot) {
		return false
	}
	mem.Write(0, m.snapshot)
	for i, g := range in.globals {
		g.Set(m.values[i])
	}
	if in.failed { // drop a call stack that may have grown large
		in.call, in.failed = in.mod.ExportedFunction(check.EntryCall), false
	}
	return true
}

func (m *module) close(ctx context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, in := range m.idle {
		in.mod.Close(ctx)
	}
	m.idle = nil
	m.compiled.Close(ctx)
}
