package mirror

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// filter is one condition on a column; values have the column's kind.
type filter struct {
	column *column
	op     string
	values []any
}

// order is one column to sort by.
type order struct {
	column *column
	down   bool
}

// question is a query of records, checked.
type question struct {
	of      *recordType
	filters []filter
	search  []term
	sorts   []order
	columns []string // to be shown
	key     *string
	only    *rest.Reader // who is shown the own records alone
	now     int64        // time of the newest block in ms, by which grants end
	limit   int
	after   *cursor
}

var operators = map[string]string{"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "in": "IN", "prefix": "prefix"}

// maxValues bounds the values of one filter.
const maxValues = 64

// ask checks a query of records against the manifest. Errors are HC-4604.
func ask(t *recordType, q *rest.RecordQuery) (*question, error) {
	out := &question{of: t, limit: pageSize(q.Limit)}
	if len(q.Filter) > rest.MaxMirrorFilters || len([]rune(q.Search)) > rest.MaxMirrorSearch {
		return nil, refuse("at most %d filters, and %d characters to search for", rest.MaxMirrorFilters, rest.MaxMirrorSearch)
	}
	for _, text := range q.Filter {
		f, err := t.filter(text)
		if err != nil {
			return nil, err
		}
		out.filters = append(out.filters, *f)
	}
	if out.search = split(q.Search); len(out.search) == 0 && strings.TrimSpace(q.Search) != "" {
		return nil, refuse("nothing to search for in %q: no letters, no digits", q.Search)
	}
	var err error
	if out.sorts, err = t.sorts(q.Sort); err != nil {
		return nil, err
	}
	if out.columns, err = t.shown(q.Columns); err != nil {
		return nil, err
	}
	if q.Key != "" {
		key := cleanText(q.Key)
		out.key = &key
	}
	if q.Cursor != "" {
		if out.after, err = readCursor(q.Cursor, out.digest(q), out.sorts); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func pageSize(n int) int {
	if n <= 0 {
		return 20
	}
	return min(n, rest.MaxMirrorPage)
}

func refuse(format string, args ...any) error {
	return types.Errorf(types.CodeMirrorQuery, format, args...)
}

// filter reads column:operator:value.
func (t *recordType) filter(text string) (*filter, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) != 3 {
		return nil, refuse("filter %q: write column:operator:value", text)
	}
	c, err := t.find(parts[0])
	if err != nil {
		return nil, err
	}
	if operators[parts[1]] == "" {
		return nil, refuse("filter %q: operators are eq, ne, lt, le, gt, ge, in and prefix", text)
	}
	values := []string{parts[2]}
	if parts[1] == "in" {
		if values = strings.Split(parts[2], ","); len(values) > maxValues {
			return nil, refuse("filter %q: at most %d values", text, maxValues)
		}
	}
	f := &filter{column: c, op: parts[1]}
	for _, v := range values {
		x, err := c.parse(v, parts[1])
		if err != nil {
			return nil, err
		}
		f.values = append(f.values, x)
	}
	return f, nil
}

// parse reads a value of the column's kind.
func (c *column) parse(text, op string) (any, error) {
	bad := func(want string) error { return refuse("column %s: %q is no %s", c.name, text, want) }
	if op == "prefix" && c.kind != textual && c.kind != instant && c.kind != day {
		return nil, refuse("column %s is no text: no prefix", c.name)
	}
	switch c.kind {
	case whole, heights:
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, bad("whole number")
		}
		return v, nil
	case decimals:
		if !decimalForm.MatchString(text) {
			return nil, bad("decimal number")
		}
		return number(text), nil
	case truth:
		if text != "true" && text != "false" {
			return nil, bad("truth value: true or false")
		}
		return map[string]int64{"false": 0, "true": 1}[text], nil
	case blockMs, instant:
		if op == "prefix" {
			break
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, bad("time, as 2026-03-02T01:00:00Z")
		}
		if c.kind == blockMs {
			return at.UnixMilli(), nil
		}
		return at.UTC().Format("2006-01-02T15:04:05Z"), nil
	case day:
		if _, err := time.Parse(time.DateOnly, text); err != nil && op != "prefix" {
			return nil, bad("date, as 2026-03-02")
		}
	}
	return cleanText(text), nil
}

// number is a decimal number as parameter: each database compares it as it does its own.
type number string

func (t *recordType) sorts(list []string) ([]order, error) {
	var out []order
	for _, name := range list {
		name, down := strings.CutPrefix(name, "-")
		c, err := t.find(name)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(o order) bool { return o.column.name == name }) {
			return nil, refuse("sorted by %s twice", name)
		}
		out = append(out, order{c, down})
	}
	if len(out) > rest.MaxMirrorSorts {
		return nil, refuse("sorted by more than %d columns", rest.MaxMirrorSorts)
	}
	if out == nil {
		c := t.columns["block.height"]
		out = []order{{&c, true}}
	}
	return out, nil
}

// shown are the fields to answer with.
func (t *recordType) shown(list []string) ([]string, error) {
	if len(list) == 0 {
		for _, name := range t.order {
			if !t.columns[name].sensitive {
				list = append(list, name)
			}
		}
		return list, nil
	}
	for _, name := range list {
		if c, ok := t.columns[name]; !ok || c.path == nil {
			return nil, refuse("%s.%s has no field %q", t.contract, t.record, name)
		}
	}
	return list, nil
}

// cursor is where a page ended: the sorted values and the key of its last record.
type cursor struct {
	Of     string   `json:"of"` // digest of the question
	Values []scalar `json:"v"`
	Key    string   `json:"k"`
}

// scalar is a value of a sorted column, with its type.
type scalar struct {
	Int   *int64   `json:"i,omitempty"`
	Float *float64 `json:"f,omitempty"`
	Text  *string  `json:"s,omitempty"`
}

func scalarOf(v any) scalar {
	switch v := v.(type) {
	case int64:
		return scalar{Int: &v}
	case float64:
		return scalar{Float: &v}
	case []byte:
		s := string(v)
		return scalar{Text: &s}
	case string:
		return scalar{Text: &v}
	}
	return scalar{Text: new(string)}
}

func (s scalar) value() any {
	switch {
	case s.Int != nil:
		return *s.Int
	case s.Float != nil:
		return *s.Float
	case s.Text != nil:
		return cleanText(*s.Text)
	}
	return ""
}

// fits reports whether a value is of the type that a column of a kind has in SQL.
func (s scalar) fits(k kind) bool {
	switch k {
	case whole, truth, blockMs, heights:
		return s.Int != nil
	case decimals:
		return s.Float != nil || s.Int != nil || s.Text != nil && decimalForm.MatchString(*s.Text)
	}
	return s.Text != nil
}

// digest names a question, so that a cursor of another is refused.
func (q *question) digest(of *rest.RecordQuery) string {
	b, err := json.Marshal([]any{of.Contract, of.Record, of.Filter, of.Search, of.Sort, of.Key})
	if err != nil {
		panic(err) // texts alone
	}
	return crypto.Sum(b).String()[:16]
}

func (c *cursor) encode() (string, error) {
	b, err := json.Marshal(c)
	return base64.RawURLEncoding.EncodeToString(b), err
}

func readCursor(text, of string, sorts []order) (*cursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	c := &cursor{}
	if err == nil {
		err = json.Unmarshal(b, c)
	}
	if err != nil || len(c.Values) != len(sorts) {
		return nil, refuse("the cursor is malformed")
	}
	for i, o := range sorts {
		if !c.Values[i].fits(o.column.kind) {
			return nil, refuse("the cursor is malformed")
		}
	}
	if c.Of != of {
		return nil, refuse("the cursor is of another question: ask with the same filters and order")
	}
	return c, nil
}
