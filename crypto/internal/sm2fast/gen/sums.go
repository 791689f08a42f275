package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// at is what a parameter points to. Its register is needed only where it is used, so
// functions of many parameters load each again where they need it.
func at(param string) point { return pointAt(Load(Param(param), GP64())) }

// both are two neighbours in memory.
func both(param string, size int) [2]Mem {
	x := Mem{Base: Load(Param(param), GP64())}
	return [2]Mem{x, x.Offset(size)}
}

var pairNames = [2]string{"p", "q"}

// second is where the second point of a pair lies behind the first.
const second = 64

func gather() {
	TEXT("gatherADX", 0, "func(acc, before, p, q *[4]uint64) bool")
	Doc("gatherADX sets before = acc and multiplies acc by the difference of x within a pair, for two",
		"pairs side by side, since a product takes long and the processor can do both at once. It",
		"returns false and changes nothing where one has no difference. p and q are the x of the",
		"first of two neighbouring affines each, acc and before the first of two numbers.")
	Pragma("noescape")
	d := [2]Mem{local(), local()}
	for i, name := range pairNames {
		first := at(name).x
		sub(d[i], first.Offset(second), first)
		refuseZero(d[i])
	}
	for i := range d {
		store(both("before", 32)[i], load(both("acc", 32)[i]))
	}
	for i := range d {
		acc := both("acc", 32)[i]
		mul(acc, acc, d[i])
	}
	answer(1)
}

func spread() {
	TEXT("spreadADX", 0, "func(out, p, q, inv, before *[4]uint64)")
	Doc("spreadADX sets out to the sum of each pair, and multiplies inv by the difference of x within",
		"it, given inv·before = 1 / that difference. The arguments are as those of gatherADX, and",
		"out the x of the first of two neighbouring affines; it MUST NOT be one of the others.")
	Pragma("noescape")
	d, slope, x, t := [2]Mem{local(), local()}, [2]Mem{local(), local()}, [2]Mem{local(), local()}, [2]Mem{local(), local()}
	for i, name := range pairNames {
		first := at(name)
		sub(d[i], first.x.Offset(second), first.x)
		sub(t[i], first.y.Offset(second), first.y)
	}
	for i := range d {
		mul(slope[i], both("inv", 32)[i], both("before", 32)[i])
	}
	for i := range d {
		inv := both("inv", 32)[i]
		mul(inv, inv, d[i])
	}
	for i := range d {
		mul(slope[i], slope[i], t[i])
	}
	for i := range d {
		sqr(x[i], slope[i])
	}
	for i, name := range pairNames {
		first, out := at(name), both("out", second)[i]
		sub(x[i], x[i], first.x)
		sub(out, x[i], first.x.Offset(second))
		sub(t[i], first.x, out)
	}
	for i := range d {
		mul(t[i], t[i], slope[i])
	}
	for i, name := range pairNames {
		sub(both("out", second)[i].Offset(32), t[i], at(name).y)
	}
	RET()
}

func product() {
	TEXT("mulADX", 0, "func(z, x, y *[4]uint64)")
	Doc("mulADX sets z = x·y.")
	Pragma("noescape")
	t := local()
	mul(t, at("x").x, at("y").x)
	store(at("z").x, load(t))
	RET()
}

func squares() {
	TEXT("sqrNADX", 0, "func(z *[4]uint64, n uint64)")
	Doc("sqrNADX squares z n times, n > 0.")
	Pragma("noescape")
	z := at("z").x
	n := AllocLocal(8)
	MOVQ(Load(Param("n"), GP64()), n)
	Label("again")
	sqr(z, z)
	DECQ(n)
	JNZ(LabelRef("again"))
	RET()
}
