// Package abi is version 1 of the boundary between a contract and the chain, as Go
// functions: in WASM the imports of module huchain, elsewhere a Host that tests and
// the native runner set. Contracts use packages contract and state instead.
package abi

// Limits of the chain that the SDK relies on, in bytes.
const (
	MaxKeyBytes  = 256
	MaxNameBytes = 64
)

// Failure is how a contract refuses. Natively Fail panics with it; in WASM it ends
// the call.
type Failure struct{ Name, Text string }

// Error returns the name, and the text where there is one.
func (f *Failure) Error() string {
	if f.Text == "" {
		return f.Name
	}
	return f.Name + ": " + f.Text
}
