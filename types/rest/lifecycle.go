package rest

import (
	"encoding/json"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Package is a contract package that was staged on the chain.
type Package struct {
	Package   crypto.Hash    `json:"package" doc:"SM3 of the package file"`
	Name      string         `json:"name"`
	Version   string         `json:"version"`
	Code      crypto.Hash    `json:"code" doc:"SM3 of the WASM module"`
	Publisher types.MemberID `json:"publisher" doc:"Who signed the package"`
	Height    uint64         `json:"height" doc:"When it was staged"`
	Ready     bool           `json:"ready" doc:"This node has compiled the code: installing it delays no block here"`
}

// Rehearsal compares past calls of a contract under its present code and under an upgrade.
type Rehearsal struct {
	Name    string          `json:"name"`
	Calls   int             `json:"calls" doc:"How many past calls were replayed"`
	Differs int             `json:"differs" doc:"How many of them give something else under the upgrade"`
	Items   []RehearsedCall `json:"items" doc:"The calls that differ, newest first"`
}

// RehearsedCall is one past call that an upgrade changes.
type RehearsedCall struct {
	TxID    crypto.Hash      `json:"txId"`
	Method  string           `json:"method"`
	Differs []string         `json:"differs" doc:"Of result, error, events and writes"`
	Present RehearsedOutcome `json:"present"`
	Upgrade RehearsedOutcome `json:"upgrade"`
}

// RehearsedOutcome is what a call gives.
type RehearsedOutcome struct {
	Code    string          `json:"code" example:"OK"`
	Error   string          `json:"error,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	GasUsed uint64          `json:"gasUsed"`
	Events  int             `json:"events"`
	Writes  int             `json:"writes"`
}
