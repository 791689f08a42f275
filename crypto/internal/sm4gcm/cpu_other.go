//go:build !amd64 || purego

package sm4gcm

const (
	fast = false
	vaes = false

	unreachable = "unreachable: there is no assembly here"
)

func expandKey(*[32]uint32, *[16]byte) { panic(unreachable) }

func crypt16(_, _ *byte, _ int, _ *[32]uint32, _ *[12]byte, _ uint32)     { panic(unreachable) }
func crypt16VAES(_, _ *byte, _ int, _ *[32]uint32, _ *[12]byte, _ uint32) { panic(unreachable) }

func ghash(_ *[16]byte, _ *[16][16]byte, _ *byte, _ int)           { panic(unreachable) }
func ghashVPCLMULQDQ(_ *[16]byte, _ *[16][16]byte, _ *byte, _ int) { panic(unreachable) }
