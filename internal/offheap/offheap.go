// Package offheap keeps large arrays of items without pointers outside the garbage
// collector's heap, where the system allows it: a heap that holds them would be let grow to
// twice their size, and parts that are never touched take no memory.
package offheap

import "unsafe"

// Array is such an array, of zeros at first. Its items MUST hold no pointers, and MUST NOT be
// used any more once it is freed.
type Array[T any] struct {
	Items  []T
	mapped []byte // nil: items are on the heap
}

// New makes an array of n items.
func New[T any](n int) Array[T] {
	var item T
	b := mapMemory(max(n, 1) * int(unsafe.Sizeof(item)))
	if b == nil {
		return Array[T]{Items: make([]T, n)}
	}
	return Array[T]{unsafe.Slice((*T)(unsafe.Pointer(&b[0])), n), b}
}

// Free gives the memory back.
func (a *Array[T]) Free() {
	a.Items = nil
	if a.mapped != nil {
		_ = unmapMemory(a.mapped) // what cannot be unmapped stays mapped until the process ends
		a.mapped = nil
	}
}
