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
// refused; the error is HC-3303 and holds every finding, see Invalid.
func ParseSpec(raw []byte) (*Spec, error) {
	var f findings
	s, err := parseSpec(raw, &f)
	if err == nil {
		err = f.err()
	}
	if err != nil {
		return nil, err
	}
	if _, err := s.Manifest(); err != nil {
		return nil, err
	}
	return s, nil
}

// parseSpec gathers findings; without any the spec is whole but for the manifest.
func parseSpec(raw []byte, f *findings) (*Spec, error) {
	if len(raw) > MaxYAMLBytes {
		return nil, types.Errorf(types.CodeManifestInvalid, "%s: %d bytes, at most %d", YAMLFile, len(raw), MaxYAMLBytes)
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var root yaml.Node
	if err := dec.Decode(&root); err != nil {
		line, text := yamlFault(err)
		f.addAt(line, nil, "syntax", text)
		return nil, nil
	}
	f.lines = make(lineIndex)
	if !f.lines.add(f, &root, "", 0) {
		return nil, nil
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		f.add(nil, "document")
		return nil, nil
	}
	specShape.check(f, root.Content[0], nil)
	if len(f.list) > 0 {
		return nil, nil
	}
	s := &Spec{}
	if err := root.Content[0].Decode(s); err != nil {
		return nil, types.Errorf(types.CodeManifestInvalid, "%s: %w", YAMLFile, err)
	}
	s.lines = f.lines
	s.validate(f)
	return s, nil
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line ([0-9]+): `)

// yamlFault takes the line out of the library's words.
func yamlFault(err error) (line int, text string) {
	text = err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1]) // digits by the pattern
		text = text[len(m[0]):]
	}
	return max(line, 1), strings.TrimPrefix(text, "yaml: ")
}

const maxYAMLDepth = 16

// lineIndex maps a path of keys, joined by NUL, to its line.
type lineIndex map[string]int

// add notes the lines of a node and all below; false if it found something that YAML
// allows and bundle.yaml does not.
func (x lineIndex) add(f *findings, n *yaml.Node, path string, depth int) bool {
	if depth > maxYAMLDepth {
		f.addAt(n.Line, nil, "depth", maxYAMLDepth)
		return false
	}
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		f.addAt(n.Line, nil, "anchor")
		return false
	}
	x[path] = n.Line
	switch n.Kind {
	case yaml.DocumentNode, yaml.SequenceNode:
		for _, c := range n.Content {
			if !x.add(f, c, path, depth+1) {
				return false
			}
		}
		x[path] = n.Line
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
				f.addAt(key.Line, nil, "kind", kindWords[kindText][0], "a plain word", "name: …")
				return false
			}
			sub := path + "\x00" + key.Value
			if !x.add(f, n.Content[i+1], sub, depth+1) {
				return false
			}
			x[sub] = key.Line
		}
	}
	return true
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
