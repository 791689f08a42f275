package node

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/driver/boltdb"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/types"
)

// TestLedgerAsConfigured: a new ledger begins on the driver that chain.toml names, with the
// indexes and the memory it names; one that is kept by another driver is refused.
//
// covers: T.13
func TestLedgerAsConfigured(t *testing.T) {
	home := Home{Dir: t.TempDir()}.Chain("gov")
	require.NoError(t, os.MkdirAll(filepath.Dir(home.ConfigFile()), 0o755))
	open := func(config string) (*ledger.Ledger, ledger.Params, error) {
		require.NoError(t, os.WriteFile(home.ConfigFile(), []byte(config), 0o600))
		cfg, err := LoadChainConfig(home.ConfigFile())
		if err != nil {
			return nil, ledger.Params{}, err
		}
		if err := placeLedger(home, &cfg.Ledger); err != nil {
			return nil, ledger.Params{}, err
		}
		p, err := ledgerParams(home)
		if err != nil {
			return nil, p, err
		}
		l, err := ledger.Open(home.LedgerDir(), crypto.Sum(nil), p)
		return l, p, err
	}
	for _, bad := range []string{`driver = "oracle"`, `indexes = ["colour"]`, `pageFileMiB = -1`} {
		_, _, err := open("[ledger]\n" + bad + "\n")
		require.Equal(t, types.CodeConfig, types.CodeOf(err), bad)
	}
	l, p, err := open("[ledger]\ndriver = \"bbolt\"\nindexes = [\"key\"]\npageFileMiB = 3\n")
	require.NoError(t, err)
	require.IsType(t, boltdb.Opener{}, p.Driver)
	require.Equal(t, ledger.IndexKey, p.Indexes)
	require.Equal(t, int64(3<<20), p.PageBytes)
	require.NoError(t, l.Close())
	l, p, err = open("") // what keeps it is noted beside it
	require.NoError(t, err)
	require.IsType(t, boltdb.Opener{}, p.Driver)
	require.Equal(t, ledger.DefaultParams().Indexes, p.Indexes)
	free, err := freeMiB(home.LedgerDir())
	require.NoError(t, err)
	require.Positive(t, p.PageBytes)
	require.LessOrEqual(t, p.PageBytes, min(ledger.DefaultParams().PageBytes, (free+64)<<20/pageFileShare))
	require.NoError(t, l.Close())
	_, _, err = open("[ledger]\ndriver = \"pebble\"\n")
	require.Equal(t, types.CodeConfig, types.CodeOf(err))
	require.ErrorContains(t, err, "ledger migrate --to pebble")
	require.NoError(t, os.RemoveAll(home.LedgerDir()))
	l, p, err = open("[ledger]\ndriver = \"pebble\"\nindexes = []\n")
	require.NoError(t, err)
	require.IsType(t, pebbledb.Opener{}, p.Driver)
	require.Zero(t, p.Indexes, fmt.Sprint(p.Indexes))
	require.NoError(t, l.Close())
	_, _, err = open("[stateSync]\nenable = true\n[p2p]\npeers = [\"archives/node1@127.0.0.1:9001\"]\n[ledger]\ndriver = \"bbolt\"\n")
	require.Equal(t, types.CodeConfig, types.CodeOf(err))
}
