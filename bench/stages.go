package bench

import "strings"

// Stages of the work of a validator, in the order in which a transaction goes through.
const (
	StageAPI        = "api"
	StageMempool    = "mempool"
	StageSignatures = "signatures"
	StageExecution  = "execution"
	StageVM         = "vm"
	StageState      = "state"
	StageStorage    = "storage"
	StageConsensus  = "consensus"
	StageLinks      = "links"
	StageMemory     = "memory"
	StageRuntime    = "runtime"
)

// StageNames are all stages in order.
var StageNames = []string{
	StageAPI, StageMempool, StageSignatures, StageExecution, StageVM, StageState, StageStorage, StageConsensus, StageLinks, StageMemory, StageRuntime,
}

const ourModule = "github.com/huchain/huchain/"

// stageRules say to which stage a function belongs, by the beginning of its name; the
// first that fits counts. What fits none, such as hashing or encoding, belongs to whoever
// called it.
var stageRules = []struct{ prefix, stage string }{
	{ourModule + "crypto/tlcp", StageLinks},
	{ourModule + "crypto.PublicKey.Verify", StageSignatures},
	{ourModule + "crypto.(*Verifier)", StageSignatures},
	{ourModule + "crypto/internal/sm2fast", StageSignatures},
	{ourModule + "consensus/links", StageLinks},
	{ourModule + "consensus.(*carrierReactor)", StageMempool},
	{ourModule + "consensus.(*admitter)", StageMempool},
	{ourModule + "consensus.(*pool)", StageMempool},
	{ourModule + "consensus.cometMempool", StageMempool},
	{ourModule + "consensus", StageConsensus},
	{ourModule + "ledger/state", StageState},
	{ourModule + "ledger", StageStorage},
	{ourModule + "vm", StageVM},
	{ourModule + "chain", StageExecution},
	{ourModule + "node", StageAPI},
	{"github.com/tetratelabs/wazero", StageVM},
	{"runtime._ExternalCode", StageVM}, // compiled contracts
	{"github.com/cockroachdb/pebble", StageStorage},
	{"github.com/cometbft/cometbft/p2p", StageLinks},
	{"github.com/cometbft/cometbft", StageConsensus},
	{"github.com/libp2p", StageLinks},
	{"github.com/danielgtaylor/huma", StageAPI},
	{"net/http", StageAPI},
	{"runtime.gcBgMarkWorker", StageMemory},
	{"runtime.gcAssistAlloc", StageMemory},
	{"runtime.bgsweep", StageMemory},
	{"runtime.bgscavenge", StageMemory},
}

// stages is how a validator's processor time is spread, in nanoseconds of the profile.
type stages struct {
	nanos map[string]int64
	total int64
	raw   []byte // the profile, if it was fetched
}

// splitProfile reads a CPU profile and gives each sample to the stage of the innermost
// function that has one.
func splitProfile(raw []byte) (*stages, error) {
	p, err := parseProfile(raw)
	if err != nil {
		return nil, err
	}
	known := map[uint64]string{} // stage of a function, "" for none
	stageOf := func(function uint64) string {
		s, ok := known[function]
		if !ok {
			s = stageOfName(p.name(function))
			known[function] = s
		}
		return s
	}
	out := &stages{nanos: map[string]int64{}}
	for i := range p.samples {
		s := &p.samples[i]
		stage := StageRuntime
	search:
		for _, l := range s.locations {
			for _, f := range p.locations[l] {
				if found := stageOf(f); found != "" {
					stage = found
					break search
				}
			}
		}
		out.nanos[stage] += s.nanos
		out.total += s.nanos
	}
	return out, nil
}

func stageOfName(name string) string {
	for _, r := range stageRules {
		if strings.HasPrefix(name, r.prefix) {
			return r.stage
		}
	}
	return ""
}

// share is the part of a stage, 0 to 1.
func (s *stages) share(stage string) float64 {
	if s == nil || s.total == 0 {
		return 0
	}
	return float64(s.nanos[stage]) / float64(s.total)
}
