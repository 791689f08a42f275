package codegen

import (
	"bytes"
	"fmt"
	"go/types"
	"strconv"
	"strings"
)

// writer emits the codec of one type after the other.
type writer struct {
	g     *generator
	b     bytes.Buffer
	depth int             // of nested lists, to name their variables
	after string          // declaration that follows the function being written
	uses  map[string]bool // packages that names refer to
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

// name writes a type as the contract's source would.
func (w *writer) name(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == w.g.src.pkg.Types {
			return ""
		}
		w.uses[p.Path()] = true
		return p.Name()
	})
}

func (w *writer) typeCodec(n *types.Named) error {
	name := n.Obj().Name()
	st, isStruct := n.Underlying().(*types.Struct)
	if w.g.decoded[n] {
		w.line("\n// DecodeJSON reads a %s.", name)
		w.line("func (v *%s) DecodeJSON(r *codec.Reader) {", name)
		if !isStruct {
			w.decodePlain(n)
		} else if err := w.decodeStruct(name, st); err != nil {
			return err
		}
		w.line("}\n\n%s", w.after)
		w.after = ""
	}
	if w.g.encoded[n] {
		w.line("\n// AppendJSON appends a %s.", name)
		w.line("func (v *%s) AppendJSON(b []byte) []byte {", name)
		if !isStruct {
			w.encodeUnderlying("(*v)", n)
			w.line("return b")
		} else if err := w.encodeStruct(name, st); err != nil {
			return err
		}
		w.line("}")
		w.flatMethod(n)
	}
	if isStruct {
		w.recordMethods(name, st)
	}
	return nil
}

// decodePlain reads a named type that is no struct.
func (w *writer) decodePlain(n *types.Named) {
	w.decodeUnderlying("(*v)", n)
	values := w.g.enum(n)
	if len(values) == 0 {
		return
	}
	w.b.WriteString("switch *v {\ncase ")
	for i, s := range values {
		if i > 0 {
			w.b.WriteString(", ")
		}
		w.b.WriteString(strconv.Quote(s))
	}
	w.line(":\ndefault:\nr.Fail(%q)\n}", "one of the declared values expected")
}

func (w *writer) decodeStruct(name string, st *types.Struct) error {
	fields, err := w.g.fieldsOf(name, st)
	if err != nil {
		return err
	}
	var names []string
	required := uint64(0)
	for i, f := range fields {
		names = append(names, strconv.Quote(f.jsonName))
		if !f.optional {
			required |= 1 << i
		}
	}
	table := "fieldsOf" + name
	w.after = fmt.Sprintf("var %s = codec.Fields{Names: []string{%s}, Required: %#x}", table, strings.Join(names, ", "), required)
	w.line("var seen uint64")
	w.line("r.Object()")
	w.line("for {\nswitch r.Field(&%s, &seen) {", table)
	for i, f := range fields {
		w.line("case %d:", i)
		w.decode("v."+f.goName, f.typ)
	}
	w.line("default:\nreturn\n}\n}")
	return nil
}

// decode reads into the addressable expression x of type t.
func (w *writer) decode(x string, t types.Type) {
	if w.g.local(t) != nil || hasCodec(t) {
		w.line("%s.DecodeJSON(r)", x)
		return
	}
	w.decodeUnderlying(x, t)
}

func (w *writer) decodeUnderlying(x string, t types.Type) {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		b := basics[u.Kind()]
		if types.Identical(t, u) {
			w.line("%s = r.%s()", x, b.read)
		} else {
			w.line("%s = %s(r.%s())", x, w.name(t), b.read)
		}
	case *types.Array:
		w.line("r.Hex(%s[:])", x)
	case *types.Pointer:
		w.line("%s = new(%s)", x, w.name(u.Elem()))
		if _, ok := u.Elem().Underlying().(*types.Struct); ok || hasCodec(u.Elem()) {
			w.decode(x, u.Elem())
		} else {
			w.decode("(*"+x+")", u.Elem())
		}
	case *types.Slice:
		if isByte(u.Elem()) {
			w.line("%s = r.Bytes()", x)
			return
		}
		e := fmt.Sprintf("e%d", w.depth)
		w.depth++
		w.line("r.List()\nfor r.More() {\nvar %s %s", e, w.name(u.Elem()))
		w.decode(e, u.Elem())
		w.line("%s = append(%s, %s)\n}", x, x, e)
		w.depth--
	}
}

func (w *writer) encodeStruct(name string, st *types.Struct) error {
	fields, err := w.g.fieldsOf(name, st)
	if err != nil {
		return err
	}
	if len(fields) == 0 {
		w.line("return append(b, \"{}\"...)")
		return nil
	}
	lead := "{" // what stands before the next field
	sure := false
	for i, f := range fields {
		if f.optional {
			zero, err := w.nonZero("v."+f.goName, f.typ)
			if err != nil {
				return fmt.Errorf("%s.%s: %w", name, f.goName, err)
			}
			if i == 0 {
				w.line("b = append(b, '{')")
			}
			w.line("if %s {", zero)
			if sure {
				w.line("b = codec.AppendRaw(b, `,%q:`)", f.jsonName)
			} else {
				w.line("b = codec.AppendRaw(codec.Comma(b), `%q:`)", f.jsonName)
			}
			w.encode("v."+f.goName, f.typ)
			w.line("}")
			lead = ","
			continue
		}
		if lead == "," && !sure {
			w.line("b = codec.AppendRaw(codec.Comma(b), `%q:`)", f.jsonName)
		} else {
			w.line("b = codec.AppendRaw(b, `%s%q:`)", lead, f.jsonName)
		}
		w.encode("v."+f.goName, f.typ)
		lead, sure = ",", true
	}
	w.line("return append(b, '}')")
	return nil
}

// nonZero writes the condition under which an omitempty field is present.
func (w *writer) nonZero(x string, t types.Type) (string, error) {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Kind() == types.String:
			return x + ` != ""`, nil
		case u.Kind() == types.Bool:
			return "bool(" + x + ")", nil
		}
		return x + " != 0", nil
	case *types.Slice:
		return "len(" + x + ") != 0", nil
	case *types.Pointer:
		return x + " != nil", nil
	case *types.Array, *types.Struct:
		if types.Comparable(t) {
			return x + " != (" + w.name(t) + "{})", nil
		}
	}
	return "", fmt.Errorf("omitempty: use a pointer")
}

// encode appends the addressable expression x of type t.
func (w *writer) encode(x string, t types.Type) {
	if w.g.local(t) != nil || hasCodec(t) {
		w.line("b = %s.AppendJSON(b)", x)
		return
	}
	w.encodeUnderlying(x, t)
}

func (w *writer) encodeUnderlying(x string, t types.Type) {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		w.line("b = "+basics[u.Kind()].write, x)
	case *types.Array:
		w.line("b = codec.AppendHex(b, %s[:])", x)
	case *types.Pointer:
		if _, ok := u.Elem().Underlying().(*types.Struct); ok || hasCodec(u.Elem()) {
			w.encode(x, u.Elem())
		} else {
			w.encode("(*"+x+")", u.Elem())
		}
	case *types.Slice:
		if isByte(u.Elem()) {
			w.line("b = codec.AppendHex(b, %s)", x)
			return
		}
		i := fmt.Sprintf("i%d", w.depth)
		w.depth++
		w.line("b = append(b, '[')\nfor %s := range %s {\nb = codec.Comma(b)", i, x)
		w.encode(x+"["+i+"]", u.Elem())
		w.line("}\nb = append(b, ']')")
		w.depth--
	}
}
