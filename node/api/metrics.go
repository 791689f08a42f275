package api

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	waiting  prometheus.Gauge
	streams  prometheus.Gauge

	streamsCut prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "huchain_api_requests_total", Help: "HTTP requests answered, by method and class of status.",
		}, []string{"method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "huchain_api_request_seconds", Help: "Time from request to answer; submissions include the wait for the commit.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "huchain_api_submissions_waiting", Help: "Submissions waiting for their commit.",
		}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "huchain_api_streams", Help: "Streams of blocks, transactions or events that are open.",
		}),
		streamsCut: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "huchain_api_streams_cut_total", Help: "Streams that this node ended: their clients were too slow or lost their rights, or the chain stopped.",
		}),
	}
	reg.MustRegister(m.requests, m.seconds, m.waiting, m.streams, m.streamsCut)
	return m
}

func (m *metrics) observe(method string, status int, streamed bool, took time.Duration) {
	switch method {
	case "GET", "POST", "HEAD", "OPTIONS":
	default:
		method = "other" // a label must not grow with what clients make up
	}
	m.requests.WithLabelValues(method, statusClass(status)).Inc()
	if !streamed {
		m.seconds.WithLabelValues(method).Observe(took.Seconds())
	}
}
