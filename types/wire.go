package types

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/huchain/huchain/crypto"
)

// The encoder: append functions that leave out default values.

func appendUint(b []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	return appendElement(b, field, v)
}

// appendElement appends one element of a repeated field, empty or not.
func appendElement(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendString(b []byte, field protowire.Number, v string) []byte {
	if v == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendHash(b []byte, field protowire.Number, h crypto.Hash) []byte {
	if h.IsZero() {
		return b
	}
	return appendElement(b, field, h[:])
}

// reader walks a canonical message. The first fault sticks in err; after it every
// read answers zero, so that decoders need one check at their end.
type reader struct {
	rest []byte
	last protowire.Number // last field read, to enforce ascending order
	seen bool             // a field was peeked and not yet consumed
	num  protowire.Number
	typ  protowire.Type
	err  error
}

var errNotCanonical = errors.New("encoding is not canonical")

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest, r.seen = nil, false
}

func uvarintLen(v uint64) int { return protowire.SizeVarint(v) }

// varint reads a shortest-form varint.
func (r *reader) varint() uint64 {
	v, n := protowire.ConsumeVarint(r.rest)
	if n < 0 {
		r.fail(errors.New("truncated or overlong varint"))
		return 0
	}
	if n != uvarintLen(v) {
		r.fail(errNotCanonical)
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// next reports whether the next field is num of type typ and, if so, steps onto its value.
func (r *reader) next(num protowire.Number, typ protowire.Type) bool {
	if r.err != nil {
		return false
	}
	if !r.seen {
		if len(r.rest) == 0 {
			return false
		}
		tag := r.varint()
		if r.err != nil {
			return false
		}
		if tag>>3 == 0 || tag>>3 > 1<<20 {
			r.fail(errors.New("field number out of range"))
			return false
		}
		r.num, r.typ = protowire.Number(tag>>3), protowire.Type(tag&7)
		if r.num < r.last {
			r.fail(errNotCanonical)
			return false
		}
		r.seen = true
	}
	if r.num != num {
		return false
	}
	if r.typ != typ {
		r.fail(fmt.Errorf("field %d has the wrong wire type", num))
		return false
	}
	r.seen, r.last = false, num
	return true
}

// uint reads an optional number field; a zero that is written out is not canonical.
func (r *reader) uint(field protowire.Number, max uint64) uint64 {
	if !r.next(field, protowire.VarintType) {
		return 0
	}
	v := r.varint()
	if r.err == nil && v == 0 {
		r.fail(errNotCanonical)
	}
	if v > max {
		r.fail(fmt.Errorf("field %d is above %d", field, max))
		return 0
	}
	return v
}

// element reads one element of a repeated bytes field. The result aliases the input.
func (r *reader) element(field protowire.Number, max int) ([]byte, bool) {
	if !r.next(field, protowire.BytesType) {
		return nil, false
	}
	n := r.varint()
	if r.err != nil {
		return nil, false
	}
	if n > uint64(len(r.rest)) {
		r.fail(errors.New("truncated field"))
		return nil, false
	}
	if n > uint64(max) {
		r.fail(fmt.Errorf("field %d of %d bytes, at most %d allowed", field, n, max))
		return nil, false
	}
	v := r.rest[:n:n]
	r.rest = r.rest[n:]
	return v, true
}

// bytes reads an optional bytes field. The result aliases the input.
func (r *reader) bytes(field protowire.Number, max int) []byte {
	v, ok := r.element(field, max)
	if ok && len(v) == 0 {
		r.fail(errNotCanonical)
	}
	return v
}

// string reads an optional string field, which proto3 requires to be UTF-8.
func (r *reader) string(field protowire.Number, max int) string {
	v := r.bytes(field, max)
	if !utf8.Valid(v) {
		r.fail(fmt.Errorf("field %d is not UTF-8", field))
		return ""
	}
	return string(v)
}

// exact reads an optional field that holds len(dst) bytes, or none.
func (r *reader) exact(field protowire.Number, dst []byte) bool {
	v, ok := r.element(field, len(dst))
	if !ok {
		return false
	}
	if len(v) != len(dst) {
		r.fail(fmt.Errorf("field %d of %d bytes, want %d", field, len(v), len(dst)))
		return false
	}
	copy(dst, v)
	return true
}

func (r *reader) hash(field protowire.Number) crypto.Hash {
	var h crypto.Hash
	if r.exact(field, h[:]) && h.IsZero() {
		r.fail(errNotCanonical)
	}
	return h
}

// done reports the first fault, or the presence of an unknown or repeated field.
func (r *reader) done(what string) error {
	if r.err == nil && (r.seen || len(r.rest) > 0) {
		r.err = errors.New("unknown, repeated or misplaced field")
	}
	if r.err != nil {
		return fmt.Errorf("decode %s: %w", what, r.err)
	}
	return nil
}
