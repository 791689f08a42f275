package wasm

import "fmt"

// Opcode is an instruction's code; those behind the 0xfc prefix are 0xfc00 + number.
type Opcode = uint16

// The instructions that are treated one by one.
const (
	OpUnreachable  Opcode = 0x00
	OpNop          Opcode = 0x01
	OpBlock        Opcode = 0x02
	OpLoop         Opcode = 0x03
	OpIf           Opcode = 0x04
	OpElse         Opcode = 0x05
	OpEnd                 = 0x0b
	OpBr           Opcode = 0x0c
	OpBrIf         Opcode = 0x0d
	OpBrTable      Opcode = 0x0e
	OpReturn       Opcode = 0x0f
	OpCall         Opcode = 0x10
	OpCallIndirect Opcode = 0x11
	OpDrop         Opcode = 0x1a
	OpSelect       Opcode = 0x1b
	OpSelectT      Opcode = 0x1c
	OpLocalGet     Opcode = 0x20
	OpLocalSet     Opcode = 0x21
	OpLocalTee     Opcode = 0x22
	OpGlobalGet    Opcode = 0x23
	OpGlobalSet    Opcode = 0x24
	OpTableGet     Opcode = 0x25
	OpTableSet     Opcode = 0x26
	OpMemorySize   Opcode = 0x3f
	OpMemoryGrow   Opcode = 0x40
	OpRefNull      Opcode = 0xd0
	OpRefIsNull    Opcode = 0xd1
	OpRefFunc      Opcode = 0xd2
	OpMemoryInit   Opcode = 0xfc08
	OpDataDrop     Opcode = 0xfc09
	OpMemoryCopy   Opcode = 0xfc0a
	OpMemoryFill   Opcode = 0xfc0b
	OpTableInit    Opcode = 0xfc0c
	OpElemDrop     Opcode = 0xfc0d
	OpTableCopy    Opcode = 0xfc0e
	OpTableGrow    Opcode = 0xfc0f
	OpTableSize    Opcode = 0xfc10
	OpTableFill    Opcode = 0xfc11

	opI32Const = 0x41
	opI64Const = 0x42
	opF32Const = 0x43
	opF64Const = 0x44
	opRefNull  = 0xd0
	opRefFunc  = 0xd2
)

// BlockEmpty is the block type without parameters and results.
const BlockEmpty = -64

// Instr is one instruction. Targets is overwritten by the next Next.
type Instr struct {
	Op         Opcode
	Start, End int    // within Expr
	A, B       uint32 // index immediates in order; memory accesses: alignment, offset
	Block      int64  // block type: negative a value type or BlockEmpty, else a type index
	Targets    []uint32
	Type       ValueType // of ref.null and of a select with one type
}

// Code iterates over the instructions of a body.
type Code struct{ r reader }

// Instructions starts at the first instruction of a body of function index fn.
func (b *Body) Instructions(fn int) *Code {
	return &Code{r: reader{b: b.Expr, base: b.ExprAt, fn: fn}}
}

// More reports whether bytes are left.
func (c *Code) More() bool { return c.r.err == nil && c.r.rest() > 0 }

// Err makes an *Error at an instruction of this body.
func (c *Code) Err(at int, format string, args ...any) *Error {
	return &Error{Offset: c.r.base + at, Func: c.r.fn, Problem: fmt.Sprintf(format, args...)}
}

// Next reads an instruction. The error is an *Error; unknown and unsupported
// instructions are named by their proposal.
func (c *Code) Next(in *Instr) error {
	r := &c.r
	start := r.pos
	op := Opcode(r.u8())
	*in = Instr{Op: op, Start: start, Targets: in.Targets[:0]}
	switch {
	case op == OpBlock || op == OpLoop || op == OpIf:
		in.Block = r.blockType()
	case op == OpBr, op == OpBrIf, op == OpCall, op >= OpLocalGet && op <= OpTableSet, op == OpRefFunc:
		in.A = r.u32()
	case op == OpBrTable:
		n := r.count()
		for ; n >= 0 && r.err == nil; n-- {
			in.Targets = append(in.Targets, r.u32())
		}
	case op == OpCallIndirect, op >= 0x28 && op <= 0x3e:
		in.A, in.B = r.u32(), r.u32()
	case op == OpSelectT:
		if n := r.u32(); n != 1 {
			r.fail(start, "select with %d types", n)
		}
		in.Type = r.valueType()
	case op == OpMemorySize || op == OpMemoryGrow:
		in.A = uint32(r.u8())
	case op == opI32Const:
		r.sleb(32)
	case op == opI64Const:
		r.sleb(64)
	case op == opF32Const:
		r.bytes(4)
	case op == opF64Const:
		r.bytes(8)
	case op == opRefNull:
		in.Type = r.valueType()
	case op == 0xfc:
		r.bulk(in)
	case plain(op):
	default:
		return c.unsupported(start, op)
	}
	in.End = r.pos
	return r.err
}

func plain(op Opcode) bool {
	switch op {
	case OpUnreachable, OpNop, OpElse, OpEnd, OpReturn, OpDrop, OpSelect, OpRefIsNull:
		return true
	}
	return op >= 0x45 && op <= 0xc4
}

func (r *reader) blockType() int64 {
	at := r.pos
	bt := r.sleb(33)
	if bt < 0 && bt != BlockEmpty && !(bt >= -128 && IsValueType(byte(bt)&0x7f)) {
		r.fail(at, "block type %d", bt)
	}
	return bt
}

func (r *reader) bulk(in *Instr) {
	sub := r.u32()
	if sub > 17 {
		r.fail(in.Start, "instruction 0xfc %d", sub)
		return
	}
	in.Op = 0xfc00 + Opcode(sub)
	switch in.Op {
	case OpMemoryInit, OpMemoryCopy, OpTableInit, OpTableCopy:
		in.A, in.B = r.u32(), r.u32()
	case OpDataDrop, OpMemoryFill, OpElemDrop, OpTableGrow, OpTableSize, OpTableFill:
		in.A = r.u32()
	}
}

func (c *Code) unsupported(at int, op Opcode) error {
	if c.r.err != nil {
		return c.r.err
	}
	e := c.Err(at, "instruction 0x%x is not supported", op)
	switch op {
	case 0xfd:
		e.Problem, e.Fix = "SIMD instruction", "build without SIMD (Rust: drop target-feature=+simd128; C: -mno-simd128)"
	case 0xfe:
		e.Problem, e.Fix = "thread or atomic instruction", "build without threads (Rust: drop target-feature=+atomics; C: no -pthread)"
	case 0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f:
		e.Problem, e.Fix = "exception-handling instruction", "build with panic=abort, without -fwasm-exceptions"
	case 0x12, 0x13:
		e.Problem, e.Fix = "tail call", "build without the tail-call feature"
	case 0x14, 0x15, 0xd3, 0xd4, 0xd5, 0xd6, 0xfb:
		e.Problem, e.Fix = "garbage-collection or typed-reference instruction", "build for the WebAssembly 2.0 core without the GC proposal"
	}
	return e
}
