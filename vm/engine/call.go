// Package engine runs contract modules: each call on fresh memory, metered and
// deterministic.
package engine

import (
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/vm/host"
)

// Call is one entry into a contract. The method and the kind of entry come from
// Env.Info.
type Call struct {
	Code     crypto.Hash // SM3 of the module as loaded
	Env      host.Env
	Args     []byte
	GasLimit uint64
}

// Outcome is what a call gave. GasUsed is valid also where the call failed.
type Outcome struct {
	Result  []byte
	GasUsed uint64
}
