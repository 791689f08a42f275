package consensus

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/ledger"
)

// CometBFT alone decides what its validators make, the same on each, over the links that
// real validators have, and leaves the ledger at its genesis state.
func TestCeiling(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 4)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var all []*Ceiling
	var ledgers []*ledger.Ledger
	var wg sync.WaitGroup
	for _, n := range net.nodes {
		l, err := ledger.Open(filepath.Join(n.home, "data", "ledger"), net.genesis.Hash(), net.opt)
		require.NoError(t, err)
		machine, err := chain.New(net.genesis, net.vm, chain.DefaultOptions())
		require.NoError(t, err)
		c, err := NewCeiling(net.params, Options{
			DataDir: filepath.Join(n.home, "data", "comet"), Chain: machine, Ledger: l, Genesis: net.genesis, Packages: net.packages,
			Keys: n.keys, Link: n.identity, Peers: net.peers(), Listen: n.listen, Logger: n.logger(),
		})
		require.NoError(t, err)
		require.NoError(t, c.Start(ctx))
		all, ledgers = append(all, c), append(ledgers, l)
	}
	for _, c := range all {
		wg.Go(func() { require.NoError(t, c.Load(ctx, 300, 500)) })
	}
	eventually(t, "blocks on every node", func() bool {
		for _, c := range all {
			if n := c.Count(); n.Blocks < 5 || n.Txs < 500 {
				return false
			}
		}
		return true
	})
	cancel()
	wg.Wait()
	eventually(t, "equal counts", func() bool {
		for _, c := range all {
			if c.Count().Txs != all[0].Count().Txs {
				return false
			}
		}
		return true
	})
	for i, c := range all {
		require.NoError(t, c.Err())
		c.Stop()
		require.Zero(t, ledgers[i].Height())
		require.NoError(t, ledgers[i].Close())
	}
}
