package bench

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// A plot is drawn in units of these; the page scales it to its column.
const (
	plotWidth, plotHeight                          = 420.0, 236.0
	plotLeft, plotRight, plotTop, plotBottom       = 50.0, 12.0, 12.0, 40.0
	plotInnerWidth, plotInnerHeight                = plotWidth - plotLeft - plotRight, plotHeight - plotTop - plotBottom
	plotTickLength, plotLabelGap, plotAxisTitleGap = 4.0, 16.0, 32.0
)

// text2 is a text in both languages of a page.
type text2 struct{ zh, en string }

// plot builds one chart as SVG.
type plot struct {
	b    strings.Builder
	yMax float64
}

func newPlot(label text2, yMax float64) *plot {
	p := &plot{yMax: niceCeil(yMax)}
	fmt.Fprintf(&p.b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, plotWidth, plotHeight, html.EscapeString(label.zh+" / "+label.en))
	for i := 0; i <= 4; i++ {
		v := p.yMax * float64(i) / 4
		y := p.y(v)
		fmt.Fprintf(&p.b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/>`, plotLeft, plotWidth-plotRight, y, y)
		p.text(plotLeft-plotTickLength-2, y+4, "end", short(v))
	}
	return p
}

func (p *plot) y(v float64) float64 { return plotTop + plotInnerHeight*(1-v/p.yMax) }

// x is the place of a share of the width, 0 to 1.
func (p *plot) x(share float64) float64 { return plotLeft + plotInnerWidth*share }

func (p *plot) text(x, y float64, anchor, s string) {
	fmt.Fprintf(&p.b, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, y, anchor, html.EscapeString(s))
}

func (p *plot) tick(share float64, s string) {
	x := p.x(share)
	bottom := plotTop + plotInnerHeight
	fmt.Fprintf(&p.b, `<line class="axis" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/>`, x, x, bottom, bottom+plotTickLength)
	p.text(x, bottom+plotLabelGap, "middle", s)
}

func (p *plot) axis(title text2) {
	y := plotTop + plotInnerHeight
	fmt.Fprintf(&p.b, `<line class="axis" x1="%g" x2="%g" y1="%g" y2="%g"/>`, plotLeft, plotWidth-plotRight, y, y)
	for _, l := range []struct{ class, s string }{{"zh", title.zh}, {"en", title.en}} {
		fmt.Fprintf(&p.b, `<text class="%s" x="%g" y="%g" text-anchor="end">%s</text>`, l.class, plotWidth-plotRight, y+plotAxisTitleGap, html.EscapeString(l.s))
	}
}

func (p *plot) svg() string { return p.b.String() + `</svg>` }

// lineChart draws values that are one second apart, each series in a colour of its own.
func lineChart(label text2, series [][]float64, fill bool) string {
	return lineChartOf(label, series, fill, text2{"秒", "seconds"})
}

func lineChartOf(label text2, series [][]float64, fill bool, across text2) string {
	top, n := 0.0, 0
	for _, s := range series {
		n = max(n, len(s))
		for _, v := range s {
			top = max(top, v)
		}
	}
	if n == 0 {
		return ""
	}
	p := newPlot(label, top)
	at := func(i int) float64 { return p.x((float64(i) + 0.5) / float64(n)) }
	for k, s := range series {
		var points strings.Builder
		for i, v := range s {
			fmt.Fprintf(&points, "%.1f,%.1f ", at(i), p.y(v))
		}
		if fill && len(s) > 0 {
			bottom := plotTop + plotInnerHeight
			fmt.Fprintf(&p.b, `<polygon class="area" points="%.1f,%g %s%.1f,%g"/>`, at(0), bottom, points.String(), at(len(s)-1), bottom)
		}
		fmt.Fprintf(&p.b, `<polyline class="line s%d" points="%s"/>`, k%8, strings.TrimSpace(points.String()))
	}
	step := niceStep(n)
	for i := step; i <= n; i += step {
		p.tick((float64(i)-0.5)/float64(n), strconv.Itoa(i))
	}
	p.axis(across)
	return p.svg()
}

// mark is a value of the horizontal axis that is pointed out.
type mark struct {
	at   float64
	name string
}

// barChart draws a distribution whose bars ascend by a constant factor.
func barChart(label, unit text2, bars []Bucket, marks []mark) string {
	top := 0.0
	for _, b := range bars {
		top = max(top, float64(b.Count))
	}
	if top == 0 {
		return ""
	}
	p := newPlot(label, top)
	n := float64(len(bars))
	for i, b := range bars {
		x, w := p.x(float64(i)/n), plotInnerWidth/n
		fmt.Fprintf(&p.b, `<rect class="bar" x="%.1f" width="%.1f" y="%.1f" height="%.1f"><title>≤ %s: %d</title></rect>`,
			x+w*0.06, max(0.6, w*0.88), p.y(float64(b.Count)), plotTop+plotInnerHeight-p.y(float64(b.Count)), short(b.UpTo), b.Count)
	}
	every := int(math.Ceil(n / 6))
	for i := every - 1; i < len(bars); i += every {
		p.tick((float64(i)+0.5)/n, "≤"+short(bars[i].UpTo))
	}
	for k, m := range marks {
		i := 0
		for i < len(bars)-1 && bars[i].UpTo < m.at {
			i++
		}
		x := p.x((float64(i) + 0.5) / n)
		fmt.Fprintf(&p.b, `<line class="mark" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/>`, x, x, plotTop, plotTop+plotInnerHeight)
		anchor, dx := "start", 4.0
		if x > plotLeft+plotInnerWidth*0.75 {
			anchor, dx = "end", -4
		}
		p.text(x+dx, plotTop+10+14*float64(k), anchor, m.name+" "+short(m.at))
	}
	p.axis(unit)
	return p.svg()
}

// stackChart draws one horizontal bar for each row, made of parts in the order of names.
func stackChart(label text2, rows []string, names []string, value func(row int, name string) float64) string {
	const rowHeight, barHeight = 34.0, 22.0
	width := 0.0
	for i := range rows {
		sum := 0.0
		for _, n := range names {
			sum += value(i, n)
		}
		width = max(width, sum)
	}
	if width == 0 {
		return ""
	}
	top := niceCeil(width)
	height := rowHeight*float64(len(rows)) + plotBottom
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, plotWidth, height, html.EscapeString(label.zh+" / "+label.en))
	x := func(v float64) float64 { return plotLeft + plotInnerWidth*v/top }
	bottom := rowHeight * float64(len(rows))
	for i := 0; i <= 4; i++ {
		v := top * float64(i) / 4
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" x2="%.1f" y1="4" y2="%g"/>`, x(v), x(v), bottom)
		anchor := "middle"
		if i == 4 {
			anchor = "end"
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="%s">%s</text>`, x(v), bottom+plotLabelGap, anchor, short(v))
	}
	for i, row := range rows {
		y := rowHeight*float64(i) + (rowHeight-barHeight)/2
		fmt.Fprintf(&b, `<text x="%g" y="%.1f" text-anchor="end">%s</text>`, plotLeft-6, y+barHeight/2+4, html.EscapeString(row))
		from := 0.0
		for k, n := range names {
			v := value(i, n)
			if v <= 0 {
				continue
			}
			fmt.Fprintf(&b, `<rect class="c%d" x="%.2f" width="%.2f" y="%.1f" height="%g"><title>%s %s: %.1f µs</title></rect>`,
				k, x(from), x(from+v)-x(from), y, barHeight, html.EscapeString(row), n, v)
			from += v
		}
	}
	fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="end">µs</text></svg>`, plotWidth-plotRight, bottom+plotAxisTitleGap)
	return b.String()
}

// niceCeil is the smallest of 1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8 and their tenfolds that v
// does not exceed.
func niceCeil(v float64) float64 {
	if v <= 0 {
		return 1
	}
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10} {
		if v <= m*p*(1+1e-9) {
			return m * p
		}
	}
	return 10 * p
}

// niceStep is a step of ticks of which n holds at most eight.
func niceStep(n int) int {
	for _, s := range []int{1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200} {
		if n/s <= 8 {
			return s
		}
	}
	return max(1, n/8)
}

// short renders a number for an axis: three digits, k, M.
func short(v float64) string {
	switch {
	case v >= 999_500:
		return trim(v/1e6) + "M"
	case v >= 9_995:
		return trim(v/1e3) + "k"
	}
	return trim(v)
}

func trim(v float64) string {
	digits := 0
	switch {
	case v == 0:
	case math.Abs(v) < 1:
		digits = 2
	case math.Abs(v) < 100:
		digits = 1
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if digits > 0 {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
