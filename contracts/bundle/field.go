package bundle

import (
	"fmt"
	"strings"
)

// FieldType is one of the closed list of field types.
type FieldType struct {
	Name string     // text, int, …, ref, list, encrypted
	Ref  string     // record, for ref
	Elem *FieldType // for list and encrypted
}

// maxTypeDepth bounds how deep list and encrypted nest.
const maxTypeDepth = 4

const plainTypes = " text int decimal bool time date enum sm3 file member org did party "

// ParseFieldType reads text, int, decimal, bool, time, date, enum, sm3, file, member,
// org, did, party (any of the three before), ref(record), list(type) or
// encrypted(type). A ref to a record without a
// key stands for the record itself, embedded.
func ParseFieldType(s string) (FieldType, error) { return parseFieldType(s, 0) }

func parseFieldType(s string, depth int) (FieldType, error) {
	if s != "" && !strings.Contains(s, " ") && strings.Contains(plainTypes, " "+s+" ") {
		return FieldType{Name: s}, nil
	}
	outer, inner, ok := strings.Cut(strings.TrimSuffix(s, ")"), "(")
	if !ok || !strings.HasSuffix(s, ")") {
		return FieldType{}, fmt.Errorf("%q is no field type", s)
	}
	switch outer {
	case "ref":
		if !methodRE.MatchString(inner) {
			return FieldType{}, fmt.Errorf("%q: %q is no record name", s, inner)
		}
		return FieldType{Name: "ref", Ref: inner}, nil
	case "list", "encrypted":
		if depth == maxTypeDepth {
			break
		}
		elem, err := parseFieldType(inner, depth+1)
		if err != nil {
			return FieldType{}, err
		}
		return FieldType{Name: outer, Elem: &elem}, nil
	}
	return FieldType{}, fmt.Errorf("%q is no field type", s)
}

// Refs returns the record a type refers to, or "".
func (t FieldType) Refs() string {
	if t.Elem != nil {
		return t.Elem.Refs()
	}
	return t.Ref
}

// Plain returns the type within lists and envelopes.
func (t FieldType) Plain() FieldType {
	for t.Elem != nil {
		t = *t.Elem
	}
	return t
}
