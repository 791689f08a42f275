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
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/boltdb"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
)

const (
	killDirEnv    = "HUCHAIN_TEST_KILL_DIR"
	killDriverEnv = "HUCHAIN_TEST_KILL_DRIVER"
	killStopEnv   = "HUCHAIN_TEST_KILL_STOP"
	killRoundsEnv = "HUCHAIN_TEST_KILL_ROUNDS"
	killBlocks    = 60
)

var killDrivers = map[string]driver.Opener{"pebble": pebbledb.Opener{}, "bbolt": boltdb.Opener{MaxBytes: 1 << 30}}

// stop says at which commit of which store a writer stands still until it is killed:
// "blocks:before:7". Before a commit of blocks is between the two databases.
type stop struct {
	store, side string
	commit      int64
}

func parseStop(s string) (out stop) {
	parts := strings.Split(s, ":")
	if len(parts) == 3 {
		out.store, out.side = parts[0], parts[1]
		out.commit, _ = strconv.ParseInt(parts[2], 10, 64)
	}
	return out
}

// stopping opens stores that obey a stop.
type stopping struct {
	driver.Opener
	stop
	n *atomic.Int64
}

func (o stopping) Open(dir string, p driver.Profile) (driver.DB, error) {
	db, err := o.Opener.Open(dir, p)
	if err != nil || filepath.Base(dir) != o.store {
		return db, err
	}
	return stoppingDB{db, o}, nil
}

type stoppingDB struct {
	driver.DB
	o stopping
}

func (d stoppingDB) Batch() driver.Batch { return stoppingBatch{d.DB.Batch(), d.o} }

type stoppingBatch struct {
	driver.Batch
	o stopping
}

func (b stoppingBatch) Commit(sync bool) error {
	n := b.o.n.Add(1)
	b.o.reached("before", n)
	err := b.Batch.Commit(sync)
	b.o.reached("after", n)
	return err
}

func (o stopping) reached(side string, n int64) {
	if side == o.side && n == o.commit {
		fmt.Printf("stopped %s:%s\n", o.store, side)
		time.Sleep(time.Hour) // until it is killed
	}
}

// TestKilledWriter is the process that TestKillAtRandomPoints kills: it commits the same
// blocks in every run, from where the ledger stands.
func TestKilledWriter(t *testing.T) {
	dir := os.Getenv(killDirEnv)
	if dir == "" {
		return // it only plays its part when started by the other test
	}
	p := DefaultParams()
	p.Driver = stopping{killDrivers[os.Getenv(killDriverEnv)], parseStop(os.Getenv(killStopEnv)), &atomic.Int64{}}
	l, err := Open(dir, genesisHash, p)
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

// TestKillAtRandomPoints kills a process that commits: at random moments, and at given ones
// before and behind the commits of either database. What it acknowledged is there, or one
// block more, with the headers of a run that nobody disturbed.
//
// covers: T.05
func TestKillAtRandomPoints(t *testing.T) {
	rounds := 10
	if s := os.Getenv(killRoundsEnv); s != "" {
		var err error
		rounds, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	r := record(t, killBlocks)
	rng := rand.New(rand.NewSource(time.Now().UnixNano()))
	stops := []string{"", "blocks:before", "", "blocks:after", "", "state:before", "", "state:after"}
	type kept struct {
		dir  string
		last int // newest block it is known to hold
	}
	ledgers, killed := map[string]*kept{}, map[string]int{}
	for round := range rounds {
		name := []string{"pebble", "pebble", "pebble", "bbolt"}[rng.Intn(4)]
		k := ledgers[name]
		if k == nil || k.last == killBlocks-1 {
			k = &kept{filepath.Join(t.TempDir(), fmt.Sprint(round)), -1}
			ledgers[name] = k
		}
		at := stops[round%len(stops)]
		if at != "" {
			at += fmt.Sprintf(":%d", 1+rng.Intn(killBlocks/3))
		}
		acked, where := killedRun(t, k.dir, name, at, rng)
		killed[where]++
		k.last = max(k.last, acked)
		p := DefaultParams()
		p.Driver = killDrivers[name]
		l, err := Open(k.dir, genesisHash, p)
		require.NoError(t, err)
		have := next(l) - 1
		require.Contains(t, []int{k.last, k.last + 1}, have, "killed %s: the last acknowledged block or one more", where)
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
		k.last = have
		require.NoError(t, l.Close())
	}
	t.Logf("killed: %v", killed)
}

// killedRun starts the writer and kills it where it stops, or else some blocks on; it
// returns the last block it acknowledged (-1: none), and where it was killed.
func killedRun(t *testing.T, dir, name, at string, rng *rand.Rand) (last int, where string) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWriter$", "-test.v")
	cmd.Env = append(os.Environ(), killDirEnv+"="+dir, killDriverEnv+"="+name, killStopEnv+"="+at)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	last, where = -1, "at the end"
	blocks := rng.Intn(killBlocks / 3)
	in := bufio.NewScanner(out)
	for in.Scan() {
		if s, ok := strings.CutPrefix(in.Text(), "stopped "); ok {
			where = s
			require.NoError(t, cmd.Process.Kill())
		}
		n, ok := strings.CutPrefix(in.Text(), "committed ")
		if !ok {
			continue
		}
		last, err = strconv.Atoi(n)
		require.NoError(t, err)
		if blocks--; at == "" && blocks < 0 && where == "at the end" {
			where = "anywhere"
			delay := time.Duration(rng.Intn(3000)) * time.Microsecond // into the block that follows
			time.AfterFunc(delay, func() { _ = cmd.Process.Kill() })  // it may have ended by itself
		}
	}
	_ = cmd.Wait() // killed, or done
	return last, where
}
