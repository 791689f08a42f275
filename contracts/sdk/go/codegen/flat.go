package codegen

import (
	"go/types"
	"strings"
)

// flatMethod writes FlatJSON for a struct that is written in more places than one, so that
// the SDK need not encode it in each of them (contract.Form).
func (w *writer) flatMethod(n *types.Named) {
	st, ok := n.Underlying().(*types.Struct)
	if !ok || w.g.written[n] < 2 {
		return
	}
	conditions, ok := w.flat("v", st)
	if !ok {
		return
	}
	if len(conditions) == 0 {
		conditions = []string{"true"}
	}
	w.line("\n// FlatJSON reports whether the JSON of a %s follows from its own memory.", n.Obj().Name())
	w.line("func (v *%s) FlatJSON() bool { return %s }", n.Obj().Name(), strings.Join(conditions, " && "))
}

// flat returns the conditions under which x, of type t, refers to no other memory than that
// of texts; false if they cannot be written.
func (w *writer) flat(x string, t types.Type) (conditions []string, ok bool) {
	if n := w.g.local(t); n != nil && hasCodec(n) {
		return nil, false // written by the contract's author: it may read anything
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return nil, true
	case *types.Array:
		return w.flat(x+"[0]", u.Elem())
	case *types.Slice:
		return []string{"len(" + x + ") == 0"}, true
	case *types.Pointer:
		return []string{x + " == nil"}, true
	case *types.Struct:
		for i := range u.NumFields() {
			f := u.Field(i)
			c, ok := w.flat(x+"."+f.Name(), f.Type())
			if !ok || len(c) > 0 && !f.Exported() {
				return nil, false
			}
			conditions = append(conditions, c...)
		}
		return conditions, true
	}
	return nil, false
}
