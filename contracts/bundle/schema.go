package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/huchain/huchain/types"
)

// Schema is schema.json: what a contract's code declares. Types are JSON Schema
// (2020-12); format names the field type where JSON's own types don't tell.
type Schema struct {
	Schema  int                     `json:"schema"` // format, 1
	Methods map[string]SchemaMethod `json:"methods"`
	Init    *Type                   `json:"init,omitempty"`    // parameters of init
	Migrate bool                    `json:"migrate,omitempty"` // has a migrate entry
	Events  map[string]*Type        `json:"events"`
	Errors  []string                `json:"errors"` // ascending
	Records map[string]SchemaRecord `json:"records"`

	Workflows map[string]SchemaWorkflow `json:"workflows,omitempty"`

	Defs map[string]*Type `json:"$defs"`
}

// SchemaMethod is the signature of a method.
type SchemaMethod struct {
	Writes bool   `json:"writes"`        // takes a Ctx, not a View
	Doc    string `json:"doc,omitempty"` // first comment of the function
	Args   *Type  `json:"args"`
	Result *Type  `json:"result"`
}

// SchemaRecord is one declared piece of storage.
type SchemaRecord struct {
	Storage  string   `json:"storage"` // map, item, index, record, reference, counter or once
	Key      *Type    `json:"key,omitempty"`
	Value    *Type    `json:"value,omitempty"`
	Record   string   `json:"record,omitempty"`   // whose records an index of package record finds
	To       string   `json:"to,omitempty"`       // records that a reference of package record points to
	Unique   bool     `json:"unique,omitempty"`   // such an index
	Fields   []string `json:"fields,omitempty"`   // which it reads
	Workflow string   `json:"workflow,omitempty"` // which a record follows
	Private  bool     `json:"private,omitempty"`  // only the owner and holders of a read grant see its records
}

// Type is a JSON Schema of the subset the generator writes.
type Type struct {
	Ref        string           `json:"$ref,omitempty"`
	Type       string           `json:"type,omitempty"`
	Format     string           `json:"format,omitempty"` // sm3, bytes, date-time, member, int64, uint64, …
	Pattern    string           `json:"pattern,omitempty"`
	Minimum    *int64           `json:"minimum,omitempty"`
	Maximum    *int64           `json:"maximum,omitempty"`
	Enum       []string         `json:"enum,omitempty"`
	Items      *Type            `json:"items,omitempty"`
	Properties map[string]*Type `json:"properties,omitempty"`
	Order      []string         `json:"x-order,omitempty"` // properties as declared
	Required   []string         `json:"required,omitempty"`
	Additional *bool            `json:"additionalProperties,omitempty"`
	Of         *Type            `json:"x-of,omitempty"` // what an encrypted value holds
}

const refPrefix = "#/$defs/"

// Resolve follows a reference once; nil stays nil.
func (s *Schema) Resolve(t *Type) *Type {
	if t != nil && t.Ref != "" {
		return s.Defs[strings.TrimPrefix(t.Ref, refPrefix)]
	}
	return t
}

// ParseSchema reads schema.json. Errors are HC-3303.
func ParseSchema(raw []byte) (*Schema, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	s := &Schema{}
	if err := dec.Decode(s); err != nil {
		return nil, refuseManifest("%s: %w", SchemaFile, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, refuseManifest("%s: data after the object", SchemaFile)
	}
	if s.Schema != 1 {
		return nil, refuseManifest("%s: format %d, this version reads 1", SchemaFile, s.Schema)
	}
	return s, nil
}

// check compares bundle.yaml with the schema: every name of one must stand in the other.
func (s *Spec) check(f *findings, schema *Schema) {
	s.checkMethods(f, schema)
	sameNames(f, "events", "event", sortedKeys(s.Events), sortedKeys(schema.Events))
	sameNames(f, "errors", "error", sortedKeys(s.Errors), schema.Errors)
	s.checkRecords(f, schema)
	s.checkWorkflows(f, schema)
	s.checkMetaColumns(f, schema)
	s.checkStatistics(f, schema)
	if len(s.Params) > 0 && schema.Init == nil {
		f.add([]string{"params"}, "params_init")
	}
}

// RefuseParams is the HC-3303 for params that do not have the form of init's arguments.
func (s *Spec) RefuseParams(err error) error {
	f := findings{lines: s.lines}
	f.add([]string{"params"}, "params_form", err)
	return f.err()
}

// RefuseCapabilities is the HC-3303 for capabilities other than those the code needs.
func (s *Spec) RefuseCapabilities(needs []types.Capability) error {
	f := findings{lines: s.lines}
	f.add([]string{"capabilities"}, "capabilities", listedCapabilities(s.Capabilities), listedCapabilities(needs))
	return f.err()
}

func listedCapabilities(list []types.Capability) string {
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = string(c)
	}
	return listed(names)
}

// sameNames finds names that only one side has.
func sameNames(f *findings, section, word string, yaml, code []string) {
	for _, n := range yaml {
		if !slices.Contains(code, n) {
			f.add([]string{section, n}, "not_in_code", word, n, listed(code))
		}
	}
	for _, n := range code {
		if !slices.Contains(yaml, n) {
			f.add([]string{section}, "not_here", word, n)
		}
	}
}

func (s *Spec) checkMethods(f *findings, schema *Schema) {
	sameNames(f, "methods", "method", sortedKeys(s.Methods), sortedKeys(schema.Methods))
	for _, name := range sortedKeys(s.Methods) {
		m := s.Methods[name]
		code, ok := schema.Methods[name]
		if !ok {
			continue
		}
		if (m.Writes != nil) != code.Writes {
			f.add([]string{"methods", name}, "writes", name, code.Writes)
		}
		args := schema.Resolve(code.Args)
		for _, arg := range m.Form {
			if args == nil {
				f.add([]string{"methods", name, "form"}, "no_argument", name, arg, listed(nil))
			} else if args.Properties[arg] == nil {
				f.add([]string{"methods", name, "form"}, "no_argument", name, arg, listed(args.Order))
			}
		}
	}
}

func (s *Spec) checkRecords(f *findings, schema *Schema) {
	stored := map[string]*Type{}
	for _, name := range sortedKeys(schema.Records) {
		if r := schema.Records[name]; r.Storage == "map" || r.Storage == "item" || r.Storage == "record" {
			stored[name] = schema.Resolve(r.Value)
		}
	}
	var keyed []string
	for _, name := range sortedKeys(s.Records) {
		if _, ok := stored[name]; ok || s.Records[name].Key != "" {
			keyed = append(keyed, name)
		}
	}
	sameNames(f, "records", "record", keyed, sortedKeys(stored))
	for _, name := range sortedKeys(s.Records) {
		t := stored[name]
		if t == nil && s.Records[name].Key == "" {
			if t = embedded(schema, name); t == nil {
				f.add([]string{"records", name}, "no_type", name)
			}
		}
		if t != nil {
			s.checkFields(f, schema, name, t)
		}
	}
}

// embedded finds the type of a record that is part of others: record step, type Step.
func embedded(schema *Schema, record string) *Type {
	return schema.Defs[strings.ToUpper(record[:1])+record[1:]]
}

func (s *Spec) checkFields(f *findings, schema *Schema, record string, t *Type) {
	if t.Type != "object" {
		return // a plain value: nothing to name
	}
	r := s.Records[record]
	path := []string{"records", record, "fields"}
	for _, name := range sortedKeys(r.Fields) {
		at := append(slices.Clone(path), name)
		p := t.Properties[name]
		if p == nil {
			f.add(at, "field_code", record, name, listed(t.Order))
			continue
		}
		if keptByLibrary(p) {
			f.add(at, "field_kept", record, name)
			continue
		}
		ft, err := ParseFieldType(r.Fields[name].Type)
		if err != nil || !s.fits(schema, ft, p) {
			f.add(at, "field_fits", record, name, r.Fields[name].Type, describe(p))
			continue
		}
		if to := schema.pointsTo(record, name); to != ft.Refs() && to != "" {
			f.add(at, "field_ref", record, name, to)
		}
		if plain := schema.Resolve(p); ft.Name == "enum" && len(plain.Enum) > 0 {
			values := slices.Clone(r.Fields[name].Values)
			slices.Sort(values)
			if !slices.Equal(values, plain.Enum) {
				f.add(at, "enum_code", record, name, listed(plain.Enum))
			}
		}
	}
	for _, name := range t.Order {
		if _, ok := r.Fields[name]; !ok && !keptByLibrary(t.Properties[name]) {
			f.add(path, "field_here", record, name)
		}
	}
}

func describe(t *Type) string {
	switch {
	case t.Ref != "":
		return strings.TrimPrefix(t.Ref, refPrefix)
	case t.Format != "":
		return t.Format
	default:
		return t.Type
	}
}

// fits reports whether a field type of bundle.yaml can describe a type of the code.
func (s *Spec) fits(schema *Schema, ft FieldType, t *Type) bool {
	plain := schema.Resolve(t)
	if plain == nil {
		return false
	}
	switch ft.Name {
	case "list":
		return plain.Type == "array" && s.fits(schema, *ft.Elem, plain.Items)
	case "ref":
		if s.Records[ft.Ref].Key == "" && plain.Type == "object" {
			return true
		}
		return plain.Type == "string" || plain.Type == "integer"
	case "bool":
		return plain.Type == "boolean"
	case "int":
		return plain.Type == "integer" || plain.Format == "int64" || plain.Format == "uint64"
	case "text", "enum", "org", "did", "date":
		return plain.Type == "string" && (plain.Format == "" || plain.Format == ft.Name || ft.Name == "text" && plain.Format == "bytes")
	case "file":
		return plain.Format == "file" || plain.Type == "string"
	case "encrypted":
		return plain.Format == "encrypted" && s.fits(schema, *ft.Elem, plain.Of)
	case "time":
		return plain.Format == "date-time"
	default: // decimal, sm3, member, party
		return plain.Format == ft.Name
	}
}
