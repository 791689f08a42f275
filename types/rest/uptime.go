package rest

import "github.com/huchain/huchain/crypto"

// Marks of a validator at one block.
const (
	MarkVoted  = '+' // the commit of the block holds its vote
	MarkMissed = '-' // it does not
	MarkNone   = '.' // it was no validator then, or the commit is not kept
)

// Uptime tells which validators voted on the blocks from From to To, both included; there
// are none where To is below From.
type Uptime struct {
	From  uint64            `json:"from"`
	To    uint64            `json:"to" doc:"The newest block whose votes are known: two below the newest"`
	Items []ValidatorUptime `json:"items" doc:"Validators of any of these blocks, those of the newest first"`
}

// ValidatorUptime is how one validator did.
type ValidatorUptime struct {
	Key    crypto.PublicKey `json:"key" doc:"SM2 key that signs headers"`
	Voted  int              `json:"voted" doc:"Blocks it voted on"`
	Missed int              `json:"missed" doc:"Blocks that were committed without its vote"`
	Marks  string           `json:"marks" doc:"One character a block: + voted, - missed, . no validator then or not known"`
}
