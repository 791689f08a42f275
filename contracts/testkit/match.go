package testkit

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

const rest = "…"

// Scope is what words of a transcript stand for.
type Scope struct {
	Vars map[string]string // by name, without the dollar sign
	Keys map[string]crypto.Signer
}

// NewScope knows the chain and the bundle that a story plays on.
func NewScope(chain, genesis, contract string) *Scope {
	return &Scope{
		Vars: map[string]string{"chain": chain, "genesis": genesis, "contract": contract},
		Keys: make(map[string]crypto.Signer),
	}
}

// Bind lets name sign, and name_key, name_id and name_did stand for its public key, the
// address of that, and its DID.
func (s *Scope) Bind(name string, key crypto.Signer) {
	s.Keys[name] = key
	s.Vars[name+"_key"] = key.Public().String()
	s.Vars[name+"_id"] = types.AddressOf(key.Public()).String()
	s.Vars[name+"_did"] = "did:huchain:" + s.Vars["chain"] + ":" + s.Vars[name+"_id"]
}

// Expand replaces "sm3:TEXT" within JSON strings by the hash of TEXT, "repeat:N:TEXT"
// by N times TEXT, "sign:NAME:TEXT" by a signature of TEXT, and $name by what it stands
// for; names that stand for nothing stay.
func (s *Scope) Expand(text string) (string, error) {
	text, err := replaceQuoted(text, "sm3:", func(words string) (string, error) {
		h := crypto.Sum([]byte(words))
		return hex.EncodeToString(h[:]), nil
	})
	if err != nil {
		return "", err
	}
	text, err = replaceQuoted(text, "repeat:", repeat)
	if err != nil {
		return "", err
	}
	return replaceQuoted(s.variables(text), "sign:", func(words string) (string, error) {
		name, msg, _ := strings.Cut(words, ":")
		key := s.Keys[name]
		if key == nil {
			return "", fmt.Errorf("no key %q signs %q", name, msg)
		}
		sig, err := key.Sign([]byte(msg))
		return hex.EncodeToString(sig), err
	})
}

// repeat makes "N:TEXT" N times TEXT.
func repeat(words string) (string, error) {
	count, unit, _ := strings.Cut(words, ":")
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 100_000 || n*len(unit) > 100_000 {
		return "", fmt.Errorf("repeat:%s: must be repeat:N:TEXT and at most 100,000 bytes", words)
	}
	return strings.Repeat(unit, n), nil
}

// replaceQuoted replaces strings that begin with prefix by what f makes of the rest of
// them.
func replaceQuoted(text, prefix string, f func(words string) (string, error)) (string, error) {
	for {
		i := strings.Index(text, `"`+prefix)
		if i < 0 {
			return text, nil
		}
		start := i + 1 + len(prefix)
		end := strings.IndexByte(text[start:], '"')
		if end < 0 {
			return text, nil
		}
		b, err := f(text[start : start+end])
		if err != nil {
			return "", err
		}
		text = text[:i+1] + b + text[start+end:]
	}
}

func (s *Scope) variables(text string) string {
	for i := 0; i < len(text); i++ {
		if text[i] != '$' {
			continue
		}
		end := i + 1
		for end < len(text) && (text[end] == '_' || text[end]|0x20 >= 'a' && text[end]|0x20 <= 'z' || text[end] >= '0' && text[end] <= '9') {
			end++
		}
		if v, ok := s.Vars[text[i+1:end]]; ok {
			text = text[:i] + v + text[end:]
			i += len(v) - 1
		}
	}
	return text
}

// parsePattern reads JSON in which … stands for any value or for the rest of an
// object or list.
func parsePattern(text string) (any, error) {
	var b strings.Builder
	var open []byte
	inString, last := false, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case inString && c == '\\':
			b.WriteByte(c)
			i++
			if i < len(text) {
				b.WriteByte(text[i])
			}
			continue
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			open = append(open, c)
		case (c == '}' || c == ']') && len(open) > 0:
			open = open[:len(open)-1]
		case strings.HasPrefix(text[i:], rest):
			b.WriteString(`"` + rest + `"`)
			if last != ':' && len(open) > 0 && open[len(open)-1] == '{' {
				b.WriteString(`:true`)
			}
			i += len(rest) - 1
			last = 'x'
			continue
		}
		b.WriteByte(c)
		if c != ' ' {
			last = c
		}
	}
	return parseJSON([]byte(b.String()))
}

func parseJSON(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("%w in %s", err, raw)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("data after the value in %s", raw)
	}
	return v, nil
}

// matches compares a pattern with a value.
func matches(want, have any) bool {
	switch w := want.(type) {
	case string:
		return w == rest || want == have
	case map[string]any:
		h, ok := have.(map[string]any)
		if !ok {
			return false
		}
		_, open := w[rest]
		for k, v := range w {
			if k == rest {
				continue
			}
			x, ok := h[k]
			if !ok || !matches(v, x) {
				return false
			}
		}
		return open || len(w) == len(h)
	case []any:
		h, ok := have.([]any)
		if !ok {
			return false
		}
		open := len(w) > 0 && w[len(w)-1] == rest
		if open {
			w = w[:len(w)-1]
		}
		if len(h) < len(w) || !open && len(h) != len(w) {
			return false
		}
		for i := range w {
			if !matches(w[i], h[i]) {
				return false
			}
		}
		return true
	}
	return want == have
}

// matchText matches a pattern against JSON.
func matchText(pattern string, have []byte) (bool, error) {
	want, err := parsePattern(pattern)
	if err != nil {
		return false, fmt.Errorf("pattern: %w", err)
	}
	v, err := parseJSON(have)
	if err != nil {
		return false, err
	}
	return matches(want, v), nil
}

// pick follows a path as .items[0].hash and returns the value as text: strings as
// they are, others as JSON.
func pick(raw []byte, path string) (string, error) {
	v, err := parseJSON(raw)
	if err != nil {
		return "", err
	}
	for _, part := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		switch x := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = x[part]; !ok {
				return "", fmt.Errorf("%s: no field %q", path, part)
			}
		case []any:
			var i int
			if _, err := fmt.Sscanf(part, "%d", &i); err != nil || i < 0 || i >= len(x) {
				return "", fmt.Errorf("%s: no item %q", path, part)
			}
			v = x[i]
		default:
			return "", fmt.Errorf("%s: nothing below %q", path, part)
		}
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	out, err := json.Marshal(v)
	return string(out), err
}
