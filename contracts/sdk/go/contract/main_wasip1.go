//go:build wasip1

package contract

//go:wasmexport huchain_call
func call() { dispatch() }

// Main does nothing in WASM, where the chain calls the exported entry.
func Main() {}

// growStack has a frame so large that the goroutine's stack becomes one of 16 KiB.
func growStack()

// Calls run on the goroutine that runs this, with the stack it leaves in the snapshot.
// A stack of Go's usual 2 KiB would be moved to a larger one in the midst of each call,
// at up to 100,000 instructions.
var _ = func() struct{} {
	growStack()
	return struct{}{}
}()
