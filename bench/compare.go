package bench

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// Comparison is one figure of two sets of reports.
type Comparison struct {
	Figure  string  `json:"figure"`
	Unit    string  `json:"unit"`
	A       float64 `json:"a"` // median
	B       float64 `json:"b"`
	Change  float64 `json:"change"` // of B over A, 0.1 for 10 % more
	P       float64 `json:"p"`      // chance of such a difference by noise alone; 1 if there are too few samples
	Samples [2]int  `json:"samples"`
	Verdict string  `json:"verdict"` // better, worse, noise, unknown
}

// Verdicts of a comparison.
const (
	VerdictBetter  = "better"
	VerdictWorse   = "worse"
	VerdictNoise   = "noise"
	VerdictUnknown = "unknown" // too few samples to tell
)

// Compared is the outcome of Compare.
type Compared struct {
	Figures []Comparison `json:"figures"`
	// Differences are conditions in which the two sides are not alike; figures under
	// other conditions are not comparable.
	Differences []string `json:"differences"`
	// Within is true where each side is one report: the noise is then that between the
	// seconds of a run, and says nothing about how far two runs differ.
	Within bool `json:"withinOneRun"`
}

// figures are what is compared. samples is for single reports: values within the run.
var figures = []struct {
	name, unit string
	more       bool // is better
	of         func(*Report) float64
	samples    func(*Report) []float64
}{
	{"committedTPS", "1/s", true, func(r *Report) float64 { return r.CommittedTPS }, func(r *Report) []float64 { return floats(r.TPSBySecond) }},
	{"callsPerSecond", "1/s", true, func(r *Report) float64 { return r.CallsPerSecond }, nil},
	{"latencyP50", "ms", false, func(r *Report) float64 { return r.LatencyMs.P50 }, nil},
	{"latencyP99", "ms", false, func(r *Report) float64 { return r.LatencyMs.P99 }, nil},
	{"blockIntervalP50", "ms", false, func(r *Report) float64 { return r.BlockIntervalMs.P50 }, nil},
	{"cpuPerTxAndValidator", "µs", false, func(r *Report) float64 { return r.CPUPerTxAndValidatorUs }, nil},
	{"generatorCPUPerTx", "µs", false, func(r *Report) float64 { return r.GeneratorCPUPerTxUs }, nil},
	{"validatorMemory", "MiB", false, func(r *Report) float64 { return float64(r.ValidatorRSSBytesMax) / (1 << 20) }, nil},
	{"bytesPerTx", "B", false, func(r *Report) float64 { return r.BytesPerTx }, nil},
}

func floats(in []uint64) []float64 {
	out := make([]float64, len(in))
	for i, v := range in {
		out[i] = float64(v)
	}
	return out
}

// Bounds of what counts as a difference: less likely by noise than one in twenty, and
// above one hundredth.
const (
	noiseChance = 0.05
	leastChange = 0.01
	leastRuns   = 4 // on each side, below which no difference is certain
)

// Compare sets the medians of two sets of reports beside each other, and judges by a
// rank-sum test (Mann and Whitney 1947) whether noise alone explains their difference.
func Compare(a, b []*Report) (*Compared, error) {
	if len(a) == 0 || len(b) == 0 {
		return nil, usage("two sets of reports are compared, and one is empty")
	}
	out := &Compared{Within: len(a) == 1 && len(b) == 1, Differences: differences(append(append([]*Report{}, a...), b...), len(a))}
	for _, f := range figures {
		as, bs := each(a, f.of), each(b, f.of)
		if median(as) == 0 && median(bs) == 0 {
			continue
		}
		c := Comparison{Figure: f.name, Unit: f.unit, A: median(as), B: median(bs)}
		if out.Within && f.samples != nil {
			as, bs = f.samples(a[0]), f.samples(b[0])
		}
		if c.A != 0 {
			c.Change = round(c.B/c.A-1, 4)
		}
		c.P, c.Samples = rankSum(as, bs), [2]int{len(as), len(bs)}
		c.Verdict = verdict(&c, f.more, min(len(as), len(bs)))
		out.Figures = append(out.Figures, c)
	}
	return out, nil
}

func verdict(c *Comparison, more bool, samples int) string {
	switch {
	case samples < leastRuns:
		return VerdictUnknown
	case c.P >= noiseChance || math.Abs(c.Change) < leastChange:
		return VerdictNoise
	case (c.Change > 0) == more:
		return VerdictBetter
	}
	return VerdictWorse
}

func each(reports []*Report, of func(*Report) float64) []float64 {
	out := make([]float64, len(reports))
	for i, r := range reports {
		out[i] = of(r)
	}
	return out
}

func median(v []float64) float64 {
	s := append([]float64(nil), v...)
	sort.Float64s(s)
	n := len(s)
	if n == 0 {
		return 0
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

// rankSum is the two-sided chance that two samples of one distribution differ as much,
// by the normal approximation with ties corrected.
func rankSum(a, b []float64) float64 {
	type value struct {
		v     float64
		first bool
	}
	var all []value
	for _, v := range a {
		all = append(all, value{v, true})
	}
	for _, v := range b {
		all = append(all, value{v, false})
	}
	sort.Slice(all, func(i, j int) bool { return all[i].v < all[j].v })
	var rank, ties float64
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].v == all[i].v {
			j++
		}
		t := float64(j - i)
		ties += t*t*t - t
		for k := i; k < j; k++ {
			if all[k].first {
				rank += float64(i+j+1) / 2
			}
		}
		i = j
	}
	n, m := float64(len(a)), float64(len(b))
	if n < leastRuns || m < leastRuns {
		return 1
	}
	u, mean := rank-n*(n+1)/2, n*m/2
	variance := n * m / 12 * ((n + m + 1) - ties/((n+m)*(n+m-1)))
	if variance <= 0 {
		return 1
	}
	z := max(0, math.Abs(u-mean)-0.5) / math.Sqrt(variance)
	return round(math.Erfc(z/math.Sqrt2), 4)
}

// differences lists what is not alike between the first n reports and the others.
func differences(all []*Report, n int) []string {
	out := []string{}
	for _, c := range []struct {
		name string
		of   func(*Report) string
	}{
		{"scenario", func(r *Report) string { return r.Scenario }},
		{"validators", func(r *Report) string { return fmt.Sprint(r.Conditions.Validators) }},
		{"cores", func(r *Report) string { return fmt.Sprint(r.Conditions.Cores) }},
		{"machine", func(r *Report) string { return r.Conditions.Machine }},
		{"contention", func(r *Report) string { return r.Conditions.Contention }},
		{"loop", func(r *Report) string { return r.Conditions.Loop }},
		{"members", func(r *Report) string { return fmt.Sprint(r.Conditions.Members) }},
		{"payload", func(r *Report) string { return fmt.Sprint(r.Conditions.Payload) }},
		{"existing records", func(r *Report) string { return fmt.Sprint(r.Conditions.Existing) }},
		{"signature", func(r *Report) string { return r.Conditions.Signature }},
		{"durability", func(r *Report) string { return r.Conditions.Durability }},
	} {
		values := func(list []*Report) string {
			seen := map[string]bool{}
			for _, r := range list {
				seen[c.of(r)] = true
			}
			var names []string
			for v := range seen {
				names = append(names, v)
			}
			sort.Strings(names)
			return strings.Join(names, " | ")
		}
		if a, b := values(all[:n]), values(all[n:]); a != b || strings.Contains(a, " | ") {
			out = append(out, fmt.Sprintf("%s: %s against %s", c.name, a, b))
		}
	}
	return out
}

// Text renders the comparison for people.
func (c *Compared) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-22s %12s %12s %9s %8s  %s\n", "median", "A", "B", "change", "p", "verdict")
	for _, f := range c.Figures {
		p := fmt.Sprintf("%.4f", f.P)
		if f.Verdict == VerdictUnknown {
			p = "-"
		}
		fmt.Fprintf(&b, "%-22s %12.1f %12.1f %+8.1f%% %8s  %s\n", f.Figure+", "+f.Unit, f.A, f.B, 100*f.Change, p, f.Verdict)
	}
	if c.Within {
		b.WriteString("one run on each side: only throughput is judged, by its seconds; how far two runs differ takes four of each\n")
	}
	for _, d := range c.Differences {
		fmt.Fprintf(&b, "not alike: %s\n", d)
	}
	return b.String()
}
