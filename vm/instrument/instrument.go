// Package instrument rewrites contract modules so that every node runs them with the
// same result: gas per basic block, a stack budget at function entry, canonical NaNs,
// charges for bulk memory, and mutable globals exported so that an instance can be reset.
package instrument

import (
	"fmt"
	"strings"

	"github.com/huchain/huchain/vm/wasm"
)

// Prefix begins the names of exports that instrumentation adds; modules may not use it.
const Prefix = "huchain:"

// Names of the exported globals that the host reads and sets.
const (
	GasGlobal   = Prefix + "gas"   // i64: gas left; negative: out of gas
	StackGlobal = Prefix + "stack" // i32: stack slots left; negative: stack overflow
	FlagGlobal  = Prefix + "flag"  // i32: FlagMemory once a memory.grow failed
)

// FlagMemory in FlagGlobal says that a memory.grow was refused.
const FlagMemory = 1

// Output is an instrumented module.
type Output struct {
	Code []byte
	// Globals are the export names of the module's own mutable globals, by index.
	Globals []string
}

// injected are the indexes of the added globals.
type injected struct{ gas, stack, flag uint32 }

// Module instruments m. m MUST have passed check.Module; errors are *wasm.Error.
func Module(m *wasm.Module, s *Schedule) (*Output, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	for _, e := range m.Exports {
		// Left to the runtime, an export of a global that doesn't exist would hit an added one.
		if e.Kind == wasm.KindGlobal && int64(e.Index) >= int64(len(m.Globals)) {
			return nil, &wasm.Error{Offset: e.Offset, Func: -1, Problem: fmt.Sprintf("export %q of global %d, which doesn't exist", e.Name, e.Index)}
		}
		if strings.HasPrefix(e.Name, Prefix) {
			return nil, &wasm.Error{Offset: e.Offset, Func: -1, Problem: fmt.Sprintf("export %q uses a reserved name", e.Name)}
		}
	}
	if err := fitsMemory(m, s); err != nil {
		return nil, err
	}
	n := uint32(len(m.Globals))
	inj := injected{gas: n, stack: n + 1, flag: n + 2}
	out := &Output{}
	types := &typeTable{types: m.Types}
	code, err := rewrite(m, s, inj, types)
	if err != nil {
		return nil, err
	}
	replace := map[byte]func(body []byte) []byte{
		wasm.SectionType:   types.section,
		wasm.SectionMemory: boundMemory(m, s),
		wasm.SectionGlobal: inj.globals(n),
		wasm.SectionExport: inj.exports(m, out),
		wasm.SectionCode:   func([]byte) []byte { return code },
	}
	out.Code = wasm.Encode(sections(m.Sections, replace))
	return out, nil
}

// sections copies in, replaces what is rewritten and adds sections that are missing.
func sections(in []wasm.Section, replace map[byte]func([]byte) []byte) []wasm.Section {
	order := []byte{wasm.SectionType, wasm.SectionImport, wasm.SectionFunction, wasm.SectionTable, wasm.SectionMemory,
		wasm.SectionGlobal, wasm.SectionExport, wasm.SectionStart, wasm.SectionElement,
		wasm.SectionDataCount, wasm.SectionCode, wasm.SectionData}
	var have [16][]byte
	for _, s := range in {
		have[s.ID] = s.Body
	}
	var out []wasm.Section
	for _, id := range order {
		body := have[id]
		if f := replace[id]; f != nil {
			if body == nil {
				body = []byte{0}
			}
			body = f(body)
		}
		if body != nil {
			out = append(out, wasm.Section{ID: id, Body: body})
		}
	}
	return out
}

// fitsMemory refuses a module that starts with more memory than the schedule allows.
func fitsMemory(m *wasm.Module, s *Schedule) error {
	for _, mem := range m.Memories {
		if mem.Min > s.MaxPages {
			return &wasm.Error{Offset: mem.Offset, Func: -1, Fix: "reserve less static memory or stack",
				Problem: fmt.Sprintf("memory of %d pages at the start, at most %d are allowed on this chain", mem.Min, s.MaxPages)}
		}
	}
	return nil
}

// boundMemory lets memory grow to what the schedule allows, or less if the module says so.
func boundMemory(m *wasm.Module, s *Schedule) func([]byte) []byte {
	return func(body []byte) []byte {
		if len(m.Memories) != 1 {
			return body // no module that passed admission
		}
		mem := m.Memories[0]
		most := s.MaxPages
		if mem.HasMax {
			most = min(most, mem.Max)
		}
		return wasm.AppendU(wasm.AppendU([]byte{1, 1}, uint64(mem.Min)), uint64(most))
	}
}

// globals appends the injected globals to the n that are there.
func (inj injected) globals(n uint32) func([]byte) []byte {
	return func(body []byte) []byte {
		out := grow(body, n, 3)
		out = append(out, wasm.I64, 1, opI64Const, 0, wasm.OpEnd)
		out = append(out, wasm.I32, 1, opI32Const, 0, wasm.OpEnd)
		return append(out, wasm.I32, 1, opI32Const, 0, wasm.OpEnd)
	}
}

// exports appends exports of all mutable globals.
func (inj injected) exports(m *wasm.Module, out *Output) func([]byte) []byte {
	return func(body []byte) []byte {
		var add []byte
		export := func(name string, index uint32) {
			add = wasm.AppendName(add, name)
			add = wasm.AppendU(append(add, byte(wasm.KindGlobal)), uint64(index))
		}
		for i, g := range m.Globals {
			if g.Mutable {
				name := fmt.Sprintf("%sg%d", Prefix, i)
				out.Globals = append(out.Globals, name)
				export(name, uint32(i))
			}
		}
		export(GasGlobal, inj.gas)
		export(StackGlobal, inj.stack)
		export(FlagGlobal, inj.flag)
		return append(grow(body, uint32(len(m.Exports)), uint32(len(out.Globals)+3)), add...)
	}
}

// grow rewrites the count at the head of a vector of n items to n + more.
func grow(body []byte, n, more uint32) []byte {
	i := 0
	for body[i]&0x80 != 0 { // the count may be encoded with padding
		i++
	}
	out := make([]byte, 0, len(body)+64)
	return append(wasm.AppendU(out, uint64(n)+uint64(more)), body[i+1:]...)
}

// typeTable finds or adds function types.
type typeTable struct {
	types []wasm.FuncType
	added []wasm.FuncType
}

func (t *typeTable) index(want wasm.FuncType) uint32 {
	for i, have := range t.types {
		if have.Equal(want) {
			return uint32(i)
		}
	}
	for i, have := range t.added {
		if have.Equal(want) {
			return uint32(len(t.types) + i)
		}
	}
	t.added = append(t.added, want)
	return uint32(len(t.types) + len(t.added) - 1)
}

func (t *typeTable) section(body []byte) []byte {
	out := grow(body, uint32(len(t.types)), uint32(len(t.added)))
	for _, a := range t.added {
		out = append(out, 0x60)
		out = append(wasm.AppendU(out, uint64(len(a.Params))), a.Params...)
		out = append(wasm.AppendU(out, uint64(len(a.Results))), a.Results...)
	}
	return out
}
