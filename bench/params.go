package bench

import (
	"fmt"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
)

// Params say how to load a chain.
type Params struct {
	Scenario string
	Duration time.Duration // measured time
	Warmup   time.Duration // loaded but not measured, before it
	Rate     int           // transactions offered a second; 0: as many as InFlight allows
	InFlight int           // transactions submitted and not yet committed, at most
	Members  int           // member keys used, uniformly
	Batch    int           // transactions in one submission
}

// DefaultParams returns the published workload: 1,000 member keys, a unique hash each.
func DefaultParams() Params {
	return Params{Scenario: "evidence", Duration: time.Minute, Warmup: 5 * time.Second, InFlight: 2000, Members: 1000, Batch: 64}
}

// Validate checks the ranges.
func (p *Params) Validate() error {
	if _, err := scenarioOf(p.Scenario); err != nil {
		return err
	}
	switch {
	case p.Duration < time.Second || p.Duration > 24*time.Hour:
		return usage("duration %s is outside 1s..24h", p.Duration)
	case p.Warmup < 0 || p.Warmup > time.Hour:
		return usage("warm-up %s is outside 0s..1h", p.Warmup)
	case p.Rate < 0 || p.Rate > 1_000_000:
		return usage("rate %d is outside 0..1000000", p.Rate)
	case p.InFlight < 1 || p.InFlight > 1_000_000:
		return usage("in-flight bound %d is outside 1..1000000", p.InFlight)
	case p.Members < 1 || p.Members > 100_000:
		return usage("members %d is outside 1..100000", p.Members)
	case p.Batch < 1 || p.Batch > types.MaxBatch:
		return usage("batch %d is outside 1..%d", p.Batch, types.MaxBatch)
	}
	return nil
}

func usage(format string, args ...any) error {
	return &types.Error{Code: types.CodeUsage, Detail: fmt.Sprintf(format, args...)}
}

// Target is the chain under load.
type Target struct {
	Nodes      []string // API address of each node that takes submissions
	Chain      string
	Genesis    crypto.Hash
	CA         *cert.CA    // of the organisation the bench's members join
	Validators int         // voters of the chain, for the report
	StateDir   string      // state store of one validator, where it is on this machine
	Processes  map[int]int // process id of validator i, where it runs on this machine
}

// connect opens a client for each node.
func (t *Target) clients() []client.Params {
	out := make([]client.Params, len(t.Nodes))
	for i, url := range t.Nodes {
		out[i] = client.DefaultParams(url)
		out[i].Chain, out[i].Genesis = t.Chain, t.Genesis
	}
	return out
}
