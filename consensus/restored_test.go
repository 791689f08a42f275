package consensus

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/snapshot"
	"github.com/huchain/huchain/types"
)

// replica executes and commits blocks as consensus does, without a network.
type replica struct {
	t testing.TB
	*app
	l *ledger.Ledger
}

func newReplica(t testing.TB, net *network, dir string) *replica {
	l, err := ledger.Open(dir, net.genesis.Hash(), ledger.DefaultParams())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	c, err := chain.New(net.genesis, net.vm, chain.DefaultOptions())
	require.NoError(t, err)
	m, err := newMetrics(nil, "test")
	require.NoError(t, err)
	ids, err := restoreIDs(l)
	require.NoError(t, err)
	return &replica{t, &app{machine: c, ledger: l, ids: ids, m: m, packages: net.packages,
		commitIn: func(height uint64) ([]byte, error) { return fmt.Appendf(nil, "commit in %d", height), nil }}, l}
}

func (r *replica) block(in *chain.BlockInput) *types.Header {
	ex, err := r.execute(context.Background(), in, blockMeta{})
	require.NoError(r.t, err)
	require.NoError(r.t, r.ledger.Commit(ex.candidate))
	r.ids.add(in.Time, ex.result.UsedIDs)
	return &ex.candidate.Header
}

// The 2,000 blocks after a snapshot give the same headers on a node that was restored from
// it and on one that replayed the chain, with transactions offered again that fall into,
// and out of, the window of used ids.
//
// covers: T.05
func TestRestoredEqualsReplayed(t *testing.T) {
	t.Parallel()
	const before = 400
	after := 2000
	if testing.Short() {
		after = 200
	}
	net := newNetwork(t, 1)
	now := time.Now().Truncate(time.Second)
	a := newReplica(t, net, filepath.Join(t.TempDir(), "a"))
	_, err := a.InitChain(context.Background(), nil)
	require.NoError(t, err)
	var sent []*types.Tx
	next := func(h int) *chain.BlockInput {
		in := &chain.BlockInput{Height: uint64(h), Time: now.Add(time.Duration(h) * time.Second).UnixNano()}
		if h%2 == 0 {
			tx := chaintest.Call(net.genesis, net.clerk, time.Unix(0, in.Time), "store", "put", fmt.Sprintf(`{k%d:v%d}`, h%50, h), true)
			sent = append(sent, tx)
			in.Txs = append(in.Txs, tx.Bytes())
		}
		if n := len(sent); n > 2 { // once more, from seconds to ten minutes old
			in.Txs = append(in.Txs, sent[n-1-h*7%min(n-1, 300)].Bytes())
		}
		return in
	}
	for h := 1; h <= before; h++ {
		a.block(next(h))
	}
	f, err := a.l.Freeze()
	require.NoError(t, err)
	store, err := snapshot.OpenStore(filepath.Join(t.TempDir(), "snapshots"), snapshot.DefaultParams())
	require.NoError(t, err)
	_, err = store.Create(t.Context(), f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	m, err := store.Manifest(before)
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "b")
	r, err := snapshot.NewRestore(m, dir, net.genesis.Hash(), ledger.DefaultParams().Driver)
	require.NoError(t, err)
	for i := range m.Chunks() {
		c, err := store.Chunk(before, i)
		require.NoError(t, err)
		require.NoError(t, r.Apply(c))
	}
	records, err := a.l.Records(before - 1)
	require.NoError(t, err)
	records, _, _ = records.Append(archive.RecordHash(m.Header.Hash(), crypto.Sum(fmt.Append(nil, "commit in ", before)), crypto.Sum()))
	require.NoError(t, r.Finish(nil, nil, records))
	b := newReplica(t, net, dir)
	require.Equal(t, a.ids.w.Len(), b.ids.w.Len())
	refused := 0
	for h := before + 1; h <= before+after; h++ {
		in := next(h)
		want := a.block(in)
		require.Equal(t, want, b.block(in), "height %d", h)
		rs, err := a.l.Receipts(uint64(h))
		require.NoError(t, err)
		for i := range rs {
			if rs[i].Code == types.CodeTxDuplicate {
				refused++
			}
		}
	}
	require.Greater(t, refused, after/10)
}
