// Package sm2fast verifies SM2 signatures (GB/T 32918.2-2016 section 7) faster than a
// general library can, by keeping tables of multiples of the public keys it meets again
// and again. It behaves the same on every architecture: in pure Go, and on amd64 processors
// with ADX and BMI2 with the point operations in assembly, unless built with the tag purego.
//
// A key passes through three stages. On first use it has no table. On its second
// success it gets a comb of 2 KiB, after twenty a window table of 52 KiB, both within a
// byte budget. Only successful verifications count and only they make the verifier
// remember a key, so that nobody fills it with keys he cannot sign for.
//
// Signatures that come together (VerifyEach) are verified each by its own equation, but
// share the inversions of their additions.
//
// Everything here runs in variable time. It handles public data alone and MUST NOT see
// a private key or nonce: signing stays with gmsm.
package sm2fast
