// Package wasmtest builds small WebAssembly modules from assembler text, for tests.
package wasmtest

import "github.com/huchain/huchain/vm/wasm"

// Builder gathers the parts of a module. Imports come before functions.
type Builder struct {
	types   []wasm.FuncType
	imports [][]byte
	nimport int
	funcs   []uint32
	bodies  [][]byte
	tables  [][]byte
	memory  []byte
	globals [][]byte
	exports [][]byte
	elems   [][]byte
	datas   [][]byte
	start   []byte
	custom  []byte
	count   []byte
}

// New starts a module with one page of memory, exported.
func New() *Builder {
	return (&Builder{}).Memory(1, 0).Export("memory", wasm.KindMemory, 0)
}

// T makes a signature from letters: i, I, f, F for i32, i64, f32, f64.
func T(params, results string) wasm.FuncType {
	return wasm.FuncType{Params: valueTypes(params), Results: valueTypes(results)}
}

func valueTypes(s string) []byte {
	var out []byte
	for _, c := range s {
		out = append(out, map[rune]byte{'i': wasm.I32, 'I': wasm.I64, 'f': wasm.F32, 'F': wasm.F64, 'r': wasm.FuncRef, 'x': wasm.ExternRef}[c])
	}
	return out
}

// Type returns the index of a signature.
func (b *Builder) Type(t wasm.FuncType) uint32 {
	for i := range b.types {
		if b.types[i].Equal(t) {
			return uint32(i)
		}
	}
	b.types = append(b.types, t)
	return uint32(len(b.types) - 1)
}

// Import declares an imported function.
func (b *Builder) Import(module, name string, t wasm.FuncType) uint32 {
	body := wasm.AppendName(wasm.AppendName(nil, module), name)
	b.imports = append(b.imports, wasm.AppendU(append(body, 0), uint64(b.Type(t))))
	b.nimport++
	return uint32(b.nimport - 1)
}

// RawImport declares any import by the bytes behind its names.
func (b *Builder) RawImport(module, name string, rest ...byte) {
	b.imports = append(b.imports, append(wasm.AppendName(wasm.AppendName(nil, module), name), rest...))
}

// Func adds a function with locals (letters as in T) and assembler text without its end.
func (b *Builder) Func(t wasm.FuncType, locals, text string) uint32 {
	return b.Raw(t, locals, Asm(text))
}

// Raw adds a function with binary code without its end.
func (b *Builder) Raw(t wasm.FuncType, locals string, code []byte) uint32 {
	ls := valueTypes(locals)
	body := wasm.AppendU(nil, uint64(len(ls)))
	for _, l := range ls {
		body = append(body, 1, l)
	}
	b.funcs = append(b.funcs, b.Type(t))
	b.bodies = append(b.bodies, append(append(body, code...), 0x0b))
	return uint32(b.nimport + len(b.funcs) - 1)
}

// Call adds and exports huchain_call.
func (b *Builder) Call(locals, text string) *Builder {
	return b.Export("huchain_call", wasm.KindFunc, b.Func(T("", ""), locals, text))
}

// Memory sets the memory; max 0 leaves it open.
func (b *Builder) Memory(min, max uint64) *Builder {
	b.memory = wasm.AppendU([]byte{0}, min)
	if max > 0 {
		b.memory = wasm.AppendU(wasm.AppendU([]byte{1}, min), max)
	}
	return b
}

// RawMemory sets the content of the memory section behind its count.
func (b *Builder) RawMemory(body ...byte) *Builder { b.memory = body; return b }

// Table adds a table of functions and, from offset 0, its elements.
func (b *Builder) Table(min uint64, funcs ...uint32) *Builder {
	b.tables = append(b.tables, wasm.AppendU([]byte{wasm.FuncRef, 0}, min))
	if len(funcs) > 0 {
		e := wasm.AppendU([]byte{0, 0x41, 0, 0x0b}, uint64(len(funcs)))
		for _, f := range funcs {
			e = wasm.AppendU(e, uint64(f))
		}
		b.elems = append(b.elems, e)
	}
	return b
}

// Global adds a global with the assembler text of its first value.
func (b *Builder) Global(t byte, mutable bool, init string) uint32 {
	mut := byte(0)
	if mutable {
		mut = 1
	}
	b.globals = append(b.globals, append(append([]byte{t, mut}, Asm(init)...), 0x0b))
	return uint32(len(b.globals) - 1)
}

// Export exports an item.
func (b *Builder) Export(name string, kind wasm.Kind, index uint32) *Builder {
	b.exports = append(b.exports, wasm.AppendU(append(wasm.AppendName(nil, name), byte(kind)), uint64(index)))
	return b
}

// Data places bytes in memory.
func (b *Builder) Data(offset int64, data string) *Builder {
	d := append(wasm.AppendS([]byte{0, 0x41}, offset), 0x0b)
	b.datas = append(b.datas, wasm.AppendName(d, data))
	return b
}

// Passive adds a segment for memory.init.
func (b *Builder) Passive(data string) *Builder {
	b.datas = append(b.datas, wasm.AppendName([]byte{1}, data))
	b.count = wasm.AppendU(nil, uint64(len(b.datas)))
	return b
}

// Start sets the start section.
func (b *Builder) Start(fn uint32) *Builder { b.start = wasm.AppendU(nil, uint64(fn)); return b }

// Name gives a function a name in the name section.
func (b *Builder) Name(fn uint32, name string) *Builder {
	entry := wasm.AppendName(wasm.AppendU([]byte{1}, uint64(fn)), name)
	sub := append(wasm.AppendU([]byte{1}, uint64(len(entry))), entry...)
	b.custom = append(wasm.AppendName(nil, "name"), sub...)
	return b
}

// Bytes encodes the module.
func (b *Builder) Bytes() []byte {
	var types [][]byte
	for _, t := range b.types {
		x := append(wasm.AppendU([]byte{0x60}, uint64(len(t.Params))), t.Params...)
		types = append(types, append(wasm.AppendU(x, uint64(len(t.Results))), t.Results...))
	}
	var funcs, bodies [][]byte
	for i, f := range b.funcs {
		funcs = append(funcs, wasm.AppendU(nil, uint64(f)))
		bodies = append(bodies, append(wasm.AppendU(nil, uint64(len(b.bodies[i]))), b.bodies[i]...))
	}
	var out []wasm.Section
	add := func(id byte, items [][]byte) {
		if len(items) == 0 {
			return
		}
		body := wasm.AppendU(nil, uint64(len(items)))
		for _, i := range items {
			body = append(body, i...)
		}
		out = append(out, wasm.Section{ID: id, Body: body})
	}
	raw := func(id byte, body []byte) {
		if body != nil {
			out = append(out, wasm.Section{ID: id, Body: body})
		}
	}
	add(wasm.SectionType, types)
	add(wasm.SectionImport, b.imports)
	add(wasm.SectionFunction, funcs)
	add(wasm.SectionTable, b.tables)
	if b.memory != nil {
		add(wasm.SectionMemory, [][]byte{b.memory})
	}
	add(wasm.SectionGlobal, b.globals)
	add(wasm.SectionExport, b.exports)
	raw(wasm.SectionStart, b.start)
	add(wasm.SectionElement, b.elems)
	raw(wasm.SectionDataCount, b.count)
	add(wasm.SectionCode, bodies)
	add(wasm.SectionData, b.datas)
	raw(wasm.SectionCustom, b.custom)
	return wasm.Encode(out)
}
