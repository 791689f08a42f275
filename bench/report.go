package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"time"

	"github.com/huchain/huchain/internal/version"
)

// Report is the outcome of a run. Times are milliseconds, CPU is microseconds.
type Report struct {
	Scenario   string     `json:"scenario"`
	About      string     `json:"about"`
	Started    time.Time  `json:"started"`
	Conditions Conditions `json:"conditions"`

	CommittedTPS   float64           `json:"committedTPS"`
	Committed      uint64            `json:"committed"` // receipts that say OK
	Refused        map[string]uint64 `json:"refused"`   // by error code
	OutcomeUnknown int               `json:"outcomeUnknown"`
	TPSBySecond    []uint64          `json:"tpsBySecond"`

	LatencyMs       Quantiles `json:"latencyMs"`       // submission to commit, as the client sees it
	BlockIntervalMs Quantiles `json:"blockIntervalMs"` // between blocks that hold transactions
	TxsPerBlock     float64   `json:"txsPerBlock"`

	CPUPerTxAndValidatorUs float64 `json:"cpuPerTxAndValidatorUs,omitempty"`
	GeneratorCPUPerTxUs    float64 `json:"generatorCPUPerTxUs"`
	ValidatorRSSBytesMax   int64   `json:"validatorRSSBytesMax,omitempty"`

	BytesPerTx     float64 `json:"bytesPerTx"`     // complete transaction
	BodyBytesPerTx float64 `json:"bodyBytesPerTx"` // what is signed
}

// Conditions are what a figure must not be quoted without.
type Conditions struct {
	Validators  int     `json:"validators"`
	Cores       int     `json:"cores"`
	SameMachine bool    `json:"validatorsOnThisMachine"`
	Signature   string  `json:"signature"`
	Execution   string  `json:"execution"`
	Durability  string  `json:"durability"`
	Contention  string  `json:"contention"`
	Loop        string  `json:"loop"`
	Members     int     `json:"members"`
	DurationS   float64 `json:"durationSeconds"`
	WarmupS     float64 `json:"warmupSeconds"`
	Build       string  `json:"build"`
	Go          string  `json:"go"`
	Platform    string  `json:"platform"`
}

// Quantiles of a duration, in milliseconds.
type Quantiles struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
	Mean float64 `json:"mean"`
}

func quantiles(h *histogram) Quantiles {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return Quantiles{P50: ms(h.quantile(0.50)), P99: ms(h.quantile(0.99)), Max: ms(h.max), Mean: ms(h.mean())}
}

func (r *run) report(ctx context.Context, w *window, before, after usages, drained error) (*Report, error) {
	elapsed := w.end.Sub(w.start).Seconds()
	rep := &Report{
		Scenario: r.sc.name, About: r.sc.about, Started: w.start.UTC().Truncate(time.Second), Conditions: r.conditions(elapsed),
		Committed: w.committed, CommittedTPS: float64(w.committed) / elapsed, Refused: w.refused, TPSBySecond: w.perSecond,
		LatencyMs: quantiles(&w.latency), BlockIntervalMs: quantiles(&w.interval),
	}
	if drained != nil {
		rep.OutcomeUnknown = r.track.left()
	}
	if w.blocks > 0 {
		rep.TxsPerBlock = float64(w.committed) / float64(w.blocks)
	}
	if w.submitted > 0 {
		rep.BytesPerTx = float64(w.bytes) / float64(w.submitted)
		rep.BodyBytesPerTx = float64(w.bodyBytes) / float64(w.submitted)
	}
	if w.committed > 0 {
		r.cost(rep, before, after)
	}
	return rep, ctx.Err()
}

// cost spreads CPU time over the committed transactions.
func (r *run) cost(rep *Report, before, after usages) {
	perTx := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(rep.Committed) }
	own := os.Getpid()
	rep.GeneratorCPUPerTxUs = perTx(after[own].cpu - before[own].cpu)
	var sum time.Duration
	n := 0
	for _, pid := range r.t.Processes {
		a, ok := after[pid]
		b, had := before[pid]
		if !ok || !had {
			continue
		}
		sum += a.cpu - b.cpu
		n++
		rep.ValidatorRSSBytesMax = max(rep.ValidatorRSSBytesMax, a.rssBytes)
	}
	if n > 0 {
		rep.CPUPerTxAndValidatorUs = perTx(sum) / float64(n)
	}
}

func (r *run) conditions(elapsed float64) Conditions {
	v := version.Get()
	loop := fmt.Sprintf("closed, at most %d in flight", r.p.InFlight)
	if r.p.Rate > 0 {
		loop = fmt.Sprintf("open, %d offered a second", r.p.Rate)
	}
	return Conditions{
		Validators: r.t.Validators, Cores: runtime.NumCPU(), SameMachine: len(r.t.Processes) > 0,
		Signature:  "SM2 with SM3, one a transaction, verified by every validator",
		Execution:  "contract in WASM, fresh memory for each call",
		Durability: "every block synced to disk before it is acknowledged",
		Contention: "none: every transaction writes keys of its own", Loop: loop,
		Members: r.p.Members, DurationS: elapsed, WarmupS: r.p.Warmup.Seconds(),
		Build: v.Release + " " + v.Commit, Go: v.Go, Platform: v.Platform,
	}
}

// Write writes the report to a file: JSON.
func (rep *Report) Write(path string) error {
	raw, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}

// Text renders the report for people.
func (rep *Report) Text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-34s %s\n", name, fmt.Sprintf(format, args...))
	}
	c := &rep.Conditions
	line("scenario", "%s (%s)", rep.Scenario, rep.About)
	line("committedTPS", "%.1f (%d in %.1f s)", rep.CommittedTPS, rep.Committed, c.DurationS)
	line("latency submit to commit, ms", "p50 %.1f  p99 %.1f  max %.1f", rep.LatencyMs.P50, rep.LatencyMs.P99, rep.LatencyMs.Max)
	line("block interval, ms", "p50 %.1f  p99 %.1f", rep.BlockIntervalMs.P50, rep.BlockIntervalMs.P99)
	line("transactions per block", "%.1f", rep.TxsPerBlock)
	line("errors", "%s", rep.errors())
	if rep.CPUPerTxAndValidatorUs > 0 {
		line("CPU per transaction and validator", "%.1f µs", rep.CPUPerTxAndValidatorUs)
		line("memory of a validator, max", "%.0f MiB", float64(rep.ValidatorRSSBytesMax)/(1<<20))
	}
	line("generator CPU per transaction", "%.1f µs", rep.GeneratorCPUPerTxUs)
	line("bytes per transaction", "%.1f (body %.1f)", rep.BytesPerTx, rep.BodyBytesPerTx)
	line("conditions", "%d validators, %d cores, validators on this machine: %t, %s", c.Validators, c.Cores, c.SameMachine, c.Platform)
	for _, s := range []string{c.Signature, c.Execution, c.Durability, c.Contention, c.Loop, fmt.Sprintf("%d members, warm-up %.0f s", c.Members, c.WarmupS), "build " + c.Build + ", " + c.Go} {
		line("", "%s", s)
	}
	return b.String()
}

func (rep *Report) errors() string {
	if len(rep.Refused) == 0 && rep.OutcomeUnknown == 0 {
		return "none"
	}
	var parts []string
	for code, n := range rep.Refused {
		parts = append(parts, fmt.Sprintf("%s: %d", code, n))
	}
	sort.Strings(parts)
	if rep.OutcomeUnknown > 0 {
		parts = append(parts, fmt.Sprintf("outcome unknown: %d", rep.OutcomeUnknown))
	}
	return strings.Join(parts, ", ")
}

// Failures is how many transactions did not take effect.
func (rep *Report) Failures() uint64 {
	n := uint64(rep.OutcomeUnknown)
	for _, c := range rep.Refused {
		n += c
	}
	return n
}
