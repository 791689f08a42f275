package bundle

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// SpecSchema returns the JSON Schema (2020-12) of bundle.yaml, for editors and other
// tools. It is printed from the shapes the loader checks with. What no schema can say,
// such as that a named record exists, the loader checks besides.
func SpecSchema() ([]byte, error) {
	root := object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", "HuChain bundle.yaml, format " + fmt.Sprint(Format)},
	}
	root = append(root, specShape.schema()...)
	root = append(root, member{"$defs", object{{"param", paramSchema}}})
	raw, err := json.Marshal(root)
	if err != nil {
		return nil, fmt.Errorf("encode schema of bundle.yaml: %w", err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return nil, fmt.Errorf("encode schema of bundle.yaml: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// object is a JSON object that keeps the order of its members.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

var paramSchema = object{{"anyOf", []object{
	{{"type", []string{"string", "boolean"}}},
	{{"type", "integer"}, {"minimum", -1 << 31}, {"maximum", 1<<31 - 1}},
	{{"type", "array"}, {"items", object{{"$ref", "#/$defs/param"}}}},
	{{"type", "object"}, {"additionalProperties", object{{"$ref", "#/$defs/param"}}}},
}}}

// schema prints the shape as the members of a JSON Schema object.
func (s *shape) schema() object {
	var o object
	if s.doc != "" {
		o = append(o, member{"description", s.doc})
	}
	switch s.kind {
	case kindText:
		return append(o, s.wordSchema()...)
	case kindNumber:
		return append(o, object{{"type", "integer"}, {"minimum", s.min}, {"maximum", s.max}}...)
	case kindFlag:
		return append(o, member{"type", "boolean"})
	case kindNames:
		return append(o, member{"anyOf", []object{s.wordSchema(), s.listSchema()}})
	case kindList:
		return append(o, s.listSchema()...)
	case kindParams:
		return append(o, object{{"type", "object"}, {"additionalProperties", object{{"$ref", "#/$defs/param"}}}}...)
	case kindDict:
		o = append(o, object{{"type", "object"}, {"minProperties", s.min}, {"maxProperties", s.max},
			{"additionalProperties", s.elem.schema()}}...)
		if s.keys != "" {
			o = append(o, member{"propertyNames", object{{"pattern", "^(" + patterns[s.keys].expr + ")$"}}})
		}
		return o
	}
	var props object
	required := []string{}
	for _, p := range s.props {
		props = append(props, member{p.name, p.schema()})
		if p.required {
			required = append(required, p.name)
		}
	}
	return append(o, object{{"type", "object"}, {"properties", props}, {"required", required}, {"additionalProperties", false}}...)
}

func (s *shape) wordSchema() object {
	o := object{{"type", "string"}}
	switch {
	case s.oneOf != nil:
		o = append(o, member{"enum", s.oneOf})
	case s.pattern != "":
		o = append(o, member{"pattern", "^(" + patterns[s.pattern].expr + ")$"})
	case s.kind == kindText:
		o = append(o, object{{"minLength", s.min}, {"maxLength", s.max}}...)
	}
	return o
}

func (s *shape) listSchema() object {
	return object{{"type", "array"}, {"minItems", s.min}, {"maxItems", s.max}, {"items", s.wordSchema()}}
}
