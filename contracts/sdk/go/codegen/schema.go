package codegen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/types"
	"sort"

	"github.com/huchain/huchain/contracts/bundle"
)

// schema writes schema.json.
func (g *generator) schema() ([]byte, error) {
	s := &bundle.Schema{
		Schema:  1,
		Methods: make(map[string]bundle.SchemaMethod),
		Events:  make(map[string]*bundle.Type),
		Errors:  append([]string{}, g.src.errs...),
		Records: make(map[string]bundle.SchemaRecord),
		Defs:    make(map[string]*bundle.Type),
	}
	for _, e := range g.src.entries {
		switch e.kind {
		case "Call", "Query":
			s.Methods[e.name] = bundle.SchemaMethod{Writes: e.kind == "Call", Doc: e.doc, Args: g.typeOf(e.args), Result: g.typeOf(e.result)}
		case "Init":
			s.Init = g.typeOf(e.args)
		case "Migrate":
			s.Migrate = true
		}
	}
	for _, e := range g.src.events {
		s.Events[e.name] = g.typeOf(e.typ)
	}
	sort.Strings(s.Errors)
	if err := g.records(s); err != nil {
		return nil, err
	}
	for _, n := range g.order {
		def, err := g.definition(n)
		if err != nil {
			return nil, err
		}
		s.Defs[n.Obj().Name()] = def
	}
	for name := range g.recordDefs {
		if _, taken := s.Defs[recordPrefix+name]; taken {
			return nil, fmt.Errorf("type %s%s: the name belongs to package record", recordPrefix, name)
		}
		s.Defs[recordPrefix+name] = recordDef(name)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}
	return b.Bytes(), nil
}

// records describes storage and workflows.
func (g *generator) records(s *bundle.Schema) (err error) {
	for _, r := range g.src.records {
		x := bundle.SchemaRecord{Storage: r.storage, Key: g.typeOf(r.key), Value: g.typeOf(r.value), Unique: r.unique, Fields: r.fields, Private: r.private}
		if x.Record, err = g.src.declaredName(r.of); err != nil {
			return err
		}
		if x.To, err = g.src.declaredName(r.to); err != nil {
			return err
		}
		if x.Workflow, err = g.src.declaredName(r.flow); err != nil {
			return err
		}
		s.Records[r.name] = x
	}
	for _, w := range g.src.flows {
		if s.Workflows == nil {
			s.Workflows = make(map[string]bundle.SchemaWorkflow)
		}
		s.Workflows[w.name] = w.table
	}
	return nil
}

var no = false

// definition describes a named type of the contract.
func (g *generator) definition(n *types.Named) (*bundle.Type, error) {
	st, ok := n.Underlying().(*types.Struct)
	if !ok {
		t := g.plain(n.Underlying())
		t.Enum = g.enum(n)
		return t, nil
	}
	fields, err := g.fieldsOf(n.Obj().Name(), st)
	if err != nil {
		return nil, err
	}
	t := &bundle.Type{Type: "object", Properties: make(map[string]*bundle.Type), Additional: &no}
	for _, f := range fields {
		t.Properties[f.jsonName] = g.typeOf(f.typ)
		t.Order = append(t.Order, f.jsonName)
		if !f.optional {
			t.Required = append(t.Required, f.jsonName)
		}
	}
	return t, nil
}

var fileOrder = []string{"hash", "name", "size", "type"}

var sdkTypes = map[string]bundle.Type{
	"None":    {Type: "object", Additional: &no},
	"Hash":    {Type: "string", Format: "sm3", Pattern: "^[0-9a-f]{64}$"},
	"Address": {Type: "string", Format: "address", Pattern: "^[0-9a-f]{40}$"},
	"Bytes":   {Type: "string", Format: "bytes", Pattern: "^([0-9a-f]{2})*$"},
	"Time":    {Type: "string", Format: "date-time", Pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"},
	"Member":  {Type: "string", Format: "member", Pattern: "^[a-z][a-z0-9-]{0,31}/[a-z][a-z0-9-]{0,31}$"},
	"Org":     {Type: "string", Format: "org", Pattern: "^[a-z][a-z0-9-]{0,31}$"},
	"DID":     {Type: "string", Format: "did", Pattern: "^did:.{3,251}$"},
	"Decimal": {Type: "string", Format: "decimal", Pattern: `^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`},
	"Date":    {Type: "string", Format: "date", Pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
	"File": {Type: "object", Format: "file", Additional: &no, Order: fileOrder, Required: fileOrder, Properties: map[string]*bundle.Type{
		"hash": {Type: "string", Format: "sm3", Pattern: "^[0-9a-f]{64}$"},
		"name": {Type: "string"},
		"size": {Type: "string", Format: "uint64", Pattern: "^(0|[1-9][0-9]{0,19})$"},
		"type": {Type: "string"},
	}},
}

// typeOf describes a type where it is used.
func (g *generator) typeOf(t types.Type) *bundle.Type {
	if t == nil {
		return nil
	}
	if name, args := sdkType(t); name == "Page" {
		return &bundle.Type{Type: "object", Additional: &no, Order: []string{"items", "next"}, Required: []string{"items", "next"},
			Properties: map[string]*bundle.Type{
				"items": {Type: "array", Items: g.typeOf(args.At(0))},
				"next":  {Type: "string"},
			}}
	} else if known, ok := sdkTypes[name]; ok {
		return &known
	}
	if name, args := recordType(t); name != "" {
		return g.recordTypeOf(name, args)
	}
	if n := g.local(t); n != nil && (g.decoded[n] || g.encoded[n]) {
		return &bundle.Type{Ref: "#/$defs/" + n.Obj().Name()}
	}
	return g.plain(t.Underlying())
}

func (g *generator) plain(t types.Type) *bundle.Type {
	switch u := t.(type) {
	case *types.Basic:
		b := basics[u.Kind()]
		switch b.name {
		case "string":
			return &bundle.Type{Type: "string"}
		case "bool":
			return &bundle.Type{Type: "boolean"}
		case "int64":
			return &bundle.Type{Type: "string", Format: "int64", Pattern: "^(0|-?[1-9][0-9]{0,18})$"}
		case "uint64":
			return &bundle.Type{Type: "string", Format: "uint64", Pattern: "^(0|[1-9][0-9]{0,19})$"}
		}
		return &bundle.Type{Type: "integer", Minimum: &b.min, Maximum: &b.max}
	case *types.Array:
		return &bundle.Type{Type: "string", Format: "bytes", Pattern: fmt.Sprintf("^[0-9a-f]{%d}$", 2*u.Len())}
	case *types.Pointer:
		return g.typeOf(u.Elem())
	case *types.Slice:
		if isByte(u.Elem()) {
			known := sdkTypes["Bytes"]
			return &known
		}
		return &bundle.Type{Type: "array", Items: g.typeOf(u.Elem())}
	}
	return &bundle.Type{Type: "string", Format: "key"} // a composite key, see package state
}
