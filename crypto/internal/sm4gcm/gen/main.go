// Command gen writes the AVX2 assembly of package sm4gcm with avo. It is a module of its
// own, so that the product does not depend on its tools; run `go generate` beside it.
package main

import . "github.com/mmcloughlin/avo/build"

func main() {
	ConstraintExpr("!purego")
	c := constants()
	expandKey(c)
	for _, wide := range []bool{false, true} {
		crypt(c, wide)
		ghash(wide)
	}
	vaes()
	Generate()
}

// vaes asks the processor for the 256-bit forms of AESENCLAST and PCLMULQDQ.
func vaes() {
	TEXT("hasVAES", 0, "func() bool")
	Doc("hasVAES tells whether VAES and VPCLMULQDQ are there. AVX2 must be.")
	leaf7()
	RET()
}
