package engine

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/check"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/instrument"
)

// Engine compiles and runs modules. It is safe for concurrent use.
type Engine struct {
	p     Params
	rt    wazero.Runtime
	cache wazero.CompilationCache

	noShrink bool // instances that grew are rebuilt: for tests

	mu      sync.Mutex
	modules map[key]*list.Element // of *module
	recent  *list.List            // loaded modules, the last used first
	bytes   int64                 // of them
	loading map[key]*loading
}

// key names a loaded module: the same code is another module under another schedule.
type key struct {
	code     crypto.Hash
	schedule instrument.Schedule
}

// ErrNotLoaded is what Call returns if the code is not loaded under its schedule, or no
// longer: others have pushed it out. Load it and call again.
var ErrNotLoaded = errors.New("contract code is not loaded")

type loading struct {
	done chan struct{}
	err  error
}

// New makes an engine. Close frees it.
func New(ctx context.Context, p Params) (*Engine, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("engine parameters: %w", err)
	}
	e := &Engine{p: p, modules: map[key]*list.Element{}, recent: list.New(), loading: map[key]*loading{}}
	base := wazero.NewRuntimeConfig()
	if p.Interpreter {
		base = wazero.NewRuntimeConfigInterpreter()
	}
	cfg := runtimeConfig(base)
	if p.CacheDir != "" && !p.Interpreter {
		cache, err := wazero.NewCompilationCacheWithDir(p.CacheDir)
		if err != nil {
			return nil, fmt.Errorf("open the cache of compiled contracts: %w", err)
		}
		e.cache = cache
		cfg = cfg.WithCompilationCache(cache)
		prune(p.CacheDir, p.MaxCached, p.MaxCachedBytes)
	}
	e.rt = wazero.NewRuntimeWithConfig(ctx, cfg)
	if err := host.Register(ctx, e.rt); err != nil {
		return nil, err
	}
	return e, nil
}

// runtimeConfig sets what decides about validity and behaviour of modules.
func runtimeConfig(base wazero.RuntimeConfig) wazero.RuntimeConfig {
	return base.WithCoreFeatures(api.CoreFeaturesV2.SetEnabled(api.CoreFeatureSIMD, false)).
		WithMemoryLimitPages(instrument.MaxPages).
		WithDebugInfoEnabled(false)
}

// Close frees all modules. No call may be running.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.recent.Len() > 0 {
		e.evict(ctx, e.recent.Back())
	}
	err := e.rt.Close(ctx)
	if e.cache != nil {
		if cerr := e.cache.Close(ctx); err == nil {
			err = cerr
		}
	}
	return err
}

// Load checks, instruments and compiles a module, runs its _initialize and keeps what
// memory and globals hold then as the state every call starts from. Loading what is
// loaded costs a hash; concurrent loads of one module are done once. The error is
// HC-3301 if the module is at fault. Compiling takes seconds for large modules: load
// outside block execution.
func (e *Engine) Load(ctx context.Context, code []byte, s *instrument.Schedule) (crypto.Hash, error) {
	k := key{crypto.Sum(code), *s}
	return k.code, e.once(ctx, k, func(ctx context.Context) (*module, error) { return e.load(ctx, k, code) })
}

// once makes a module by load unless it is loaded, or waits for whoever makes it.
func (e *Engine) once(ctx context.Context, k key, load func(context.Context) (*module, error)) error {
	e.mu.Lock()
	for {
		if at := e.modules[k]; at != nil {
			e.recent.MoveToFront(at)
			e.mu.Unlock()
			return nil
		}
		l := e.loading[k]
		if l == nil {
			break
		}
		e.mu.Unlock()
		<-l.done
		if !errors.Is(l.err, errNotKept) {
			return l.err
		}
		e.mu.Lock() // nobody could recall it: load it here
	}
	l := &loading{done: make(chan struct{})}
	e.loading[k] = l
	e.mu.Unlock()

	// Whoever began must not end it for all who wait.
	m, err := load(context.WithoutCancel(ctx))
	e.mu.Lock()
	if err == nil {
		e.modules[k] = e.recent.PushFront(m)
		e.bytes += m.bytes
		for e.recent.Len() > e.p.MaxModules || e.bytes > e.p.MaxBytes && e.recent.Len() > 1 {
			e.evict(context.WithoutCancel(ctx), e.recent.Back())
		}
	}
	delete(e.loading, k)
	e.mu.Unlock()
	l.err = err
	close(l.done)
	return err
}

func (e *Engine) load(ctx context.Context, k key, code []byte) (*module, error) {
	decoded, err := check.Module(code, e.p.Limits)
	if err != nil {
		return nil, err
	}
	out, err := instrument.Module(decoded, &k.schedule)
	if err != nil {
		return nil, check.Refusal(decoded, err)
	}
	compiled, err := e.compile(ctx, decoded, out.Code)
	if err != nil {
		return nil, err
	}
	_, init := decoded.Export(check.EntryInit)
	made := &kept{Globals: out.Globals, Init: init, code: out.Code}
	m, err := e.module(ctx, k, made, compiled)
	if err == nil && e.cache != nil {
		e.keep(k, made)
	}
	return m, err
}

// module initialises a compiled module; compiled is freed if that fails.
func (e *Engine) module(ctx context.Context, k key, made *kept, compiled wazero.CompiledModule) (*module, error) {
	m := &module{engine: e, key: k, compiled: compiled, globals: made.Globals}
	if err := m.initialize(ctx, made.Init); err != nil {
		compiled.Close(ctx) //nolint:errcheck // frees memory only
		return nil, err
	}
	m.bytes = m.footprint(len(made.code))
	return m, nil
}

// evict forgets a module; it is freed when its last call ends. e.mu is held.
func (e *Engine) evict(ctx context.Context, at *list.Element) {
	m := e.recent.Remove(at).(*module)
	delete(e.modules, m.key)
	e.bytes -= m.bytes
	m.evicted = true
	if m.users == 0 {
		m.close(ctx)
	}
}

// use finds a loaded module and keeps it from being freed until done.
func (e *Engine) use(code crypto.Hash, s *instrument.Schedule) *module {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := e.modules[key{code, *s}]
	if at == nil {
		return nil
	}
	e.recent.MoveToFront(at)
	m := at.Value.(*module)
	m.users++
	return m
}

func (e *Engine) done(ctx context.Context, m *module) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if m.users--; m.users == 0 && m.evicted {
		m.close(ctx)
	}
}

// Loaded reports whether a module can be called, and counts as a use of it: where
// Params.MaxModules or MaxBytes is passed, the least recently used goes first.
func (e *Engine) Loaded(code crypto.Hash, s *instrument.Schedule) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := e.modules[key{code, *s}]
	if at != nil {
		e.recent.MoveToFront(at)
	}
	return at != nil
}

// Call runs huchain_call of a loaded module. The error is the *host.Failure the contract
// raised, an error Env returned, or a *types.Error: HC-3201 out of gas, HC-3202 trap,
// HC-3203 stack, HC-3204 memory, HC-3205 and HC-3206 misuse of the ABI; ErrNotLoaded; or
// HC-1001, the node's own trouble, which says nothing of the contract. Cancelling ctx
// ends a call at its next host function with ctx's error; until then gas bounds it.
func (e *Engine) Call(ctx context.Context, c *Call) (Outcome, error) {
	if err := ctx.Err(); err != nil {
		return Outcome{}, err
	}
	m := e.use(c.Code, c.Schedule)
	if m == nil {
		return Outcome{}, ErrNotLoaded
	}
	defer e.done(ctx, m)
	limit := min(c.GasLimit, MaxGas)
	base := m.key.schedule.Base
	if limit < base {
		return Outcome{GasUsed: limit}, types.Errorf(types.CodeOutOfGas, "")
	}
	runtime.LockOSThread() // see space.begin
	defer runtime.UnlockOSThread()
	in, err := m.acquire(ctx)
	if err != nil {
		return Outcome{}, err
	}
	if in.space != nil {
		in.space.begin()
	}
	in.session = host.Session{Env: c.Env, Args: c.Args}
	left, err := in.run(ctx, &in.session, in.call, limit-base)
	out := Outcome{GasUsed: limit - left}
	if err == nil {
		out.Result = in.session.Result
	}
	in.session = host.Session{}
	m.release(ctx, in)
	return out, err
}
