package instrument

import "github.com/huchain/huchain/vm/wasm"

// frame is an open block.
type frame struct {
	op      wasm.Opcode
	height  int // operands below the block's parameters
	params  int
	results int
	dead    bool // behind an unconditional branch: heights mean nothing until else or end
}

// heights follows the operand height through a body. It counts operands and does not
// look at their types: a module that passes here may still be refused by the runtime.
type heights struct {
	m      *wasm.Module
	frames []frame
	now    int
	max    int
}

func newHeights(m *wasm.Module, results int) *heights {
	return &heights{m: m, frames: []frame{{op: wasm.OpBlock, results: results}}}
}

func (h *heights) top() *frame { return &h.frames[len(h.frames)-1] }

// move takes pop operands and leaves push; false if there are too few.
func (h *heights) move(pop, push int) bool {
	f := h.top()
	if f.dead {
		return true
	}
	if h.now-pop < f.height {
		return false
	}
	h.now += push - pop
	h.max = max(h.max, h.now)
	return true
}

func (h *heights) die() {
	f := h.top()
	f.dead = true
	h.now = f.height
}

func (h *heights) blockType(bt int64) (params, results int, ok bool) {
	if bt == wasm.BlockEmpty {
		return 0, 0, true
	}
	if bt < 0 {
		return 0, 1, true
	}
	if bt >= int64(len(h.m.Types)) {
		return 0, 0, false
	}
	t := h.m.Types[bt]
	return len(t.Params), len(t.Results), true
}

// step applies one instruction; false means the module is invalid.
func (h *heights) step(in *wasm.Instr) bool {
	switch in.Op {
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
		return h.open(in)
	case wasm.OpElse:
		f := h.top()
		if f.op != wasm.OpIf || (!f.dead && h.now != f.height+f.results) {
			return false
		}
		f.op, f.dead = wasm.OpElse, false
		h.now = f.height + f.params
		return true
	case wasm.OpEnd:
		f := *h.top()
		if !f.dead && h.now != f.height+f.results {
			return false
		}
		h.frames = h.frames[:len(h.frames)-1]
		h.now = f.height + f.results
		h.max = max(h.max, h.now)
		return true
	case wasm.OpBr, wasm.OpBrTable:
		ok := h.labels(in) && h.move(b2i(in.Op == wasm.OpBrTable), 0)
		h.die()
		return ok
	case wasm.OpBrIf:
		return h.labels(in) && h.move(1, 0)
	case wasm.OpReturn, wasm.OpUnreachable:
		h.die()
		return true
	case wasm.OpCall:
		t, ok := h.m.FuncType(in.A)
		return ok && h.move(len(t.Params), len(t.Results))
	case wasm.OpCallIndirect:
		if int(in.A) >= len(h.m.Types) {
			return false
		}
		t := h.m.Types[in.A]
		return h.move(1+len(t.Params), len(t.Results))
	}
	pop, push := effect(in.Op)
	return h.move(pop, push)
}

func (h *heights) open(in *wasm.Instr) bool {
	params, results, ok := h.blockType(in.Block)
	if !ok || !h.move(b2i(in.Op == wasm.OpIf), 0) || !h.move(params, params) {
		return false
	}
	below := h.now - params
	if h.top().dead { // the parameters come from nowhere; inside the block heights count again
		below = h.now
		h.now += params
		h.max = max(h.max, h.now)
	}
	h.frames = append(h.frames, frame{op: in.Op, height: below, params: params, results: results})
	return true
}

func (h *heights) labels(in *wasm.Instr) bool {
	if in.Op != wasm.OpBrTable {
		return int64(in.A) < int64(len(h.frames))
	}
	for _, t := range in.Targets {
		if int64(t) >= int64(len(h.frames)) {
			return false
		}
	}
	return true
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// effect returns how many operands a plain instruction takes and leaves.
func effect(op wasm.Opcode) (pop, push int) {
	switch {
	case op == wasm.OpNop || op == wasm.OpDataDrop || op == wasm.OpElemDrop:
		return 0, 0
	case op == wasm.OpDrop || op == wasm.OpLocalSet || op == wasm.OpGlobalSet:
		return 1, 0
	case op == wasm.OpSelect || op == wasm.OpSelectT:
		return 3, 1
	case op == wasm.OpLocalGet || op == wasm.OpGlobalGet || op == wasm.OpMemorySize || op == wasm.OpTableSize,
		op == wasm.OpRefNull || op == wasm.OpRefFunc, op >= 0x41 && op <= 0x44:
		return 0, 1
	case op == wasm.OpLocalTee || op == wasm.OpTableGet || op == wasm.OpMemoryGrow || op == wasm.OpRefIsNull,
		op >= 0x28 && op <= 0x35: // loads
		return 1, 1
	case op == wasm.OpTableSet || (op >= 0x36 && op <= 0x3e): // stores
		return 2, 0
	case op == 0x45 || op == 0x50: // eqz
		return 1, 1
	case op >= 0x46 && op <= 0x66: // comparisons
		return 2, 1
	case op >= 0x67 && op <= 0x69 || op >= 0x79 && op <= 0x7b: // clz, ctz, popcnt
		return 1, 1
	case op >= 0x8b && op <= 0x91 || op >= 0x99 && op <= 0x9f: // float unary
		return 1, 1
	case op >= 0x6a && op <= 0xa6: // binary arithmetic
		return 2, 1
	case op >= 0xa7 && op <= 0xc4 || op >= 0xfc00 && op <= 0xfc07: // conversions
		return 1, 1
	case op == wasm.OpTableGrow:
		return 2, 1
	}
	return 3, 0 // memory.init, copy, fill; table.init, copy, fill
}
