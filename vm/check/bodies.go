package check

import (
	"fmt"

	"github.com/huchain/huchain/vm/wasm"
)

// bodies looks at every instruction.
func (c *checker) bodies() error {
	for i := range c.m.Code {
		if err := c.body(c.m.NumFuncs+i, &c.m.Code[i]); err != nil {
			return err
		}
	}
	return nil
}

const bodyFix = "split the function"

// shape is what a function's compile time depends on.
type shape struct {
	locals, joins uint64
	loops, hard   int // hard: open loops and ifs
	open          []wasm.Opcode
}

func (c *checker) body(fn int, b *wasm.Body) error {
	code := b.Instructions(fn)
	refuse := func(at int, fix, problem string) error {
		e := code.Err(at, "%s", problem)
		e.Fix = fix
		return e
	}
	t, _ := c.m.FuncType(uint32(fn))
	s := shape{locals: uint64(len(t.Params)) + b.NumLocals}
	switch {
	case s.locals > c.l.Locals:
		return refuse(0, bodyFix, fmt.Sprintf("%d local variables, at most %d are allowed", s.locals, c.l.Locals))
	case len(b.Expr) > c.l.BodyBytes:
		return refuse(0, bodyFix, fmt.Sprintf("a function of %d bytes, at most %d are allowed", len(b.Expr), c.l.BodyBytes))
	}
	var in wasm.Instr
	for code.More() {
		if err := code.Next(&in); err != nil {
			return err
		}
		if problem, fix := forbidden(in.Op); problem != "" {
			return refuse(in.Start, fix, problem)
		}
		s.add(in.Op)
		if problem := s.excess(&c.l); problem != "" {
			return refuse(in.Start, bodyFix, problem)
		}
	}
	if c.merges += s.locals * s.joins; c.merges > c.l.MergesAll {
		return refuse(0, splitFix, "the module has too many local variables in functions with many blocks")
	}
	return nil
}

// forbidden says what is wrong with an instruction and how to do without it.
func forbidden(op wasm.Opcode) (problem, fix string) {
	switch op {
	case wasm.OpTableSet, wasm.OpTableGrow, wasm.OpTableFill, wasm.OpTableCopy, wasm.OpTableInit:
		return "an instruction that changes a table", "fill the table by element segments alone"
	case wasm.OpDataDrop, wasm.OpElemDrop:
		return "an instruction that drops a segment", "leave segments in place: a call must not change them for the next"
	}
	return "", ""
}

// add counts an instruction, with the joins that its instrumentation will add.
func (s *shape) add(op wasm.Opcode) {
	switch op {
	case wasm.OpBlock:
		s.open = append(s.open, op)
	case wasm.OpLoop, wasm.OpIf:
		s.open = append(s.open, op)
		s.hard++
		if op == wasm.OpLoop {
			s.loops++
			s.joins++
		}
	case wasm.OpEnd:
		s.joins++
		if n := len(s.open); n > 0 {
			if s.open[n-1] != wasm.OpBlock {
				s.hard--
			}
			s.open = s.open[:n-1]
		}
	case wasm.OpMemoryGrow:
		s.joins += 2
	case wasm.OpMemoryCopy, wasm.OpMemoryFill, wasm.OpMemoryInit:
		s.joins++
	}
}

// excess names the first limit that is passed.
func (s *shape) excess(l *Limits) string {
	switch {
	case len(s.open) > l.Nesting:
		return fmt.Sprintf("blocks nested more than %d deep", l.Nesting)
	case s.hard > l.LoopNesting:
		return fmt.Sprintf("loops and ifs nested more than %d deep", l.LoopNesting)
	case s.loops > l.Loops:
		return fmt.Sprintf("more than %d loops", l.Loops)
	case s.joins > l.Joins:
		return fmt.Sprintf("more than %d blocks", l.Joins)
	case s.joins*s.locals > l.Merges:
		return fmt.Sprintf("%d local variables with %d blocks", s.locals, s.joins)
	}
	return ""
}
