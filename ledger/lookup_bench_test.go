package ledger

import (
	"flag"
	"math/rand"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

var lookupTxs = flag.Int("ledger.txs", 100_000, "transactions stored before BenchmarkLookup begins")

// BenchmarkLookup stores -ledger.txs deposits, without their rows, in blocks of 1,000 and
// measures what a reader waits for: a transaction by id with its receipt and events, and the
// newest page of a sender with each transaction and receipt, all checked against headers.
//
//	go test ./ledger -run '^$' -bench Lookup -benchtime 1x -ledger.txs 5000000
func BenchmarkLookup(b *testing.B) {
	for b.Loop() {
		l, err := Open(filepath.Join(b.TempDir(), "chain"), genesisHash, DefaultParams())
		require.NoError(b, err)
		rng := rand.New(rand.NewSource(1))
		commit := func(blk *Block) {
			blk.Writes = nil
			c, err := l.Prepare(blk)
			require.NoError(b, err)
			require.NoError(b, l.Commit(c))
		}
		commit(&Block{})
		var ids []crypto.Hash
		var senders []types.Address
		for n := 0; n < *lookupTxs; n += 1000 {
			blk := depositBlock(rng, l.Height()+1, 1000)
			at := rng.Intn(len(blk.TxIDs))
			ids, senders = append(ids, blk.TxIDs[at]), append(senders, blk.Senders[at])
			commit(blk)
		}
		rng.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		b.ReportMetric(p99(ids, func(id crypto.Hash) {
			height, index, err := l.TxByID(id)
			require.NoError(b, err)
			readAll(b, l, Ref{Height: height, Index: index})
		}), "ms-p99-by-id")
		b.ReportMetric(p99(senders, func(a types.Address) {
			refs, _, err := l.TxsBySender(a, Page{Limit: 20})
			require.NoError(b, err)
			for _, r := range refs {
				_, err := l.Tx(r)
				require.NoError(b, err)
				_, err = l.Receipt(r)
				require.NoError(b, err)
			}
		}), "ms-p99-by-sender")
		require.NoError(b, l.Close())
	}
}

func readAll(b *testing.B, l *Ledger, r Ref) {
	_, err := l.Tx(r)
	require.NoError(b, err)
	_, err = l.Receipt(r)
	require.NoError(b, err)
	events, _, err := l.EventsOf(r)
	require.NoError(b, err)
	require.NotEmpty(b, events)
}

// p99 is the time, in ms, that 99 of 100 calls stay below.
func p99[T any](of []T, call func(T)) float64 {
	var all []time.Duration
	for i := range of[:min(len(of), 1000)] {
		start := time.Now()
		call(of[i])
		all = append(all, time.Since(start))
	}
	slices.Sort(all)
	return float64(all[len(all)*99/100].Microseconds()) / 1e3
}
