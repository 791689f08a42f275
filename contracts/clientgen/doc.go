// Package clientgen writes typed clients of contracts: a Go package with a method for
// each method of the contract, types for its arguments, results and events, and names
// for its errors. It reads nothing but what an installed package says of itself.
package clientgen
