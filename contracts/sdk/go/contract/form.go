package contract

import (
	"unsafe"

	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/codec"
)

// Form is how values of one type are read and written as JSON. Forms are made as a
// contract starts, so that calls find them in the snapshot: asking a value for an
// interface takes a guest some 600 instructions, the first time 50,000.
//
// A form also keeps the value it has written last, since what a contract stores it mostly
// announces and returns too, and three times the same JSON is a fifth of such a call.
type Form struct {
	zero any           // a pointer to the type
	dec  codec.Decoder // of a pointer to the type; nil for plain values and where nothing reads it
	enc  codec.Encoder // so too
	flat codec.Flat    // nil: values cannot be compared

	size uintptr
	last unsafe.Pointer         // the value written last, a copy
	keep func(v unsafe.Pointer) // sets it
	json []byte                 // of last; nil while there is none
}

var forms []*Form

// FormOf returns the form of T: a plain value (string, bool, int32, uint32, int64, uint64)
// or a type with a codec. It belongs into package variables and what they are made of.
func FormOf[T any]() *Form {
	last := new(T)
	return formOf(last, unsafe.Sizeof(*last), func(v unsafe.Pointer) { *last = *(*T)(v) })
}

func formOf(last any, size uintptr, keep func(unsafe.Pointer)) *Form {
	for _, f := range forms {
		if words(&f.zero)[0] == words(&last)[0] {
			return f
		}
	}
	f := &Form{zero: last, size: size, last: words(&last)[1], keep: keep}
	f.dec, _ = last.(codec.Decoder)
	f.enc, _ = last.(codec.Encoder)
	f.flat, _ = last.(codec.Flat)
	forms = append(forms, f)
	return f
}

// words are those that an interface consists of: type or methods, and a pointer.
func words[I any](p *I) *[2]unsafe.Pointer { return (*[2]unsafe.Pointer)(unsafe.Pointer(p)) }

// Decode reads JSON into what p points to, a value of the form's type.
func (f *Form) Decode(p any, r *codec.Reader) {
	if f.dec == nil {
		Decode(p, r)
		return
	}
	d := f.dec
	words(&d)[1] = noescape(words(&p)[1])
	d.DecodeJSON((*codec.Reader)(noescape(unsafe.Pointer(r))))
}

// Encode returns the JSON of what p points to, a value of the form's type, in memory that
// MUST NOT be changed.
func (f *Form) Encode(p any) []byte {
	v := noescape(words(&p)[1])
	if f.json != nil && codec.Same(v, f.last, f.size) {
		return f.json
	}
	b := abi.Keep(f.append(p, abi.Scratch(1024)))
	if f.flat == nil {
		return b
	}
	flat := f.flat
	if words(&flat)[1] = v; flat.FlatJSON() {
		f.keep(v)
		f.json = b
	}
	return b
}

func (f *Form) append(p any, b []byte) []byte {
	if f.enc == nil {
		return Append(p, b)
	}
	e := f.enc
	words(&e)[1] = noescape(words(&p)[1])
	return e.AppendJSON(b)
}
