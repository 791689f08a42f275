//go:build unix

package offheap

import (
	"runtime"

	"golang.org/x/sys/unix"
)

const (
	// smallMemory is how much of a mapping is left to small pages, so that a small state
	// takes little memory.
	smallMemory = 2 << 20
	// adviseHuge is Linux's MADV_HUGEPAGE.
	adviseHuge = 14
)

// mapMemory maps zeroed memory, large mappings by huge pages where the system has them:
// every update looks at a dozen places far from each other, and the processor would search
// for each where its small page lies.
func mapMemory(bytes int) []byte {
	b, err := unix.Mmap(-1, 0, bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	//lint:deterministic how memory is mapped, not what is computed in it
	if runtime.GOOS == "linux" && bytes > 2*smallMemory {
		_ = unix.Madvise(b[smallMemory:], adviseHuge) // advice alone; it works without
	}
	return b
}

func unmapMemory(b []byte) error { return unix.Munmap(b) }
