// Package engine runs contract modules: each call on memory and globals as they were
// after initialisation, metered, and with the same outcome on every node.
package engine

import (
	"errors"
	"fmt"

	"github.com/huchain/huchain/vm/check"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/instrument"

	"github.com/huchain/huchain/crypto"
)

// Params configure an Engine. Schedule, Limits and MemoryLimitBytes are consensus
// rules and the same on all nodes; the rest is a node's own affair.
type Params struct {
	// CacheDir holds compiled code by hash; "" compiles anew in each process.
	// Whoever can write there can make the node execute anything: mode 0700.
	CacheDir    string
	Interpreter bool // portable and slow; outcomes are the same

	MemoryLimitBytes uint64 // of one instance, a multiple of 64 KiB
	Schedule         instrument.Schedule
	Limits           check.Limits

	MaxModules   int // compiled modules in memory
	MaxInstances int // idle instances kept per module
	MaxCached    int // compiled modules kept in CacheDir
	// NoCopyOnWrite resets memory by copying all of it, as on systems without memfd
	// and pagemap. For tests and for a kernel that misbehaves.
	NoCopyOnWrite bool
}

// DefaultParams returns gas schedule 1, limits 1 and 64 MiB of memory.
func DefaultParams() Params {
	return Params{
		MemoryLimitBytes: 64 << 20,
		Schedule:         instrument.ScheduleV1(),
		Limits:           check.LimitsV1(),
		MaxModules:       64,
		MaxInstances:     4,
		MaxCached:        256,
	}
}

// Validate refuses what can't work.
func (p *Params) Validate() error {
	switch {
	case p.MemoryLimitBytes%pageSize != 0 || p.MemoryLimitBytes == 0 || p.MemoryLimitBytes > 1<<30:
		return fmt.Errorf("memory limit of %d bytes: want a multiple of 64 KiB up to 1 GiB", p.MemoryLimitBytes)
	case uint64(p.Limits.Pages)*pageSize > p.MemoryLimitBytes:
		return fmt.Errorf("memory limit of %d bytes is below the %d pages that a module may start with", p.MemoryLimitBytes, p.Limits.Pages)
	case p.MaxModules < 1 || p.MaxInstances < 1 || p.MaxCached < 1:
		return errors.New("the engine needs room for at least one module, one instance and one cached file")
	}
	return p.Schedule.Validate()
}

const pageSize = 64 << 10

// Call is one call of a contract; method and kind come from Env.Info().
type Call struct {
	Code     crypto.Hash // of a loaded module
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
