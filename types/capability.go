package types

// Capability is a power over the chain that the manifest of a contract declares. Its
// module may import the host functions that need a declared one, and no others. What a
// call knows of itself (arguments, caller, block, transaction), hashing, the result and
// the debug log need none.
type Capability string

// The capabilities.
const (
	CapabilityCall   Capability = "call"   // call other contracts
	CapabilityDID    Capability = "did"    // ask contract identity for the caller's DID
	CapabilityEmit   Capability = "emit"   // announce events
	CapabilityRead   Capability = "read"   // read the contract's own state
	CapabilityVerify Capability = "verify" // verify SM2 signatures
	CapabilityWrite  Capability = "write"  // change the contract's own state
)

// Capabilities are all capabilities, ascending.
func Capabilities() []Capability {
	return []Capability{CapabilityCall, CapabilityDID, CapabilityEmit, CapabilityRead, CapabilityVerify, CapabilityWrite}
}
