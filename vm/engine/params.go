// Package engine runs contract modules: each call on memory and globals as they were
// after initialisation, metered, and with the same outcome on every node.
package engine

import (
	"errors"

	"github.com/huchain/huchain/vm/check"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/instrument"

	"github.com/huchain/huchain/crypto"
)

// Params configure an Engine. Limits are a consensus rule and the same on all nodes, as
// is the schedule that comes with each call; the rest is a node's own affair.
type Params struct {
	// CacheDir holds admitted and compiled code by hash; "" makes both anew in each process.
	// Damage is found by checksums. Whoever can write there can make the node execute
	// anything: mode 0700.
	CacheDir    string
	Interpreter bool // portable and slow; outcomes are the same

	Limits check.Limits

	MaxModules     int   // compiled modules in memory
	MaxBytes       int64 // of them, by estimate; the last used one stays whatever its size
	MaxInstances   int   // idle instances kept per module
	MaxCached      int   // modules kept in CacheDir, compiled and admitted each
	MaxCachedBytes int64 // of both
	// NoCopyOnWrite resets memory by copying all of it, as on systems without memfd
	// and pagemap. For tests and for a kernel that misbehaves.
	NoCopyOnWrite bool
}

// DefaultParams returns limits 1 and room for some dozens of contracts.
func DefaultParams() Params {
	return Params{
		Limits:     check.LimitsV1(),
		MaxModules: 64, MaxBytes: 2 << 30,
		MaxInstances: 4,
		MaxCached:    256, MaxCachedBytes: 4 << 30,
	}
}

// Validate refuses what can't work.
func (p *Params) Validate() error {
	if p.MaxModules < 1 || p.MaxInstances < 1 || p.MaxCached < 1 || p.MaxBytes < 1 || p.MaxCachedBytes < 1 {
		return errors.New("the engine needs room for at least one module, one instance and one cached file")
	}
	return nil
}

const pageSize = 64 << 10

// Call is one call of a contract; method and kind come from Env.Info().
type Call struct {
	Code     crypto.Hash // of a module loaded under Schedule
	Schedule *instrument.Schedule
	Env      host.Env
	Args     []byte
	GasLimit uint64
}

// Outcome is what a call leaves besides what Env saw. Result is the guest's output and
// nil after an error; GasUsed is valid in every case.
type Outcome struct {
	Result  []byte
	GasUsed uint64
}

// MaxGas is the highest gas limit of a call.
const MaxGas = 1 << 50
