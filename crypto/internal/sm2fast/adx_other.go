//go:build !amd64 || purego

package sm2fast

// adx stays false: there is no assembly here.
var adx = false

func addAffineADX(*[4]uint64, *[4]uint64, uint64) bool { panic("unreachable") }

func addScaledADX(*[4]uint64, *[4]uint64, uint64) bool { panic("unreachable") }

func doubleADX(*[4]uint64, *[4]uint64) { panic("unreachable") }

func gatherADX(*[4]uint64, *[4]uint64, *[4]uint64, *[4]uint64) bool { panic("unreachable") }

func spreadADX(*[4]uint64, *[4]uint64, *[4]uint64, *[4]uint64, *[4]uint64) { panic("unreachable") }

func mulADX(*[4]uint64, *[4]uint64, *[4]uint64) { panic("unreachable") }

func sqrNADX(*[4]uint64, uint64) { panic("unreachable") }
