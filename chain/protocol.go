package chain

import (
	"github.com/huchain/huchain/types"
)

// Protocol is a set of consensus rules with a version number: everything that decides
// results but is not itself in the state. A binary carries every version since genesis
// and refuses one it does not know.
type Protocol struct {
	Version      uint32
	TxBaseGas    uint64 // charged for every transaction
	SignatureGas uint64 // charged for every signature
	TxByteGas    uint64 // charged for every byte of the complete transaction
	CallDepth    int    // how deep contracts may call one another
	MaxEvents    int    // events one transaction may emit
	MaxBlockTxs  int    // transactions in one block
}

// ProtocolVersion is the newest version this binary knows.
const ProtocolVersion = 1

var protocols = []Protocol{
	{Version: 1, TxBaseGas: 10_000, SignatureGas: 50_000, TxByteGas: 10, CallDepth: 8, MaxEvents: 1_000, MaxBlockTxs: 100_000},
}

// protocolOf returns the rules of a version, or HC-5103.
func protocolOf(version uint32) (*Protocol, error) {
	for i := range protocols {
		if protocols[i].Version == version {
			return &protocols[i], nil
		}
	}
	return nil, types.Errorf(types.CodeProtocolUnknown, "protocol version %d; this binary knows 1 to %d", version, ProtocolVersion)
}

// IntrinsicGas is what a transaction of this size and number of signatures costs before
// any contract runs.
func (p *Protocol) IntrinsicGas(sizeBytes, signatures int) uint64 {
	return p.TxBaseGas + p.SignatureGas*uint64(signatures) + p.TxByteGas*uint64(sizeBytes)
}
