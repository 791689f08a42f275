package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/huchain/huchain/node/api"
	"github.com/huchain/huchain/node/audit"
	"github.com/huchain/huchain/types"
)

// Times of the lifecycle.
const (
	diskInterval = 10 * time.Second
	drainTime    = 5 * time.Second // for requests in flight when the node stops
)

// Options of a run.
type Options struct {
	Stderr io.Writer
	// Ready is called once every chain serves, with the address of the HTTP API.
	Ready func(name, web string, chains []string)
	// Mirror makes the mirror of a chain, for nodes that keep one. It opens nothing yet.
	Mirror func(MirrorOf) (Mirror, error)
	// Evidence makes the evidence service of a chain, for nodes that offer one.
	Evidence func(EvidenceOf) (Evidence, error)
	// EvidenceFiles copies its folder into backups; nil leaves it out.
	EvidenceFiles EvidenceFiles
}

// node is a running node.
type node struct {
	home   Home
	cfg    Config
	log    *slog.Logger
	reg    *prometheus.Registry
	api    *api.Server
	audit  *audit.Log
	access *api.Access
	cancel context.CancelCauseFunc // ends the run
	watch  sync.WaitGroup          // goroutines that look after chains
	mu     sync.Mutex              // guards chains
	chains map[string]*hosted
	disk   prometheus.Gauge
	expiry *prometheus.GaugeVec
	care   careMetrics

	newMirror     func(MirrorOf) (Mirror, error)
	newEvidence   func(EvidenceOf) (Evidence, error)
	evidenceFiles EvidenceFiles   // nil: backups hold no evidence service
	mirrors       context.Context // ends before the API does: mirrors read from it
	stopMirrors   context.CancelFunc
}

// Run runs the node of a home until ctx ends, which is a stop and no error, or until it
// cannot go on: no chain of it serves any more, or the disk has run low. A chain that
// fails among others is taken out of service alone. It holds the
// home's lock, so a second node in the same home is HC-1005.
func Run(ctx context.Context, home Home, opt Options) error {
	if !home.Exists() {
		return types.Errorf(types.CodeConfig, "%s is no node home (it holds no node.toml); make one with \"huchain init\"", home.Dir)
	}
	cfg, err := LoadConfig(home.ConfigFile())
	if err != nil {
		return err
	}
	lock, err := Acquire(home.LockFile())
	if err != nil {
		return err
	}
	defer lock.Release()
	if opt.Stderr == nil {
		opt.Stderr = os.Stderr
	}
	log, closer, err := NewLogger(home, cfg.Log, opt.Stderr)
	if err != nil {
		return err
	}
	defer closer.Close()
	n := &node{home: home, cfg: cfg, log: log, chains: map[string]*hosted{}, newMirror: opt.Mirror, newEvidence: opt.Evidence, evidenceFiles: opt.EvidenceFiles}
	n.mirrors, n.stopMirrors = context.WithCancel(context.Background())
	defer n.stopMirrors()
	if err := n.run(ctx, lock, opt); err != nil {
		log.Error("node stopped", "code", types.CodeOf(err).String(), "error", err)
		return err
	}
	log.Info("node stopped")
	return nil
}

func (n *node) run(ctx context.Context, lock *Lock, opt Options) error {
	if err := CheckDisk(n.home.Dir, n.cfg.Disk.MinFreeMiB); err != nil {
		return err
	}
	homes, err := n.home.Chains()
	if err != nil {
		return err
	}
	if len(homes) == 0 {
		return types.Errorf(types.CodeConfig, "%s holds no chain: put a genesis.json under chains/<name>/", n.home.Dir)
	}
	web, url, hosts, err := n.listenWeb()
	if err != nil {
		return err
	}
	defer web.Close()
	n.newRegistry()
	if n.audit, err = audit.Open(n.home.AuditLog()); err != nil {
		return err
	}
	defer n.audit.Close() //nolint:errcheck // each record was synced
	if err := n.openAccess(hosts); err != nil {
		return err
	}
	params := api.DefaultParams()
	params.SubmitTimeout, params.MaxInFlight = n.cfg.Web.SubmitTimeout, n.cfg.Web.MaxInFlight
	params.RequestsPerSecond, params.Origins = n.cfg.Web.rate(), n.cfg.Web.Origins
	params.Access, params.Operations = n.access, newOperations(ctx, n)
	if n.api, err = api.New(params, n.cfg.Name, BuildVersion().String(), n.log, n.reg); err != nil {
		return err
	}
	if err := lock.SetAddresses(url); err != nil {
		return err
	}
	n.log.Info("node starting", "name", n.cfg.Name, "home", n.home.Dir, "version", BuildVersion().String(),
		"web", web.Addr().String(), "metrics", n.cfg.Metrics.Listen)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	n.cancel = cancel
	metricsDone, err := n.serveMetrics(ctx, cancel)
	if err != nil {
		return err
	}
	defer metricsDone()
	defer n.serveControl(ctx)()
	return n.serve(ctx, cancel, web, url, homes, opt)
}

// serve opens the chains beside the already answering API and waits for the end.
func (n *node) serve(ctx context.Context, cancel context.CancelCauseFunc, web net.Listener, url string, homes []ChainHome, opt Options) error {
	go func() {
		if err := n.api.Serve(web); err != nil {
			cancel(fmt.Errorf("serve HTTP API: %w", err))
		}
	}()
	defer n.stop()
	names, err := n.startAll(ctx, homes)
	if err != nil {
		return stopCause(ctx, err)
	}
	go func() {
		if err := watchDisk(ctx, n.home, n.cfg.Disk.MinFreeMiB, diskInterval, func(mib int64) { n.disk.Set(float64(mib << 20)) }); err != nil {
			cancel(err)
		}
	}()
	go n.watchCertificates(ctx)
	n.log.Info("node ready", "chains", names)
	if opt.Ready != nil {
		opt.Ready(n.cfg.Name, url, names)
	}
	<-ctx.Done()
	return stopCause(ctx, nil)
}

// stopCause is the reason a run ended: nil for a stop from outside.
func stopCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // stopping is what was asked for
	}
	return err
}

// stop drains requests, then stops the chains.
func (n *node) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	n.stopMirrors()
	if err := n.api.Stop(ctx); err != nil {
		n.log.Warn("requests were cut off", "error", err)
	}
	n.stopAll()
}

func (n *node) newRegistry() {
	n.reg = prometheus.NewRegistry()
	n.disk = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "huchain_node_disk_free_bytes", Help: "Space left on the fullest of the disks that hold the node's home and its ledgers.",
	})
	n.expiry = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "huchain_certificate_not_after_seconds", Help: "When a certificate of this node ends, in Unix seconds.",
	}, []string{"chain", "member"})
	v := BuildVersion()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "huchain_node_info", Help: "Always 1; the labels say which build runs.",
		ConstLabels: prometheus.Labels{"release": v.Release, "commit": v.Commit, "node": n.cfg.Name},
	})
	info.Set(1)
	n.care = newCareMetrics(n.reg)
	n.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), n.disk, n.expiry, info)
}

// serveMetrics serves /metrics, /healthz, /readyz and Go's profiles on the metrics listener.
func (n *node) serveMetrics(ctx context.Context, cancel context.CancelCauseFunc) (stop func(), err error) {
	if n.cfg.Metrics.Listen == "" {
		return func() {}, nil
	}
	l, err := Listen("metrics.listen", n.cfg.Metrics.Listen)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(n.reg, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index) // the listener is bound to loopback
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.Handle("GET /healthz", n.api.Handler())
	mux.Handle("GET /readyz", n.api.Handler())
	srv := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog: slog.NewLogLogger(n.log.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("serve metrics: %w", err))
		}
	}()
	return func() { srv.Close() }, nil //nolint:errcheck // the process is ending
}
