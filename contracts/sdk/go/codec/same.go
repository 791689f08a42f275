package codec

import "unsafe"

// Same compares n bytes of memory by words; Go's own comparison takes a guest 25
// instructions a byte.
func Same(p, q unsafe.Pointer, n uintptr) bool {
	for ; n >= 8; n -= 8 {
		if *(*uint64)(p) != *(*uint64)(q) {
			return false
		}
		p, q = unsafe.Add(p, 8), unsafe.Add(q, 8)
	}
	for ; n > 0; n-- {
		if *(*byte)(p) != *(*byte)(q) {
			return false
		}
		p, q = unsafe.Add(p, 1), unsafe.Add(q, 1)
	}
	return true
}
