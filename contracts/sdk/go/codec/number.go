package codec

import (
	"math"
	"unsafe"
)

// digits reads an integer in its only form: no leading zero, no "-0". It returns
// the magnitude and the number of bytes, 0 where there is none or it overflows.
func digits(b []byte) (v uint64, negative bool, n int) {
	if len(b) > 0 && b[0] == '-' {
		negative, n = true, 1
	}
	first := n
	for ; n < len(b) && b[n]-'0' <= 9; n++ {
		d := uint64(b[n] - '0')
		if v > (math.MaxUint64-d)/10 {
			return 0, false, 0
		}
		v = v*10 + d
	}
	if n == first || b[first] == '0' && (n > first+1 || negative) {
		return 0, false, 0
	}
	return v, negative, n
}

// signed turns magnitude and sign into an int64.
func signed(v uint64, negative bool) (int64, bool) {
	if negative {
		return -int64(v), v <= 1<<63
	}
	return int64(v), v <= math.MaxInt64
}

// number reads an integer number between lo and hi.
func (r *Reader) number(lo, hi int64) int64 {
	if c := r.next(); c != '-' && c-'0' > 9 {
		r.Fail("integer expected")
		return 0
	}
	v, negative, n := digits(r.buf[r.pos:])
	i, ok := signed(v, negative)
	if n == 0 || !ok || i < lo || i > hi {
		r.Fail("integer out of range")
		return 0
	}
	r.pos += n
	if r.pos < len(r.buf) {
		switch r.buf[r.pos] {
		case '.', 'e', 'E', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			r.Fail("integer without fraction or exponent expected")
			return 0
		}
	}
	return i
}

// Uint8 reads a number.
func (r *Reader) Uint8() uint8 { return uint8(r.number(0, math.MaxUint8)) }

// Uint16 reads a number.
func (r *Reader) Uint16() uint16 { return uint16(r.number(0, math.MaxUint16)) }

// Uint32 reads a number.
func (r *Reader) Uint32() uint32 { return uint32(r.number(0, math.MaxUint32)) }

// Int8 reads a number.
func (r *Reader) Int8() int8 { return int8(r.number(math.MinInt8, math.MaxInt8)) }

// Int16 reads a number.
func (r *Reader) Int16() int16 { return int16(r.number(math.MinInt16, math.MaxInt16)) }

// Int32 reads a number.
func (r *Reader) Int32() int32 { return int32(r.number(math.MinInt32, math.MaxInt32)) }

// Uint64 reads a decimal string.
func (r *Reader) Uint64() uint64 {
	b := r.raw()
	v, negative, n := digits(b)
	if n == 0 || n != len(b) || negative {
		r.Fail("unsigned 64-bit integer as a string expected")
		return 0
	}
	return v
}

// Int64 reads a decimal string.
func (r *Reader) Int64() int64 {
	b := r.raw()
	v, negative, n := digits(b)
	i, ok := signed(v, negative)
	if n == 0 || n != len(b) || !ok {
		r.Fail("64-bit integer as a string expected")
		return 0
	}
	return i
}

// hexDigit returns the value of a lower-case hex digit, above 15 for other bytes.
func hexDigit(c byte) byte {
	switch {
	case c-'0' <= 9:
		return c - '0'
	case c-'a' <= 5:
		return c - 'a' + 10
	}
	return 0xFF
}

// Hex reads a string of exactly 2·len(dst) lower-case hex digits.
func (r *Reader) Hex(dst []byte) {
	b := r.raw()
	if !DecodeHex(dst, b) {
		b = AppendUint(make([]byte, 0, 40), uint64(2*len(dst)))
		r.Fail(string(append(b, " lower-case hex digits expected"...)))
	}
}

// Bytes reads a string of lower-case hex digits of any even length.
func (r *Reader) Bytes() []byte {
	b := r.raw()
	out := make([]byte, len(b)/2)
	if len(b)%2 != 0 || !DecodeHex(out, b) {
		r.Fail("lower-case hex digits expected")
		return nil
	}
	return out
}

// DecodeHex fills dst from exactly 2·len(dst) lower-case hex digits.
func DecodeHex(dst, src []byte) bool {
	if len(src) != 2*len(dst) {
		return false
	}
	// Guests pay for bounds checks, and the compiler does not see that src is long enough.
	var bad uint64
	in, out := unsafe.Pointer(unsafe.SliceData(src)), unsafe.Pointer(unsafe.SliceData(dst))
	i := 0
	for ; i+4 <= len(dst); i += 4 {
		eight := *(*uint64)(unsafe.Add(in, 2*i))
		four := bytesOf(eight)
		bad |= hexOf(four) ^ eight
		*(*uint32)(unsafe.Add(out, i)) = four
	}
	for ; i < len(dst); i++ {
		hi, lo := hexDigit(src[2*i]), hexDigit(src[2*i+1])
		bad |= uint64((hi | lo) &^ 15)
		dst[i] = hi<<4 | lo
	}
	return bad == 0
}

// bytesOf undoes hexOf; of what is no digit it makes anything.
func bytesOf(eight uint64) uint32 {
	const each = 0x0101010101010101
	v := eight&(0x0f*each) + (eight>>6&each)*9
	v = (v<<4 | v>>8) & 0x00ff00ff00ff00ff
	v = (v | v>>8) & 0x0000ffff0000ffff
	return uint32(v | v>>16)
}
