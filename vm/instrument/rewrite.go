package instrument

import (
	"math"
	"math/bits"

	"github.com/huchain/huchain/vm/wasm"
)

// Opcodes of injected code.
const (
	opIf        = 0x04
	opBr        = 0x0c
	opBlock     = 0x02
	opSelect    = 0x1b
	opLocalGet  = 0x20
	opLocalSet  = 0x21
	opLocalTee  = 0x22
	opGlobalGet = 0x23
	opGlobalSet = 0x24
	opI32Const  = 0x41
	opI64Const  = 0x42
	opF32Const  = 0x43
	opF64Const  = 0x44
	opI32Eq     = 0x46
	opI32LtS    = 0x48
	opI64LtS    = 0x53
	opF32Eq     = 0x5b
	opF64Eq     = 0x61
	opI32Add    = 0x6a
	opI32Sub    = 0x6b
	opI64Sub    = 0x7d
	opI64Mul    = 0x7e
	opI64ShrU   = 0x88
	opI64Extend = 0xad // i64.extend_i32_u
	blockEmpty  = 0x40
)

// function is what the first pass learns of a body.
type function struct {
	typ      wasm.FuncType
	locals   uint64 // parameters included
	leaf     bool   // calls nothing
	slots    uint32 // stack slots of a frame
	i32, f32 bool   // temporaries needed
	f64      bool
}

// rewriter holds what the bodies of a module share.
type rewriter struct {
	m     *wasm.Module
	s     *Schedule
	inj   injected
	types *typeTable
	out   []byte
}

// rewrite returns the new code section's content.
func rewrite(m *wasm.Module, s *Schedule, inj injected, types *typeTable) ([]byte, error) {
	w := &rewriter{m: m, s: s, inj: inj, types: types}
	n := 0
	for i := range m.Code {
		n += len(m.Code[i].Expr)
	}
	w.out = wasm.AppendU(make([]byte, 0, 2*n+16), uint64(len(m.Code)))
	var body []byte
	for i := range m.Code {
		fn := m.NumFuncs + i
		f, err := w.scan(&m.Code[i], fn)
		if err != nil {
			return nil, err
		}
		if body, err = w.body(body[:0], &m.Code[i], fn, f); err != nil {
			return nil, err
		}
		w.out = append(wasm.AppendU(w.out, uint64(len(body))), body...)
	}
	return w.out, nil
}

// scan checks indexes and heights of a body and sizes its frame.
func (w *rewriter) scan(b *wasm.Body, fn int) (*function, error) {
	code := b.Instructions(fn)
	typ, ok := w.m.FuncType(uint32(fn))
	if !ok {
		return nil, code.Err(0, "the function's type doesn't exist")
	}
	f := &function{typ: typ, leaf: true, locals: uint64(len(typ.Params)) + b.NumLocals}
	if f.locals > math.MaxInt32 {
		return nil, code.Err(0, "%d local variables", f.locals)
	}
	h := newHeights(w.m, len(typ.Results))
	var in wasm.Instr
	var instrs, joins uint64
	for code.More() && len(h.frames) > 0 {
		if err := code.Next(&in); err != nil {
			return nil, err
		}
		if !w.indexes(&in, f) || !h.step(&in) {
			return nil, code.Err(in.Start, "the module is invalid here (operands or indexes don't fit)")
		}
		instrs++
		switch in.Op {
		case wasm.OpCall, wasm.OpCallIndirect:
			f.leaf = false
		case wasm.OpLoop, wasm.OpEnd:
			joins++
		case wasm.OpMemoryGrow, wasm.OpMemoryInit, wasm.OpMemoryCopy, wasm.OpMemoryFill:
			f.i32 = true
		}
		is32, is64 := makesNaN(in.Op)
		f.f32, f.f64 = f.f32 || is32, f.f64 || is64
	}
	if len(h.frames) > 0 || code.More() {
		return nil, code.Err(len(b.Expr), "the function's end is missing or code follows it")
	}
	f.i32 = f.i32 || !f.leaf
	slots := uint64(w.s.FrameSlots) + f.locals + uint64(h.max) + instrs/16 + f.locals*joins/48
	if slots > uint64(w.s.StackSlots) {
		e := code.Err(0, "the function needs a stack frame of %d slots, %d are allowed", slots, w.s.StackSlots)
		e.Fix = "split the function, or give it fewer local variables"
		return nil, e
	}
	f.slots = uint32(slots)
	return f, nil
}

// indexes checks that nothing refers to what instrumentation adds.
func (w *rewriter) indexes(in *wasm.Instr, f *function) bool {
	switch in.Op {
	case wasm.OpLocalGet, wasm.OpLocalSet, wasm.OpLocalTee:
		return uint64(in.A) < f.locals
	case wasm.OpGlobalGet, wasm.OpGlobalSet:
		return int64(in.A) < int64(len(w.m.Globals))
	}
	return true
}

// makesNaN tells whether an instruction's result may be a NaN of unspecified bits:
// arithmetic and conversions between floats. abs, neg, copysign, loads and
// reinterpretations keep bits and are exact.
func makesNaN(op wasm.Opcode) (is32, is64 bool) {
	return op >= 0x8d && op <= 0x97 || op == 0xb6, op >= 0x9b && op <= 0xa5 || op == 0xbb
}

// price is the static price of an instruction.
func (w *rewriter) price(op wasm.Opcode) uint64 {
	switch op {
	case wasm.OpBlock, wasm.OpElse, wasm.OpEnd, wasm.OpNop:
		return 0
	case wasm.OpCall, wasm.OpCallIndirect:
		return uint64(w.s.Call)
	case 0x6d, 0x6e, 0x6f, 0x70, 0x7f, 0x80, 0x81, 0x82, 0x91, 0x95, 0x9f, 0xa3:
		return uint64(w.s.Divide)
	}
	return uint64(w.s.Op)
}

// emitter writes one body: code of the current basic block gathers in seg until its
// price is known.
type emitter struct {
	*rewriter
	f     *function
	out   []byte
	seg   []byte
	price uint64
	check bool // the block is a function entry or loop head: refuse to go on without gas
	temp  struct{ i32, f32, f64 uint64 }
}

func (w *rewriter) body(out []byte, b *wasm.Body, fn int, f *function) ([]byte, error) {
	e := &emitter{rewriter: w, f: f, out: out}
	e.locals(b)
	if !f.leaf {
		e.enter()
	} else if f.slots > w.s.leafSlots() {
		e.enterLeaf()
	}
	e.check = true
	e.price = f.locals * uint64(w.s.Local)
	depth := 0
	code := b.Instructions(fn)
	var in wasm.Instr
	for code.More() {
		if err := code.Next(&in); err != nil {
			return nil, err
		}
		switch in.Op {
		case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
			depth++
		case wasm.OpEnd:
			depth--
		}
		e.instruction(&in, b.Expr[in.Start:in.End], depth)
	}
	if !f.leaf {
		e.leave()
	}
	return e.out, nil
}

// leafSlots is the largest frame that a function without calls may have unchecked.
func (s *Schedule) leafSlots() uint32 { return 8 * s.FrameSlots }

func (e *emitter) locals(b *wasm.Body) {
	next := e.f.locals
	groups := append([]wasm.LocalGroup(nil), b.Locals...)
	add := func(need bool, t wasm.ValueType, at *uint64) {
		if need {
			*at = next
			next++
			groups = append(groups, wasm.LocalGroup{Count: 1, Type: t})
		}
	}
	add(e.f.i32, wasm.I32, &e.temp.i32)
	add(e.f.f32, wasm.F32, &e.temp.f32)
	add(e.f.f64, wasm.F64, &e.temp.f64)
	e.out = wasm.AppendU(e.out, uint64(len(groups)))
	for _, g := range groups {
		e.out = append(wasm.AppendU(e.out, uint64(g.Count)), g.Type)
	}
}

func op(b []byte, code byte, index uint64) []byte { return wasm.AppendU(append(b, code), index) }

// enter takes the frame off the stack budget and opens the block that return leaves.
func (e *emitter) enter() {
	b := op(e.out, opGlobalGet, uint64(e.inj.stack))
	b = wasm.AppendS(append(b, opI32Const), int64(e.f.slots))
	b = append(b, opI32Sub)
	b = op(b, opLocalTee, e.temp.i32)
	b = op(b, opGlobalSet, uint64(e.inj.stack))
	b = op(b, opLocalGet, e.temp.i32)
	b = append(b, opI32Const, 0, opI32LtS, opIf, blockEmpty, byte(wasm.OpUnreachable), wasm.OpEnd)
	b = append(b, opBlock)
	switch r := e.f.typ.Results; len(r) {
	case 0:
		b = append(b, blockEmpty)
	case 1:
		b = append(b, r[0])
	default:
		b = wasm.AppendS(b, int64(e.types.index(wasm.FuncType{Results: r})))
	}
	e.out = b
}

// enterLeaf checks the budget for a function that calls nothing, so needn't change it.
func (e *emitter) enterLeaf() {
	b := op(e.out, opGlobalGet, uint64(e.inj.stack))
	b = wasm.AppendS(append(b, opI32Const), int64(e.f.slots))
	b = append(b, opI32LtS, opIf, blockEmpty, opI32Const, 0x7f)
	b = op(b, opGlobalSet, uint64(e.inj.stack))
	e.out = append(b, byte(wasm.OpUnreachable), wasm.OpEnd)
}

// leave gives the frame back behind the block that enter opened.
func (e *emitter) leave() {
	b := op(e.out, opGlobalGet, uint64(e.inj.stack))
	b = wasm.AppendS(append(b, opI32Const), int64(e.f.slots))
	b = append(b, opI32Add)
	b = op(b, opGlobalSet, uint64(e.inj.stack))
	e.out = append(b, wasm.OpEnd)
}

func (e *emitter) instruction(in *wasm.Instr, raw []byte, depth int) {
	e.price += e.rewriter.price(in.Op)
	switch in.Op {
	case wasm.OpLoop:
		e.price -= e.rewriter.price(in.Op) // paid at each turn, not before the loop
		e.seg = append(e.seg, raw...)
		e.flush()
		e.check, e.price = true, max(1, e.rewriter.price(in.Op))
	case wasm.OpReturn:
		if e.f.leaf {
			e.seg = append(e.seg, raw...)
		} else {
			e.seg = op(e.seg, opBr, uint64(depth))
		}
		e.flush()
	case wasm.OpIf, wasm.OpElse, wasm.OpEnd, wasm.OpBr, wasm.OpBrIf, wasm.OpBrTable, wasm.OpUnreachable:
		e.seg = append(e.seg, raw...)
		e.flush()
	case wasm.OpMemoryGrow:
		e.memoryGrow(raw)
	case wasm.OpMemoryInit, wasm.OpMemoryCopy, wasm.OpMemoryFill:
		shift := bits.TrailingZeros32(e.s.CopyPer)
		e.dynamic(raw, append(wasm.AppendS([]byte{opI64Const}, int64(shift)), opI64ShrU))
	default:
		e.seg = append(e.seg, raw...)
		e.canonical(in.Op)
	}
}

// flush closes the basic block: its price, then its code.
func (e *emitter) flush() {
	if e.price > 0 || e.check {
		b := op(e.out, opGlobalGet, uint64(e.inj.gas))
		b = wasm.AppendS(append(b, opI64Const), int64(e.price))
		b = append(b, opI64Sub)
		b = op(b, opGlobalSet, uint64(e.inj.gas))
		if e.check {
			b = e.gasCheck(b)
		}
		e.out = b
	}
	e.out = append(e.out, e.seg...)
	e.seg, e.price, e.check = e.seg[:0], 0, false
}

// gasCheck traps if gas is below zero.
func (e *emitter) gasCheck(b []byte) []byte {
	b = op(b, opGlobalGet, uint64(e.inj.gas))
	return append(b, opI64Const, 0, opI64LtS, opIf, blockEmpty, byte(wasm.OpUnreachable), wasm.OpEnd)
}

// dynamic charges for an instruction by its last operand, an i32 size that tariff turns
// from i64 into gas.
func (e *emitter) dynamic(raw, tariff []byte) {
	b := op(e.seg, opLocalSet, e.temp.i32)
	b = op(b, opGlobalGet, uint64(e.inj.gas))
	b = op(b, opLocalGet, e.temp.i32)
	b = append(append(b, opI64Extend), tariff...)
	b = append(b, opI64Sub)
	b = op(b, opGlobalSet, uint64(e.inj.gas))
	b = e.gasCheck(b)
	b = op(b, opLocalGet, e.temp.i32)
	e.seg = append(b, raw...)
}

// memoryGrow charges by pages and notes a refusal in the flag, so that the failure that
// follows can be told from other traps.
func (e *emitter) memoryGrow(raw []byte) {
	e.dynamic(raw, append(wasm.AppendS([]byte{opI64Const}, int64(e.s.Page)), opI64Mul))
	b := op(e.seg, opLocalTee, e.temp.i32)
	b = append(b, opI32Const, 0x7f, opI32Eq, opIf, blockEmpty, opI32Const, FlagMemory)
	b = op(b, opGlobalSet, uint64(e.inj.flag))
	b = append(b, wasm.OpEnd)
	e.seg = op(b, opLocalGet, e.temp.i32)
}

// canonical replaces a NaN on top of the stack by the canonical one.
func (e *emitter) canonical(code wasm.Opcode) {
	is32, is64 := makesNaN(code)
	switch {
	case is32:
		b := op(e.seg, opLocalTee, e.temp.f32)
		b = append(b, opF32Const, 0, 0, 0xc0, 0x7f)
		b = op(b, opLocalGet, e.temp.f32)
		b = op(b, opLocalGet, e.temp.f32)
		e.seg = append(b, opF32Eq, opSelect)
	case is64:
		b := op(e.seg, opLocalTee, e.temp.f64)
		b = append(b, opF64Const, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f)
		b = op(b, opLocalGet, e.temp.f64)
		b = op(b, opLocalGet, e.temp.f64)
		e.seg = append(b, opF64Eq, opSelect)
	}
}
