//go:build !purego

package sm4gcm

import "golang.org/x/sys/cpu"

// fast tells whether the assembly can run here, vaes whether its wider form can.
var (
	fast = cpu.X86.HasAVX2 && cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ
	vaes = fast && hasVAES()
)
