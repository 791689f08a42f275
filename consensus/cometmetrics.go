package consensus

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	"github.com/cometbft/cometbft/blocksync"
	cs "github.com/cometbft/cometbft/consensus"
	sm "github.com/cometbft/cometbft/state"
	kit "github.com/go-kit/kit/metrics"
	kitprom "github.com/go-kit/kit/metrics/prometheus"
	"github.com/prometheus/client_golang/prometheus"
)

// cometMetrics are CometBFT's own metrics. Its constructors register in the global
// registry and panic when a second chain of the process does the same, so the structs
// are filled here: one collector per metric and registry, with the chain as a label.
type cometMetrics struct {
	consensus *cs.Metrics
	state     *sm.Metrics
	blocksync *blocksync.Metrics
}

func newCometMetrics(reg prometheus.Registerer, chainID string) (*cometMetrics, error) {
	m := &cometMetrics{consensus: cs.NopMetrics(), state: sm.NopMetrics(), blocksync: blocksync.NopMetrics()}
	if reg == nil {
		return m, nil
	}
	return m, errors.Join(
		fillMetrics(reg, chainID, "consensus", m.consensus),
		fillMetrics(reg, chainID, "state", m.state),
		fillMetrics(reg, chainID, "blocksync", m.blocksync),
	)
}

var (
	gaugeType     = reflect.TypeFor[kit.Gauge]()
	counterType   = reflect.TypeFor[kit.Counter]()
	histogramType = reflect.TypeFor[kit.Histogram]()
)

// fillMetrics sets every exported metric of the struct that ptr points to, by the
// struct tags from which CometBFT generates its own constructors.
func fillMetrics(reg prometheus.Registerer, chainID, subsystem string, ptr any) error {
	v := reflect.ValueOf(ptr).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		name := f.Tag.Get("metrics_name")
		if name == "" {
			name = snakeCase(f.Name)
		}
		labels := []string{"chain"}
		if l := f.Tag.Get("metrics_labels"); l != "" {
			for _, s := range strings.Split(l, ",") {
				labels = append(labels, strings.TrimSpace(s))
			}
		}
		opts := prometheus.Opts{Namespace: "cometbft", Subsystem: subsystem, Name: name, Help: "CometBFT " + subsystem + " " + name + "."}
		var err error
		switch f.Type {
		case gaugeType:
			var c *prometheus.GaugeVec
			c, err = register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts(opts), labels))
			v.Field(i).Set(reflect.ValueOf(kitprom.NewGauge(c).With("chain", chainID)))
		case counterType:
			var c *prometheus.CounterVec
			c, err = register(reg, prometheus.NewCounterVec(prometheus.CounterOpts(opts), labels))
			v.Field(i).Set(reflect.ValueOf(kitprom.NewCounter(c).With("chain", chainID)))
		case histogramType:
			var c *prometheus.HistogramVec
			c, err = register(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{
				Namespace: opts.Namespace, Subsystem: opts.Subsystem, Name: opts.Name, Help: opts.Help, Buckets: buckets(f.Tag),
			}, labels))
			v.Field(i).Set(reflect.ValueOf(kitprom.NewHistogram(c).With("chain", chainID)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// register returns the collector that is registered: c, or its twin from another chain.
func register[C prometheus.Collector](reg prometheus.Registerer, c C) (C, error) {
	err := reg.Register(c)
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		if twin, ok := already.ExistingCollector.(C); ok {
			return twin, nil
		}
	}
	return c, err
}

func buckets(tag reflect.StructTag) []float64 {
	var args []float64
	for _, s := range strings.Split(tag.Get("metrics_bucketsizes"), ",") {
		n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil {
			return prometheus.DefBuckets
		}
		args = append(args, n)
	}
	switch kind := tag.Get("metrics_buckettype"); {
	case kind == "exprange" && len(args) == 3:
		return prometheus.ExponentialBucketsRange(args[0], args[1], int(args[2]))
	case kind == "exp" && len(args) == 3:
		return prometheus.ExponentialBuckets(args[0], args[1], int(args[2]))
	case kind == "lin" && len(args) == 3:
		return prometheus.LinearBuckets(args[0], args[1], int(args[2]))
	}
	return args
}

func snakeCase(s string) string {
	var b strings.Builder
	for i, r := range s {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
