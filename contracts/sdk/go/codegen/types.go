package codegen

import (
	"fmt"
	"go/constant"
	"go/types"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// field is one field of a struct as JSON shows it.
type field struct {
	goName   string
	jsonName string
	optional bool // omitempty
	typ      types.Type
}

var fieldRE = regexp.MustCompile(`^[a-z][a-zA-Z0-9]{0,63}$`)

const maxFields = 64 // one bit each in the decoder

// fieldsOf reads the fields of a struct, which are all exported and tagged.
func (g *generator) fieldsOf(name string, st *types.Struct) ([]field, error) {
	var out []field
	seen := make(map[string]bool)
	for i := 0; i < st.NumFields(); i++ {
		v := st.Field(i)
		fail := func(why string) error { return g.src.errorAt(v.Pos(), "%s.%s: %s", name, v.Name(), why) }
		if v.Embedded() {
			return nil, fail("embedded fields have no place in JSON; write the fields out")
		}
		tag, opts, _ := strings.Cut(reflect.StructTag(st.Tag(i)).Get("json"), ",")
		switch {
		case !v.Exported():
			return nil, fail("fields of records are exported")
		case !fieldRE.MatchString(tag):
			return nil, fail("needs a json tag in camelCase")
		case opts != "" && opts != "omitempty":
			return nil, fail("the only option of a json tag is omitempty")
		case seen[tag]:
			return nil, fail("the json name occurs twice")
		}
		seen[tag] = true
		f := field{v.Name(), tag, opts == "omitempty", v.Type()}
		if _, ptr := f.typ.Underlying().(*types.Pointer); ptr && !f.optional {
			return nil, fail("a pointer stands for an optional value: add omitempty")
		}
		out = append(out, f)
	}
	if len(out) > maxFields {
		return nil, fmt.Errorf("%s has %d fields, at most %d", name, len(out), maxFields)
	}
	return out, nil
}

// hasCodec reports whether t brings DecodeJSON and AppendJSON of its own.
func hasCodec(t types.Type) bool {
	set := types.NewMethodSet(types.NewPointer(t))
	found := 0
	for i := 0; i < set.Len(); i++ {
		if n := set.At(i).Obj().Name(); n == "DecodeJSON" || n == "AppendJSON" {
			found++
		}
	}
	return found == 2
}

// sdkType returns the name of a type of package contract and its type arguments.
func sdkType(t types.Type) (name string, args *types.TypeList) {
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil || n.Obj().Pkg().Path() != contractPath {
		return "", nil
	}
	return n.Obj().Name(), n.TypeArgs()
}

// local returns t as a named type of the contract itself, nil for others.
func (g *generator) local(t types.Type) *types.Named {
	if t == nil {
		return nil
	}
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() != g.src.pkg.Types {
		return nil
	}
	return n
}

// use is a direction of a codec.
type use map[*types.Named]bool

// want visits t and all it consists of, and notes the local types that must be read
// (g.decoded) or written (g.encoded).
func (g *generator) want(t types.Type, set use) error {
	if name, args := sdkType(t); name != "" {
		for i := 0; i < args.Len(); i++ {
			if err := g.want(args.At(i), set); err != nil {
				return err
			}
		}
		return nil
	}
	if name, args := recordType(t); name != "" {
		for i := 0; i < args.Len(); i++ {
			if err := g.want(args.At(i), set); err != nil {
				return err
			}
		}
		return nil
	}
	if n := g.local(t); n != nil {
		if n.TypeParams().Len() > 0 {
			return fmt.Errorf("%s: generic types have no codec", n.Obj().Name())
		}
		if set[n] || hasCodec(n) {
			return nil
		}
		if !g.decoded[n] && !g.encoded[n] {
			g.order = append(g.order, n)
		}
		set[n] = true
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		if g.local(t) == nil {
			return fmt.Errorf("%s: structs in JSON are named types of the contract", t)
		}
		fields, err := g.fieldsOf(g.local(t).Obj().Name(), u)
		if err != nil {
			return err
		}
		for _, f := range fields {
			if err := g.want(f.typ, set); err != nil {
				return err
			}
		}
		return nil
	case *types.Slice:
		if isByte(u.Elem()) {
			return nil
		}
		return g.want(u.Elem(), set)
	case *types.Pointer:
		return g.want(u.Elem(), set)
	case *types.Array:
		if isByte(u.Elem()) {
			return nil
		}
	case *types.Basic:
		if _, ok := basics[u.Kind()]; ok {
			return nil
		}
	}
	return fmt.Errorf("%s has no JSON form: use structs, lists, strings, bool, sized integers, byte arrays and types of package contract (no float, int, uint, map, interface)", t)
}

func isByte(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Kind() == types.Uint8
}

// basic tells how a plain type is read and written.
type basic struct {
	read  string // method of codec.Reader
	write string // format of an expression appending %s to b
	name  string
	min   int64
	max   int64
}

var basics = map[types.BasicKind]basic{
	types.String: {"String", "codec.AppendString(b, string(%s))", "string", 0, 0},
	types.Bool:   {"Bool", "codec.AppendBool(b, bool(%s))", "bool", 0, 0},
	types.Uint8:  {"Uint8", "codec.AppendUint(b, uint64(%s))", "uint8", 0, 1<<8 - 1},
	types.Uint16: {"Uint16", "codec.AppendUint(b, uint64(%s))", "uint16", 0, 1<<16 - 1},
	types.Uint32: {"Uint32", "codec.AppendUint(b, uint64(%s))", "uint32", 0, 1<<32 - 1},
	types.Int8:   {"Int8", "codec.AppendInt(b, int64(%s))", "int8", -1 << 7, 1<<7 - 1},
	types.Int16:  {"Int16", "codec.AppendInt(b, int64(%s))", "int16", -1 << 15, 1<<15 - 1},
	types.Int32:  {"Int32", "codec.AppendInt(b, int64(%s))", "int32", -1 << 31, 1<<31 - 1},
	types.Uint64: {"Uint64", "codec.AppendUint64(b, uint64(%s))", "uint64", 0, 0},
	types.Int64:  {"Int64", "codec.AppendInt64(b, int64(%s))", "int64", 0, 0},
}

// enum returns the declared constants of a local string type, ascending; none for
// other types.
func (g *generator) enum(n *types.Named) []string {
	b, ok := n.Underlying().(*types.Basic)
	if !ok || b.Kind() != types.String {
		return nil
	}
	var out []string
	scope := g.src.pkg.Types.Scope()
	for _, name := range scope.Names() {
		if c, ok := scope.Lookup(name).(*types.Const); ok && types.Identical(c.Type(), n) {
			out = append(out, constant.StringVal(c.Val()))
		}
	}
	sort.Strings(out)
	return slices.Compact(out)
}
