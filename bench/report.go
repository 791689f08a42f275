package bench

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"sort"
	"time"

	"github.com/huchain/huchain/internal/version"
)

// ReportFormat is the version of the form of reports.
const ReportFormat = 1

// Report is the outcome of a run. Times are milliseconds, CPU is microseconds.
type Report struct {
	Format     int        `json:"format"`
	Scenario   string     `json:"scenario"`
	About      string     `json:"about"`
	Started    time.Time  `json:"started"`
	Conditions Conditions `json:"conditions"`

	CommittedTPS   float64           `json:"committedTPS"` // transactions whose receipts say OK, by blocks within the time
	Committed      uint64            `json:"committed"`
	Refused        map[string]uint64 `json:"refused"` // by error code
	OutcomeUnknown int               `json:"outcomeUnknown"`
	Offered        uint64            `json:"offered,omitempty"` // due within the time, in an open loop
	NotSent        uint64            `json:"notSent,omitempty"` // of those, not sent even a second after the end: the chain was too slow to take them
	TPSBySecond    []uint64          `json:"tpsBySecond"`

	// LatencyMs is from submission to commit as the client sees it; in an open loop from
	// when a transaction was due, whether or not it could be sent then.
	LatencyMs       Quantiles `json:"latencyMs"`
	LatencyBars     []Bucket  `json:"latencyBars"`
	BlockIntervalMs Quantiles `json:"blockIntervalMs"` // between blocks that hold transactions of the run
	Blocks          uint64    `json:"blocks"`
	TxsPerBlock     float64   `json:"txsPerBlock"`
	TxsPerBlockMax  int       `json:"txsPerBlockMax"`
	BlockBars       []Bucket  `json:"blockBars"` // transactions in a block

	// CPU is per committed transaction; in scenarios of single calls per call, reads too.
	CPUPerTxAndValidatorUs float64     `json:"cpuPerTxAndValidatorUs,omitempty"`
	GeneratorCPUPerTxUs    float64     `json:"generatorCPUPerTxUs"`
	ValidatorRSSBytesMax   int64       `json:"validatorRSSBytesMax,omitempty"`
	Validators             []Validator `json:"validators,omitempty"`

	BytesPerTx     float64 `json:"bytesPerTx"`     // complete transaction
	BodyBytesPerTx float64 `json:"bodyBytesPerTx"` // what is signed

	Calls          []CallReport   `json:"calls,omitempty"` // single calls, by kind
	CallsPerSecond float64        `json:"callsPerSecond,omitempty"`
	Streams        *StreamsReport `json:"streams,omitempty"`
	Mirror         *MirrorReport  `json:"mirror,omitempty"`
	Ramp           []Step         `json:"ramp,omitempty"`
	Ceiling        *Ceiling       `json:"ceiling,omitempty"`
	DIDs           *DIDReport     `json:"dids,omitempty"`
	Signature      *Signature     `json:"signature,omitempty"`
}

// Conditions are what a figure must not be quoted without.
type Conditions struct {
	Validators  int     `json:"validators"`
	Cores       int     `json:"cores"`
	Machine     string  `json:"machine"`
	MemoryBytes int64   `json:"memoryBytes"`
	LoadBefore  float64 `json:"loadBefore"` // of the machine, before the run: what else ran on it
	SameMachine bool    `json:"validatorsOnThisMachine"`
	Signature   string  `json:"signature"`
	Links       string  `json:"links"`
	Execution   string  `json:"execution"`
	Durability  string  `json:"durability"`
	Contention  string  `json:"contention"`
	Loop        string  `json:"loop"`
	Members     int     `json:"members"`
	Payload     int     `json:"payloadBytes,omitempty"`
	Existing    int     `json:"existingRecords"`
	DurationS   float64 `json:"durationSeconds"`
	WarmupS     float64 `json:"warmupSeconds"`
	Build       string  `json:"build"`
	Go          string  `json:"go"`
	Platform    string  `json:"platform"`
}

// Quantiles of a duration, in milliseconds.
type Quantiles struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
	Mean float64 `json:"mean"`
}

func quantiles(h *histogram) Quantiles {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return Quantiles{P50: ms(h.quantile(0.50)), P90: ms(h.quantile(0.90)), P99: ms(h.quantile(0.99)), Max: ms(h.max), Mean: round(ms(h.mean()), 3)}
}

// Validator is what one validator on this machine used.
type Validator struct {
	Name       string             `json:"name"`
	CPUPerTxUs float64            `json:"cpuPerTxUs"` // as CPUPerTxAndValidatorUs
	Cores      float64            `json:"cores"`      // busy on average
	StagesUs   map[string]float64 `json:"stagesUs,omitempty"`
	RSSBytes   []int64            `json:"rssBytes"` // once a second
}

// CallReport is what became of single calls of one kind.
type CallReport struct {
	Kind      string            `json:"kind"`
	Count     uint64            `json:"count"`
	LatencyMs Quantiles         `json:"latencyMs"`
	Errors    map[string]uint64 `json:"errors,omitempty"`
}

// Ceiling is what CometBFT alone decided on the same machine: with the same settings,
// links, stores and batches, and an application that does nothing.
type Ceiling struct {
	TPS                    float64 `json:"tps"`
	DurationS              float64 `json:"durationSeconds"`
	TxBytes                int     `json:"txBytes"`
	TxsPerBlock            float64 `json:"txsPerBlock"`
	CPUPerTxAndValidatorUs float64 `json:"cpuPerTxAndValidatorUs"` // with the making of transactions, which happens in the validators
	Share                  float64 `json:"share"`                  // of it that the chain reached
}

// SetCeiling adds what CometBFT alone reached.
func (rep *Report) SetCeiling(c Ceiling) {
	if c.TPS > 0 {
		c.Share = round(rep.CommittedTPS/c.TPS, 4)
	}
	rep.Ceiling = &c
}

// round keeps reports free of digits that mean nothing.
func round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}

func (r *run) report(m *measured, drained error) *Report {
	w := m.w
	elapsed := w.end.Sub(w.start).Seconds()
	rep := &Report{
		Format: ReportFormat, Scenario: r.sc.name, About: r.sc.about, Started: w.start.UTC().Truncate(time.Second), Conditions: r.conditions(m, elapsed),
		Committed: w.committed, CommittedTPS: round(float64(w.committed)/elapsed, 1), Refused: w.refused, TPSBySecond: seconds(w.perSecond, elapsed),
		Offered: m.offered, NotSent: m.missed,
		LatencyMs: quantiles(&w.latency), LatencyBars: w.latency.bars(), BlockIntervalMs: quantiles(&w.interval),
		Blocks: w.blocks, BlockBars: w.sizes.bars(), TxsPerBlockMax: w.sizes.max, Ramp: r.steps, Streams: r.streamsReport(), Mirror: m.mirror,
	}
	if r.sc.single() {
		r.reportCalls(rep, elapsed)
	}
	if drained != nil {
		rep.OutcomeUnknown = r.track.left()
	}
	if w.blocks > 0 {
		rep.TxsPerBlock = round(float64(w.committed)/float64(w.blocks), 1)
	}
	if w.submitted > 0 {
		rep.BytesPerTx = round(float64(w.bytes)/float64(w.submitted), 1)
		rep.BodyBytesPerTx = round(float64(w.bodyBytes)/float64(w.submitted), 1)
	}
	r.t.cost(rep, m, elapsed)
	return rep
}

// seconds fills up seconds in which nothing was committed, and drops the last one if it
// was cut off.
func seconds(per []uint64, elapsed float64) []uint64 {
	n := int(elapsed)
	for len(per) < n {
		per = append(per, 0)
	}
	return per[:n]
}

// reportCalls adds single calls; their latency is what the report shows.
func (r *run) reportCalls(rep *Report, elapsed float64) {
	r.calls.mu.Lock()
	defer r.calls.mu.Unlock()
	w := r.calls.last
	var all histogram
	for name, k := range w.kinds {
		rep.Calls = append(rep.Calls, CallReport{Kind: name, Count: k.latency.n, LatencyMs: quantiles(&k.latency), Errors: k.errors})
		all.merge(&k.latency)
	}
	sort.Slice(rep.Calls, func(i, j int) bool { return rep.Calls[i].Kind < rep.Calls[j].Kind })
	rep.CallsPerSecond = round(float64(all.n)/elapsed, 1)
	rep.LatencyMs, rep.LatencyBars = quantiles(&all), all.bars()
	if rep.Committed == 0 {
		rep.TPSBySecond = seconds(w.perSecond, elapsed)
	}
}

// cost spreads processor time over the committed transactions, in scenarios of single
// calls over all calls.
func (t *Target) cost(rep *Report, m *measured, elapsed float64) {
	n := float64(rep.Committed)
	if len(rep.Calls) > 0 {
		n = rep.CallsPerSecond * elapsed
	}
	if n == 0 {
		return
	}
	perTx := func(d time.Duration) float64 { return round(float64(d.Microseconds())/n, 2) }
	own := os.Getpid()
	rep.GeneratorCPUPerTxUs = perTx(m.after[own].cpu - m.before[own].cpu)
	var sum time.Duration
	for _, p := range t.Processes {
		a, ok := m.after[p.PID]
		b, had := m.before[p.PID]
		if !ok || !had {
			continue
		}
		used := a.cpu - b.cpu
		sum += used
		v := Validator{Name: p.Name, CPUPerTxUs: perTx(used), Cores: round(used.Seconds()/elapsed, 3)}
		if s := m.stages[p.PID]; s != nil {
			v.StagesUs = map[string]float64{}
			for _, name := range StageNames {
				v.StagesUs[name] = round(s.share(name)*v.CPUPerTxUs, 2)
			}
		}
		for _, at := range m.samples {
			v.RSSBytes = append(v.RSSBytes, at[p.PID].rssBytes)
			rep.ValidatorRSSBytesMax = max(rep.ValidatorRSSBytesMax, at[p.PID].rssBytes)
		}
		rep.Validators = append(rep.Validators, v)
	}
	if len(rep.Validators) > 0 {
		rep.CPUPerTxAndValidatorUs = round(perTx(sum)/float64(len(rep.Validators)), 2)
	}
}

func (r *run) conditions(m *measured, elapsed float64) Conditions {
	c := r.t.conditions()
	c.Loop = fmt.Sprintf("closed, at most %d in flight", r.p.InFlight)
	if r.sc.single() {
		c.Loop = fmt.Sprintf("closed, %d clients with one call each", r.p.Clients)
	}
	if rate := r.rate.Load(); rate > 0 {
		c.Loop = fmt.Sprintf("open, %d offered a second", rate)
	}
	if r.p.Streams > 0 {
		c.Loop += fmt.Sprintf(", beside %d that follow", r.p.Streams)
	}
	if r.sc.name == "read" {
		c.Loop += fmt.Sprintf(", once %d deposits are stored", max(r.p.Stored, readable))
	}
	if m.mirror != nil {
		c.Loop += ", mirrored into " + m.mirror.Database
	}
	c.Contention = r.sc.contention
	if r.sc.name == "transfer" {
		c.Contention = fmt.Sprintf("accounts picked by a Zipf distribution with exponent %g over %d", r.p.Zipf, r.p.Members)
	} else if r.sc.name != "query" {
		c.Payload = r.p.Payload
	}
	c.Members, c.DurationS, c.WarmupS = r.p.Members, round(elapsed, 3), r.p.Warmup.Seconds()
	return c
}

// conditions are those of the machine, the build and the chain.
func (t *Target) conditions() Conditions {
	v := version.Get()
	m := thisMachine()
	return Conditions{
		Validators: t.Validators, Cores: runtime.NumCPU(), Machine: m.cpu, MemoryBytes: m.memoryBytes, LoadBefore: t.Load,
		SameMachine: len(t.Processes) > 0,
		Signature:   "SM2 with SM3, one a transaction, verified by every validator",
		Links:       "TLCP between validators; HTTP on loopback from the generator",
		Execution:   "contract in WASM, fresh memory for each call",
		Durability:  "every block synced to disk before it is acknowledged",
		Existing:    t.Existing,
		Build:       v.Release + " " + v.Commit, Go: v.Go, Platform: v.Platform,
	}
}

// memoryGrowth is the memory of validators at the end over that after a fifth of the run,
// of the one that grew most; 0 if it is not known.
func (rep *Report) memoryGrowth() (most float64) {
	for i := range rep.Validators {
		m := rep.Validators[i].RSSBytes
		if n := len(m); n > 0 && m[n/5] > 0 {
			most = max(most, float64(m[n-1])/float64(m[n/5]))
		}
	}
	return round(most, 3)
}

// Failures is how many transactions and calls did not take effect.
func (rep *Report) Failures() uint64 {
	n := uint64(rep.OutcomeUnknown)
	for _, c := range rep.Refused {
		n += c
	}
	for i := range rep.Calls {
		for _, c := range rep.Calls[i].Errors {
			n += c
		}
	}
	return n
}
