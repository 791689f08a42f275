// Package wasm reads and writes the WebAssembly binary format (core specification 2.0
// without SIMD) as far as admission and instrumentation need it: sections, constant
// expressions, function bodies and their instructions, with the byte offset of each.
//
// It judges form, not types: a decoded module may still fail validation by the runtime.
// All slices of a Module alias the input, which MUST NOT change afterwards.
package wasm
