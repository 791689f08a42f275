package wasm

import "bytes"

// ValueType is the binary code of a value type.
type ValueType = byte

// The value types.
const (
	I32       ValueType = 0x7f
	I64       ValueType = 0x7e
	F32       ValueType = 0x7d
	F64       ValueType = 0x7c
	FuncRef   ValueType = 0x70
	ExternRef ValueType = 0x6f
)

// Kind tells what an import or export is.
type Kind byte

// The kinds of imports and exports.
const (
	KindFunc   Kind = 0
	KindTable  Kind = 1
	KindMemory Kind = 2
	KindGlobal Kind = 3
)

// String returns "function", "table", "memory" or "global".
func (k Kind) String() string {
	switch k {
	case KindFunc:
		return "function"
	case KindTable:
		return "table"
	case KindMemory:
		return "memory"
	case KindGlobal:
		return "global"
	}
	return "unknown kind"
}

// Section ids of the binary format.
const (
	SectionCustom    = 0
	SectionType      = 1
	SectionImport    = 2
	SectionFunction  = 3
	SectionTable     = 4
	SectionMemory    = 5
	SectionGlobal    = 6
	SectionExport    = 7
	SectionStart     = 8
	SectionElement   = 9
	SectionCode      = 10
	SectionData      = 11
	SectionDataCount = 12
)

// FuncType is a function's signature.
type FuncType struct{ Params, Results []ValueType }

// Equal reports whether two signatures are the same.
func (t FuncType) Equal(o FuncType) bool {
	return bytes.Equal(t.Params, o.Params) && bytes.Equal(t.Results, o.Results)
}

// String writes a signature like "(i32 i64) -> (i32)".
func (t FuncType) String() string { return list(t.Params) + " -> " + list(t.Results) }

func list(ts []ValueType) string {
	names := map[ValueType]string{I32: "i32", I64: "i64", F32: "f32", F64: "f64", FuncRef: "funcref", ExternRef: "externref"}
	s := "("
	for i, t := range ts {
		if i > 0 {
			s += " "
		}
		s += names[t]
	}
	return s + ")"
}

// Import is an imported item; Type is an index of Types and meaningful for functions.
type Import struct {
	Module, Name string
	Kind         Kind
	Type         uint32
	Offset       int
}

// Limits are the bounds of a memory (pages) or table (elements).
type Limits struct {
	Min    uint32
	Max    uint32
	HasMax bool
	Shared bool
	Offset int
}

// Global is a global variable of the module; Init is its constant expression with the end.
type Global struct {
	Type    ValueType
	Mutable bool
	Init    []byte
	Offset  int
}

// Export is an exported item.
type Export struct {
	Name   string
	Kind   Kind
	Index  uint32
	Offset int
}

// LocalGroup declares Count locals of one type.
type LocalGroup struct {
	Count uint32
	Type  ValueType
}

// Body is a function body: Expr is its code up to and with the final end.
type Body struct {
	Locals    []LocalGroup
	NumLocals uint64 // without parameters
	Expr      []byte
	Offset    int // of the body
	ExprAt    int // of Expr
}

// Section is a section as read, for copying.
type Section struct {
	ID     byte
	Body   []byte
	Offset int
}

// Module is a decoded module.
type Module struct {
	Sections  []Section // in order, custom sections left out
	Types     []FuncType
	Imports   []Import
	Functions []uint32 // type index of each function of the module itself
	Tables    []Limits // of the module itself
	Memories  []Limits
	Globals   []Global
	Exports   []Export
	Start     *uint32
	Elements  int
	DataItems int
	Code      []Body
	NumFuncs  int               // imported functions
	FuncNames map[uint32]string // from the name section, where there is one; for messages only
	StartAt   int
}

// FuncType returns the signature of a function by index, imports first; ok is false
// for an index or type index that doesn't exist.
func (m *Module) FuncType(index uint32) (t FuncType, ok bool) {
	var ti uint32
	if int(index) < m.NumFuncs {
		n := uint32(0)
		for i := range m.Imports {
			if m.Imports[i].Kind == KindFunc {
				if n == index {
					ti = m.Imports[i].Type
					break
				}
				n++
			}
		}
	} else if i := int(index) - m.NumFuncs; i < len(m.Functions) {
		ti = m.Functions[i]
	} else {
		return FuncType{}, false
	}
	if int(ti) >= len(m.Types) {
		return FuncType{}, false
	}
	return m.Types[ti], true
}

// Export returns the export of that name.
func (m *Module) Export(name string) (Export, bool) {
	for _, e := range m.Exports {
		if e.Name == name {
			return e, true
		}
	}
	return Export{}, false
}

// Encode writes sections as a module.
func Encode(sections []Section) []byte {
	n := len(Magic)
	for _, s := range sections {
		n += 6 + len(s.Body)
	}
	out := append(make([]byte, 0, n), Magic...)
	for _, s := range sections {
		out = append(out, s.ID)
		out = AppendU(out, uint64(len(s.Body)))
		out = append(out, s.Body...)
	}
	return out
}
