package state

import "unsafe"

// memory is an array of items without pointers, outside the garbage collector's heap where
// the system allows it: a heap that holds the tree would be let grow to twice its size, and
// pages that are never touched take no memory.
type memory[T any] struct {
	items  []T
	mapped []byte // nil: items are on the heap
}

func newMemory[T any](n int) memory[T] {
	var item T
	b := mapMemory(max(n, 1) * int(unsafe.Sizeof(item)))
	if b == nil {
		return memory[T]{items: make([]T, n)}
	}
	return memory[T]{unsafe.Slice((*T)(unsafe.Pointer(&b[0])), n), b}
}

// free gives the memory back; the items MUST NOT be used any more.
func (m *memory[T]) free() {
	m.items = nil
	if m.mapped != nil {
		_ = unmapMemory(m.mapped) // what cannot be unmapped stays mapped until the process ends
		m.mapped = nil
	}
}
