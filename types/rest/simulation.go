package rest

import (
	"encoding/json"

	"github.com/huchain/huchain/crypto"
)

// Simulation is what a transaction would do if it were in the block after a height, by
// itself. Nothing of it is on the chain.
type Simulation struct {
	ID         crypto.Hash      `json:"id" doc:"Of the transaction as it was signed; it may still be submitted"`
	Height     uint64           `json:"height" doc:"State as of this height"`
	Receipt    Receipt          `json:"receipt"`
	GasLimit   uint64           `json:"gasLimit"`
	Events     []SimulatedEvent `json:"events"`
	WriteCount int              `json:"writeCount"`
	Writes     []SimulatedWrite `json:"writes" doc:"Rows it would write, the first 1,000"`
}

// SimulatedEvent is what a contract would announce.
type SimulatedEvent struct {
	Contract string          `json:"contract"`
	Name     string          `json:"name"`
	Data     json.RawMessage `json:"data"`
}

// SimulatedWrite is a row that a transaction would write.
type SimulatedWrite struct {
	NS      string      `json:"ns"`
	Key     Hex         `json:"key"`
	Text    string      `json:"keyText,omitempty" doc:"The key, where it is printable"`
	Deleted bool        `json:"deleted,omitempty"`
	Value   Hex         `json:"value,omitempty"`
	JSON    interface{} `json:"json,omitempty" doc:"The value, where it is JSON"`
}
