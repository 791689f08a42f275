// Package host defines what a contract sees of the chain: the environment of one
// call, which the chain implements and the contract engine offers to the guest.
package host

import (
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Kind says how a contract was entered.
type Kind uint8

// The ways into a contract.
const (
	KindCall    Kind = iota // a transaction, or a call from another contract
	KindQuery               // read-only
	KindInit                // installation
	KindMigrate             // upgrade
)

// Caller is who calls: a member, or for a nested call the member at its start.
type Caller struct {
	Member  types.MemberID
	Org     string
	Address types.Address
	Roles   []types.Role
	DID     string // empty if the member has none
}

// Info is what a call knows about itself.
type Info struct {
	Kind     Kind
	Contract string // name, and state namespace
	Method   string
	Caller   Caller
	Height   uint64 // block being executed, or the tip for queries
	TimeMs   int64  // block time, Unix milliseconds
	TxID     crypto.Hash
}

// Pair is one row of a scan.
type Pair struct{ Key, Value []byte }

// Env is the chain as one call sees it. Every error ends the call with that error,
// but a *Failure of Call, which the calling contract may handle.
type Env interface {
	Info() *Info
	Get(key []byte) (value []byte, found bool, err error)
	Put(key, value []byte) error // HC-3105 in read-only calls
	Delete(key []byte) error     // HC-3105 in read-only calls
	// Scan returns up to limit rows of [start,end) in ascending order of keys, and
	// whether more follow; a nil end is the end of the namespace.
	Scan(start, end []byte, limit int) (pairs []Pair, more bool, err error)
	Emit(name string, data []byte) error
	// Call enters another contract with at most gas units.
	Call(contract, method string, args []byte, gas uint64) (result []byte, gasUsed uint64, err error)
	Log(text string)
}

// Failure is how a contract refuses: with a name of its own and words.
type Failure struct{ Contract, Name, Text string }

// Error returns "contract.name" or "contract.name: text".
func (f *Failure) Error() string {
	if f.Text == "" {
		return f.Contract + "." + f.Name
	}
	return f.Contract + "." + f.Name + ": " + f.Text
}
