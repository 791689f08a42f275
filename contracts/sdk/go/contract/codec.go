package contract

import (
	"unsafe"

	"github.com/huchain/huchain/contracts/sdk/go/codec"
)

// The functions of this file take pointers in interfaces rather than type parameters,
// because each instance of a generic function adds to the size of a guest.

const noCodec = "a type has no codec: run huchain contract build"

// Decode reads JSON into p, a pointer to a plain value (string, bool, int32, uint32,
// int64, uint64) or to a type with a codec: one of this package or one that the
// generator has seen. It panics on other types. Contracts need it through package
// state alone, and a [Form] does it for less. A codec MUST NOT keep its receiver or r.
func Decode(p any, r *codec.Reader) {
	switch p := Unkept(p).(type) {
	case *string:
		*p = r.String()
	case *bool:
		*p = r.Bool()
	case *uint32:
		*p = r.Uint32()
	case *int32:
		*p = r.Int32()
	case *uint64:
		*p = r.Uint64()
	case *int64:
		*p = r.Int64()
	case codec.Decoder: // last: finding out takes some 600 instructions
		p.DecodeJSON((*codec.Reader)(noescape(unsafe.Pointer(r))))
	default:
		panic(noCodec)
	}
}

// Unkept returns p, which is not kept by who is given it. The compiler cannot know that
// of the methods of an interface, and would put every value with a codec on the heap: a
// thousand instructions each.
func Unkept(p any) any {
	in := (*[2]unsafe.Pointer)(unsafe.Pointer(&p)) // type and value
	out := [2]unsafe.Pointer{noescape(in[0]), noescape(in[1])}
	return *(*any)(unsafe.Pointer(&out))
}

// noescape hides a pointer from escape analysis, as in package strings.
func noescape(p unsafe.Pointer) unsafe.Pointer {
	x := uintptr(p)
	return *(*unsafe.Pointer)(unsafe.Pointer(&x))
}

// Append writes the value that p, a pointer as Decode takes, points to.
func Append(p any, b []byte) []byte {
	switch p := Unkept(p).(type) {
	case *string:
		return codec.AppendString(b, *p)
	case *bool:
		return codec.AppendBool(b, *p)
	case *uint32:
		return codec.AppendUint(b, uint64(*p))
	case *int32:
		return codec.AppendInt(b, int64(*p))
	case *uint64:
		return codec.AppendUint64(b, *p)
	case *int64:
		return codec.AppendInt64(b, *p)
	case codec.Encoder:
		return p.AppendJSON(b)
	}
	panic(noCodec)
}

// JSON returns the canonical JSON of v, as it is stored and returned.
func JSON[T any](v T) []byte { return Append(&v, nil) }
