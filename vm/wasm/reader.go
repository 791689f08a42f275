package wasm

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// Error is a fault of a module, with the place it was found at.
type Error struct {
	Offset  int    // from the start of the module, in bytes
	Func    int    // function index, imports included; -1 outside function bodies
	Problem string // what is wrong
	Fix     string // how to mend it, "" if the tool that wrote the module is at fault
}

// Error describes the fault without a function name.
func (e *Error) Error() string {
	if e.Func >= 0 {
		return fmt.Sprintf("function %d, byte 0x%x: %s", e.Func, e.Offset, e.Problem)
	}
	return fmt.Sprintf("byte 0x%x: %s", e.Offset, e.Problem)
}

// reader reads primitive values and keeps the first error.
type reader struct {
	b    []byte
	pos  int
	base int // offset of b within the module
	fn   int // function index for errors, -1 outside
	err  error
}

func (r *reader) fail(at int, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Offset: r.base + at, Func: r.fn, Problem: fmt.Sprintf(format, args...)}
	}
	r.pos = len(r.b) // nothing more is read
}

func (r *reader) rest() int { return len(r.b) - r.pos }

func (r *reader) u8() byte {
	if r.pos >= len(r.b) {
		r.fail(r.pos, "unexpected end")
		return 0
	}
	c := r.b[r.pos]
	r.pos++
	return c
}

func (r *reader) bytes(n uint32) []byte {
	if uint64(n) > uint64(r.rest()) {
		r.fail(r.pos, "%d bytes wanted, %d left", n, r.rest())
		return nil
	}
	b := r.b[r.pos : r.pos+int(n) : r.pos+int(n)]
	r.pos += int(n)
	return b
}

// uleb reads an unsigned LEB128 of at most bits bits.
func (r *reader) uleb(bits uint) uint64 {
	at := r.pos
	var v uint64
	for shift := uint(0); ; shift += 7 {
		c := r.u8()
		if r.err != nil {
			return 0
		}
		if shift+7 > bits && c>>(bits-shift) != 0 {
			r.fail(at, "integer of more than %d bits", bits)
			return 0
		}
		v |= uint64(c&0x7f) << shift
		if c&0x80 == 0 {
			return v
		}
	}
}

// sleb reads a signed LEB128 of at most bits bits.
func (r *reader) sleb(bits uint) int64 {
	at := r.pos
	var v int64
	for shift := uint(0); ; shift += 7 {
		c := r.u8()
		if r.err != nil {
			return 0
		}
		if shift+7 > bits {
			// The unused bits of the last byte repeat the sign; no further byte may follow.
			top := int8(c<<1) >> (bits - shift)
			if c&0x80 != 0 || (top != 0 && top != -1) {
				r.fail(at, "integer of more than %d bits", bits)
				return 0
			}
		}
		v |= int64(c&0x7f) << shift
		if c&0x80 == 0 {
			if shift+7 < 64 && c&0x40 != 0 {
				v |= -1 << (shift + 7)
			}
			return v
		}
	}
}

func (r *reader) u32() uint32 { return uint32(r.uleb(32)) }

func (r *reader) name() string {
	at := r.pos
	b := r.bytes(r.u32())
	if !utf8.Valid(b) {
		r.fail(at, "a name is not UTF-8")
		return ""
	}
	return string(b)
}

// count reads the length of a vector whose items take at least one byte each.
func (r *reader) count() int {
	at := r.pos
	n := r.u32()
	if r.err == nil && uint64(n) > uint64(r.rest()) {
		r.fail(at, "a list of %d items in %d bytes", n, r.rest())
		return 0
	}
	return int(n)
}

// AppendU appends an unsigned LEB128.
func AppendU(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

// AppendS appends a signed LEB128.
func AppendS(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if (v == 0 && c&0x40 == 0) || (v == -1 && c&0x40 != 0) {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// AppendName appends a length-prefixed string.
func AppendName(b []byte, s string) []byte {
	return append(AppendU(b, uint64(len(s))), s...)
}
