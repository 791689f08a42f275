//go:build !purego

package sm2fast

import "golang.org/x/sys/cpu"

//go:generate go -C gen run . -out ../point_adx_amd64.s -stubs ../point_adx_amd64.go -pkg sm2fast

// adx tells whether the assembly of the point operations can run here.
var adx = cpu.X86.HasADX && cpu.X86.HasBMI2
