package check

import "github.com/huchain/huchain/vm/wasm"

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

func (c *checker) body(fn int, b *wasm.Body) error {
	code := b.Instructions(fn)
	bad := func(at int, fix, format string, args ...any) error {
		e := code.Err(at, format, args...)
		e.Fix = fix
		return e
	}
	t, _ := c.m.FuncType(uint32(fn))
	locals := uint64(len(t.Params)) + b.NumLocals
	switch {
	case locals > c.l.Locals:
		return bad(0, bodyFix, "%d local variables, at most %d are allowed", locals, c.l.Locals)
	case len(b.Expr) > c.l.BodyBytes:
		return bad(0, bodyFix, "a function of %d bytes, at most %d are allowed", len(b.Expr), c.l.BodyBytes)
	}
	var in wasm.Instr
	var depth int
	var ends uint64
	for code.More() {
		if err := code.Next(&in); err != nil {
			return err
		}
		switch in.Op {
		case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
			if depth++; depth > c.l.Nesting {
				return bad(in.Start, bodyFix, "blocks nested more than %d deep", c.l.Nesting)
			}
		case wasm.OpEnd:
			depth--
			if ends++; ends*locals > c.l.LocalsTimes {
				return bad(in.Start, bodyFix, "too many local variables (%d) for so many blocks: it would compile too slowly", locals)
			}
		case wasm.OpTableSet, wasm.OpTableGrow, wasm.OpTableFill, wasm.OpTableCopy, wasm.OpTableInit:
			return bad(in.Start, "fill the table by element segments alone", "an instruction that changes a table")
		case wasm.OpDataDrop, wasm.OpElemDrop:
			return bad(in.Start, "leave segments in place: a call must not change them for the next", "an instruction that drops a segment")
		}
	}
	return nil
}
