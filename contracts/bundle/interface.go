package bundle

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Interface is all that people and tools must know to call a contract: help, API routes
// and clients are made of it, so that a new bundle needs no other code.
type Interface struct {
	Spec   *Spec
	Schema *Schema
}

// ReadInterface reads bundle.yaml, as it is or in the JSON form that a node serves, and
// schema.json, which must agree. Errors are HC-3303.
func ReadInterface(yamlRaw, schemaRaw []byte) (*Interface, error) {
	spec, schema, err := parseBoth(yamlRaw, schemaRaw)
	if err != nil {
		return nil, err
	}
	return &Interface{spec, schema}, nil
}

// Methods returns the names of the methods, ascending.
func (i *Interface) Methods() []string { return sortedKeys(i.Schema.Methods) }

// Argument is one argument, or one field of a result, as people are told of it.
type Argument struct {
	Name     string `json:"name"`
	Type     string `json:"type"` // see TypeWords
	Required bool   `json:"required"`
	Title    Text   `json:"title,omitzero"` // empty where bundle.yaml says nothing
	Max      int    `json:"max,omitempty"`  // 0 for none
}

// Arguments describes the members of an object type in the order of the form, then of
// declaration. Words come from fields of the same name in the records a method touches.
func (i *Interface) Arguments(method string) []Argument {
	m := i.Spec.Methods[method]
	t := i.Schema.Resolve(i.Schema.Methods[method].Args)
	if t == nil {
		return nil
	}
	var out []Argument
	names := slices.Clone(m.Form)
	for _, name := range t.Order {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		p := t.Properties[name]
		if p == nil {
			continue
		}
		a := Argument{Name: name, Type: i.Schema.TypeWords(p), Required: slices.Contains(t.Required, name)}
		for _, record := range slices.Concat(m.Writes, m.Reads) {
			if f, ok := i.Spec.Records[record].Fields[name]; ok {
				a.Title, a.Max = f.Title, f.Max
				break
			}
		}
		out = append(out, a)
	}
	return out
}

// TypeWords names a type for people: text, int, sm3, list(Step), ….
func (s *Schema) TypeWords(t *Type) string {
	switch {
	case t == nil:
		return ""
	case t.Ref != "":
		if d := s.Resolve(t); d != nil && d.Type != "object" {
			return s.TypeWords(d)
		}
		return strings.TrimPrefix(t.Ref, refPrefix)
	case len(t.Enum) > 0:
		return strings.Join(t.Enum, "|")
	case t.Type == "array":
		return "list(" + s.TypeWords(t.Items) + ")"
	case t.Type == "object" && t.Properties["items"] != nil:
		return "page(" + s.TypeWords(t.Properties["items"].Items) + ")"
	case t.Type == "boolean":
		return "bool"
	case t.Type == "integer", t.Format == "int64", t.Format == "uint64":
		return "int"
	case t.Format == "date-time":
		return "time"
	case t.Format != "":
		return t.Format
	case t.Type == "string":
		return "text"
	}
	return t.Type
}

// Example makes arguments that satisfy a method's schema, with the required members alone.
// Whether the contract takes them is for the contract to say.
func (i *Interface) Example(method string) (json.RawMessage, error) {
	v := i.Schema.example(i.Schema.Methods[method].Args, "", 0)
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("example of %s: %w", method, err)
	}
	return raw, nil
}

var exampleOf = map[string]string{
	"sm3": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0", "date-time": "2026-03-02T01:00:00Z",
	"member": "archives/clerk", "org": "archives", "did": "did:huchain:example", "int64": "1", "uint64": "1",
	"decimal": "1.50", "date": "2026-03-02",
}

// hexDigits is the pattern of bytes of fixed size, some of which may be given.
var hexDigits = regexp.MustCompile(`^\^([0-9a-f]*)\[0-9a-f\]\{([0-9]{1,4})\}\$$`)

func (s *Schema) example(t *Type, name string, depth int) any {
	t = s.Resolve(t)
	switch {
	case t == nil || depth > 8:
		return nil
	case len(t.Enum) > 0:
		return t.Enum[0]
	case t.Type == "array":
		return []any{s.example(t.Items, name, depth+1)}
	case t.Type == "object":
		var o object
		for _, f := range t.Order {
			if slices.Contains(t.Required, f) {
				o = append(o, member{f, s.example(t.Properties[f], f, depth+1)})
			}
		}
		return o
	case t.Type == "boolean":
		return true
	case t.Type == "integer":
		if t.Maximum != nil && *t.Maximum < 1 {
			return *t.Maximum
		}
		return 1
	}
	if v, ok := exampleOf[t.Format]; ok {
		return v
	}
	if m := hexDigits.FindStringSubmatch(t.Pattern); m != nil {
		var n int
		_, _ = fmt.Sscan(m[2], &n) // digits by the pattern
		return m[1] + strings.Repeat("0", n)
	}
	if t.Format == "bytes" || t.Format == "encrypted" {
		return "00"
	}
	return name + "-1"
}
