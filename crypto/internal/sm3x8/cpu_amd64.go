//go:build !purego

package sm3x8

import "golang.org/x/sys/cpu"

// wide tells whether blocks8 can run here.
var wide = cpu.X86.HasAVX2
