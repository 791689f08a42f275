package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huchain/huchain/types"
)

// Names is one name or a list of names.
type Names []string

// UnmarshalYAML accepts a scalar or a sequence of scalars.
func (n *Names) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*n = Names{node.Value}
		return nil
	}
	list := []string{}
	if err := node.Decode(&list); err != nil {
		return err
	}
	*n = list
	return nil
}

// ParseSpec reads bundle.yaml. Unknown and repeated keys, anchors and aliases are
// refused; errors are HC-3303 and name the line.
func ParseSpec(raw []byte) (*Spec, error) {
	if len(raw) > MaxYAMLBytes {
		return nil, types.Errorf(types.CodeManifestInvalid, "%s: %d bytes, at most %d", YAMLFile, len(raw), MaxYAMLBytes)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(raw, &root); err != nil {
		return nil, refuseYAML(err)
	}
	lines := make(lineIndex)
	if err := lines.add(&root, "", 0); err != nil {
		return nil, refuseYAML(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	s := &Spec{}
	if err := dec.Decode(s); err != nil {
		return nil, refuseYAML(err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, refuseYAML(errors.New("more than one document"))
	}
	s.lines = lines
	return s, s.validate()
}

var yamlLine = regexp.MustCompile(`^line ([0-9]+): `)

// refuseYAML turns the library's words into "bundle.yaml:LINE: …".
func refuseYAML(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	var typed *yaml.TypeError
	if errors.As(err, &typed) && len(typed.Errors) > 0 {
		text = typed.Errors[0]
	}
	text = yamlLine.ReplaceAllString(text, "$1: ")
	text = strings.ReplaceAll(text, "field ", "key ")
	if i := strings.Index(text, " not found in type"); i >= 0 {
		text = text[:i] + " is unknown here"
	}
	if !regexp.MustCompile(`^[0-9]+: `).MatchString(text) {
		text = "1: " + text
	}
	return types.Errorf(types.CodeManifestInvalid, "%s:%s", YAMLFile, text)
}

const maxYAMLDepth = 16

// lineIndex maps a path of keys, joined by NUL, to its line.
type lineIndex map[string]int

func (x lineIndex) add(n *yaml.Node, path string, depth int) error {
	if depth > maxYAMLDepth {
		return fmt.Errorf("line %d: nested deeper than %d", n.Line, maxYAMLDepth)
	}
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return fmt.Errorf("line %d: anchors and aliases are not allowed", n.Line)
	}
	x[path] = n.Line
	switch n.Kind {
	case yaml.DocumentNode, yaml.SequenceNode:
		for _, c := range n.Content {
			if err := x.add(c, path, depth+1); err != nil {
				return err
			}
		}
		x[path] = n.Line
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
				return fmt.Errorf("line %d: keys must be plain words", key.Line)
			}
			sub := path + "\x00" + key.Value
			if err := x.add(n.Content[i+1], sub, depth+1); err != nil {
				return err
			}
			x[sub] = key.Line
		}
	}
	return nil
}

// of returns the line of the longest known prefix of path.
func (x lineIndex) of(path ...string) int {
	for n := len(path); n >= 0; n-- {
		key := ""
		for _, p := range path[:n] {
			key += "\x00" + p
		}
		if line, ok := x[key]; ok {
			return max(line, 1)
		}
	}
	return 1
}

// paramsJSON makes canonical JSON of parameter defaults: keys ascending, integers,
// strings, booleans, lists and objects only.
func paramsJSON(params map[string]any) ([]byte, error) {
	if err := checkParam(params); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(params); err != nil {
		return nil, fmt.Errorf("encode params: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func checkParam(v any) error {
	switch v := v.(type) {
	case string, bool:
		return nil
	case int:
		if v > 1<<31-1 || v < -1<<31 {
			return fmt.Errorf("%d: integers beyond 32 bits are written as strings", v)
		}
		return nil
	case []any:
		for _, x := range v {
			if err := checkParam(x); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		for _, k := range sortedKeys(v) {
			if err := checkParam(v[k]); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
		}
		return nil
	}
	return fmt.Errorf("%s is no string, integer, boolean, list or object", strconv.Quote(fmt.Sprint(v)))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
