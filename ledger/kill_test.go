package ledger

import (
	"bufio"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	killDirEnv    = "HUCHAIN_TEST_KILL_DIR"
	killRoundsEnv = "HUCHAIN_TEST_KILL_ROUNDS"
	killBlocks    = 60
)

// TestKilledWriter is the process that TestKillAtRandomPoints kills: it commits the same
// blocks in every run, from where the ledger stands.
func TestKilledWriter(t *testing.T) {
	dir := os.Getenv(killDirEnv)
	if dir == "" {
		return // it only plays its part when started by the other test
	}
	l, err := Open(dir, genesisHash, DefaultParams())
	require.NoError(t, err)
	for i, b := range record(t, killBlocks).blocks {
		if i < next(l) {
			continue
		}
		c, err := l.Prepare(b)
		require.NoError(t, err)
		require.NoError(t, l.Commit(c))
		fmt.Printf("committed %d\n", i)
	}
	require.NoError(t, l.Close())
}

// covers: T.05
func TestKillAtRandomPoints(t *testing.T) {
	rounds := 10
	if s := os.Getenv(killRoundsEnv); s != "" {
		var err error
		rounds, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	r := record(t, killBlocks)
	dir := filepath.Join(t.TempDir(), "chain")
	rng := rand.New(rand.NewSource(time.Now().UnixNano()))
	last := -1
	for round := range rounds {
		if last == killBlocks-1 {
			last, dir = -1, filepath.Join(t.TempDir(), fmt.Sprint(round))
		}
		last = max(last, killedRun(t, dir, rng.Intn(killBlocks/3)))
		l, err := Open(dir, genesisHash, DefaultParams())
		require.NoError(t, err)
		have := next(l) - 1
		require.GreaterOrEqual(t, have, last, "an acknowledged block is missing")
		if have >= 0 {
			require.Equal(t, r.roots[have], l.ContentRoot())
		}
		for h := 1; h <= have; h++ {
			head, err := l.Header(uint64(h))
			require.NoError(t, err)
			require.Equal(t, r.hashes[h], head.Hash())
			txs, err := l.BlockTxs(uint64(h))
			require.NoError(t, err)
			require.Len(t, txs, len(r.blocks[h].Txs))
		}
		last = have
		require.NoError(t, l.Close())
	}
}

// killedRun starts the writer, kills it some blocks on, and returns the last block it
// acknowledged (-1: none).
func killedRun(t *testing.T, dir string, blocks int) int {
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWriter$", "-test.v")
	cmd.Env = append(os.Environ(), killDirEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	last := -1
	in := bufio.NewScanner(out)
	for in.Scan() {
		if n, ok := strings.CutPrefix(in.Text(), "committed "); ok {
			last, err = strconv.Atoi(n)
			require.NoError(t, err)
			if blocks--; blocks < 0 {
				require.NoError(t, cmd.Process.Kill())
			}
		}
	}
	_ = cmd.Wait() // killed, or done
	return last
}
