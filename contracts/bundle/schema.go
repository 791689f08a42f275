package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
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
	Defs    map[string]*Type        `json:"$defs"`
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
	Storage string `json:"storage"` // map, item or index
	Key     *Type  `json:"key,omitempty"`
	Value   *Type  `json:"value,omitempty"`
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

// Check compares bundle.yaml with the schema: every name of one must stand in the
// other. Errors are HC-3303 and name the line of bundle.yaml.
func (s *Spec) Check(schema *Schema) error {
	for _, check := range []func(*Schema) error{s.checkMethods, s.checkEvents, s.checkErrors, s.checkRecords} {
		if err := check(schema); err != nil {
			return err
		}
	}
	if len(s.Params) > 0 && schema.Init == nil {
		return s.refuse([]string{"params"}, "params given, but the contract has no init")
	}
	return nil
}

// sameNames refuses a name that only one side has.
func (s *Spec) sameNames(section, word string, yaml, code []string) error {
	for _, n := range yaml {
		if !slices.Contains(code, n) {
			return s.refuse([]string{section, n}, "%s %s is not in the code", word, n)
		}
	}
	for _, n := range code {
		if !slices.Contains(yaml, n) {
			return s.refuse([]string{section}, "%s %s of the code is missing here", word, n)
		}
	}
	return nil
}

func (s *Spec) checkMethods(schema *Schema) error {
	if err := s.sameNames("methods", "method", sortedKeys(s.Methods), sortedKeys(schema.Methods)); err != nil {
		return err
	}
	for _, name := range sortedKeys(s.Methods) {
		m, code := s.Methods[name], schema.Methods[name]
		if (m.Writes != nil) != code.Writes {
			return s.refuse([]string{"methods", name},
				"method %s: writes belongs exactly to methods that take a Ctx (code writes: %t)", name, code.Writes)
		}
		args := schema.Resolve(code.Args)
		for _, f := range m.Form {
			if args == nil || args.Properties[f] == nil {
				return s.refuse([]string{"methods", name, "form"}, "method %s has no argument %q", name, f)
			}
		}
	}
	return nil
}

func (s *Spec) checkEvents(schema *Schema) error {
	return s.sameNames("events", "event", sortedKeys(s.Events), sortedKeys(schema.Events))
}

func (s *Spec) checkErrors(schema *Schema) error {
	return s.sameNames("errors", "error", sortedKeys(s.Errors), schema.Errors)
}

func (s *Spec) checkRecords(schema *Schema) error {
	stored := map[string]*Type{}
	for _, name := range sortedKeys(schema.Records) {
		if r := schema.Records[name]; r.Storage != "index" {
			stored[name] = schema.Resolve(r.Value)
		}
	}
	var keyed []string
	for _, name := range sortedKeys(s.Records) {
		if _, ok := stored[name]; ok || s.Records[name].Key != "" {
			keyed = append(keyed, name)
		}
	}
	if err := s.sameNames("records", "record", keyed, sortedKeys(stored)); err != nil {
		return err
	}
	for _, name := range sortedKeys(s.Records) {
		t := stored[name]
		if t == nil {
			if t = embedded(schema, name); t == nil {
				return s.refuse([]string{"records", name}, "record %s is neither stored nor a type of the code", name)
			}
		}
		if err := s.checkFields(schema, name, t); err != nil {
			return err
		}
	}
	return nil
}

// embedded finds the type of a record that is part of others: record step, type Step.
func embedded(schema *Schema, record string) *Type {
	return schema.Defs[strings.ToUpper(record[:1])+record[1:]]
}

func (s *Spec) checkFields(schema *Schema, record string, t *Type) error {
	if t.Type != "object" {
		return nil // a plain value: nothing to name
	}
	r := s.Records[record]
	path := []string{"records", record, "fields"}
	for _, f := range sortedKeys(r.Fields) {
		p := t.Properties[f]
		if p == nil {
			return s.refuse(append(path, f), "record %s: field %s is not in the code", record, f)
		}
		ft, err := ParseFieldType(r.Fields[f].Type)
		if err != nil {
			return s.refuse(append(path, f), "%v", err)
		}
		if !s.fits(schema, ft, p) {
			return s.refuse(append(path, f), "record %s: field %s is declared %s, the code holds %s",
				record, f, r.Fields[f].Type, describe(p))
		}
	}
	for _, f := range t.Order {
		if _, ok := r.Fields[f]; !ok {
			return s.refuse(path, "record %s: field %s of the code is missing here", record, f)
		}
	}
	return nil
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
	case "text", "enum", "org", "did", "date", "file":
		return plain.Type == "string" && (plain.Format == "" || plain.Format == ft.Name || ft.Name == "file")
	case "encrypted":
		return plain.Type == "string"
	case "time":
		return plain.Format == "date-time"
	default: // decimal, sm3, member
		return plain.Format == ft.Name
	}
}
