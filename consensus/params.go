package consensus

import (
	"fmt"
	"time"

	"github.com/huchain/huchain/types"
)

// Bounds every node of a chain shares. They decide what a valid block is.
const (
	// MaxFrameTxs bounds the transactions of one frame.
	MaxFrameTxs = 4096
	// MaxBlockTxs bounds the transactions of one block, as chain.Protocol does.
	MaxBlockTxs = 100_000
	// MaxCarrierTxs bounds the transactions of one carrier.
	MaxCarrierTxs = 128
	// MaxCarrierBytes bounds a carrier.
	MaxCarrierBytes = 1 << 20
)

// Params are the settings of one node; two nodes of a chain may differ in them.
type Params struct {
	// Timeouts of a round. They grow by half of TimeoutPropose with each round, so
	// that a slow network agrees in the end.
	TimeoutPropose   time.Duration
	TimeoutPrevote   time.Duration
	TimeoutPrecommit time.Duration
	// Heartbeat is how often an idle chain makes an empty block.
	Heartbeat time.Duration
	// Rest is after how long without a block a proposer leaves the next block empty, so
	// that transactions are not dated at the beginning of the rest.
	Rest time.Duration
	// GossipSleep is how often consensus looks for something a peer lacks.
	GossipSleep time.Duration
	// FlushThrottle is how long a link gathers messages before it writes them.
	FlushThrottle time.Duration
	// LinkRate bounds each direction of a link, in bytes per second.
	LinkRate int64
	// MaxPeers bounds inbound links besides those to configured peers.
	MaxPeers int
	// Advertise is the address host:port that peers are told; empty: Options.Listen.
	Advertise string
	// RedialInterval is the longest pause between attempts to reach a configured peer.
	RedialInterval time.Duration

	// BlockWork is how long this node takes at most, by its own measure, to execute a
	// block that it proposes. A block that takes longer than TimeoutPropose to execute
	// makes the next round begin before its proposer is ready.
	BlockWork time.Duration
	// FrameBytes is the size at which a proposer closes a frame of transactions.
	FrameBytes int

	// Bounds of the mempool, and of what one sender or peer may hold of it.
	PoolTxs, SenderTxs, PeerTxs       int
	PoolBytes, SenderBytes, PeerBytes int64
	// CarrierLinger is how long after the one before it a carrier that is not full leaves.
	CarrierLinger time.Duration
	// OfferAgainBlocks is after how many blocks an own transaction that no block has
	// taken up is offered to the peers again.
	OfferAgainBlocks int64

	// AdmitWorkers verify transactions; 0 means one per CPU.
	AdmitWorkers int
	// AdmitQueue bounds submissions waiting for a worker.
	AdmitQueue int
	// CarrierQueueBytes bounds the carriers of one peer waiting for a worker.
	CarrierQueueBytes int64

	// CertificateWait is how long a proposer that lacks the finality certificate it
	// must include waits for a peer to send it.
	CertificateWait time.Duration

	// SnapshotEvery makes a snapshot at every height that it divides; 0: on demand only.
	// Nodes that shall serve the same snapshots agree on it.
	SnapshotEvery uint64
	// SnapshotKeep is how many snapshots are kept.
	SnapshotKeep int

	// KeepBlocks is how many blocks are kept below the newest; 0: all. More stay where
	// snapshots, the archive or evidence need them, see retention.
	KeepBlocks uint64

	// ClockMargin is by how much the clocks of validators may differ. A validator that
	// lost its vote state waits it out, see votestate.go.
	ClockMargin time.Duration
}

// DefaultParams returns the settings for a network of up to some ten validators.
func DefaultParams() Params {
	return Params{
		TimeoutPropose:    time.Second,
		TimeoutPrevote:    500 * time.Millisecond,
		TimeoutPrecommit:  200 * time.Millisecond,
		Heartbeat:         time.Minute,
		Rest:              time.Second,
		GossipSleep:       10 * time.Millisecond,
		FlushThrottle:     10 * time.Millisecond,
		LinkRate:          500 << 20,
		MaxPeers:          40,
		RedialInterval:    3 * time.Second,
		BlockWork:         400 * time.Millisecond,
		FrameBytes:        64 << 10,
		PoolTxs:           50_000,
		SenderTxs:         10_000,
		PeerTxs:           25_000,
		PoolBytes:         128 << 20,
		SenderBytes:       32 << 20,
		PeerBytes:         64 << 20,
		CarrierLinger:     25 * time.Millisecond,
		OfferAgainBlocks:  30,
		AdmitQueue:        4096,
		CarrierQueueBytes: 16 << 20,
		CertificateWait:   250 * time.Millisecond,
		SnapshotKeep:      2,
		ClockMargin:       15 * time.Second,
	}
}

// Validate reports the first setting that is out of range, as HC-1004.
func (p *Params) Validate() error {
	for _, d := range []struct {
		name     string
		v        time.Duration
		min, max time.Duration
	}{
		{"TimeoutPropose", p.TimeoutPropose, 10 * time.Millisecond, time.Minute},
		{"TimeoutPrevote", p.TimeoutPrevote, 10 * time.Millisecond, time.Minute},
		{"TimeoutPrecommit", p.TimeoutPrecommit, 10 * time.Millisecond, time.Minute},
		{"Heartbeat", p.Heartbeat, time.Second, time.Hour},
		{"Rest", p.Rest, 10 * time.Millisecond, time.Minute},
		{"GossipSleep", p.GossipSleep, time.Millisecond, time.Second},
		{"FlushThrottle", p.FlushThrottle, time.Millisecond, time.Second},
		{"RedialInterval", p.RedialInterval, 100 * time.Millisecond, time.Minute},
		{"BlockWork", p.BlockWork, 10 * time.Millisecond, time.Minute},
		{"CarrierLinger", p.CarrierLinger, 0, time.Second},
		{"CertificateWait", p.CertificateWait, 0, 10 * time.Second},
		{"ClockMargin", p.ClockMargin, 0, time.Minute},
	} {
		if d.v < d.min || d.v > d.max {
			return types.Errorf(types.CodeConfig, "%s is %v, must be %v to %v", d.name, d.v, d.min, d.max)
		}
	}
	for _, n := range []struct {
		name        string
		v, min, max int64
	}{
		{"LinkRate", p.LinkRate, 64 << 10, 1 << 40},
		{"MaxPeers", int64(p.MaxPeers), 1, 1000},
		{"FrameBytes", int64(p.FrameBytes), 1 << 10, 1 << 20},
		{"PoolTxs", int64(p.PoolTxs), 1, 10_000_000},
		{"SenderTxs", int64(p.SenderTxs), 1, int64(p.PoolTxs)},
		{"PeerTxs", int64(p.PeerTxs), 1, int64(p.PoolTxs)},
		{"PoolBytes", p.PoolBytes, types.MaxTxBytes, 1 << 40},
		{"SenderBytes", p.SenderBytes, types.MaxTxBytes, p.PoolBytes},
		{"PeerBytes", p.PeerBytes, types.MaxTxBytes, p.PoolBytes},
		{"OfferAgainBlocks", p.OfferAgainBlocks, 1, 1_000_000},
		{"AdmitWorkers", int64(p.AdmitWorkers), 0, 1024},
		{"AdmitQueue", int64(p.AdmitQueue), 1, 1_000_000},
		{"SnapshotEvery", int64(p.SnapshotEvery), 0, 1 << 40},
		{"KeepBlocks", int64(p.KeepBlocks), 0, 1 << 40},
		{"SnapshotKeep", int64(p.SnapshotKeep), 1, MaxSnapshots},
		{"CarrierQueueBytes", p.CarrierQueueBytes, MaxCarrierBytes, 1 << 40},
	} {
		if n.v < n.min || n.v > n.max {
			return types.Errorf(types.CodeConfig, "%s is %d, must be %d to %d", n.name, n.v, n.min, n.max)
		}
	}
	return nil
}

func must(ok bool, format string, args ...any) {
	if !ok {
		panic(fmt.Sprintf(format, args...))
	}
}
