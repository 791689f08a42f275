package rest

import (
	"time"

	"github.com/huchain/huchain/crypto"
)

// Batch answers the submission of several transactions at once: one item for each, in
// order.
type Batch struct {
	Items []BatchItem `json:"items"`
}

// BatchItem says whether one transaction of a batch is in the pool.
type BatchItem struct {
	ID           crypto.Hash `json:"id,omitempty" doc:"Zero where the bytes are no transaction"`
	Code         string      `json:"code" example:"OK" doc:"OK, or the error number of a transaction that was not taken"`
	Detail       string      `json:"detail,omitempty"`
	RetryAfterMs int64       `json:"retryAfterMs,omitempty" doc:"How long to wait before the same transaction may be taken"`
}

// Outcomes is what became of the transactions of a block, in few bytes: for clients that
// follow many.
type Outcomes struct {
	Height  uint64          `json:"height"`
	Time    time.Time       `json:"time"`
	TxIDs   []crypto.Hash   `json:"txIds"`
	Refused []RefusedInside `json:"refused" doc:"Those committed without effect; all others took effect"`
}

// RefusedInside is a transaction that is in a block without effect.
type RefusedInside struct {
	Index uint32 `json:"index"`
	Code  string `json:"code" example:"HC-3103"`
}
