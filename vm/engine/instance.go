package engine

import (
	"bytes"
	"context"
	"reflect"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/check"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/instrument"
)

// module is a loaded module with the state its calls start from.
type module struct {
	engine   *Engine
	key      key
	compiled wazero.CompiledModule
	globals  []string // export names of its mutable globals
	image    image
	values   []uint64 // of globals
	bytes    int64    // what it takes in memory, by estimate

	users   int  // calls under way; under Engine.mu
	evicted bool // under Engine.mu

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
	session host.Session // of the call under way
	space   space        // nil: memory of wazero's own
	failed  bool         // the last run ended in an error
	resets  int
}

// initialize makes the first instance, runs _initialize if there is one and takes the snapshot.
func (m *module) initialize(ctx context.Context, hasInit bool) error {
	in, err := m.instantiate(ctx, nil)
	if err != nil {
		return types.Errorf(types.CodeModuleRefused, "the module can't be instantiated: %w", err)
	}
	defer in.close(ctx)
	if hasInit {
		s := &host.Session{}
		if _, err := in.run(ctx, s, in.mod.ExportedFunction(check.EntryInit), m.key.schedule.InitGas); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return types.Errorf(types.CodeModuleRefused, "%s failed: %w", check.EntryInit, err)
		}
	}
	mem := in.mod.Memory()
	b, _ := mem.Read(0, mem.Size())
	if m.engine.p.NoCopyOnWrite {
		m.image = heapImage(append([]byte{}, b...))
	} else {
		m.image = newImage(b, uint64(m.key.schedule.MaxPages)*pageSize)
	}
	for _, g := range in.globals {
		m.values = append(m.values, g.Get())
	}
	return nil
}

// machineFactor is how many bytes the compiler makes of a byte of instrumented module.
const machineFactor = 4

// footprint estimates what the module can come to take in memory: machine code, image,
// and the idle instances with what each keeps of its own.
func (m *module) footprint(codeBytes int) int64 {
	image := int64(len(m.image.bytes()))
	return int64(codeBytes)*machineFactor + image + int64(m.engine.p.MaxInstances)*m.image.kept()
}

// instantiate makes an instance as the module describes it, before initialisation.
func (m *module) instantiate(ctx context.Context, sp space) (*instance, error) {
	if sp != nil {
		ctx = experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(func(_, _ uint64) experimental.LinearMemory { return sp }))
	}
	cfg := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	mod, err := m.engine.rt.InstantiateModule(ctx, m.compiled, cfg)
	if err != nil {
		return nil, err
	}
	in := &instance{module: m, mod: mod, space: sp, call: mod.ExportedFunction(check.EntryCall)}
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
	return m.build(ctx)
}

// build makes an instance in the state of the snapshot.
func (m *module) build(ctx context.Context) (*instance, error) {
	in, err := m.instantiate(ctx, m.image.space())
	if err != nil {
		return nil, types.Errorf(types.CodeInternal, "instantiate contract: %w", err)
	}
	mem := in.mod.Memory()
	size := uint32(len(m.image.bytes()))
	_, ok := mem.Grow((size - mem.Size()) / pageSize)
	if ok && in.space != nil {
		ok = in.space.discard()
	}
	if !ok || !in.reset() {
		in.close(ctx)
		return nil, types.Errorf(types.CodeInternal, "instantiate contract: no memory of %d bytes", size)
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
	in.close(ctx)
}

// freshStack is after how many calls an instance drops its native call stack, which only
// grows. It does so at once after an error, deep recursion being a likely one.
const freshStack = 64

// reset brings memory and globals back to the snapshot. False: the instance must go.
func (in *instance) reset() bool {
	m := in.module
	mem := in.mod.Memory()
	snapshot := m.image.bytes()
	if in.space != nil {
		if !in.space.reset() {
			return false
		}
	} else {
		b, _ := mem.Read(0, mem.Size())
		clear(b[copy(b, snapshot):])
	}
	if int(mem.Size()) != len(snapshot) && (m.engine.noShrink || !shrink(mem, uint32(len(snapshot)))) {
		return false
	}
	for i, g := range in.globals {
		g.Set(m.values[i])
	}
	if in.resets++; in.failed || in.resets%freshStack == 0 {
		in.call, in.failed = in.mod.ExportedFunction(check.EntryCall), false
	}
	if invariants {
		in.assertReset()
	}
	return true
}

// shrink takes back what memory.grow added. wazero has no call for it, so the buffer is
// set one page too short and grown by that page, which makes wazero take note of the
// new bounds. Instances are rebuilt where that doesn't work.
func shrink(mem api.Memory, size uint32) bool {
	v := reflect.ValueOf(mem)
	if size < pageSize || v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return false
	}
	buffer := v.Elem().FieldByName("Buffer")
	if !buffer.IsValid() || !buffer.CanSet() || buffer.Type() != reflect.TypeFor[[]byte]() || buffer.Len() < int(size) {
		return false
	}
	buffer.SetBytes(buffer.Bytes()[:size-pageSize])
	_, ok := mem.Grow(1)
	return ok && mem.Size() == size
}

// assertReset compares an instance with the snapshot.
func (in *instance) assertReset() {
	mem := in.mod.Memory()
	b, _ := mem.Read(0, mem.Size())
	if !bytes.Equal(b, in.module.image.bytes()) {
		panic("vm/engine: memory differs from the snapshot after a reset")
	}
	for i, g := range in.globals {
		if g.Get() != in.module.values[i] {
			panic("vm/engine: a global differs from the snapshot after a reset")
		}
	}
}

func (in *instance) close(ctx context.Context) {
	_ = in.mod.Close(ctx) // frees memory only
}

// close frees a module that no call uses.
func (m *module) close(ctx context.Context) {
	for _, in := range m.idle {
		in.close(ctx)
	}
	m.idle = nil
	m.image.close()
	_ = m.compiled.Close(ctx) // frees memory only
}
