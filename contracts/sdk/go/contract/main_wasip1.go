//go:build wasip1

package contract

//go:wasmexport huchain_call
func call() { dispatch() }

// Main does nothing in WASM, where the chain calls the exported entry.
func Main() {}
