//go:build unix

package state

import "golang.org/x/sys/unix"

func mapMemory(bytes int) []byte {
	b, err := unix.Mmap(-1, 0, bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	return b
}

func unmapMemory(b []byte) error { return unix.Munmap(b) }
