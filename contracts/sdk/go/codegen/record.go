package codegen

import (
	"go/ast"
	"go/types"
	"reflect"
	"strings"

	"github.com/huchain/huchain/contracts/bundle"
)

// workflow is a declared workflow.
type workflow struct {
	name  string
	table bundle.SchemaWorkflow
}

// recordDeclaration reads a declaration of package record.
func (s *source) recordDeclaration(kind string, call *ast.CallExpr, args *types.TypeList) error {
	r := record{}
	switch kind {
	case "NewWorkflow":
		return s.workflow(call)
	case "New":
		r.storage, r.key, r.value = "record", args.At(0), args.At(1)
		if flow := s.option(call.Args[2:], "Flow"); flow != nil {
			r.flow = flow.Args[0]
		}
		r.private = s.option(call.Args[2:], "Private") != nil
	case "NewIndex", "NewUnique", "NewMultiIndex":
		r.storage, r.unique, r.of, r.key = "index", kind == "NewUnique", call.Args[0], args.At(2)
		r.fields = s.fieldsRead(call.Args[2])
		return s.named(r, call.Args[1])
	case "NewReference", "NewBackIndex":
		r.storage, r.of, r.to, r.key = "index", call.Args[0], call.Args[2], args.At(2)
		if kind == "NewReference" {
			r.storage = "reference"
		}
		r.fields = s.fieldsRead(call.Args[3])
		return s.named(r, call.Args[1])
	case "NewCounter":
		r.storage, r.key = "counter", args.At(0)
	case "NewTally":
		r.storage, r.of, r.key = "counter", call.Args[0], args.At(2)
		r.fields = s.fieldsRead(call.Args[2])
		return s.named(r, call.Args[1])
	case "NewOnce":
		r.storage, r.value = "once", args.At(0)
	default:
		return nil
	}
	return s.named(r, call.Args[0])
}

// named adds a declaration under the name that an argument gives it.
func (s *source) named(r record, name ast.Expr) (err error) {
	r.name, err = s.text(name)
	s.records = append(s.records, r)
	return err
}

// option returns the call of one of package record's options, nil if it is not there.
func (s *source) option(options []ast.Expr, name string) *ast.CallExpr {
	for _, o := range options {
		if call, ok := ast.Unparen(o).(*ast.CallExpr); ok {
			if path, n, _ := s.callee(call); path == recordPath && n == name {
				return call
			}
		}
	}
	return nil
}

// declaredName returns the name in the schema of what a variable holds, "" for nil.
func (s *source) declaredName(e ast.Expr) (string, error) {
	if e == nil {
		return "", nil
	}
	if id, ok := ast.Unparen(e).(*ast.Ident); ok {
		if name, ok := s.vars[s.pkg.TypesInfo.Uses[id]]; ok {
			return name, nil
		}
	}
	return "", s.errorAt(e.Pos(), "a package variable that declares a record or a workflow belongs here")
}

// fieldsRead returns the JSON names of the record's fields that a function literal
// reads in its only statement, a return; nothing for other functions.
func (s *source) fieldsRead(e ast.Expr) []string {
	f, ok := ast.Unparen(e).(*ast.FuncLit)
	if !ok || len(f.Body.List) != 1 || len(f.Type.Params.List) != 1 || len(f.Type.Params.List[0].Names) != 1 {
		return nil
	}
	ret, ok := f.Body.List[0].(*ast.ReturnStmt)
	if !ok {
		return nil
	}
	v := s.pkg.TypesInfo.Defs[f.Type.Params.List[0].Names[0]]
	var out []string
	ast.Inspect(ret, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && s.pkg.TypesInfo.Uses[id] == v {
			if name := s.jsonName(sel); name != "" {
				out = append(out, name)
			}
		}
		return true
	})
	return out
}

// jsonName returns the JSON name of a selected field.
func (s *source) jsonName(sel *ast.SelectorExpr) string {
	x, ok := s.pkg.TypesInfo.Selections[sel]
	if !ok || x.Kind() != types.FieldVal || len(x.Index()) != 1 {
		return ""
	}
	t := x.Recv()
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	st, ok := t.Underlying().(*types.Struct)
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(reflect.StructTag(st.Tag(x.Index()[0])).Get("json"), ",")
	return name
}

// workflow reads record.NewWorkflow(name, states, record.NewMove(…)…).
func (s *source) workflow(call *ast.CallExpr) error {
	name, err := s.text(call.Args[0])
	if err != nil {
		return err
	}
	states, err := s.text(call.Args[1])
	if err != nil {
		return err
	}
	w := bundle.SchemaWorkflow{States: strings.Fields(states), Moves: make(map[string]bundle.SchemaMove)}
	if len(w.States) == 0 {
		return s.errorAt(call.Pos(), "workflow %s has no states", name)
	}
	for _, a := range call.Args[2:] {
		line, ok := ast.Unparen(a).(*ast.CallExpr)
		if ok {
			path, kind, _ := s.callee(line)
			ok = path == recordPath && kind == "NewMove"
		}
		if !ok {
			return s.errorAt(a.Pos(), "a workflow lists record.NewMove only")
		}
		var words [4]string
		for i := range words {
			if words[i], err = s.text(line.Args[i]); err != nil {
				return err
			}
		}
		if _, twice := w.Moves[words[0]]; twice {
			return s.errorAt(a.Pos(), "move %s occurs twice", words[0])
		}
		m := bundle.SchemaMove{From: strings.Fields(words[1]), To: words[2], Allow: words[3]}
		if err := w.CheckMove(words[0], m); err != nil {
			return s.errorAt(a.Pos(), "%v", err)
		}
		w.Moves[words[0]] = m
	}
	s.flows = append(s.flows, workflow{name, w})
	return nil
}

// recordType returns the name of a type of package record and its type arguments.
func recordType(t types.Type) (name string, args *types.TypeList) {
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil || n.Obj().Pkg().Path() != recordPath {
		return "", nil
	}
	return n.Obj().Name(), n.TypeArgs()
}

// plainRecordTypes are the types of package record with a plain form.
var plainRecordTypes = map[string]bundle.Type{
	"Party":  {Type: "string", Format: "party", Pattern: "^([a-z][a-z0-9-]{0,31}(/[a-z][a-z0-9-]{0,31})?|did:[a-z0-9]+:[A-Za-z0-9._:%-]+)$"},
	"KeyID":  {Type: "string", Format: "bytes", Pattern: "^[0-9a-f]{32}$"},
	"Rights": {Type: "array", Items: &bundle.Type{Type: "string", Enum: []string{"read", "share", "write"}}},
}

// recordDefs are the structs of package record, which schemas hold under $defs with
// this prefix.
const recordPrefix = "Record"

func recordDef(name string) *bundle.Type {
	party, rights := plainRecordTypes["Party"], plainRecordTypes["Rights"]
	member, moment := sdkTypes["Member"], sdkTypes["Time"]
	one, most := int64(1), int64(1<<32-1)
	text := &bundle.Type{Type: "string"}
	grant := &bundle.Type{Ref: "#/$defs/" + recordPrefix + "Grant"}
	wrap := &bundle.Type{Ref: "#/$defs/" + recordPrefix + "Wrap"}
	id := plainRecordTypes["KeyID"]
	switch name {
	case "Keys":
		return object(2, []string{"id", "wraps"}, "id", &id, "wraps", &bundle.Type{Type: "array", Items: wrap})
	case "Wrap":
		return object(2, []string{"to", "key"}, "to", &party, "key", &bundle.Type{Type: "string", Format: "bytes", Pattern: "^04[0-9a-f]{224}$"})
	case "Sum":
		return object(2, []string{"of", "total"}, "of", text, "total", &bundle.Type{Type: "string", Format: "int64", Pattern: "^(0|-?[1-9][0-9]{0,18})$"})
	case "Meta":
		return object(9, []string{"version", "op", "time", "created"},
			"version", &bundle.Type{Type: "integer", Minimum: &one, Maximum: &most}, "owner", &party, "state", text, "op", text,
			"by", &member, "time", &moment, "created", &moment, "deleted", &bundle.Type{Type: "boolean"},
			"grants", &bundle.Type{Type: "array", Items: grant})
	case "Grant":
		return object(4, []string{"to", "rights"}, "to", &party, "rights", &rights, "until", &moment, "by", &member)
	}
	return nil
}

// object describes a struct by pairs of field name and type.
func object(n int, required []string, pairs ...any) *bundle.Type {
	t := &bundle.Type{Type: "object", Properties: make(map[string]*bundle.Type), Additional: &no, Required: required}
	for i := range n {
		name := pairs[2*i].(string)
		t.Properties[name] = pairs[2*i+1].(*bundle.Type)
		t.Order = append(t.Order, name)
	}
	return t
}

// recordTypeOf describes a type of package record where it is used.
func (g *generator) recordTypeOf(name string, args *types.TypeList) *bundle.Type {
	if t, ok := plainRecordTypes[name]; ok {
		return &t
	}
	switch name {
	case "Encrypted":
		return &bundle.Type{Type: "string", Format: "encrypted", Pattern: "^([0-9a-f]{2})*$", Of: g.typeOf(args.At(0))}
	case "Results":
		text := &bundle.Type{Type: "string"}
		item := object(3, nil, "result", g.typeOf(args.At(0)), "error", text, "text", text)
		zero, most := int64(0), int64(1<<32-1)
		return object(2, []string{"items", "failed"}, "items", &bundle.Type{Type: "array", Items: item},
			"failed", &bundle.Type{Type: "integer", Minimum: &zero, Maximum: &most})
	}
	g.useRecordDef(name)
	return &bundle.Type{Ref: "#/$defs/" + recordPrefix + name}
}

func (g *generator) useRecordDef(name string) {
	g.recordDefs[name] = true
	switch name {
	case "Meta":
		g.recordDefs["Grant"] = true
	case "Keys":
		g.recordDefs["Wrap"] = true
	}
}

// recordMethods writes how package record reaches the parts of a record it keeps.
func (w *writer) recordMethods(name string, st *types.Struct) {
	if metaField(st) < 0 {
		return
	}
	w.uses[recordPath] = true
	var sealed []string
	for i := 0; i < st.NumFields(); i++ {
		field := st.Field(i).Name()
		switch kind, _ := recordType(st.Field(i).Type()); kind {
		case "Meta":
			w.line("\n// RecordMeta returns the meta data.")
			w.line("func (v *%s) RecordMeta() *record.Meta { return &v.%s }", name, field)
		case "Keys":
			w.line("\n// RecordKeys returns the wrapped key.")
			w.line("func (v *%s) RecordKeys() *record.Keys { return &v.%s }", name, field)
		case "Encrypted":
			sealed = append(sealed, "v."+field)
		}
	}
	if len(sealed) > 0 {
		w.line("\n// RecordSealed returns the envelopes.")
		w.line("func (v *%s) RecordSealed() [][]byte { return [][]byte{%s} }", name, strings.Join(sealed, ", "))
	}
}

// metaField returns the place of a record's meta data, -1 if it has none.
func metaField(st *types.Struct) int {
	for i := 0; i < st.NumFields(); i++ {
		if kind, _ := recordType(st.Field(i).Type()); kind == "Meta" && reflect.StructTag(st.Tag(i)).Get("json") == "meta" {
			return i
		}
	}
	return -1
}

// checkRecords refuses record types without meta data.
func (g *generator) checkRecords() error {
	for _, r := range g.src.records {
		if r.storage != "record" {
			continue
		}
		n := g.local(r.value)
		if n == nil {
			return g.src.errorAt(0, "record %s: its type is a struct of the contract", r.name)
		}
		st, ok := n.Underlying().(*types.Struct)
		if !ok || metaField(st) < 0 {
			return g.src.errorAt(n.Obj().Pos(), "record %s: %s needs a field Meta record.Meta `json:\"meta\"`", r.name, n.Obj().Name())
		}
		if err := g.checkSealed(r.name, n, st); err != nil {
			return err
		}
	}
	return nil
}

// checkSealed refuses encrypted fields without wrapped keys, and keys without them.
func (g *generator) checkSealed(record string, n *types.Named, st *types.Struct) error {
	keys, sealed := 0, 0
	for i := 0; i < st.NumFields(); i++ {
		kind, _ := recordType(st.Field(i).Type())
		switch tag := reflect.StructTag(st.Tag(i)).Get("json"); {
		case kind == "Keys" && tag == "keys":
			keys++
		case kind == "Keys":
			keys = 2
		case kind == "Encrypted":
			sealed++
		}
	}
	if keys > 1 || (keys == 1) != (sealed > 0) {
		return g.src.errorAt(n.Obj().Pos(), "record %s: encrypted fields, and only they, need one field Keys record.Keys `json:\"keys\"`", record)
	}
	return nil
}
