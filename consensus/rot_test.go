package consensus

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/types"
)

// keptUntilEnd is a folder that is there until all tests are over: a start that fails leaves
// CometBFT's log of votes open, whose timer panics where its folder is gone.
var keptUntilEnd string

func TestMain(m *testing.M) {
	var err error
	if keptUntilEnd, err = os.MkdirTemp("", "huchain-consensus-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(keptUntilEnd) //nolint:errcheck // a folder for temporary files
	os.Exit(code)
}

// A byte that changed in CometBFT's stores while the node was down: it is refused at start
// with a coded error, or does not matter; the ledger's headers stay what they were.
//
// covers: T.05
func TestRottenConsensusStores(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 1)
	net.up()
	n := net.nodes[0]
	eventually(t, "first block", func() bool { return n.ledger.Height() >= 1 })
	for i := range 6 {
		n.commit(net.call(string(rune('a'+i)), "1"))
	}
	net.quiet(300 * time.Millisecond)
	want, err := n.ledger.Header(5)
	require.NoError(t, err)
	n.down()
	n.up() // moves the rows from the logs into tables
	n.down()
	good := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.CopyFS(good, os.DirFS(filepath.Join(n.home, "data"))))
	var files []string
	for _, dir := range []string{"blocks", "consensus"} {
		list, err := filepath.Glob(filepath.Join(n.home, "data", "comet", dir, "*"))
		require.NoError(t, err)
		for _, f := range list {
			if info, err := os.Stat(f); err == nil && info.Size() > 0 && (pebbledb.Unchanging(f) || strings.HasSuffix(f, ".log")) {
				files = append(files, f)
			}
		}
	}
	sort.Strings(files)
	require.NotEmpty(t, files)
	rng := rand.New(rand.NewPCG(1, 9))
	refused := 0
	kept, err := os.MkdirTemp(keptUntilEnd, "rotten")
	require.NoError(t, err)
	for i := range 24 {
		n.home = filepath.Join(kept, strconv.Itoa(i))
		require.NoError(t, os.CopyFS(filepath.Join(n.home, "data"), os.DirFS(good)))
		f := files[i%len(files)]
		raw, err := os.ReadFile(f)
		require.NoError(t, err)
		raw[rng.IntN(len(raw))] ^= 1 << rng.IntN(8)
		require.NoError(t, os.WriteFile(f, raw, 0o600))
		n.open()
		if err := n.Start(t.Context()); err != nil {
			refused++
			require.Contains(t, []types.Code{types.CodeLedgerMismatch, types.CodeDiskFailure, types.CodeLedgerCorrupt}, types.CodeOf(err), "%s: %v", f, err)
		}
		got, err := n.ledger.Header(5)
		require.NoError(t, err)
		require.Equal(t, want, got)
		n.down()
	}
	t.Logf("%d of 24 refused", refused)
}
