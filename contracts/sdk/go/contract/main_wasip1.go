//go:build wasip1

package contract

//go:wasmexport huchain_call
func call() {
	growStack()
	dispatch()
}

// Main does nothing in WASM, where the chain calls the exported entry.
func Main() {}

// growStack has a frame so large that Go gives the goroutine of a call a stack of 16 KiB
// at once. It would start with 2 KiB otherwise and be moved to a larger one in the
// midst of the contract, again and again, at up to 100,000 instructions each.
func growStack()

// The snapshot holds a free stack of that size, which a goroutine that is over has left.
var _ = func() struct{} {
	done := make(chan struct{})
	go func() {
		growStack()
		close(done)
	}()
	<-done
	return struct{}{}
}()
