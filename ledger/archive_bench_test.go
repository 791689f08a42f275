package ledger

import (
	"encoding/binary"
	"errors"
	"flag"
	"io/fs"
	"math/rand"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/archive/repo"
	"github.com/huchain/huchain/ledger/archive/target"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
)

var archiveRate = flag.Int("ledger.archiveRate", 12, "MiB a second that BenchmarkArchive archives, 0 for no bound")

// BenchmarkArchive commits -ledger.txs signed transactions in the blocks of two segments,
// archives these into an encrypted folder while the chain goes on, and releases them. It
// tells how fast that is in plaintext, what it takes from the rate at which blocks are
// prepared and committed (before, and while the archive runs, in this one process), how
// large the folder of the ledger is before and after, and what proofs of archived
// transactions take.
//
// The archive is held back to -ledger.archiveRate MiB a second, as a running node does by
// default; 0 lets it take what it can.
//
//	go test ./ledger -run '^$' -bench 'Archive$' -benchtime 1x -timeout 3h -ledger.txs 1000000
func BenchmarkArchive(b *testing.B) {
	for b.Loop() {
		a := &archived{chain: newFeeder(b), dir: b.TempDir()}
		store, err := target.OpenFolder(filepath.Join(a.dir, "target"))
		require.NoError(b, err)
		a.params = repo.Params{Genesis: genesisHash, Dir: filepath.Join(a.dir, "archive"), Target: store, Key: testKey(77), BytesPerSecond: int64(*archiveRate) << 20}
		a.open()
		const blocks = 2 * archive.SegmentBlocks
		perBlock := max(1, *lookupTxs/blocks)
		a.commit(3)
		var ids []crypto.Hash
		for range blocks {
			ids = append(ids, a.timed(perBlock, nil)...)
		}
		const sample = 20 // blocks for a rate
		var alone, beside time.Duration
		for range sample {
			a.timed(perBlock, &alone)
		}
		run := make(chan *repo.Outcome, 1)
		start := time.Now()
		cpu := cpuTime()
		var took, used time.Duration
		go func() {
			out, err := a.repo.Run(b.Context(), a.l, 1, blocks, nil)
			took, used = time.Since(start), cpuTime()-cpu
			if err != nil {
				b.Error(err)
			}
			run <- out
		}()
		var out *repo.Outcome
		n := 0
		for out == nil {
			a.timed(perBlock, &beside)
			n++
			select {
			case out = <-run:
			default:
			}
		}
		b.ReportMetric(float64(out.Plain)/took.Seconds()/1e6, "MB/s-archived")
		b.ReportMetric(used.Seconds(), "cpu-s-with-chain")
		b.ReportMetric(float64(out.Plain)/float64(out.Bytes), "ratio")
		b.ReportMetric(100*(1-(alone.Seconds()/sample)/(beside.Seconds()/float64(n))), "%tps-lost")
		a.releasedSize(b, out, blocks)
		a.proofTimes(b, ids)
		a.close()
	}
}

// timed commits a block, adds what Prepare and Commit took, and returns its transactions.
func (a *archived) timed(n int, took *time.Duration) []crypto.Hash {
	blk := a.block(n)
	start := time.Now()
	c, err := a.l.Prepare(blk)
	require.NoError(a.t, err)
	require.NoError(a.t, a.l.Commit(c))
	if took != nil {
		*took += time.Since(start)
	}
	a.applied(blk)
	clear(a.live)
	return blk.TxIDs
}

// releasedSize measures the block store on disk before and after the release, and what went
// of it. Space comes back when the store has compacted itself, which closing does not wait
// for: the store is opened until it no longer shrinks.
func (a *archived) releasedSize(b *testing.B, out *repo.Outcome, blocks uint64) {
	size := func() (n int64) {
		require.NoError(b, filepath.WalkDir(filepath.Join(a.ledgerDir(), "blocks"), func(_ string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if err == nil {
				n += info.Size()
			}
			return nil //nolint:nilerr // a table that was merged away meanwhile
		}))
		return n
	}
	a.close()
	a.l = nil
	moved := a.sectionBytes(b, blocks)
	a.open()
	before := size()
	require.NoError(b, a.l.Release(blocks+1))
	after := size()
	for still, deadline := 0, time.Now().Add(2*time.Minute); still < 5 && time.Now().Before(deadline); {
		time.Sleep(2 * time.Second) // how long flush and compaction take is what is measured around
		now := size()
		if still++; now != after || now >= before {
			still = 0
		}
		after = now
	}
	b.ReportMetric(100*float64(before-after)/float64(moved), "%freed-of-moved")
	b.ReportMetric(float64(before)/1e6, "MB-hot-before")
	b.ReportMetric(float64(after)/1e6, "MB-hot-after")
	b.ReportMetric(float64(out.Bytes)/1e6, "MB-in-archive")
}

// sectionBytes is the size of the rows that a release of some blocks removes.
func (a *archived) sectionBytes(b *testing.B, blocks uint64) (n int64) {
	db, err := pebbledb.Opener{}.Open(filepath.Join(a.ledgerDir(), "blocks"), driver.ProfileBlocks)
	require.NoError(b, err)
	require.Zero(b, blocks>>block.EpochBits, "all blocks of a run are of the first epoch")
	for _, kind := range []block.Kind{block.KindSection, block.KindCommit} {
		prefix := []byte{0, 0, 0, 0, byte(kind)}
		it, err := db.Iter(binary.BigEndian.AppendUint64(prefix, 1), binary.BigEndian.AppendUint64(prefix, blocks+1))
		require.NoError(b, err)
		for ok := it.First(); ok; ok = it.Next() {
			n += int64(len(it.Key()) + len(it.Value()))
		}
		require.NoError(b, errors.Join(it.Error(), it.Close()))
	}
	require.NoError(b, db.Close())
	return n
}

// proofTimes proves archived transactions in random order, every one verified.
func (a *archived) proofTimes(b *testing.B, ids []crypto.Hash) {
	rand.New(rand.NewSource(2)).Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	var all []time.Duration
	for _, id := range ids[:min(len(ids), 1000)] {
		start := time.Now()
		p, err := a.l.ProveTx(id)
		require.NoError(b, err)
		all = append(all, time.Since(start))
		require.NoError(b, p.Verify(a.trust()))
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1e3, "ms-p50-proof")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1e3, "ms-p99-proof")
	b.ReportMetric(float64(all[len(all)-1].Microseconds())/1e3, "ms-worst-proof")
}
