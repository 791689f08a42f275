// Package contract is what a contract written in Go is made of: methods, the call
// they serve, events, errors, calls of other contracts, and the types that records
// are built from. Storage is in package state.
//
// A contract is a package main that lists its methods in one table:
//
//	var _ = contract.Methods(
//		contract.Call("deposit", deposit), // func(*contract.Ctx, DepositArgs) (Evidence, error)
//		contract.Query("get", get),        // func(*contract.View, GetArgs) (Evidence, error)
//	)
//
//	func main() { contract.Main() }
//
// The table is built while the module initialises, since main never runs in WASM.
// Arguments, results and records are structs with json tags; huchain contract build
// generates their codec (codec_gen.go) and the bundle's schema (schema.json).
//
// A method that takes a View cannot write, by type. State lives in the chain only:
// package variables start afresh with every call. Contracts use no floats, no map
// ranging, no time, rand, goroutines or reflection.
package contract
