package test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver/pgdriver/pgtest"
	"github.com/huchain/huchain/node"
)

// TestLedgerDrivers: a validator's ledger is moved to bbolt, to PostgreSQL and back; on
// each it agrees with validators on Pebble, and its vote counts.
// covers: T.13
func TestLedgerDrivers(t *testing.T) {
	n := shared(t, "snapshots", beside, nil)
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	d := newDeposit()
	_, err = n.client(0).Call(context.Background(), clerk, "evidence", "deposit", d)
	require.NoError(t, err)
	file := n.NodeHome(n.Nodes[1].Name).Chain(n.Chain).ConfigFile()
	config, err := os.ReadFile(file)
	require.NoError(t, err)
	config = fmt.Appendf(config, "\n[ledger]\npostgres = %q\n", pgtest.Start(t).URL)
	require.NoError(t, os.WriteFile(file, config, 0o600))
	var m node.Migration
	require.ErrorContains(t, n.onNode(1, &m, "ledger", "migrate", "--to", "bbolt"), "HC-1005")
	for _, to := range []string{"bbolt", "postgres", "pebble"} {
		n.stop(1)
		require.NoError(t, n.onNode(1, &m, "ledger", "migrate", "--to", to))
		require.Equal(t, to, m.To)
		require.NoError(t, os.RemoveAll(m.Kept))
		var report []node.FsckReport
		require.NoError(t, n.onNode(1, &report, "fsck"))
		n.votesOn(1, d)
	}
	n.stop(1)
	require.ErrorContains(t, n.onNode(1, &m, "ledger", "migrate", "--to", "oracle"), "HC-1002")
	require.ErrorContains(t, n.onNode(1, &m, "ledger", "migrate", "--to", "pebble"), "HC-1011")
	n.start(1)
	n.ready(1)
}
