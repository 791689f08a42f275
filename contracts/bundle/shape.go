package bundle

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/huchain/huchain/types"
)

// kind is what a shape holds.
type kind uint8

const (
	kindText kind = iota
	kindNumber
	kindFlag
	kindNames // one word, or a list of words
	kindList  // of words
	kindDict  // named entries
	kindObject
	kindParams // any JSON object without fractions
)

// kindWords names kinds in Chinese, in English, and by example.
var kindWords = [...][3]string{
	kindText:   {"文字", "text", `put it in quotes: "…"`},
	kindNumber: {"整数", "an integer", "3"},
	kindFlag:   {"true 或 false", "true or false", "true"},
	kindNames:  {"名称或名称列表", "a name or a list of names", "[a, b]"},
	kindList:   {"列表", "a list of words", "[a, b]"},
	kindDict:   {"键值", "named entries", "{name: …}"},
	kindObject: {"键值", "an object", "{key: …}"},
	kindParams: {"键值", "an object", "{limit: 10}"},
}

// shape is the form of one part of bundle.yaml. The loader checks documents against it
// and the published JSON Schema is printed from it, so the two cannot drift apart.
// It is built once from the tags of Spec:
//
//	yaml:"name"                key
//	is:"required"              must be there
//	is:"pattern=name"          text, list entries and single names match patterns[name]
//	is:"keys=name"             keys of named entries match patterns[name]
//	is:"oneof=go|rust"         closed list
//	is:"min=1 max=9"           value of a number, characters of a text, entries otherwise
//	doc:"…"                    what it is for
type shape struct {
	kind     kind
	doc      string
	required bool
	pattern  string
	keys     string
	oneOf    []string
	min, max int
	elem     *shape // of a dict
	props    []prop // of an object
}

type prop struct {
	name string
	*shape
}

// Bounds of what one file may hold where a tag says nothing.
const (
	defaultMaxText    = 2_000
	defaultMaxEntries = 256
)

// pattern is a form that words must have, with an example for people.
type pattern struct{ expr, example string }

var patterns = map[string]pattern{
	"name":        {types.NamePattern, "land-register"},
	"method":      {MethodPattern, "openChain"},
	"column":      {`(meta\.)?` + MethodPattern, "meta.owner"},
	"error":       {`[a-z][a-z0-9_]{0,63}`, "not_found"},
	"version":     {`(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})`, "1.0.0"},
	"uses":        {types.NamePattern + `@(0|[1-9][0-9]{0,5})`, "identity@1"},
	"capability":  {capabilityPattern(), "read"},
	"requirement": {`[A-Z][0-9]{0,2}\.[0-9]{1,3}`, "B1.11"},
	"type":        {typePattern(), "list(ref(step))"},
	"allow":       {allowPattern, "ANY role:client"},
	"sum":         {MethodPattern + `\.` + MethodPattern, "order.amount"},
	"state":       {`[a-z][a-zA-Z0-9_]{0,63}`, "approved"},
	"value":       {`[^\x00-\x1f]{1,64}`, "approved"},
}

const allowPattern = `public|self|(ANY|ALL|MAJORITY|([1-9][0-9]{0,2}|1000)-of)( (role:(admin|validator|client|auditor|light)|org:` + types.NamePattern + `)){1,32}`

func capabilityPattern() string {
	var names []string
	for _, c := range types.Capabilities() {
		names = append(names, string(c))
	}
	return strings.Join(names, "|")
}

// typePattern is the closed list of field types, nested as deep as ParseFieldType goes.
func typePattern() string {
	plain := strings.Join(strings.Fields(plainTypes), "|") + `|ref\(` + MethodPattern + `\)`
	out := plain
	for range maxTypeDepth {
		out = plain + `|(list|encrypted)\((` + out + `)\)`
	}
	return out
}

var patternREs = func() map[string]*regexp.Regexp {
	out := make(map[string]*regexp.Regexp)
	for _, name := range sortedKeys(patterns) {
		out[name] = regexp.MustCompile(`^(` + patterns[name].expr + `)$`)
	}
	return out
}()

var specShape = shapeOf(reflect.TypeFor[Spec](), "", "")

func shapeOf(t reflect.Type, is, doc string) *shape {
	s := &shape{doc: doc}
	switch {
	case t == reflect.TypeFor[Names]():
		s.kind, s.max = kindNames, defaultMaxEntries
	case t.Kind() == reflect.String:
		s.kind, s.min, s.max = kindText, 1, defaultMaxText
	case t.Kind() == reflect.Int:
		s.kind, s.max = kindNumber, 1<<31-1
	case t.Kind() == reflect.Bool:
		s.kind = kindFlag
	case t.Kind() == reflect.Slice:
		s.kind, s.max = kindList, defaultMaxEntries
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Interface:
		s.kind = kindParams
	case t.Kind() == reflect.Map:
		s.kind, s.max, s.elem = kindDict, defaultMaxEntries, shapeOf(t.Elem(), "", "")
	case t.Kind() == reflect.Struct:
		s.kind = kindObject
		for i := range t.NumField() {
			f := t.Field(i)
			if key := f.Tag.Get("yaml"); key != "" {
				s.props = append(s.props, prop{key, shapeOf(f.Type, f.Tag.Get("is"), f.Tag.Get("doc"))})
			}
		}
	default:
		panic("bundle: no shape for " + t.String())
	}
	s.apply(is)
	return s
}

// apply reads an is tag.
func (s *shape) apply(is string) {
	for _, word := range strings.Fields(is) {
		name, value, _ := strings.Cut(word, "=")
		n, _ := strconv.Atoi(value) // only min and max have a number
		switch name {
		case "required":
			s.required = true
		case "pattern":
			s.pattern = value
		case "keys":
			s.keys = value
		case "oneof":
			s.oneOf = strings.Split(value, "|")
		case "min":
			s.min = n
		case "max":
			s.max = n
		default:
			panic("bundle: unknown word in tag: " + word)
		}
	}
}

// check compares a node with the shape.
func (s *shape) check(f *findings, n *yaml.Node, path []string) {
	wrong := func() {
		w := kindWords[s.kind]
		f.addAt(n.Line, path, "kind", w[0], w[1], w[2])
	}
	tag := n.ShortTag()
	switch s.kind {
	case kindText:
		if tag != "!!str" {
			wrong()
			return
		}
		s.checkWord(f, n, path)
	case kindNumber:
		v, err := strconv.Atoi(n.Value)
		if tag != "!!int" || err != nil {
			wrong()
		} else if v < s.min || v > s.max {
			f.addAt(n.Line, path, "range", v, s.min, s.max)
		}
	case kindFlag:
		if tag != "!!bool" {
			wrong()
		}
	case kindNames, kindList:
		switch {
		case n.Kind == yaml.SequenceNode:
			s.checkList(f, n, path)
		case s.kind == kindNames && tag == "!!str":
			s.checkWord(f, n, path)
		default:
			wrong()
		}
	case kindParams:
		if n.Kind != yaml.MappingNode {
			wrong()
			return
		}
		checkParamNode(f, n, path)
	default:
		if n.Kind != yaml.MappingNode {
			wrong()
			return
		}
		s.checkMapping(f, n, path)
	}
}

func (s *shape) checkWord(f *findings, n *yaml.Node, path []string) {
	size := utf8.RuneCountInString(n.Value)
	switch {
	case s.oneOf != nil:
		for _, v := range s.oneOf {
			if v == n.Value {
				return
			}
		}
		f.addAt(n.Line, path, "one_of", strconv.Quote(n.Value), strings.Join(s.oneOf, ", "))
	case s.pattern != "":
		if !patternREs[s.pattern].MatchString(n.Value) {
			f.refuseWord(n, path, s.pattern)
		}
	case s.kind == kindText && (size < s.min || size > s.max):
		f.addAt(n.Line, path, "length", size, s.min, s.max)
	}
}

// refuseWord names what is wrong with a word that does not match its pattern.
func (f *findings) refuseWord(n *yaml.Node, path []string, name string) {
	last := ""
	if len(path) > 0 {
		last = path[len(path)-1]
	}
	switch name {
	case "type":
		f.addAt(n.Line, path, "field_type", path[max(len(path)-2, 0)], n.Value)
	case "allow":
		text := fmt.Sprintf("allow rule %q", n.Value)
		if _, err := ParseAllow(n.Value); err != nil {
			text = err.Error()
		}
		f.addAt(n.Line, path, "allow", text)
	default:
		p := patterns[name]
		f.addAt(n.Line, path, "pattern", strings.TrimSpace(last+" "+strconv.Quote(n.Value)), p.expr, p.example)
	}
}

func (s *shape) checkList(f *findings, n *yaml.Node, path []string) {
	if len(n.Content) < s.min || len(n.Content) > s.max {
		f.addAt(n.Line, path, "count", len(n.Content), s.min, s.max)
	}
	for _, c := range n.Content {
		if c.ShortTag() != "!!str" {
			w := kindWords[kindText]
			f.addAt(c.Line, path, "kind", w[0], w[1], w[2])
			continue
		}
		s.checkWord(f, c, path)
	}
}

func (s *shape) checkMapping(f *findings, n *yaml.Node, path []string) {
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := append(path[:len(path):len(path)], key.Value)
		if seen[key.Value] {
			f.addAt(key.Line, at, "repeated_key", key.Value)
			continue
		}
		seen[key.Value] = true
		if s.kind == kindDict {
			if s.keys != "" && !patternREs[s.keys].MatchString(key.Value) {
				f.refuseWord(key, at, s.keys)
			}
			s.elem.check(f, value, at)
			continue
		}
		if p := s.prop(key.Value); p != nil {
			p.check(f, value, at)
		} else {
			f.addAt(key.Line, at, "unknown_key", key.Value, s.keysHint(key.Value))
		}
	}
	if s.kind == kindDict && (len(seen) < s.min || len(seen) > s.max) {
		f.addAt(n.Line, path, "count", len(seen), s.min, s.max)
	}
	for _, p := range s.props {
		if p.required && !seen[p.name] {
			f.addAt(n.Line, path, "missing", p.name, p.example())
		}
	}
}

func (s *shape) prop(name string) *shape {
	for _, p := range s.props {
		if p.name == name {
			return p.shape
		}
	}
	return nil
}

// keysHint names the key that was perhaps meant, else all of them.
func (s *shape) keysHint(typed string) string {
	var names []string
	for _, p := range s.props {
		if distance(p.name, typed) <= 2 {
			return p.name + "?"
		}
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

func (s *shape) example() string {
	switch {
	case s.oneOf != nil:
		return strings.Join(s.oneOf, " | ")
	case s.pattern != "":
		return patterns[s.pattern].example
	default:
		return kindWords[s.kind][2]
	}
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := diagonal
			if a[i-1] != b[j-1] {
				change++
			}
			diagonal = row[j]
			row[j] = min(change, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// checkParamNode refuses what parameters may not hold: fractions, nulls, dates.
func checkParamNode(f *findings, n *yaml.Node, path []string) {
	switch n.Kind {
	case yaml.MappingNode:
		seen := make(map[string]bool)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			at := append(path[:len(path):len(path)], key)
			if seen[key] {
				f.addAt(n.Content[i].Line, at, "repeated_key", key)
			}
			seen[key] = true
			checkParamNode(f, n.Content[i+1], at)
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			checkParamNode(f, c, path)
		}
	default:
		_, err := strconv.ParseInt(n.Value, 10, 32)
		if tag := n.ShortTag(); tag != "!!str" && tag != "!!bool" && (tag != "!!int" || err != nil) {
			f.addAt(n.Line, path, "param", strings.TrimSpace(lastOf(path)+": "+n.Value))
		}
	}
}

func lastOf(path []string) string {
	if len(path) == 0 {
		return ""
	}
	return path[len(path)-1]
}
