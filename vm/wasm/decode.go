package wasm

// Magic is the first eight bytes of a module of version 1.
const Magic = "\x00asm\x01\x00\x00\x00"

// sectionRank orders the sections as they must follow one another; 0 is unknown.
var sectionRank = [13]int{
	SectionType: 1, SectionImport: 2, SectionFunction: 3, SectionTable: 4, SectionMemory: 5,
	SectionGlobal: 6, SectionExport: 7, SectionStart: 8, SectionElement: 9,
	SectionDataCount: 10, SectionCode: 11, SectionData: 12,
}

// Decode reads a module. Memory used is bounded by a constant times len(b).
// The error is an *Error.
func Decode(b []byte) (*Module, error) {
	if len(b) < len(Magic) || string(b[:len(Magic)]) != Magic {
		return nil, &Error{Func: -1, Problem: "this is not a WebAssembly module of version 1",
			Fix: "build a core module (for Go: GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared), not a component"}
	}
	m := &Module{}
	r := &reader{b: b, pos: len(Magic), fn: -1}
	last := 0
	for r.rest() > 0 && r.err == nil {
		at := r.pos
		id := r.u8()
		size := r.u32()
		body := r.bytes(size)
		if r.err != nil {
			break
		}
		s := &reader{b: body, base: r.pos - len(body), fn: -1}
		if id == SectionCustom {
			m.custom(s)
			continue
		}
		if int(id) >= len(sectionRank) {
			r.fail(at, "unknown section %d", id)
			break
		}
		if sectionRank[id] <= last {
			r.fail(at, "section %d stands twice or out of order", id)
			break
		}
		last = sectionRank[id]
		m.Sections = append(m.Sections, Section{ID: id, Body: body, Offset: s.base})
		m.section(id, s)
		if s.err == nil && s.rest() > 0 {
			s.fail(s.pos, "%d bytes left over in section %d", s.rest(), id)
		}
		if s.err != nil {
			return nil, s.err
		}
	}
	if r.err == nil && len(m.Functions) != len(m.Code) {
		r.fail(len(b), "%d functions declared, %d bodies", len(m.Functions), len(m.Code))
	}
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

func (m *Module) section(id byte, r *reader) {
	switch id {
	case SectionType:
		m.types(r)
	case SectionImport:
		m.imports(r)
	case SectionFunction:
		for n := r.count(); n > 0 && r.err == nil; n-- {
			m.Functions = append(m.Functions, r.u32())
		}
	case SectionTable:
		for n := r.count(); n > 0 && r.err == nil; n-- {
			m.Tables = append(m.Tables, r.table())
		}
	case SectionMemory:
		for n := r.count(); n > 0 && r.err == nil; n-- {
			m.Memories = append(m.Memories, r.limits())
		}
	case SectionGlobal:
		for n := r.count(); n > 0 && r.err == nil; n-- {
			m.Globals = append(m.Globals, r.global())
		}
	case SectionExport:
		for n := r.count(); n > 0 && r.err == nil; n-- {
			e := Export{Offset: r.base + r.pos}
			e.Name, e.Kind, e.Index = r.name(), Kind(r.u8()), r.u32()
			m.Exports = append(m.Exports, e)
		}
	case SectionStart:
		m.StartAt = r.base
		i := r.u32()
		m.Start = &i
	case SectionElement:
		m.Elements = r.count()
		for n := m.Elements; n > 0 && r.err == nil; n-- {
			r.element()
		}
	case SectionDataCount:
		r.u32()
	case SectionCode:
		m.code(r)
	case SectionData:
		m.DataItems = r.count()
		for n := m.DataItems; n > 0 && r.err == nil; n-- {
			r.data()
		}
	}
}

func (m *Module) types(r *reader) {
	for n := r.count(); n > 0 && r.err == nil; n-- {
		at := r.pos
		if form := r.u8(); form != 0x60 && r.err == nil {
			r.fail(at, "type form 0x%x (only functions are supported)", form)
		}
		t := FuncType{Params: r.valueTypes()}
		t.Results = r.valueTypes()
		m.Types = append(m.Types, t)
	}
}

func (r *reader) valueTypes() []ValueType {
	at := r.pos
	ts := r.bytes(r.u32())
	for i, t := range ts {
		if !IsValueType(t) {
			r.fail(at+1+i, "value type 0x%x is not supported", t)
			return nil
		}
	}
	return ts
}

// IsValueType reports whether t is a number or reference type (no v128).
func IsValueType(t byte) bool {
	switch t {
	case I32, I64, F32, F64, FuncRef, ExternRef:
		return true
	}
	return false
}

func (r *reader) valueType() ValueType {
	at := r.pos
	t := r.u8()
	if r.err == nil && !IsValueType(t) {
		r.fail(at, "value type 0x%x is not supported", t)
	}
	return t
}

func (m *Module) imports(r *reader) {
	for n := r.count(); n > 0 && r.err == nil; n-- {
		at := r.pos
		i := Import{Offset: r.base + at, Module: r.name(), Name: r.name()}
		i.Kind = Kind(r.u8())
		switch i.Kind {
		case KindFunc:
			i.Type = r.u32()
			m.NumFuncs++
		case KindTable:
			r.table()
		case KindMemory:
			r.limits()
		case KindGlobal:
			r.valueType()
			r.u8()
		default:
			r.fail(at, "import of kind %d", i.Kind)
		}
		m.Imports = append(m.Imports, i)
	}
}

func (r *reader) limits() Limits {
	l := Limits{Offset: r.base + r.pos}
	at := r.pos
	flags := r.u8()
	if flags > 3 {
		r.fail(at, "limits of form 0x%x", flags)
		return l
	}
	l.Shared = flags&2 != 0
	l.Min = r.u32()
	if l.HasMax = flags&1 != 0; l.HasMax {
		l.Max = r.u32()
	}
	return l
}

func (r *reader) table() Limits {
	at := r.pos
	if t := r.u8(); r.err == nil && t != FuncRef && t != ExternRef {
		r.fail(at, "table of type 0x%x", t)
	}
	return r.limits()
}

func (r *reader) global() Global {
	g := Global{Offset: r.base + r.pos, Type: r.valueType()}
	at := r.pos
	mut := r.u8()
	if mut > 1 {
		r.fail(at, "global mutability 0x%x", mut)
	}
	g.Mutable = mut == 1
	g.Init = r.constExpr()
	return g
}

// constExpr reads a constant expression of one instruction. global.get is left out on
// purpose: only imported globals could be read and those are refused.
func (r *reader) constExpr() []byte {
	start := r.pos
	switch op := r.u8(); op {
	case opI32Const:
		r.sleb(32)
	case opI64Const:
		r.sleb(64)
	case opF32Const:
		r.bytes(4)
	case opF64Const:
		r.bytes(8)
	case opRefNull:
		r.u8()
	case opRefFunc:
		r.u32()
	default:
		r.fail(start, "instruction 0x%x in a constant expression", op)
		return nil
	}
	at := r.pos
	if end := r.u8(); r.err == nil && end != OpEnd {
		r.fail(at, "a constant expression of more than one instruction")
		return nil
	}
	if r.err != nil {
		return nil
	}
	return r.b[start:r.pos]
}

func (r *reader) element() {
	at := r.pos
	flags := r.u32()
	if flags > 7 {
		r.fail(at, "element segment of form %d", flags)
		return
	}
	if flags&1 == 0 { // active
		if flags&2 != 0 {
			r.u32()
		}
		r.constExpr()
	}
	if flags&3 != 0 {
		r.u8() // element kind or reference type
	}
	for n := r.count(); n > 0 && r.err == nil; n-- {
		if flags&4 != 0 {
			r.constExpr()
		} else {
			r.u32()
		}
	}
}

func (r *reader) data() {
	at := r.pos
	flags := r.u32()
	switch flags {
	case 0:
		r.constExpr()
	case 1:
	case 2:
		r.u32()
		r.constExpr()
	default:
		r.fail(at, "data segment of form %d", flags)
		return
	}
	r.bytes(r.u32())
}

func (m *Module) code(r *reader) {
	n := r.count()
	m.Code = make([]Body, 0, n)
	for i := 0; i < n && r.err == nil; i++ {
		r.fn = m.NumFuncs + i
		size := r.u32()
		body := Body{Offset: r.base + r.pos}
		b := &reader{b: r.bytes(size), base: body.Offset, fn: r.fn}
		for g := b.count(); g > 0 && b.err == nil; g-- {
			l := LocalGroup{Count: b.u32(), Type: b.valueType()}
			body.NumLocals += uint64(l.Count)
			body.Locals = append(body.Locals, l)
		}
		if b.err != nil {
			r.err = b.err
			return
		}
		body.Expr, body.ExprAt = b.b[b.pos:], b.base+b.pos
		m.Code = append(m.Code, body)
	}
	r.fn = -1
}

// custom keeps function names for messages; a broken name section is no fault.
func (m *Module) custom(r *reader) {
	if r.name() != "name" {
		return
	}
	for r.rest() > 0 && r.err == nil {
		id := r.u8()
		sub := &reader{b: r.bytes(r.u32()), fn: -1}
		if id != 1 || r.err != nil {
			continue
		}
		n := sub.count()
		m.FuncNames = make(map[uint32]string, min(n, 1<<16))
		for ; n > 0 && sub.err == nil; n-- {
			i := sub.u32()
			if s := sub.name(); sub.err == nil && len(s) <= 256 {
				m.FuncNames[i] = s
			}
		}
	}
}
