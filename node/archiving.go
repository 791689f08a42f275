package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/archive/repo"
	"github.com/huchain/huchain/types"
)

// careMetrics tell how archives and backups are, by chain.
type careMetrics struct {
	archived, drilled *prometheus.GaugeVec
	failures          *prometheus.CounterVec
	backups           *prometheus.GaugeVec
	backupFailures    *prometheus.CounterVec
}

func newCareMetrics(reg prometheus.Registerer) careMetrics {
	chain := []string{"chain"}
	m := careMetrics{
		archived: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "huchain_archive_height", Help: "Newest height that is archived."}, chain),
		drilled:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "huchain_archive_drill_seconds", Help: "When a random segment was last restored and found whole, in Unix seconds."}, chain),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "huchain_archive_failures_total", Help: "Runs of archiving and drills that failed or found damage."}, chain),
	}
	m.backups = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "huchain_backup_height", Help: "Height of the newest backup that this process made."}, chain)
	m.backupFailures = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "huchain_backup_failures_total", Help: "Backups that could not be made."}, chain)
	reg.MustRegister(m.archived, m.drilled, m.failures, m.backups, m.backupFailures)
	return m
}

// tend archives and backs up a chain by its policies until the chain ends.
func (n *node) tend(r *running, log *slog.Logger) {
	ctx, cancel := context.WithCancel(context.Background())
	n.watch.Go(func() {
		<-r.ended
		cancel()
	})
	if r.cfg.Backup.enabled() {
		n.care.backupFailures.WithLabelValues(r.name).Add(0)
		every(ctx, &r.tending, r.cfg.Backup.Every, func() { n.backUp(ctx, r, log) })
	}
	a := r.archive
	if a == nil {
		return
	}
	n.care.archived.WithLabelValues(r.name).Set(float64(a.repo.Archived(a.from())))
	n.care.failures.WithLabelValues(r.name).Add(0)
	every(ctx, &r.tending, a.cfg.Every, func() { n.archiveDue(ctx, a, log) })
	every(ctx, &r.tending, a.cfg.DrillEvery, func() { n.drill(ctx, a, log) })
}

// every calls f again and again until ctx ends; never where the interval is 0.
func every(ctx context.Context, wg *sync.WaitGroup, interval time.Duration, f func()) {
	if interval == 0 {
		return
	}
	wg.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				f()
			}
		}
	})
}

func (n *node) archiveDue(ctx context.Context, a *archivist, log *slog.Logger) {
	out, err := a.run(ctx, nil)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		n.care.failures.WithLabelValues(a.chain).Inc()
		log.Error("archiving failed; it goes on where it stopped", "code", types.CodeOf(err).String(), "error", err)
		return
	case len(out.Stored)+len(out.Adopted) > 0:
		log.Info("archived", "stored", len(out.Stored), "adopted", len(out.Adopted), "bytes", out.Bytes, "plainBytes", out.Plain,
			"archivedTo", out.Archived, "contentsFrom", out.Hot)
	}
	n.care.archived.WithLabelValues(a.chain).Set(float64(out.Archived))
}

func (n *node) drill(ctx context.Context, a *archivist, log *slog.Logger) {
	rep, err := a.repo.Drill(ctx, nil)
	if ctx.Err() != nil || types.CodeOf(err) == types.CodeArchiveEmpty {
		return
	}
	if err == nil && len(rep.Findings) > 0 {
		f := rep.Findings[0]
		err = types.Errorf(types.CodeLedgerCorrupt, "segment %d: %s", f.Segment, f.What)
	}
	if err != nil {
		n.care.failures.WithLabelValues(a.chain).Inc()
		log.Error("archive drill failed", "code", types.CodeOf(err).String(), "error", err)
		return
	}
	n.care.drilled.WithLabelValues(a.chain).SetToCurrentTime()
	log.Info("archive drill passed", "segment", rep.Segment, "blocks", rep.Blocks, "txs", rep.Txs, "seconds", rep.Seconds)
}

// orderArchive carries out an order to the archive of a running chain.
func (n *node) orderArchive(ctx context.Context, chain, order string, progress repo.Progress) (any, error) {
	c, ctx, release, err := n.hold(ctx, chain)
	if err != nil {
		return nil, err
	}
	defer release()
	if c.archive == nil {
		return nil, noArchive(chain)
	}
	return c.archive.order(ctx, order, progress)
}

func noArchive(chain string) error {
	return types.Errorf(types.CodeConfig, "chain.toml of %s names no archive: set archive.folder or archive.s3", chain)
}

// Orders to an archive that need the ledger.
const (
	ArchiveOrderPlan  = "plan"
	ArchiveOrderRun   = "run"
	ArchiveOrderPrune = "prune"
)

func (a *archivist) order(ctx context.Context, order string, progress repo.Progress) (any, error) {
	switch order {
	case ArchiveOrderPlan:
		return a.plan(time.Now())
	case ArchiveOrderRun:
		return a.run(ctx, progress)
	case ArchiveOrderPrune:
		return a.prune()
	}
	return nil, types.Errorf(types.CodeUsage, "no order %q to an archive", order)
}

// OrderArchive has the archive of a chain planned, run or pruned: by the running node, or
// here where none runs. out is an *ArchivePlan or *ArchiveRun.
func OrderArchive(ctx context.Context, home Home, chain, order string, progress repo.Progress, out any) error {
	c, err := onlyChain(home, chain)
	if err != nil {
		return err
	}
	lock, err := Acquire(c.LockFile())
	if types.CodeOf(err) == types.CodeHomeLocked {
		return controlLines(ctx, home, "/archive", url.Values{"chain": {c.Name}, "order": {order}}, progress, out)
	}
	if err != nil {
		return err
	}
	defer lock.Release()
	return orderStopped(ctx, c, order, progress, out)
}

func orderStopped(ctx context.Context, c ChainHome, order string, progress repo.Progress, out any) (err error) {
	store, err := OpenArchive(c)
	if err != nil {
		return err
	}
	defer store.Close()
	g, _, err := ReadGenesis(c)
	if err != nil {
		return err
	}
	params, err := ledgerParams(c)
	if err != nil {
		return err
	}
	params.History = repo.History{Repo: store, Timeout: archiveReadTimeout}
	l, err := ledger.Open(c.LedgerDir(), g.Hash(), params)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	cfg, err := LoadChainConfig(c.ConfigFile())
	if err != nil {
		return err
	}
	a := &archivist{chain: c.Name, cfg: cfg.Archive, dir: c.DataDir(), repo: store, ledger: l}
	got, err := a.order(ctx, order, progress)
	if err != nil {
		return err
	}
	switch out := out.(type) {
	case *ArchivePlan:
		*out = *got.(*ArchivePlan)
	case *ArchiveRun:
		*out = *got.(*ArchiveRun)
	default:
		return fmt.Errorf("order %q does not answer with %T", order, out)
	}
	return nil
}

// OpenArchive opens the archive of a chain for reading, beside its node perhaps.
func OpenArchive(c ChainHome) (*repo.Repo, error) {
	cfg, err := LoadChainConfig(c.ConfigFile())
	if err != nil {
		return nil, err
	}
	if !cfg.Archive.enabled() {
		return nil, noArchive(c.Name)
	}
	g, _, err := ReadGenesis(c)
	if err != nil {
		return nil, err
	}
	var secret []byte
	if cfg.Archive.KeyFile != "" {
		if secret, err = keystore.ReadPassphrase(passphraseFile(c, cfg)); err != nil {
			return nil, err
		}
	}
	return openArchive(c, &cfg.Archive, g.Hash(), secret, false, nil)
}

// ChainOf is the named chain of a home, or its only one.
func ChainOf(home Home, name string) (ChainHome, error) { return onlyChain(home, name) }
