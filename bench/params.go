package bench

import (
	"fmt"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
)

// Bounds of the body of a transaction of scenario evidence, in bytes. The contract keeps
// at most 2,200 characters, so above maxRawPayload part of them are escaped on the wire.
const (
	minPayload = 250
	maxPayload = 16 << 10
)

// Params say how to load a chain.
type Params struct {
	Scenario string
	Duration time.Duration // measured time
	Warmup   time.Duration // loaded but not measured, before it
	// Rate is how many operations are offered a second, in an open loop: their latency
	// counts from the time they were due. 0 is a closed loop: as many as are taken.
	Rate     int
	InFlight int // transactions submitted and not yet committed, at most
	Members  int // member keys used
	Batch    int // transactions in one submission

	Payload int     // bytes of a transaction's body, in scenario evidence
	Zipf    float64 // exponent by which accounts are picked, in scenario transfer; 0: uniformly
	Clients int     // clients in scenarios of single calls, each with one call at a time
	Stored  int     // deposits that are committed before reads are measured, in scenario read
	Streams int     // followers of the chain that are open meanwhile, each logged in as a member; each sees every block

	// Ramp raises the rate by half from step to step until the chain no longer holds it,
	// and measures at Share of the highest rate that it held.
	Ramp     bool
	RampStep time.Duration
	Share    float64

	Stages   bool   // sample where the validators spend their time
	Profiles string // folder that the samples are kept in, for go tool pprof; empty: none
}

// DefaultParams returns the published workload: 1,000 member keys, a unique hash each.
func DefaultParams() Params {
	return Params{
		Scenario: "evidence", Duration: time.Minute, Warmup: 5 * time.Second, InFlight: 2000, Members: 1000, Batch: 64,
		Payload: minPayload, Clients: 50, RampStep: 5 * time.Second, Share: 0.8, Stages: true,
	}
}

// Validate checks the ranges.
func (p *Params) Validate() error {
	sc, err := scenarioOf(p.Scenario)
	if err != nil {
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
	case p.Members < 2 || p.Members > 100_000:
		return usage("members %d are outside 2..100000", p.Members)
	case p.Batch < 1 || p.Batch > types.MaxBatch:
		return usage("batch %d is outside 1..%d", p.Batch, types.MaxBatch)
	case p.Payload < minPayload || p.Payload > maxPayload:
		return usage("payload of %d bytes is outside %d..%d", p.Payload, minPayload, maxPayload)
	case !(p.Zipf >= 0 && p.Zipf <= 4):
		return usage("Zipf exponent %g is outside 0..4", p.Zipf)
	case p.Clients < 1 || p.Clients > 10_000:
		return usage("clients %d are outside 1..10000", p.Clients)
	case p.Stored < 0 || p.Stored > 100_000_000:
		return usage("deposits %d are outside 0..100000000", p.Stored)
	case p.Streams < 0 || p.Streams > 10_000:
		return usage("streams %d are outside 0..10000", p.Streams)
	case p.Profiles != "" && !p.Stages:
		return usage("profiles are kept of what is sampled, which was turned off")
	case p.Ramp && (p.Rate > 0 || sc.single()):
		return usage("a ramp finds the rate by itself, of scenarios of transactions")
	case p.Ramp && (p.RampStep < time.Second || p.RampStep > 10*time.Minute || !(p.Share > 0 && p.Share <= 1)):
		return usage("ramp steps of %s or share %g are outside 1s..10m, 0..1", p.RampStep, p.Share)
	}
	return nil
}

func usage(format string, args ...any) error {
	return &types.Error{Code: types.CodeUsage, Detail: fmt.Sprintf(format, args...)}
}

// Process is a validator on this machine.
type Process struct {
	Name string
	PID  int
	// Profile is the base URL of its metrics listener, which serves profiles; empty if
	// it is out of reach.
	Profile string
}

// Target is the chain under load.
type Target struct {
	Nodes      []string // API address of each node that takes submissions
	Chain      string
	Genesis    crypto.Hash
	CA         *cert.CA  // of the organisation the bench's members join
	Validators int       // voters of the chain, for the report
	Existing   int       // records that the chain was founded with, for reads and for the report
	Mirror     bool      // the first node mirrors the chain
	Load       float64   // of the machine before the chain was started, see MachineLoad
	StateDir   string    // state store of one validator, where it is on this machine
	Processes  []Process // validators on this machine
}

// clients returns the parameters of a client for each node.
func (t *Target) clients() []client.Params {
	out := make([]client.Params, len(t.Nodes))
	for i, url := range t.Nodes {
		out[i] = client.DefaultParams(url)
		out[i].Chain, out[i].Genesis = t.Chain, t.Genesis
	}
	return out
}
