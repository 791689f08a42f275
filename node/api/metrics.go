package api

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	waiting  prometheus.Gauge
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
	}
	reg.MustRegister(m.requests, m.seconds, m.waiting)
	return m
}

func (m *metrics) observe(method string, status int, took time.Duration) {
	switch method {
	case "GET", "POST", "HEAD", "OPTIONS":
	default:
		method = "other" // a label must not grow with what clients make up
	}
	m.requests.WithLabelValues(method, statusClass(status)).Inc()
	m.seconds.WithLabelValues(method).Observe(took.Seconds())
}
