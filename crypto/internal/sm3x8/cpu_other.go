//go:build !amd64 || purego

package sm3x8

const wide = false

func blocks8(*[64]uint32, *byte, int, int) { panic("unreachable: there is no wide code here") }
