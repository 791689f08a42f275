//go:build !linux

package engine

// newImage keeps a copy: copy-on-write memory needs Linux.
func newImage(memory []byte, _ uint64) image { return heapImage(append([]byte{}, memory...)) }
