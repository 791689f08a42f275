package crypto

import "github.com/huchain/huchain/crypto/internal/sm2fast"

// verifierBudgetBytes bounds the tables of frequent keys in a process, whatever number
// of chains it hosts: room for about 1,100 keys at full speed, a third of the time that
// a key without a table takes, and for 3,200 at half of it.
const verifierBudgetBytes = 64 << 20

var verifier = sm2fast.New(userID, verifierBudgetBytes)

// VerifierStats counts what signature verification did in this process since it
// started, and the memory its tables take.
type VerifierStats = sm2fast.Stats

// ReadVerifierStats returns the current figures, for metrics and benchmark reports.
func ReadVerifierStats() VerifierStats { return verifier.Stats() }
