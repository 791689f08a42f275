package mirror

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/huchain/huchain/types/rest"
)

// keyText is how a record's key is written: as it is where it can be shown, else 0x and hex.
func keyText(key []byte) string {
	if s := rest.Printable(key); s != "" && !strings.HasPrefix(s, "0x") || len(key) == 0 {
		return s
	}
	return "0x" + hex.EncodeToString(key)
}

// cleanText is text that every database takes: PostgreSQL has no place for NUL and refuses
// what is not UTF-8.
func cleanText(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ReplaceAll(s, "\x00", "\uFFFD")
}

// maxNesting bounds how deep JSON nests; databases have bounds of their own.
const maxNesting = 64

// cleanJSON returns JSON that every database takes as it is, and its value; null for what
// is no JSON or nests too deep. Escapes of NUL and of half characters become U+FFFD, and
// numbers that a database might round or refuse become texts: contracts may store such,
// and must not be able to stop a mirror.
func cleanJSON(raw []byte) (clean []byte, parsed any) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if !json.Valid(raw) || nesting(raw) > maxNesting || d.Decode(&parsed) != nil {
		return []byte("null"), nil
	}
	fixed, changed := fix(parsed)
	if !changed && utf8.Valid(raw) && !bytes.Contains(raw, []byte(`\u`)) {
		return raw, parsed
	}
	clean, err := marshal(fixed)
	if err != nil {
		return []byte("null"), nil
	}
	return clean, fixed
}

// marshal writes JSON as contracts do: no HTML escapes.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

func nesting(raw []byte) (deepest int) {
	depth, inText := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case !inText && (c == '{' || c == '['):
			depth++
			deepest = max(deepest, depth)
		case !inText && (c == '}' || c == ']'):
			depth--
		}
	}
	return deepest
}

const maxNumberDigits = 38

func fix(v any) (out any, changed bool) {
	switch v := v.(type) {
	case string:
		s := cleanText(v)
		return s, s != v
	case json.Number:
		if len(v) > maxNumberDigits || strings.ContainsAny(string(v), "eE") {
			return string(v), true
		}
	case []any:
		for i := range v {
			x, c := fix(v[i])
			v[i], changed = x, changed || c
		}
	case map[string]any:
		for k, x := range v {
			y, c := fix(x)
			if key := cleanText(k); key != k {
				delete(v, k)
				v[key], changed = y, true
				continue
			}
			v[k], changed = y, changed || c
		}
	}
	return v, changed
}

// Bounds of what is searchable of one record.
const (
	maxWords    = 2000
	maxWordSize = 64
)

// wordsOf are the words of all texts in a value, one space between, ready for the full-text
// index: see split.
func wordsOf(v any) string {
	var out []string
	collect(v, &out)
	return strings.Join(out, " ")
}

func collect(v any, out *[]string) {
	switch v := v.(type) {
	case string:
		for _, term := range split(v) {
			if len(*out)+len(term.words)+1 > maxWords {
				return
			}
			*out = append(*out, term.words...)
			if term.last != "" {
				*out = append(*out, term.last)
			}
		}
	case []any:
		for _, x := range v {
			collect(x, out)
		}
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			collect(v[k], out)
		}
	}
}

// term is a run of letters and digits, as the index holds it.
type term struct {
	words []string // to be found one behind the other
	last  string   // stands behind them in the index alone
}

// split turns text into terms. Chinese has no spaces, so a run of Han characters becomes
// its pairs (采购合同: 采购 购合 合同), with its last character alone behind them, so that
// every character begins a word; other runs are one word in lower case.
func split(s string) []term {
	var out []term
	for len(s) > 0 {
		first, size := utf8.DecodeRuneInString(s)
		han := unicode.Is(unicode.Han, first)
		if !wordRune(first) {
			s = s[size:]
			continue
		}
		end := size
		for end < len(s) {
			r, n := utf8.DecodeRuneInString(s[end:])
			if !wordRune(r) || unicode.Is(unicode.Han, r) != han {
				break
			}
			end += n
		}
		if han {
			out = append(out, pairs([]rune(s[:end])))
		} else if w := strings.ToLower(s[:end]); len(w) <= maxWordSize {
			out = append(out, term{words: []string{w}})
		}
		s = s[end:]
	}
	return out
}

func wordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Han, r) // 〇 is Han, but no letter
}

func pairs(run []rune) term {
	if len(run) == 1 {
		return term{words: []string{string(run)}}
	}
	t := term{last: string(run[len(run)-1:])}
	for i := range len(run) - 1 {
		t.words = append(t.words, string(run[i:i+2]))
	}
	return t
}
