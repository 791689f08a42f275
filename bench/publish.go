package bench

import (
	"bytes"
	"fmt"
	"html"
	"sort"
	"strings"

	"github.com/huchain/huchain/types"
)

// Markers between which Publish writes into a document.
const (
	tableBegin  = "<!-- measured: begin -->"
	tableEnd    = "<!-- measured: end -->"
	growthBegin = "<!-- growth: begin -->"
	growthEnd   = "<!-- growth: end -->"
)

// Publish replaces what stands between the markers of a document by the tables of the
// reports: figures of a document come from runs alone. chart is the name by which the
// document shows the growth chart. HC-2202 if a marker is missing.
func Publish(document []byte, reports []*Report, chart string) ([]byte, error) {
	groups := group(reports)
	document, err := between(document, tableBegin, tableEnd, resultTable(groups)+conditionList(reports))
	if err != nil {
		return nil, err
	}
	return between(document, growthBegin, growthEnd, growthText(groups, chart))
}

func between(document []byte, begin, end, text string) ([]byte, error) {
	before, rest, found := bytes.Cut(document, []byte(begin))
	_, after, ends := bytes.Cut(rest, []byte(end))
	if !found || !ends {
		return nil, types.Errorf(types.CodeBadArguments, "the document has no %s … %s", begin, end)
	}
	return bytes.Join([][]byte{before, []byte(begin + "\n" + text), append([]byte(end), after...)}, nil), nil
}

// groupKey is what the repetitions of a measurement have in common.
type groupKey struct {
	scenario   string
	validators int
	existing   int
	payload    int
	loop       string
	contention string
}

// group is the repetitions of one measurement.
type reportGroup struct {
	groupKey
	reports []*Report
}

func group(reports []*Report) []reportGroup {
	at := map[groupKey]int{}
	var out []reportGroup
	for _, r := range reports {
		c := &r.Conditions
		k := groupKey{r.Scenario, c.Validators, c.Existing, c.Payload, c.Loop, c.Contention}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, reportGroup{groupKey: k})
		}
		out[i].reports = append(out[i].reports, r)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].less(&out[j]) })
	return out
}

func (g *reportGroup) less(o *reportGroup) bool {
	for _, d := range []int{
		strings.Compare(g.scenario, o.scenario), g.existing - o.existing, g.validators - o.validators, g.payload - o.payload,
		strings.Compare(g.loop, o.loop), strings.Compare(g.contention, o.contention),
	} {
		if d != 0 {
			return d < 0
		}
	}
	return false
}

func (g *reportGroup) median(of func(*Report) float64) float64 { return median(each(g.reports, of)) }

// spread is the lowest and the highest of a figure.
func (g *reportGroup) spread(of func(*Report) float64) string {
	v := each(g.reports, of)
	sort.Float64s(v)
	if len(v) == 1 {
		return fmt.Sprintf("%.0f", v[0])
	}
	return fmt.Sprintf("%.0f (%.0f–%.0f)", median(v), v[0], v[len(v)-1])
}

func (rep *Report) failed() float64 { return float64(rep.Failures()) }

// resultTable has a line for each measurement: medians, and the range of the rate.
func resultTable(groups []reportGroup) string {
	var b strings.Builder
	b.WriteString("| Scenario | Validators | Records before | Payload, B | Load | Committed or answered per second | p50, ms | p99, ms | Block interval, ms | CPU per tx or call and validator, µs | Memory, MiB | Of CometBFT alone | Failures | Runs |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for i := range groups {
		g := &groups[i]
		share := "–"
		if s := g.median(func(r *Report) float64 {
			if r.Ceiling == nil {
				return 0
			}
			return r.Ceiling.Share
		}); s > 0 {
			share = fmt.Sprintf("%.0f %%", 100*s)
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %s | %s | %s | %s | %s | %s | %s | %.0f | %s | %.0f | %d |\n",
			g.scenario, g.validators, g.existing, orDash(float64(g.payload)), g.load(), g.spread((*Report).rate),
			trim(g.median(func(r *Report) float64 { return r.LatencyMs.P50 })), trim(g.median(func(r *Report) float64 { return r.LatencyMs.P99 })),
			orDash(g.median(func(r *Report) float64 { return r.BlockIntervalMs.P50 })), orDash(g.median(func(r *Report) float64 { return r.CPUPerTxAndValidatorUs })),
			g.median(func(r *Report) float64 { return float64(r.ValidatorRSSBytesMax) / (1 << 20) }), share, g.median((*Report).failed), len(g.reports))
	}
	return b.String()
}

func orDash(v float64) string {
	if v == 0 {
		return "–"
	}
	return trim(v)
}

// load says how the group was loaded; contention only where there is any.
func (g *reportGroup) load() string {
	if g.contention == "" || strings.HasPrefix(g.contention, "none") {
		return g.loop
	}
	return g.loop + "; " + g.contention
}

// conditionList says under what the figures were measured, each condition once.
func conditionList(reports []*Report) string {
	var b strings.Builder
	list := func(name string, of func(c *Conditions) string) {
		seen := map[string]bool{}
		var all []string
		for _, r := range reports {
			if v := of(&r.Conditions); v != "" && !seen[v] {
				seen[v] = true
				all = append(all, v)
			}
		}
		if len(all) > 0 {
			sort.Strings(all)
			fmt.Fprintf(&b, "- %s: %s\n", name, strings.Join(all, "; "))
		}
	}
	b.WriteString("\nConditions of these figures:\n\n")
	list("machine", func(c *Conditions) string {
		return fmt.Sprintf("%s, %d cores, %.0f GiB, %s; validators and generator on it: %t", c.Machine, c.Cores, float64(c.MemoryBytes)/(1<<30), c.Platform, c.SameMachine)
	})
	low, high := 0.0, 0.0
	for i, r := range reports {
		v := r.Conditions.LoadBefore
		if i == 0 || v < low {
			low = v
		}
		high = max(high, v)
	}
	fmt.Fprintf(&b, "- load of the machine before each run, by others too: %.1f to %.1f\n", low, high)
	list("signatures", func(c *Conditions) string { return c.Signature })
	list("links", func(c *Conditions) string { return c.Links })
	list("execution", func(c *Conditions) string { return c.Execution })
	list("durability", func(c *Conditions) string { return c.Durability })
	list("measured", func(c *Conditions) string {
		return fmt.Sprintf("%.0f s after %.0f s of warm-up, %d members", c.DurationS, c.WarmupS, c.Members)
	})
	list("build", func(c *Conditions) string { return c.Build + ", " + c.Go })
	var days []string
	for _, r := range reports {
		days = append(days, r.Started.UTC().Format("2006-01-02"))
	}
	if sort.Strings(days); len(days) > 0 {
		fmt.Fprintf(&b, "- measured on %s", days[0])
		if last := days[len(days)-1]; last != days[0] {
			fmt.Fprintf(&b, " to %s", last)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// growthAxis is one way in which a chain grows.
type growthAxis struct {
	name string
	of   func(*reportGroup) int
}

var growthAxes = []growthAxis{
	{"records before", func(g *reportGroup) int { return g.existing }},
	{"validators", func(g *reportGroup) int { return g.validators }},
	{"payload, bytes", func(g *reportGroup) int { return g.payload }},
}

// growthSeries are the groups along one axis, all else equal: the axis through the group
// with most of the others beside it.
func growthSeries(groups []reportGroup, axis int) []reportGroup {
	var best []reportGroup
	for i := range groups {
		var series []reportGroup
		for j := range groups {
			same := groups[i].scenario == "evidence" && groups[i].scenario == groups[j].scenario && groups[i].loop == groups[j].loop
			for k, a := range growthAxes {
				same = same && (k == axis || a.of(&groups[i]) == a.of(&groups[j]))
			}
			if same {
				series = append(series, groups[j])
			}
		}
		if len(series) > len(best) {
			best = series
		}
	}
	sort.SliceStable(best, func(i, j int) bool { return growthAxes[axis].of(&best[i]) < growthAxes[axis].of(&best[j]) })
	return best
}

// growthText names, for each axis, how the rate changes along it.
func growthText(groups []reportGroup, chart string) string {
	var b strings.Builder
	for k, axis := range growthAxes {
		series := growthSeries(groups, k)
		if len(series) < 2 {
			continue
		}
		fmt.Fprintf(&b, "| %s | per second | of the first | CPU per tx and validator, µs | p99, ms |\n|---|---|---|---|---|\n", axis.name)
		first := series[0].median((*Report).rate)
		for i := range series {
			g := &series[i]
			fmt.Fprintf(&b, "| %d | %s | %.0f %% | %s | %s |\n", axis.of(g), g.spread((*Report).rate), 100*g.median((*Report).rate)/first,
				orDash(g.median(func(r *Report) float64 { return r.CPUPerTxAndValidatorUs })), trim(g.median(func(r *Report) float64 { return r.LatencyMs.P99 })))
		}
		b.WriteString("\n")
	}
	if b.Len() == 0 {
		return "No measurement of growth is among the reports.\n"
	}
	return b.String() + "![Committed transactions a second as the chain grows](" + chart + ")\n"
}

// GrowthChart draws the rate along each axis of growth as one SVG; nil if no axis was
// measured.
func GrowthChart(reports []*Report) []byte {
	groups := group(reports)
	const width, height, gap = 300.0, 200.0, 20.0
	var b strings.Builder
	n := 0
	for k, axis := range growthAxes {
		series := growthSeries(groups, k)
		if len(series) < 2 {
			continue
		}
		left := float64(n) * (width + gap)
		n++
		top := 1.0
		for i := range series {
			top = max(top, series[i].median((*Report).rate))
		}
		fmt.Fprintf(&b, `<text class="n" x="%g" y="18">%s</text>`, left, html.EscapeString(axis.name))
		w := width / float64(len(series))
		for i := range series {
			v := series[i].median((*Report).rate)
			h := (height - 70) * v / top
			x := left + w*float64(i)
			fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2"/>`, x+w*0.15, height-26-h, w*0.7, h)
			fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="middle">%.0f/s</text>`, x+w/2, height-32-h, v)
			fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle">%s</text>`, x+w/2, height-8, grouped(axis.of(&series[i])))
		}
	}
	if n == 0 {
		return nil
	}
	total := float64(n)*(width+gap) - gap
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 0 %g %g" role="img" aria-label="Committed transactions a second as the chain grows">`+
		`<style>text{font:12px system-ui,sans-serif;fill:#5c6876}.n{font-weight:600}rect{fill:#1668b8}@media(prefers-color-scheme:dark){text{fill:#9aa6b4}rect{fill:#5aa9f5}}</style>%s</svg>`+"\n",
		total+16, height, b.String())
}

// grouped writes a number with a space between thousands.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}
