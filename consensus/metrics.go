package consensus

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what this package counts, for one chain.
type metrics struct {
	poolTxs, poolBytes                     prometheus.Gauge
	admitted, committedTxs, expired        prometheus.Counter
	refused                                *prometheus.CounterVec // by code
	carriersIn, carriersOut, carrierDrops  prometheus.Counter
	carrierTxsIn, carrierTxsOut, peerFault prometheus.Counter
	proposalsRejected, turnsPassed         prometheus.Counter
	extensionsRejected, lateExtensions     prometheus.Counter
	speculative, executed, misbehaviour    prometheus.Counter
	blockSeconds, commitSeconds            prometheus.Histogram
	blockTxs                               prometheus.Histogram
	height, clockAheadSeconds              prometheus.Gauge
	clockOffsetSeconds, signerConnected    prometheus.Gauge
	snapshotHeight                         prometheus.Gauge
	retainHeight, ledgerBase               prometheus.Gauge
	snapshotChunks, snapshotFailures       prometheus.Counter
	linkSent, linkReceived                 *prometheus.CounterVec // by peer
}

// newMetrics builds and registers the metrics of one chain; a nil registerer leaves
// them unregistered. A chain that is started again in one process goes on counting.
func newMetrics(reg prometheus.Registerer, chainID string) (*metrics, error) {
	b := metricsBuilder{reg: reg, labels: prometheus.Labels{"chain": chainID}}
	m := &metrics{
		poolTxs:            b.gauge("pool_transactions", "Transactions waiting in the mempool."),
		poolBytes:          b.gauge("pool_bytes", "Bytes of transactions waiting in the mempool."),
		admitted:           b.counter("admitted_transactions_total", "Transactions taken into the mempool."),
		committedTxs:       b.counter("committed_transactions_total", "Transactions committed in blocks."),
		expired:            b.counter("expired_transactions_total", "Transactions dropped from the mempool because their validity ended."),
		carriersIn:         b.counter("carriers_received_total", "Carriers received from peers."),
		carriersOut:        b.counter("carriers_sent_total", "Carriers sent to peers."),
		carrierDrops:       b.counter("carriers_dropped_total", "Carriers dropped because their peer's queue was full."),
		carrierTxsIn:       b.counter("carrier_transactions_received_total", "Transactions in received carriers."),
		carrierTxsOut:      b.counter("carrier_transactions_sent_total", "Transactions in sent carriers."),
		peerFault:          b.counter("peer_faults_total", "Peers cut off for sending what an honest node never sends."),
		proposalsRejected:  b.counter("proposals_rejected_total", "Proposals this node voted against."),
		turnsPassed:        b.counter("turns_passed_total", "Turns to propose passed for lack of a finality certificate."),
		extensionsRejected: b.counter("vote_extensions_rejected_total", "Votes refused for a header signature that does not verify."),
		lateExtensions:     b.counter("late_extensions_ignored_total", "Unverified header signatures left out of a certificate."),
		speculative:        b.counter("blocks_executed_ahead_total", "Blocks whose execution during the vote was used."),
		misbehaviour:       b.counter("misbehaviour_total", "Double votes of validators that committed blocks hold the evidence of."),
		executed:           b.counter("blocks_executed_total", "Blocks executed, ahead of the decision or after it."),
		blockSeconds:       b.histogram("block_execution_seconds", "Time to execute a block and compute its roots.", prometheus.ExponentialBuckets(0.0005, 2, 14)),
		commitSeconds:      b.histogram("block_commit_seconds", "Time to write a block to the ledger.", prometheus.ExponentialBuckets(0.0005, 2, 14)),
		blockTxs:           b.histogram("block_transactions", "Transactions per block.", prometheus.ExponentialBuckets(1, 4, 9)),
		height:             b.gauge("height", "Height of the last committed block."),
		clockAheadSeconds:  b.gauge("block_time_ahead_seconds", "How far the last block's time is ahead of the local clock; CometBFT stops at 60."),
		clockOffsetSeconds: b.gauge("clock_offset_seconds", "How far the local clock is ahead of the other validators' at the newest block; below 0: behind."),
		snapshotHeight:     b.gauge("snapshot_height", "Height of the newest snapshot made since the start."),
		retainHeight:       b.gauge("retain_height", "Lowest block that CometBFT keeps; 0 while nothing was pruned."),
		ledgerBase:         b.gauge("ledger_base_height", "Lowest block that the ledger keeps."),
		snapshotChunks:     b.counter("snapshot_chunks_served_total", "Snapshot chunks sent to peers."),
		snapshotFailures:   b.counter("snapshot_failures_total", "Snapshots that could not be made."),
	}
	m.refused = add(&b, prometheus.NewCounterVec(prometheus.CounterOpts(
		b.opts("refused_transactions_total", "Transactions refused at ingress, by error code.")), []string{"code"}))
	m.linkSent = add(&b, prometheus.NewCounterVec(prometheus.CounterOpts(
		b.opts("link_sent_bytes_total", "Bytes of messages queued for a peer.")), []string{"peer"}))
	m.linkReceived = add(&b, prometheus.NewCounterVec(prometheus.CounterOpts(
		b.opts("link_received_bytes_total", "Bytes of messages received from a peer.")), []string{"peer"}))
	return m, b.err
}

// addSigner registers what tells of a signer in another process.
func (m *metrics) addSigner(reg prometheus.Registerer, chainID string) error {
	b := metricsBuilder{reg: reg, labels: prometheus.Labels{"chain": chainID}}
	m.signerConnected = b.gauge("signer_connected", "1 while the signer in another process can be asked, 0 while it is away.")
	return b.err
}

type metricsBuilder struct {
	reg    prometheus.Registerer
	labels prometheus.Labels
	err    error
}

func (b *metricsBuilder) opts(name, help string) prometheus.Opts {
	return prometheus.Opts{Namespace: "huchain", Subsystem: "consensus", Name: name, Help: help, ConstLabels: b.labels}
}

func (b *metricsBuilder) gauge(name, help string) prometheus.Gauge {
	return add(b, prometheus.NewGauge(prometheus.GaugeOpts(b.opts(name, help))))
}

func (b *metricsBuilder) counter(name, help string) prometheus.Counter {
	return add(b, prometheus.NewCounter(prometheus.CounterOpts(b.opts(name, help))))
}

func (b *metricsBuilder) histogram(name, help string, buckets []float64) prometheus.Histogram {
	return add(b, prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: "huchain", Subsystem: "consensus", Name: name, Help: help, Buckets: buckets, ConstLabels: b.labels,
	}))
}

func add[C prometheus.Collector](b *metricsBuilder, c C) C {
	if b.reg == nil {
		return c
	}
	c, err := register(b.reg, c)
	b.err = errors.Join(b.err, err)
	return c
}
