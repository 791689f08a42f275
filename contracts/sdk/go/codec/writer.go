package codec

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string: quote, backslash and control characters
// are escaped, bytes that are not UTF-8 become U+FFFD.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		b = append(b, s[start:i]...)
		b = appendEscaped(b, c)
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	}
	if c >= utf8.RuneSelf {
		return append(b, "\uFFFD"...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// AppendRaw appends s as it is. It is a call rather than inlined code because guests
// pay for their size.
//
//go:noinline
func AppendRaw(b []byte, s string) []byte { return append(b, s...) }

// AppendUint appends a number.
func AppendUint(b []byte, v uint64) []byte {
	var t [20]byte
	i := len(t)
	for {
		i--
		t[i] = '0' + byte(v%10)
		if v /= 10; v == 0 {
			return append(b, t[i:]...)
		}
	}
}

// AppendInt appends a number.
func AppendInt(b []byte, v int64) []byte {
	if v < 0 {
		return AppendUint(append(b, '-'), -uint64(v))
	}
	return AppendUint(b, uint64(v))
}

// AppendUint64 appends a decimal string.
func AppendUint64(b []byte, v uint64) []byte { return append(AppendUint(append(b, '"'), v), '"') }

// AppendInt64 appends a decimal string.
func AppendInt64(b []byte, v int64) []byte { return append(AppendInt(append(b, '"'), v), '"') }

// AppendBool appends true or false.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, "true"...)
	}
	return append(b, "false"...)
}

// AppendHexDigits appends two lower-case hex digits per byte, without quotes.
//
//go:noinline
func AppendHexDigits(b, v []byte) []byte {
	n := len(b)
	if cap(b)-n < 2*len(v) {
		b = append(make([]byte, 0, 2*(n+len(v))+16), b...)
	}
	b = b[:n+2*len(v)]
	out := b[n:]
	for i, c := range v {
		*(*[2]byte)(out[2*i:]) = hexPairs[c]
	}
	return b
}

// hexPairs holds the two digits of each byte.
var hexPairs = func() (t [256][2]byte) {
	for c := range t {
		t[c] = [2]byte{hexDigits[c>>4], hexDigits[c&15]}
	}
	return t
}()

// AppendHex appends a string of lower-case hex digits.
func AppendHex(b, v []byte) []byte { return append(AppendHexDigits(append(b, '"'), v), '"') }

// Comma appends a comma unless b ends where an object or list has just begun.
func Comma(b []byte) []byte {
	if c := b[len(b)-1]; c == '{' || c == '[' {
		return b
	}
	return append(b, ',')
}
