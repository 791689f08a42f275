package codec

import (
	"math/bits"
	"unicode/utf8"
	"unsafe"
)

// Bounds of a document.
const (
	MaxBytes = 1 << 20
	MaxDepth = 32
)

// Decoder is implemented by what can be read from JSON.
type Decoder interface{ DecodeJSON(r *Reader) }

// Encoder is implemented by what can be written as JSON.
type Encoder interface{ AppendJSON(b []byte) []byte }

// Flat is implemented by what can tell whether its JSON follows from its own memory alone,
// texts apart, which nothing changes: two such values of one type that are equal byte by
// byte have equal JSON.
type Flat interface{ FlatJSON() bool }

// Reader walks one JSON document. The first fault sticks: after it every read
// returns zero, so that callers check Done alone. Strings it returns alias the
// document, which MUST NOT change afterwards.
type Reader struct {
	buf   []byte
	pos   int
	depth int
	first bool // the next element of the innermost object or list is its first
	field string
	fault string
	at    int
}

// NewReader starts at the beginning of a document.
func NewReader(doc []byte) Reader {
	r := Reader{buf: doc}
	if len(doc) > MaxBytes {
		r.Fail("document too large")
	}
	return r
}

// Failed reports whether a fault was met.
func (r *Reader) Failed() bool { return r.fault != "" }

// Fail notes a fault at the current place, unless one was noted before.
func (r *Reader) Fail(what string) {
	if r.fault == "" {
		r.fault, r.at = what, r.pos
		r.pos = len(r.buf)
	}
}

// Fault describes the first fault: the field, what was expected, the byte; "" if none.
func (r *Reader) Fault() string {
	if r.fault == "" {
		return ""
	}
	b := make([]byte, 0, 96)
	if r.field != "" {
		b = append(append(b, r.field[:min(len(r.field), 64)]...), ": "...)
	}
	b = append(append(b, r.fault...), " (byte "...)
	return string(append(AppendUint(b, uint64(r.at)), ')'))
}

// Done refuses anything but white space after the value and reports success.
func (r *Reader) Done() bool {
	if r.fault == "" {
		r.space()
		if r.pos != len(r.buf) {
			r.field = ""
			r.Fail("data after the value")
		}
	}
	return r.fault == ""
}

func (r *Reader) space() {
	for r.pos < len(r.buf) {
		switch r.buf[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// next skips white space and returns the byte there, 0 at the end.
func (r *Reader) next() byte {
	if r.pos < len(r.buf) && r.buf[r.pos] > ' ' {
		return r.buf[r.pos]
	}
	r.space()
	if r.pos < len(r.buf) {
		return r.buf[r.pos]
	}
	return 0
}

func (r *Reader) open(c byte, what string) {
	if r.next() != c {
		r.Fail(what)
		return
	}
	if r.depth++; r.depth > MaxDepth {
		r.Fail("nested too deep")
		return
	}
	r.pos++
	r.first = true
}

// more moves to the next element, or past the closing byte and returns false.
func (r *Reader) more(closing byte) bool {
	c := r.next()
	if c == closing {
		r.pos++
		r.depth--
		r.first = false
		return false
	}
	if !r.first {
		if c != ',' {
			r.Fail("comma or end expected")
			return false
		}
		r.pos++
	}
	r.first = false
	return r.fault == ""
}

// Object enters an object.
func (r *Reader) Object() { r.open('{', "object expected") }

// Fields are the fields of one kind of object, at most 64, in the usual order.
type Fields struct {
	Names    []string
	Required uint64 // bit i: Names[i] must be present
}

// Field moves to the value of the next field of the innermost object and returns its
// place in f.Names; -1 at the object's end, and for fields that are unknown or occur
// twice, which are faults, as is a missing one. seen starts at zero for each object.
func (r *Reader) Field(f *Fields, seen *uint64) int {
	if i := r.expected(f, bits.Len64(*seen)); i >= 0 {
		*seen |= 1 << i
		return i
	}
	if !r.more('}') {
		if missing := f.Required &^ *seen; missing != 0 && r.fault == "" {
			r.field = f.Names[bits.TrailingZeros64(missing)]
			r.Fail("field missing")
		}
		return -1
	}
	k := r.String()
	if r.next() != ':' {
		r.Fail("colon expected")
		return -1
	}
	r.pos++
	r.field = k
	i := bits.Len64(*seen) // fields mostly come in order
	if i >= len(f.Names) || f.Names[i] != k {
		for i = 0; i < len(f.Names) && f.Names[i] != k; i++ {
		}
	}
	switch {
	case i == len(f.Names):
		r.Fail("unknown field")
		return -1
	case *seen&(1<<i) != 0:
		r.Fail("field occurs twice")
		return -1
	}
	*seen |= 1 << i
	return i
}

// expected moves to the value of the next field if it is one of f.Names[i:] and written as
// this package writes it, without escapes and white space; -1 leaves the reader as it is.
// Fields mostly come so, and guests pay for every instruction.
func (r *Reader) expected(f *Fields, i int) int {
	at := r.pos
	p := unsafe.Add(unsafe.Pointer(unsafe.SliceData(r.buf)), at)
	if at < len(r.buf) && !r.first && *(*byte)(p) == ',' {
		at, p = at+1, unsafe.Add(p, 1)
	} else if !r.first {
		return -1
	}
	left := len(r.buf) - at
	if left == 0 || *(*byte)(p) != '"' {
		return -1
	}
	for ; i < len(f.Names); i++ {
		name := f.Names[i]
		n := len(name)
		if n+2 < left && *(*byte)(unsafe.Add(p, n+1)) == '"' && *(*byte)(unsafe.Add(p, n+2)) == ':' &&
			Same(unsafe.Add(p, 1), unsafe.Pointer(unsafe.StringData(name)), uintptr(n)) {
			r.pos, r.first, r.field = at+n+3, false, name
			return i
		}
	}
	return -1
}

// List enters a list.
func (r *Reader) List() { r.open('[', "list expected") }

// More moves to the next element of the innermost list; false at its end.
func (r *Reader) More() bool { return r.more(']') }

// Bool reads true or false.
func (r *Reader) Bool() bool {
	switch r.next() {
	case 't':
		return r.word("true")
	case 'f':
		r.word("false")
	default:
		r.Fail("true or false expected")
	}
	return false
}

func (r *Reader) word(w string) bool {
	if len(r.buf)-r.pos < len(w) || string(r.buf[r.pos:r.pos+len(w)]) != w {
		r.Fail("true or false expected")
		return false
	}
	r.pos += len(w)
	return true
}

// String reads a string.
func (r *Reader) String() string {
	b := r.raw()
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(unsafe.SliceData(b), len(b)) // the document never changes
}

// raw reads a string and returns its bytes, which alias the document where nothing
// is escaped.
func (r *Reader) raw() []byte {
	if r.next() != '"' {
		r.Fail("string expected")
		return nil
	}
	start := r.pos + 1
	i, ascii := special(r.buf, start)
	if i == len(r.buf) {
		r.pos = i
		r.Fail("string without end")
		return nil
	}
	switch r.buf[i] {
	case '"':
		s := r.buf[start:i:i]
		if !ascii && !utf8.Valid(s) {
			r.Fail("string is not UTF-8")
			return nil
		}
		r.pos = i + 1
		return s
	case '\\':
		return r.unescape(start, i)
	}
	r.pos = i
	r.Fail("control character in string")
	return nil
}

// special returns the place of the first quote, backslash or control character from i on,
// len(b) if there is none, and whether all before it is ASCII. Guests pay for every
// instruction, so it reads words: the lowest byte that Mycroft's test finds in one is
// really below a bound or equal to a value (those above it need not be).
func special(b []byte, i int) (at int, ascii bool) {
	const each, high = 0x0101010101010101, 0x8080808080808080
	var all uint64
	for p := unsafe.Pointer(unsafe.SliceData(b)); i+8 <= len(b); i += 8 {
		w := *(*uint64)(unsafe.Add(p, i)) // little-endian, as all machines that run this
		stop := ((w - ' '*each) | ((w ^ '"'*each) - each) | ((w ^ '\\'*each) - each)) &^ w & high
		if stop != 0 {
			n := bits.TrailingZeros64(stop) &^ 7
			return i + n>>3, (all|w&(1<<n-1))&high == 0
		}
		all |= w
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < ' ' || c == '"' || c == '\\' {
			break
		}
		all |= uint64(b[i])
	}
	return i, all&high == 0
}

// unescape reads on from the first backslash of a string.
func (r *Reader) unescape(start, i int) []byte {
	out := append(make([]byte, 0, 2*(i-start)+32), r.buf[start:i]...)
	for i < len(r.buf) {
		c := r.buf[i]
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				r.Fail("string is not UTF-8")
				return nil
			}
			r.pos = i + 1
			return out
		case c < ' ':
			r.pos = i
			r.Fail("control character in string")
			return nil
		case c != '\\':
			out = append(out, c)
			i++
		default:
			var ok bool
			if out, i, ok = r.escape(out, i+1); !ok {
				r.Fail("malformed escape")
				return nil
			}
		}
	}
	r.pos = len(r.buf)
	r.Fail("string without end")
	return nil
}

// escape appends what the escape after the backslash at i-1 stands for.
func (r *Reader) escape(out []byte, i int) ([]byte, int, bool) {
	if i >= len(r.buf) {
		return out, i, false
	}
	c := r.buf[i]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return r.escapeRune(out, i+1)
	default:
		return out, i, false
	}
	return append(out, c), i + 1, true
}

func (r *Reader) escapeRune(out []byte, i int) ([]byte, int, bool) {
	u, ok := r.hex4(i)
	i += 4
	if ok && u >= 0xD800 && u < 0xDC00 && i+1 < len(r.buf) && r.buf[i] == '\\' && r.buf[i+1] == 'u' {
		low, lowOK := r.hex4(i + 2)
		if !lowOK || low < 0xDC00 || low >= 0xE000 {
			return out, i, false
		}
		return utf8.AppendRune(out, (u-0xD800)<<10|(low-0xDC00)+0x10000), i + 6, true
	}
	if !ok || u >= 0xD800 && u < 0xE000 { // half a pair is no character
		return out, i, false
	}
	return utf8.AppendRune(out, u), i, true
}

func (r *Reader) hex4(i int) (rune, bool) {
	if i+4 > len(r.buf) {
		return 0, false
	}
	var v rune
	for _, c := range r.buf[i : i+4] {
		d := hexDigit(c | 0x20)
		if c < '0' || d > 15 {
			return 0, false
		}
		v = v<<4 | rune(d)
	}
	return v, true
}
