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
)

// Engine compiles and runs modules. It is safe for concurrent use.
type Engine struct {
	p     Params
	rt    wazero.Runtime
	cache wazero.CompilationCache

	mu      sync.Mutex
	modules map[crypto.Hash]*module
	loading map[crypto.Hash]*loading
}

type loading struct {
	done chan struct{}
	err  error
}

// New makes an engine. Close frees it.
func New(ctx context.Context, p Params) (*Engine, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("engine parameters: %w", err)
	}
	e := &Engine{p: p, modules: map[crypto.Hash]*module{}, loading: map[crypto.Hash]*loading{}}
	cfg := wazero.NewRuntimeConfig()
	if p.Interpreter {
		cfg = wazero.NewRuntimeConfigInterpreter()
	}
	cfg = cfg.WithCoreFeatures(api.CoreFeaturesV2.SetEnabled(api.CoreFeatureSIMD, false)).
		WithMemoryLimitPages(uint32(p.MemoryLimitBytes / pageSize)).
		WithDebugInfoEnabled(false)
	if p.CacheDir != "" && !p.Interpreter {
		cache, err := wazero.NewCompilationCacheWithDir(p.CacheDir)
		if err != nil {
			return nil, fmt.Errorf("open the cache of compiled contracts: %w", err)
		}
		e.cache = cache
		cfg = cfg.WithCompilationCache(cache)
	}
	e.rt = wazero.NewRuntimeWithConfig(ctx, cfg)
	if err := host.Register(ctx, e.rt); err != nil {
		return nil, err
	}
	return e, nil
}

// Close frees all modules. No call may be running.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range e.modules { //lint:deterministic order of closing
		m.close(ctx)
	}
	e.modules = map[crypto.Hash]*module{}
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
func (e *Engine) Load(ctx context.Context, code []byte) (crypto.Hash, error) {
	hash := crypto.Sum(code)
	e.mu.Lock()
	if e.modules[hash] != nil {
		e.mu.Unlock()
		return hash, nil
	}
	if l := e.loading[hash]; l != nil {
		e.mu.Unlock()
		<-l.done
		return hash, l.err
	}
	l := &loading{done: make(chan struct{})}
	e.loading[hash] = l
	e.mu.Unlock()

	m, err := e.load(ctx, hash, code)
	e.mu.Lock()
	if err == nil {
		e.modules[hash] = m
	}
	delete(e.loading, hash)
	e.mu.Unlock()
	l.err = err
	close(l.done)
	return hash, err
}

func (e *Engine) load(ctx context.Context, hash crypto.Hash, code []byte) (*module, error) {
	decoded, err := check.Module(code, e.p.Limits)
	if err != nil {
		return nil, err
	}
	out, err := instrument.Module(decoded, &e.p.Schedule)
	if err != nil {
		return nil, check.Refusal(decoded, err)
	}
	compiled, err := e.rt.CompileModule(ctx, out.Code)
	if err != nil {
		return nil, types.Errorf(types.CodeModuleRefused, "the module is invalid: %w", err)
	}
	m := &module{engine: e, hash: hash, compiled: compiled, globals: out.Globals}
	if err := m.initialize(ctx, decoded); err != nil {
		compiled.Close(ctx)
		return nil, err
	}
	return m, nil
}

// Loaded reports whether a module can be called.
func (e *Engine) Loaded(code crypto.Hash) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.modules[code] != nil
}

// Call runs huchain_call of a loaded module. The error is the *host.Failure the contract
// raised, an error Env returned, or a *types.Error: HC-3201 out of gas, HC-3202 trap,
// HC-3203 stack, HC-3204 memory, HC-3205 and HC-3206 misuse of the ABI. Cancelling ctx
// ends a call at its next host function with ctx's error; until then gas bounds it.
func (e *Engine) Call(ctx context.Context, c *Call) (Outcome, error) {
	if err := ctx.Err(); err != nil {
		return Outcome{}, err
	}
	e.mu.Lock()
	m := e.modules[c.Code]
	e.mu.Unlock()
	if m == nil {
		return Outcome{}, types.Errorf(types.CodeInternal, "contract code %s is not loaded", c.Code)
	}
	limit := min(c.GasLimit, MaxGas)
	base := e.p.Schedule.Base
	if limit < base {
		return Outcome{GasUsed: limit}, types.Errorf(types.CodeOutOfGas, "")
	}
	in, err := m.acquire(ctx)
	if err != nil {
		return Outcome{}, err
	}
	s := &host.Session{Env: c.Env, Args: c.Args}
	left, err := in.run(ctx, s, in.call, limit-base)
	m.release(ctx, in)
	out := Outcome{GasUsed: limit - left}
	if err == nil {
		out.Result = s.Result
	}
	return out, err
}
