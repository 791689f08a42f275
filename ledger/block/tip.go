package block

import "github.com/huchain/huchain/ledger/state"

// TipRow is the row that names the newest block of a store.
func TipRow(height uint64) (key, value []byte) { return tipKey, state.Seal(tipKey, u64(height)) }
