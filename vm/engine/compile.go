package engine

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tetratelabs/wazero"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/check"
	"github.com/huchain/huchain/vm/wasm"
)

// compile compiles an instrumented module, or takes it from the cache. HC-3301 if it is
// invalid; other errors are the node's own trouble.
func (e *Engine) compile(ctx context.Context, m *wasm.Module, code []byte) (wazero.CompiledModule, error) {
	compiled, err := guard(func() (wazero.CompiledModule, error) { return e.rt.CompileModule(ctx, code) })
	if e.cache == nil {
		return compiled, refusal(m, err)
	}
	if err == nil {
		prune(e.p.CacheDir, e.p.MaxCached, e.p.MaxCachedBytes)
		return compiled, nil
	}
	// Is it the module or a damaged file of the cache?
	if invalid := e.validate(ctx, code); invalid != nil {
		return nil, refusal(m, invalid)
	}
	prune(e.p.CacheDir, 0, 0)
	compiled, err = guard(func() (wazero.CompiledModule, error) { return e.rt.CompileModule(ctx, code) })
	if err != nil {
		return nil, types.Errorf(types.CodeInternal, "compile contract: %w", err)
	}
	return compiled, nil
}

// invalidFunction is how wazero names an invalid function: by its place in the code section.
var invalidFunction = regexp.MustCompile(`^invalid function\[(\d+)\](?: export\[[^\]]*\])?: `)

// refusal tells of a module that the runtime finds invalid, with the function and where
// its body begins.
func refusal(m *wasm.Module, err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	at := &wasm.Error{Func: -1, Problem: "the module is invalid: " + text}
	if found := invalidFunction.FindStringSubmatch(text); found != nil {
		if i, nerr := strconv.Atoi(found[1]); nerr == nil && i < len(m.Code) {
			at.Func, at.Offset = m.NumFuncs+i, m.Code[i].Offset
			at.Problem = "the function is invalid: " + text[len(found[0]):]
		}
	}
	return check.Refusal(m, at)
}

// validate validates a module without compiling it.
func (e *Engine) validate(ctx context.Context, code []byte) error {
	r := wazero.NewRuntimeWithConfig(ctx, runtimeConfig(wazero.NewRuntimeConfigInterpreter()))
	defer r.Close(ctx) //nolint:errcheck // frees memory only
	_, err := guard(func() (wazero.CompiledModule, error) { return r.CompileModule(ctx, code) })
	return err
}

// guard turns a panic of the compiler into an error: a module must not stop the node.
func guard(f func() (wazero.CompiledModule, error)) (c wazero.CompiledModule, err error) {
	defer func() {
		if r := recover(); r != nil {
			c, err = nil, fmt.Errorf("the compiler failed: %v", r)
		}
	}()
	return f()
}

// prune keeps the newest files of the cache, as many of each kind and as large together as
// may be. Failures are ignored: another process may do the same.
func prune(dir string, keep int, keepBytes int64) {
	type entry struct {
		path, kind string
		at, size   int64
	}
	var files []entry
	dirs, _ := os.ReadDir(dir)
	for _, d := range dirs {
		kind := d.Name()
		if strings.HasPrefix(kind, compiledPrefix) {
			kind = compiledPrefix // those of an older release, too
		} else if kind != keptDir {
			continue
		}
		names, _ := os.ReadDir(filepath.Join(dir, d.Name()))
		for _, n := range names {
			if info, err := n.Info(); err == nil && info.Mode().IsRegular() {
				files = append(files, entry{filepath.Join(dir, d.Name(), n.Name()), kind, info.ModTime().UnixNano(), info.Size()})
			}
		}
	}
	slices.SortFunc(files, func(a, b entry) int { return cmp.Compare(b.at, a.at) })
	count := map[string]int{}
	for _, f := range files {
		count[f.kind]++
		if keepBytes -= f.size; count[f.kind] > keep || keepBytes < 0 {
			_ = os.Remove(f.path)
		}
	}
}

// compiledPrefix begins the names of wazero's own folders in the cache.
const compiledPrefix = "wazero-"
