package filestore

import "github.com/prometheus/client_golang/prometheus"

// metrics of a store.
type metrics struct {
	storedFiles prometheus.Counter
	storedBytes prometheus.Counter
	readBytes   *prometheus.CounterVec // by target, of ciphertext
	faults      *prometheus.CounterVec // by target and kind: missing, corrupt, unreachable
	repairs     *prometheus.CounterVec // by target
	lost        prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "huchain", Subsystem: "filestore", Name: name, Help: help}
	}
	m := &metrics{
		storedFiles: prometheus.NewCounter(counter("stored_files_total", "Files stored.")),
		storedBytes: prometheus.NewCounter(counter("stored_bytes_total", "Bytes of plaintext stored.")),
		readBytes:   prometheus.NewCounterVec(counter("read_bytes_total", "Bytes read from a target."), []string{"target"}),
		faults:      prometheus.NewCounterVec(counter("faults_total", "Copies found missing, corrupt or unreachable."), []string{"target", "kind"}),
		repairs:     prometheus.NewCounterVec(counter("repairs_total", "Copies written anew."), []string{"target"}),
		lost: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "huchain", Subsystem: "filestore", Name: "lost_files",
			Help: "Files without a good copy, as the last scrub found."}),
	}
	if reg != nil {
		reg.MustRegister(m.storedFiles, m.storedBytes, m.readBytes, m.faults, m.repairs, m.lost)
	}
	return m
}
