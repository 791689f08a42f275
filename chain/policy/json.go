package policy

import (
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"

	celtypes "github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// maxDepth bounds how deep JSON values may nest.
const maxDepth = 64

var errNoJSON = errors.New("the arguments are no JSON in UTF-8, nest too deep, or hold a key twice")

// reader turns JSON into CEL values without doubles: a number that fits becomes an int,
// any other the string of its digits. It is written out because encoding/json takes
// three times as long where tokens are wanted, and lets a key stand twice, so that a
// rule and a contract could each see another value.
type reader struct {
	raw     string // keys and values are parts of it
	at      int
	strings []string // every string value, in order
}

func decodeJSON(raw []byte) (ref.Val, []string, error) {
	r := &reader{raw: string(raw)}
	v, ok := r.value(0)
	if !ok || r.next() != 0 || r.at != len(raw) {
		return nil, nil, errNoJSON
	}
	return v, r.strings, nil
}

// next skips white space and returns the byte that follows, 0 at the end.
func (r *reader) next() byte {
	for ; r.at < len(r.raw); r.at++ {
		switch c := r.raw[r.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// skip passes c over, if it comes next.
func (r *reader) skip(c byte) bool {
	if r.next() != c || r.at == len(r.raw) {
		return false
	}
	r.at++
	return true
}

func (r *reader) value(depth int) (ref.Val, bool) {
	if depth > maxDepth {
		return nil, false
	}
	switch c := r.next(); {
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.list(depth)
	case c == '"':
		s, ok := r.text()
		r.strings = append(r.strings, s)
		return celtypes.String(s), ok
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	}
	for _, w := range [3]struct {
		word  string
		value ref.Val
	}{{"true", celtypes.True}, {"false", celtypes.False}, {"null", celtypes.NullValue}} {
		if n := r.at + len(w.word); n <= len(r.raw) && r.raw[r.at:n] == w.word {
			r.at = n
			return w.value, true
		}
	}
	return nil, false
}

func (r *reader) object(depth int) (ref.Val, bool) {
	fields, keys := map[string]any{}, []string(nil)
	r.at++
	for more := !r.skip('}'); more; more = !r.skip('}') {
		if len(keys) > 0 && !r.skip(',') || r.next() != '"' {
			return nil, false
		}
		key, ok := r.text()
		if _, twice := fields[key]; !ok || twice || !r.skip(':') {
			return nil, false
		}
		v, ok := r.value(depth + 1)
		if !ok {
			return nil, false
		}
		fields[key] = v
		keys = append(keys, key)
	}
	return &object{celtypes.NewStringInterfaceMap(celtypes.DefaultTypeAdapter, fields), keys}, true
}

func (r *reader) list(depth int) (ref.Val, bool) {
	var items []ref.Val
	r.at++
	for more := !r.skip(']'); more; more = !r.skip(']') {
		if len(items) > 0 && !r.skip(',') {
			return nil, false
		}
		v, ok := r.value(depth + 1)
		if !ok {
			return nil, false
		}
		items = append(items, v)
	}
	return celtypes.NewRefValList(celtypes.DefaultTypeAdapter, items), true
}

// text reads a string; one with escapes goes to encoding/json.
func (r *reader) text() (string, bool) {
	start, escaped := r.at, false
	for r.at++; r.at < len(r.raw); r.at++ {
		switch c := r.raw[r.at]; {
		case c == '\\':
			escaped = true
			r.at++
		case c < ' ':
			return "", false
		case c == '"':
			r.at++
			s := r.raw[start+1 : r.at-1]
			if !utf8.ValidString(s) || escaped && json.Unmarshal([]byte(r.raw[start:r.at]), &s) != nil {
				return "", false
			}
			return s, true
		}
	}
	return "", false
}

func (r *reader) number() (ref.Val, bool) {
	start := r.at
	for r.at < len(r.raw) && (r.raw[r.at] >= '+' && r.raw[r.at] <= '9' && r.raw[r.at] != ',' && r.raw[r.at] != '/' || r.raw[r.at]|0x20 == 'e') {
		r.at++
	}
	raw := r.raw[start:r.at]
	if !json.Valid([]byte(raw)) {
		return nil, false
	}
	if n, err := strconv.ParseInt(raw, 10, 64); err == nil {
		return celtypes.Int(n), true
	}
	return celtypes.String(raw), true
}
