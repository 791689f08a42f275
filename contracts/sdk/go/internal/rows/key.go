package rows

import (
	"unsafe"

	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
)

// Key is implemented by pointers to types that serve as keys beside the plain ones:
// AppendKey writes text whose order is the order of the values.
type Key interface {
	AppendKey(b []byte) []byte
	DecodeKey(b []byte) bool
}

// Terminate escapes the zero bytes of b[start:] and ends it with one.
func Terminate(b []byte, start int) []byte {
	for i := zero(b, start); i < len(b); i = zero(b, i+2) {
		b = append(b, 0)
		copy(b[i+2:], b[i+1:])
		b[i+1] = 0xFF
	}
	return append(b, 0)
}

// zero returns the place of the first zero byte of b from i on, len(b) if there is none.
// Guests pay for every instruction: it looks at eight bytes at a time while none of them
// is zero.
func zero(b []byte, i int) int {
	const each, high = 0x0101010101010101, 0x8080808080808080
	for p := unsafe.Pointer(unsafe.SliceData(b)); i+8 <= len(b); i += 8 {
		if w := *(*uint64)(unsafe.Add(p, i)); (w-each)&^w&high != 0 {
			break
		}
	}
	for i < len(b) && b[i] != 0 {
		i++
	}
	return i
}

// Cut parts the first of several texts that Terminate has ended from the others, and
// leaves it as it is. The list MUST NOT be empty.
func Cut(list []byte) (first, rest []byte) {
	i := zero(list, 0)
	for i+1 < len(list) && list[i+1] == 0xFF {
		i = zero(list, i+2)
	}
	i = min(i+1, len(list))
	return list[:i:i], list[i:]
}

// Split undoes Terminate.
func Split(b []byte) (first, rest []byte, ok bool) {
	i := zero(b, 0)
	switch {
	case i == len(b):
		return nil, nil, false
	case i+1 < len(b) && b[i+1] == 0xFF:
		return splitEscaped(b, i)
	}
	return b[:i], b[i+1:], true
}

func splitEscaped(b []byte, i int) (first, rest []byte, ok bool) {
	first = append(first, b[:i]...)
	for ; i < len(b); i++ {
		if b[i] == 0 {
			if i+1 == len(b) || b[i+1] != 0xFF {
				return first, b[i+1:], true
			}
			first = append(first, 0)
			i++
			continue
		}
		first = append(first, b[i])
	}
	return nil, nil, false
}

// PrepareKey has calls find the methods of a type of keys in the snapshot; it refuses types
// that cannot be keys.
func PrepareKey(k any) { AppendKey(nil, k) }

// AppendKey appends the key that k points to: a string, Member, Org, DID, uint32,
// uint64, int64, or a Key (Hash, Address, Time, Pair).
func AppendKey(b []byte, k any) []byte {
	switch k := contract.Unkept(k).(type) {
	case *contract.Hash:
		return k.AppendKey(b)
	case *contract.Time:
		return k.AppendKey(b)
	case *string:
		return append(b, *k...)
	case *contract.Member:
		return append(b, *k...)
	case *contract.Org:
		return append(b, *k...)
	case *contract.DID:
		return append(b, *k...)
	case *uint32:
		return appendFixed(b, uint64(*k), 8)
	case *uint64:
		return appendFixed(b, *k, 16)
	case *int64:
		return appendFixed(b, uint64(*k)^1<<63, 16)
	case Key: // last: finding out takes some 600 instructions
		return k.AppendKey(b)
	}
	panic("a type cannot be a key")
}

// DecodeKey reads what AppendKey wrote.
func DecodeKey(k any, b []byte) (ok bool) {
	var v uint64
	switch k := contract.Unkept(k).(type) {
	case *string:
		*k = string(b)
	case *contract.Member:
		*k = contract.Member(b)
	case *contract.Org:
		*k = contract.Org(b)
	case *contract.DID:
		*k = contract.DID(b)
	case *uint32:
		v, ok = fixed(b, 8)
		*k = uint32(v)
		return ok
	case *uint64:
		*k, ok = fixed(b, 16)
		return ok
	case *int64:
		v, ok = fixed(b, 16)
		*k = int64(v ^ 1<<63)
		return ok
	case Key:
		return k.DecodeKey(b)
	default:
		panic("a type cannot be a key")
	}
	return true
}

// appendFixed appends v as n lower-case hex digits.
func appendFixed(b []byte, v uint64, n int) []byte {
	for shift := 4 * (n - 1); shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[v>>shift&15])
	}
	return b
}

func fixed(b []byte, n int) (v uint64, ok bool) {
	if len(b) != n {
		return 0, false
	}
	for _, c := range b {
		switch {
		case c-'0' <= 9:
			v = v<<4 | uint64(c-'0')
		case c-'a' <= 5:
			v = v<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

// Name is a declared piece of storage with "/" at its end.
type Name string

// Row builds a key: the name, the partition with its end unless it is nil, and k
// unless it is nil.
func (n Name) Row(partition, k any) []byte {
	b := append(abi.Scratch(abi.MaxKeyBytes+64), n...)
	if partition != nil {
		b = Terminate(AppendKey(b, partition), len(n))
	}
	if k != nil {
		b = AppendKey(b, k)
	}
	return n.bounded(abi.Keep(b))
}

// Decode reads the key k points to from the text b.
func (n Name) Decode(k any, b []byte) {
	if !DecodeKey(k, b) {
		abi.Fail("internal", "malformed key in "+string(n))
	}
}

// Of returns the key of the row whose key text is k.
func (n Name) Of(k []byte) []byte {
	b := append(abi.Scratch(len(n)+len(k)), n...)
	return n.bounded(append(b, k...))
}

// In returns the key of the row with key text k in the partition whose text is part.
func (n Name) In(part, k []byte) []byte {
	b := append(abi.Scratch(len(n)+len(part)+len(k)+8), n...)
	b = Terminate(append(b, part...), len(n))
	return n.bounded(abi.Keep(append(b, k...)))
}

// Entry returns the key of the row with key text k in the partition whose text is part,
// as Terminate has ended it.
func (n Name) Entry(part, k []byte) []byte {
	b := append(abi.Scratch(len(n)+len(part)+len(k)), n...)
	return n.bounded(append(append(b, part...), k...))
}

// Within returns what the keys of all rows begin with whose partition's text begins
// with prefix.
func (n Name) Within(prefix []byte) []byte {
	b := append(make([]byte, 0, len(n)+len(prefix)+8), n...)
	b = Terminate(append(b, prefix...), len(n))
	return b[:len(b)-1]
}

func (n Name) bounded(b []byte) []byte {
	if len(b) > abi.MaxKeyBytes {
		abi.Fail("bad_arguments", "key too long for "+string(n[:len(n)-1]))
	}
	return b
}
