package codec

import (
	"unicode/utf8"
	"unsafe"
)

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string: quote, backslash and control characters
// are escaped, bytes that are not UTF-8 become U+FFFD.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := plain(s, 0); i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i = plain(s, i+n)
				continue
			}
		}
		b = append(b, s[start:i]...)
		b = appendEscaped(b, c)
		start = i + 1
		i = plain(s, start)
	}
	return append(append(b, s[start:]...), '"')
}

// plain skips bytes of s from i on that stand for themselves in JSON, eight at a time: it
// may stop before one that does. Guests pay for every instruction, so it reads words
// (Mycroft's test for bytes below a bound or equal to one).
func plain(s string, i int) int {
	const each, high = 0x0101010101010101, 0x8080808080808080
	for p := unsafe.Pointer(unsafe.StringData(s)); i+8 <= len(s); i += 8 {
		w := *(*uint64)(unsafe.Add(p, i))
		if (w|(w-' '*each)|(w^'"'*each-each)|(w^'\\'*each-each))&high != 0 {
			break
		}
	}
	return i
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
	if v < 10 {
		return append(b, '0'+byte(v))
	}
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
	// Guests pay for bounds checks, and the compiler does not see that there is room.
	in, out := unsafe.Pointer(unsafe.SliceData(v)), unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), n)
	i := 0
	for ; i+4 <= len(v); i += 4 {
		*(*uint64)(unsafe.Add(out, 2*i)) = hexOf(*(*uint32)(unsafe.Add(in, i)))
	}
	for ; i < len(v); i++ {
		b[n+2*i], b[n+2*i+1] = hexDigits[v[i]>>4], hexDigits[v[i]&15]
	}
	return b
}

// hexOf returns the eight digits of four bytes, all as they lie in the memory of
// little-endian machines: a byte each for the halves, to which 39 more is added than '0'
// where they are above 9.
func hexOf(four uint32) uint64 {
	const each = 0x0101010101010101
	v := uint64(four)
	v = (v | v<<16) & 0x0000ffff0000ffff
	v = (v | v<<8) & 0x00ff00ff00ff00ff
	v = v>>4&0x000f000f000f000f | v<<8&0x0f000f000f000f00
	return v + '0'*each + ((v+6*each)>>4&each)*('a'-'0'-10)
}

// AppendHex appends a string of lower-case hex digits.
func AppendHex(b, v []byte) []byte { return append(AppendHexDigits(append(b, '"'), v), '"') }

// Comma appends a comma unless b ends where an object or list has just begun.
func Comma(b []byte) []byte {
	if c := b[len(b)-1]; c == '{' || c == '[' {
		return b
	}
	return append(b, ',')
}
