// Package chain is the pure state machine of one chain: it admits, checks and executes
// transactions against a state it is handed, and returns receipts, events and writes.
//
// It has no clock, network or disk and knows nothing of CometBFT: block time comes with
// the block, committed state through State, contract code through VM. The same blocks
// on the same genesis give the same results on every machine, so a replay of recorded
// blocks reproduces every header.
//
// Order of a transaction's life: Admit at ingress (advisory, against the wall clock),
// CheckBlock when a proposal is judged (a bad signature, duplicate, used or expired id
// makes the whole block unacceptable), Execute when it is decided. Only signature
// mathematics is remembered between the three; membership, role, freeze and expiry are
// read in serial order during execution.
//
// Where the parameter Policy names a supervision contract, its rules and blacklist (see
// package policy) are judged after authentication and before a contract is entered.
package chain
