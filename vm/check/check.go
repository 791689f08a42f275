// Package check decides whether a contract module may be installed: it must keep to
// what every node executes alike and what an instance can be reset from. Each refusal
// is HC-3301 and names the function, the byte and how to mend it.
package check

import (
	"errors"
	"fmt"
	"strings"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/instrument"
	"github.com/huchain/huchain/vm/wasm"
)

// Entry points of a contract module; both take and return nothing.
const (
	EntryCall = "huchain_call"
	EntryInit = "_initialize" // optional; runs once, before the snapshot
	memory    = "memory"
)

// Limits bound a module. They are consensus rules, as the gas schedule is.
type Limits struct {
	CodeBytes   int    // of the module
	Functions   int    // imported and own
	Types       int    //
	Globals     int    // of the module itself
	Exports     int    //
	TableItems  uint32 // elements of the table at the start
	Segments    int    // element and data segments each
	Pages       uint32 // of memory at the start, 64 KiB each
	Locals      uint64 // of one function, parameters included
	BodyBytes   int    // of one function
	Nesting     int    // of blocks in one function
	LoopNesting int    // of loops and ifs in one function
	Values      int    // parameters or results of one function type
	NameBytes   int    // of an export

	// What compile time grows with faster than linearly.
	Loops     int    // in one function
	Joins     uint64 // places where control flow meets, in one function
	Merges    uint64 // locals × joins of one function
	MergesAll uint64 // sum of that over all functions
}

// LimitsV1 leaves several times what the Go and Rust compilers make of large contracts,
// and keeps the worst module that passes at half a minute of compile time.
func LimitsV1() Limits {
	return Limits{
		CodeBytes: 8 << 20, Functions: 50_000, Types: 5_000, Globals: 1_000, Exports: 1_000,
		TableItems: 100_000, Segments: 100_000, Pages: 512, Locals: 2_000, BodyBytes: 512 << 10,
		Nesting: 2_000, LoopNesting: 64, Values: 64, NameBytes: 256,
		Loops: 1_000, Joins: 5_000, Merges: 400_000, MergesAll: 4_000_000,
	}
}

// checker gathers what the rules look at.
type checker struct {
	m      *wasm.Module
	l      Limits
	merges uint64 // so far
}

// Module decodes and checks a module. The error is an HC-3301 *types.Error.
func Module(code []byte, l Limits) (*wasm.Module, error) {
	if len(code) > l.CodeBytes {
		return nil, types.Errorf(types.CodeModuleRefused, "the module has %d bytes, at most %d are allowed; strip it (Go: -ldflags='-s -w'; Rust: opt-level='s', strip) or split the contract", len(code), l.CodeBytes)
	}
	m, err := wasm.Decode(code)
	if err != nil {
		return nil, Refusal(nil, err)
	}
	c := &checker{m: m, l: l}
	for _, rule := range []func() error{c.counts, c.types, c.imports, c.memories, c.globals, c.exports, c.bodies} {
		if err := rule(); err != nil {
			return nil, Refusal(m, err)
		}
	}
	return m, nil
}

// Refusal turns a fault found by packages wasm and instrument into HC-3301, with the
// function's name where the module has one.
func Refusal(m *wasm.Module, err error) *types.Error {
	var e *wasm.Error
	if !errors.As(err, &e) {
		return types.Errorf(types.CodeModuleRefused, "%w", err)
	}
	where := fmt.Sprintf("byte 0x%x", e.Offset)
	if e.Func >= 0 {
		where = fmt.Sprintf("function %d, byte 0x%x", e.Func, e.Offset)
		if m != nil && m.FuncNames[uint32(e.Func)] != "" {
			where = fmt.Sprintf("function %d (%s), byte 0x%x", e.Func, m.FuncNames[uint32(e.Func)], e.Offset)
		}
	}
	fix := e.Fix
	if fix == "" {
		fix = "the tool that wrote the module is at fault: build it anew (huchain contract build), unaltered"
	}
	return types.Errorf(types.CodeModuleRefused, "%s: %s; %s", where, e.Problem, fix)
}

func refuse(at int, fix, format string, args ...any) error {
	return &wasm.Error{Offset: at, Func: -1, Problem: fmt.Sprintf(format, args...), Fix: fix}
}

const splitFix = "split the contract into several"

func (c *checker) counts() error {
	m, l := c.m, c.l
	for _, x := range []struct {
		what    string
		n, most int
	}{
		{"functions", m.NumFuncs + len(m.Functions), l.Functions},
		{"types", len(m.Types), l.Types},
		{"global variables", len(m.Globals), l.Globals},
		{"exports", len(m.Exports), l.Exports},
		{"element segments", m.Elements, l.Segments},
		{"data segments", m.DataItems, l.Segments},
	} {
		if x.n > x.most {
			return refuse(0, splitFix, "%d %s, at most %d are allowed", x.n, x.what, x.most)
		}
	}
	if m.Start != nil {
		return refuse(m.StartAt, "export the function as "+EntryInit+" instead; it runs once, before the first call", "a start section")
	}
	return nil
}

func (c *checker) types() error {
	for i, t := range c.m.Types {
		if len(t.Params) > c.l.Values || len(t.Results) > c.l.Values {
			return refuse(0, "pass a pointer to a record instead", "type %d has more than %d parameters or results", i, c.l.Values)
		}
	}
	for i, t := range c.m.Functions {
		if int(t) >= len(c.m.Types) {
			return refuse(0, "", "function %d has type %d, which doesn't exist", c.m.NumFuncs+i, t)
		}
	}
	return nil
}

// known maps "module\x00name" to the signature of what may be imported.
var known = func() map[string]wasm.FuncType {
	k := make(map[string]wasm.FuncType)
	for _, f := range host.Functions() {
		k[f.Module+"\x00"+f.Name] = wasm.FuncType{Params: f.Params, Results: f.Results}
	}
	return k
}()

func (c *checker) imports() error {
	for _, i := range c.m.Imports {
		if i.Kind != wasm.KindFunc {
			return refuse(i.Offset, "define it in the module itself (linkers: no --import-memory, --import-table)", "import of the %s %q.%q", i.Kind, i.Module, i.Name)
		}
		want, ok := known[i.Module+"\x00"+i.Name]
		if !ok {
			return refuse(i.Offset, importFix(i.Module), "import of the unknown function %q.%q", i.Module, i.Name)
		}
		if int(i.Type) >= len(c.m.Types) {
			return refuse(i.Offset, "", "import of %q.%q has type %d, which doesn't exist", i.Module, i.Name, i.Type)
		}
		if have := c.m.Types[i.Type]; !have.Equal(want) {
			return refuse(i.Offset, "declare it as the SDK does", "%q.%q is imported as %s, it is %s", i.Module, i.Name, have, want)
		}
	}
	return nil
}

func importFix(module string) string {
	switch module {
	case "gojs", "go":
		return "build with GOOS=wasip1, not GOOS=js"
	case "env":
		return "a symbol is undefined at link time, or the contract expects another platform's functions: use the HuChain SDK"
	}
	return "contracts may import the huchain functions and WASI preview 1 alone"
}

func (c *checker) memories() error {
	m := c.m
	if len(m.Memories) != 1 {
		return refuse(0, "a contract has one memory of its own", "%d memories", len(m.Memories))
	}
	mem := m.Memories[0]
	if mem.Shared {
		return refuse(mem.Offset, "build without threads", "a shared memory")
	}
	if mem.Min > c.l.Pages {
		return refuse(mem.Offset, "reserve less static memory or stack", "memory of %d pages at the start, at most %d are allowed", mem.Min, c.l.Pages)
	}
	if len(m.Tables) > 1 {
		return refuse(m.Tables[1].Offset, "a contract has one table at most", "%d tables", len(m.Tables))
	}
	for _, t := range m.Tables {
		if t.Min > c.l.TableItems {
			return refuse(t.Offset, splitFix, "a table of %d elements, at most %d are allowed", t.Min, c.l.TableItems)
		}
	}
	return nil
}

func (c *checker) globals() error {
	for i, g := range c.m.Globals {
		if g.Mutable && (g.Type == wasm.FuncRef || g.Type == wasm.ExternRef) {
			return refuse(g.Offset, "keep an index into a table instead", "global %d is a mutable reference, which can't be reset between calls", i)
		}
	}
	return nil
}

func (c *checker) exports() error {
	for _, e := range c.m.Exports {
		if len(e.Name) > c.l.NameBytes {
			return refuse(e.Offset, "shorten it", "an export name of %d bytes", len(e.Name))
		}
		if strings.HasPrefix(e.Name, instrument.Prefix) {
			return refuse(e.Offset, "rename it", "export %q: names that begin with %q are reserved", e.Name, instrument.Prefix)
		}
	}
	if e, ok := c.m.Export(memory); !ok || e.Kind != wasm.KindMemory {
		return refuse(0, "export the memory under this name (linkers do by default)", "no export %q", memory)
	}
	for _, x := range []struct {
		name, fix string
		optional  bool
	}{
		{EntryCall, "export it: `//go:wasmexport " + EntryCall + "` and -buildmode=c-shared in Go, #[no_mangle] pub extern \"C\" in Rust; the SDKs do", false},
		{EntryInit, "", true},
	} {
		e, ok := c.m.Export(x.name)
		if !ok && x.optional {
			continue
		}
		if !ok || e.Kind != wasm.KindFunc {
			return refuse(0, x.fix, "no exported function %q", x.name)
		}
		t, ok := c.m.FuncType(e.Index)
		if !ok || int(e.Index) < c.m.NumFuncs {
			return refuse(e.Offset, x.fix, "export %q is no function of the module", x.name)
		}
		if len(t.Params)+len(t.Results) > 0 {
			return refuse(e.Offset, "it takes no parameters and returns nothing", "%q has the signature %s", x.name, t)
		}
	}
	return nil
}
