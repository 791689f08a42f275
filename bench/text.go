package bench

import (
	"fmt"
	"strings"
)

// Text renders the report for people.
func (rep *Report) Text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-34s %s\n", name, fmt.Sprintf(format, args...))
	}
	c := &rep.Conditions
	line("scenario", "%s (%s)", rep.Scenario, rep.About)
	if d := rep.DIDs; d != nil {
		line("created", "%d in %.1f s: %.0f a second", d.Created, d.CreateSeconds, d.CreatedPerS)
		line("state bytes per DID", "%d (key %d, value %d, the rest head and leaf)", d.StateBytes, d.KeyBytes, d.ValueBytes)
		if d.DiskBytes > 0 {
			line("state store on disk per DID", "%.0f bytes, log of writes included", d.DiskBytes)
		}
		line("transaction bytes per DID", "%.0f", d.BlockBytes)
		line("lookups", "%d: %.0f a second", d.Lookups, d.LookupsPerS)
	}
	if rep.Committed > 0 {
		line("committedTPS", "%.1f (%d in %.1f s)", rep.CommittedTPS, rep.Committed, c.DurationS)
	}
	if rep.CallsPerSecond > 0 && rep.DIDs == nil {
		line("calls a second", "%.1f", rep.CallsPerSecond)
	}
	line("latency, ms", "p50 %.1f  p99 %.1f  max %.1f  mean %.1f", rep.LatencyMs.P50, rep.LatencyMs.P99, rep.LatencyMs.Max, rep.LatencyMs.Mean)
	if rep.Offered > 0 {
		line("offered", "%d, of which %d were never sent", rep.Offered, rep.NotSent)
	}
	if rep.Blocks > 0 {
		line("block interval, ms", "p50 %.1f  p99 %.1f  max %.1f", rep.BlockIntervalMs.P50, rep.BlockIntervalMs.P99, rep.BlockIntervalMs.Max)
		line("transactions per block", "%.1f, at most %d", rep.TxsPerBlock, rep.TxsPerBlockMax)
	}
	line("errors", "%s", rep.errors())
	rep.textCalls(line)
	rep.textCost(line)
	for i := range rep.Ramp {
		s := &rep.Ramp[i]
		line("ramp", "%d offered: %.1f committed a second, p99 %.1f ms, held: %t", s.Rate, s.CommittedTPS, s.LatencyMs.P99, s.Held)
	}
	if k := rep.Ceiling; k != nil {
		line("CometBFT alone", "%.1f a second, %.1f µs a transaction and validator, %.0f a block; the chain reaches %.1f %% of it",
			k.TPS, k.CPUPerTxAndValidatorUs, k.TxsPerBlock, 100*k.Share)
	}
	line("conditions", "%d validators, %d cores (%s), load before %.1f, validators on this machine: %t, %s",
		c.Validators, c.Cores, c.Machine, c.LoadBefore, c.SameMachine, c.Platform)
	more := []string{c.Signature, c.Links, c.Execution, c.Durability, c.Contention, c.Loop, fmt.Sprintf("%d members, warm-up %.0f s, %d existing records", c.Members, c.WarmupS, c.Existing), "build " + c.Build + ", " + c.Go}
	for _, s := range more {
		line("", "%s", s)
	}
	if rep.Signature != nil {
		line("signed by", "%s", rep.Signature.PublicKey)
	}
	return b.String()
}

func (rep *Report) textCalls(line func(name, format string, args ...any)) {
	for i := range rep.Calls {
		k := &rep.Calls[i]
		line("  "+k.Kind, "%d: mean %.1f  p50 %.1f  p99 %.1f  max %.1f ms, errors %s",
			k.Count, k.LatencyMs.Mean, k.LatencyMs.P50, k.LatencyMs.P99, k.LatencyMs.Max, codes(k.Errors))
	}
	if s := rep.Streams; s != nil {
		line("open sessions that follow", "%d, %d of them broken, %d to %d blocks each", s.Open, s.Broken, s.Fewest, s.Most)
	}
	if m := rep.Mirror; m != nil {
		line("mirror ("+m.Database+") behind, blocks", "mean %.2f, at most %d; two or less in %d of %d samples %s", m.LagBlocks, m.LagBlocksMax, m.WithinTwo, m.Samples, m.Failure)
	}
}

func (rep *Report) textCost(line func(name, format string, args ...any)) {
	if rep.CPUPerTxAndValidatorUs > 0 {
		line("CPU per "+rep.unit()+" and validator", "%.1f µs", rep.CPUPerTxAndValidatorUs)
		for _, stage := range StageNames {
			var each []string
			for i := range rep.Validators {
				if s := rep.Validators[i].StagesUs; s != nil {
					each = append(each, fmt.Sprintf("%6.1f", s[stage]))
				}
			}
			if len(each) > 0 {
				line("  "+stage, "%s", strings.Join(each, " "))
			}
		}
	}
	if rep.ValidatorRSSBytesMax > 0 {
		line("memory of a validator, max", "%.0f MiB", float64(rep.ValidatorRSSBytesMax)/(1<<20))
	}
	if g := rep.memoryGrowth(); g > 0 {
		line("memory at the end", "%.2f times that after a fifth of the run", g)
	}
	line("generator CPU per "+rep.unit(), "%.1f µs", rep.GeneratorCPUPerTxUs)
	if rep.BytesPerTx > 0 {
		line("bytes per transaction", "%.1f (body %.1f)", rep.BytesPerTx, rep.BodyBytesPerTx)
	}
}

// unit is what processor time is told for.
func (rep *Report) unit() string {
	if len(rep.Calls) > 0 {
		return "call"
	}
	return "transaction"
}

func (rep *Report) errors() string {
	if len(rep.Refused) == 0 && rep.OutcomeUnknown == 0 {
		return "none"
	}
	var parts []string
	if len(rep.Refused) > 0 {
		parts = append(parts, codes(rep.Refused))
	}
	if rep.OutcomeUnknown > 0 {
		parts = append(parts, fmt.Sprintf("outcome unknown: %d", rep.OutcomeUnknown))
	}
	return strings.Join(parts, ", ")
}
