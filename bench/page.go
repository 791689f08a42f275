package bench

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"sort"
)

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("report").Parse(pageSource))

// said is a text in both languages, for the template.
type said struct{ ZH, EN string }

type tile struct {
	Name  said
	Value string
	Bad   bool
}

type figure struct {
	Name, Note said
	SVG        template.HTML
}

type tableRow struct {
	Name  said
	Key   string // class of the colour beside the name
	Cells []string
}

type table struct {
	Name said
	Head []said
	Rows []tableRow
}

type condition struct {
	Name, Value said
	Code        bool
}

type page struct {
	Rep            *Report
	Rate           float64
	Title, About   said
	Tiles          []tile
	Charts         []figure
	Tables         []table
	ConditionsName said
	Conditions     []condition
	Data           template.JS
}

const (
	dataBegin = `<script type="application/json" id="report">`
	dataEnd   = `</script>`
)

// embedded finds the JSON of a report in its page.
func embedded(raw []byte) ([]byte, bool) {
	_, rest, found := bytes.Cut(raw, []byte(dataBegin))
	text, _, ends := bytes.Cut(rest, []byte(dataEnd))
	return text, found && ends
}

// HTML renders the report as one page that needs nothing else: charts as SVG, Chinese and
// English, light and dark, from the width of a phone up. It holds the report's JSON, which
// ParseReport finds.
func (rep *Report) HTML() ([]byte, error) {
	raw, err := json.Marshal(rep)
	if err != nil {
		return nil, fmt.Errorf("encode report: %w", err)
	}
	p := page{
		Rep: rep, Rate: rep.rate(), Title: said{"HuChain 性能测试报告", "HuChain measurement"}, About: inChinese(rep.About), Tiles: rep.tiles(), Charts: rep.charts(),
		Tables: rep.tables(), ConditionsName: said{"测试条件", "Conditions"}, Conditions: rep.conditionRows(),
		Data: template.JS(raw), //nolint:gosec // encoding/json escapes what could end the element
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, &p); err != nil {
		return nil, fmt.Errorf("render report: %w", err)
	}
	return b.Bytes(), nil
}

// rate is the headline figure.
func (rep *Report) rate() float64 {
	switch {
	case rep.DIDs != nil:
		return rep.DIDs.CreatedPerS
	case len(rep.Calls) > 0:
		return rep.CallsPerSecond
	}
	return rep.CommittedTPS
}

func (rep *Report) tiles() []tile {
	var out []tile
	add := func(zh, en, format string, args ...any) {
		out = append(out, tile{Name: said{zh, en}, Value: fmt.Sprintf(format, args...)})
	}
	if d := rep.DIDs; d != nil {
		add("每秒创建身份", "DIDs created a second", "%.0f", d.CreatedPerS)
		add("每秒查询", "lookups a second", "%.0f", d.LookupsPerS)
		add("每身份状态字节", "bytes of state a DID", "%d", d.StateBytes)
	}
	if rep.Committed > 0 {
		add("每秒提交交易", "committed transactions a second", "%.0f", rep.CommittedTPS)
	}
	if rep.CallsPerSecond > 0 && rep.DIDs == nil {
		add("每秒调用", "calls answered a second", "%.0f", rep.CallsPerSecond)
	}
	add("中位延迟（毫秒）", "median latency, ms", "%s", trim(rep.LatencyMs.P50))
	add("P99 延迟（毫秒）", "99th percentile, ms", "%s", trim(rep.LatencyMs.P99))
	if rep.CPUPerTxAndValidatorUs > 0 {
		what := rep.unitText()
		add("每"+what.ZH+"每节点处理器（微秒）", "µs of CPU a "+what.EN+" and validator", "%.1f", rep.CPUPerTxAndValidatorUs)
	}
	if rep.Ceiling != nil {
		add("占共识引擎上限", "of what CometBFT alone reaches", "%.0f %%", 100*rep.Ceiling.Share)
	}
	failures := rep.Failures()
	out = append(out, tile{said{"失败", "failures"}, fmt.Sprint(failures), failures > 0})
	return out
}

func (rep *Report) charts() []figure {
	var out []figure
	add := func(name, note said, svg string) {
		if svg != "" {
			out = append(out, figure{name, note, template.HTML(svg)}) //nolint:gosec // built by plot, which escapes texts
		}
	}
	label := func(s said) text2 { return text2{s.ZH, s.EN} }
	name := said{"每秒提交交易", "Committed transactions by second"}
	if rep.Committed == 0 {
		name = said{"每秒应答", "Answers by second"}
	}
	add(name, said{}, lineChart(label(name), [][]float64{floats(rep.TPSBySecond)}, true))
	name = said{"延迟分布", "Distribution of latency"}
	add(name, said{}, barChart(label(name), text2{"毫秒", "ms"}, rep.LatencyBars, []mark{{rep.LatencyMs.P50, "p50"}, {rep.LatencyMs.P99, "p99"}}))
	name = said{"区块大小", "Sizes of blocks"}
	add(name, said{}, barChart(label(name), text2{"每块交易数（至多）", "transactions in a block, up to"}, rep.BlockBars, nil))
	var rows []string
	memory := [][]float64{}
	split := false
	for _, v := range rep.Validators {
		rows = append(rows, v.Name)
		split = split || v.StagesUs != nil
		var mib []float64
		for _, b := range v.RSSBytes {
			mib = append(mib, float64(b)/(1<<20))
		}
		memory = append(memory, mib)
	}
	if split {
		what := rep.unitText()
		name = said{"每" + what.ZH + "处理器时间", "CPU of a " + what.EN}
		add(name, said{"按环节与节点，由采样得出；颜色见下表", "by stage and validator, from samples; the table below names the colours"},
			stackChart(label(name), rows, StageNames, func(i int, stage string) float64 { return rep.Validators[i].StagesUs[stage] }))
	}
	name = said{"节点内存（MiB）", "Memory of validators, MiB"}
	add(name, said{}, lineChart(label(name), memory, false))
	if len(rep.Ramp) > 0 {
		name = said{"逐级加压", "Ramp"}
		add(name, said{"各级提交速率；横轴为级数", "committed at each step; steps across"}, rampChart(label(name), rep.Ramp))
	}
	return out
}

// unitText is unit in both languages.
func (rep *Report) unitText() said {
	if rep.unit() == "call" {
		return said{"调用", "call"}
	}
	return said{"交易", "transaction"}
}

// rampChart draws offered and committed rates by step.
func rampChart(label text2, steps []Step) string {
	var offered, committed []float64
	for i := range steps {
		offered = append(offered, float64(steps[i].Rate))
		committed = append(committed, steps[i].CommittedTPS)
	}
	return lineChartOf(label, [][]float64{committed, offered}, false, text2{"级", "steps"})
}

// stageTexts name the stages of StageNames.
var stageTexts = map[string]said{
	StageAPI: {"接口", "API"}, StageMempool: {"交易池", "mempool"}, StageSignatures: {"签名验证", "signatures"},
	StageExecution: {"执行", "execution"}, StageVM: {"合约虚拟机", "contract VM"}, StageState: {"状态树", "state tree"},
	StageStorage: {"存储", "storage"}, StageConsensus: {"共识", "consensus"}, StageLinks: {"加密链路", "links"},
	StageMemory: {"内存回收", "garbage collection"}, StageRuntime: {"运行时", "runtime"},
}

func (rep *Report) tables() []table {
	var out []table
	if len(rep.Validators) > 0 && rep.Validators[0].StagesUs != nil {
		what := rep.unitText()
		t := table{Name: said{"各环节处理器（微秒/" + what.ZH + "）", "CPU by stage, µs a " + what.EN}, Head: []said{{"环节", "stage"}}}
		for _, v := range rep.Validators {
			t.Head = append(t.Head, said{v.Name, v.Name})
		}
		for k, s := range StageNames {
			row := tableRow{Name: stageTexts[s], Key: fmt.Sprintf("c%d", k)}
			for _, v := range rep.Validators {
				row.Cells = append(row.Cells, fmt.Sprintf("%.1f", v.StagesUs[s]))
			}
			t.Rows = append(t.Rows, row)
		}
		sum := tableRow{Name: said{"合计", "sum"}, Key: "none"}
		for _, v := range rep.Validators {
			sum.Cells = append(sum.Cells, fmt.Sprintf("%.1f", v.CPUPerTxUs))
		}
		t.Rows = append(t.Rows, sum)
		out = append(out, t)
	}
	if len(rep.Calls) > 0 {
		t := table{Name: said{"各类调用", "Calls by kind"}, Head: []said{{"调用", "call"}, {"次数", "count"}, {"平均", "mean ms"}, {"P50", "p50"}, {"P99", "p99"}, {"最大", "max"}, {"错误", "errors"}}}
		for _, c := range rep.Calls {
			t.Rows = append(t.Rows, tableRow{Name: said{c.Kind, c.Kind}, Cells: []string{
				fmt.Sprint(c.Count), trim(c.LatencyMs.Mean), trim(c.LatencyMs.P50), trim(c.LatencyMs.P99), trim(c.LatencyMs.Max), codes(c.Errors),
			}})
		}
		out = append(out, t)
	}
	if len(rep.Ramp) > 0 {
		t := table{Name: said{"逐级加压", "Ramp"}, Head: []said{{"每秒提供", "offered a second"}, {"提交", "committed"}, {"P50", "p50 ms"}, {"P99", "p99 ms"}, {"承受", "held"}}}
		for _, s := range rep.Ramp {
			held := "–"
			if s.Held {
				held = "✓"
			}
			rate := fmt.Sprint(s.Rate)
			t.Rows = append(t.Rows, tableRow{Name: said{rate, rate}, Cells: []string{trim(s.CommittedTPS), trim(s.LatencyMs.P50), trim(s.LatencyMs.P99), held}})
		}
		out = append(out, t)
	}
	return out
}

// codes renders counts by error code, or 0.
func codes(m map[string]uint64) string {
	if len(m) == 0 {
		return "0"
	}
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	s := ""
	for _, k := range keys {
		s += fmt.Sprintf("%s: %d ", k, m[k])
	}
	return s[:len(s)-1]
}
