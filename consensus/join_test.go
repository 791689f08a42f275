package consensus

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/state"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// recordsEnv sets the number of records of the full-size test.
const recordsEnv = "HUCHAIN_TEST_SNAPSHOT_RECORDS"

func records(t testing.TB) int {
	if s := os.Getenv(recordsEnv); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(t, err)
		return n
	}
	return 10_000
}

// withBulk installs the contract "bulk", whose fill {"from":a,"to":b} writes records a to b-1.
func (net *network) withBulk() {
	net.vm.Install(net.world, "bulk", map[string]string{"fill": "ANY role:client"}, func(env host.Env, args []byte) ([]byte, error) {
		var from, to int
		if _, err := fmt.Sscanf(string(args), `{"from":%d,"to":%d}`, &from, &to); err != nil {
			return nil, err
		}
		for i := from; i < to; i++ {
			value := fmt.Appendf(nil, `{"n":%d,"text":"a record of the usual size: title, owner, time and hash of a deposit, some two hundred bytes in all"}`, i)
			if err := env.Put(fmt.Appendf(nil, "record/%08d", i), value); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
}

// liarApp serves snapshot chunks with one byte changed.
type liarApp struct {
	*app
	served int
}

func (a *liarApp) LoadSnapshotChunk(ctx context.Context, r *abci.RequestLoadSnapshotChunk) (*abci.ResponseLoadSnapshotChunk, error) {
	res, err := a.app.LoadSnapshotChunk(ctx, r)
	if err == nil && len(res.Chunk) > 0 {
		a.served++
		res.Chunk[len(res.Chunk)/2] ^= 1
	}
	return res, err
}

// A fresh node joins by snapshot, with a peer in the set that sends altered chunks: it
// refuses them, cuts the peer off, finishes, and agrees with all others from there on.
//
// covers: T.05
func TestJoinBySnapshot(t *testing.T) {
	t.Parallel()
	net := newNetworkWith(t, 4, (*network).withBulk)
	net.params.SnapshotEvery = 5
	liar := &liarApp{}
	for i, n := range net.nodes[:3] {
		if i == 2 {
			n.abci = func(a *app) abci.Application { liar.app = a; return liar }
		}
		n.up()
	}
	net.ready()
	for from, total := 0, records(t); from < total; from += 2000 {
		c := net.nodes[0].commit(chaintest.Call(net.genesis, net.clerk, time.Now(), "bulk", "fill",
			fmt.Sprintf(`{"from":%d,"to":%d}`, from, min(from+2000, total)), true))
		require.True(t, c.Receipt.OK(), "%+v", c.Receipt)
	}
	for i := range 12 {
		net.nodes[i%2].commit(net.call(fmt.Sprintf("k%d", i), "1"))
	}
	for _, n := range net.nodes[:3] {
		eventually(t, "anchored snapshot", func() bool { return newestAnchored(n) > 0 })
	}

	f := net.nodes[3]
	log := &logLines{}
	o := f.joinOptions()
	o.Logger = slog.New(slog.NewTextHandler(log, nil))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute+time.Duration(records(t))*200*time.Microsecond)
	defer cancel()
	height, err := Join(ctx, net.params, o)
	require.NoError(t, err)
	joined := time.Now()
	require.Positive(t, liar.served, "the liar was never asked")
	require.Positive(t, log.count("peer cut off"), "the liar was not cut off")
	t.Logf("joined at height %d of %d, %d altered chunks refused", height, net.nodes[0].ledger.Height(), liar.served)
	f.up()
	require.Equal(t, height+1, f.ledger.Base())
	net.ready()
	state, err := f.Node.engine.Load().states.Load()
	require.NoError(t, err)
	tip := net.quiet(300 * time.Millisecond)
	for _, n := range net.nodes[:3] {
		st, err := n.Node.engine.Load().states.Load()
		require.NoError(t, err)
		if st.LastBlockHeight == state.LastBlockHeight {
			require.Equal(t, st.Validators, state.Validators, "whose turn it is to propose")
		}
	}
	net.nodes[1].down() // now the joined node's vote is needed
	c := f.commit(net.call("joined", "1"))
	require.True(t, c.Receipt.OK())
	require.Greater(t, c.Height, tip)
	net.nodes[1].up()
	net.ready()
	net.quiet(300 * time.Millisecond)
	net.sameFrom(height)
	require.Equal(t, net.nodes[0].ledger.StateRoot(), f.ledger.StateRoot())

	// It goes on after a restart, and makes snapshots of its own once it can.
	f.down()
	f.up()
	net.ready()
	require.True(t, f.commit(net.call("again", "1")).Receipt.OK())
	_, err = f.CreateSnapshot(t.Context())
	if time.Since(joined) < types.Window {
		require.Equal(t, types.CodeSnapshotUnavailable, types.CodeOf(err), "the window of used ids is not kept yet: %v", err)
	} else {
		require.NoError(t, err)
	}
}

// logLines keeps what is logged.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *logLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(b))
	return len(b), nil
}

func (l *logLines) count(text string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func newestAnchored(n *testNode) uint64 {
	heights, err := n.snapshots.Heights()
	require.NoError(n.net.t, err)
	var out uint64
	for _, h := range heights {
		if _, err := n.snapshots.Anchor(h); err == nil {
			out = h
		}
	}
	return out
}

// join makes the node's ledger out of a snapshot of its peers.
func (n *testNode) join() uint64 {
	ctx, cancel := context.WithTimeout(n.net.t.Context(), patience)
	defer cancel()
	h, err := Join(ctx, n.net.params, n.joinOptions())
	require.NoError(n.net.t, err)
	return h
}

func (n *testNode) joinOptions() JoinOptions {
	return JoinOptions{LedgerDir: filepath.Join(n.home, "data", "ledger"), Driver: ledger.DefaultParams().Driver,
		Genesis: n.net.genesis, Link: n.identity, Peers: n.net.peers(), Logger: n.logger()}
}

// Joining waits for an offer and ends with its context; nothing is left behind.
func TestJoinWithoutOffer(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 4)
	for _, n := range net.nodes[:3] {
		n.up()
	}
	net.ready()
	f := net.nodes[3]
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	_, err := Join(ctx, net.params, f.joinOptions())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = os.Stat(f.joinOptions().LedgerDir)
	require.ErrorIs(t, err, os.ErrNotExist)
	f.up() // replays instead
	net.ready()
	net.same()
}

// sameFrom is same for nodes that do not keep what lies below height.
func (net *network) sameFrom(height uint64) {
	for _, n := range net.nodes[1:] {
		for h := height; h <= min(net.nodes[0].ledger.Height(), n.ledger.Height()); h++ {
			a, err := net.nodes[0].ledger.Header(h)
			require.NoError(net.t, err)
			b, err := n.ledger.Header(h)
			require.NoError(net.t, err)
			require.Equal(net.t, a, b, "height %d of nodes 0 and %d", h, n.index)
		}
	}
}

// A node joins by snapshot after founders were replaced and a parameter was changed: trust
// follows every change, and it knows whose turn it is to propose.
//
// covers: T.05
func TestJoinAfterChanges(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 4)
	net.params.SnapshotEvery = 4
	admin := net.world.Member("archives", "admin", "admin")
	net.up()
	net.ready()
	govern := func(method, args string) {
		t.Helper()
		c := net.nodes[0].commit(chaintest.Call(net.genesis, admin, time.Now(), "governance", method, args, true))
		require.True(t, c.Receipt.OK(), "%s %s", c.Receipt.Code, c.Receipt.Error)
	}
	for i := 1; i < 3; i++ {
		n, add := net.join(fmt.Sprintf("fresh%d", i))
		n.up()
		net.ready()
		govern("addValidator", add)
		govern("removeValidator", fmt.Sprintf(`{"org":"archives","name":"node%d"}`, i))
		net.nodes[0].commit(net.call(fmt.Sprintf("after%d", i), "1"))
	}
	govern("setParams", `{"maxBlockBytes":1048576}`)
	for i := range 12 {
		net.nodes[0].commit(net.call(fmt.Sprintf("k%d", i), "1"))
	}
	source := net.nodes[0]
	eventually(t, "anchored snapshot", func() bool { return newestAnchored(source) > 0 })
	changes, err := source.ledger.SetChanges(newestAnchored(source))
	require.NoError(t, err)
	require.Len(t, changes, 4)

	f, add := net.join("late")
	height := f.join()
	f.up()
	net.ready()
	sameTurns := func() {
		t.Helper()
		net.quiet(300 * time.Millisecond)
		var a, b state.State
		eventually(t, "both at one height", func() bool {
			var err error
			a, err = source.engine.Load().states.Load()
			require.NoError(t, err)
			b, err = f.engine.Load().states.Load()
			require.NoError(t, err)
			return a.LastBlockHeight == b.LastBlockHeight
		})
		require.Equal(t, a.Validators, b.Validators)
		require.Equal(t, a.NextValidators, b.NextValidators)
		require.Equal(t, a.ConsensusParams, b.ConsensusParams)
	}
	sameTurns()
	govern("addValidator", add)
	for i := range 6 {
		f.commit(net.call(fmt.Sprintf("late%d", i), "1"))
	}
	sameTurns()
	require.True(t, f.Status().Validator)
	got, err := f.ledger.SetChanges(f.ledger.Certified() - 2)
	require.NoError(t, err)
	require.Len(t, got, 5, "it can anchor snapshots itself")
	require.Equal(t, changes, got[:4])
	net.sameFrom(height)

	// Altered anchors are refused, each byte of them.
	raw, found, err := f.ledger.Anchor()
	require.NoError(t, err)
	require.True(t, found)
	h, err := source.ledger.Header(height)
	require.NoError(t, err)
	_, _, err = CheckAnchor(net.genesis, nil, raw, &h)
	require.NoError(t, err)
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1 << (i % 8)
		_, _, err := CheckAnchor(net.genesis, nil, bad, &h)
		require.Equal(t, types.CodeSnapshotInvalid, types.CodeOf(err), "byte %d", i)
	}
	other, err := source.ledger.Header(height - 1)
	require.NoError(t, err)
	_, _, err = CheckAnchor(net.genesis, nil, raw, &other)
	require.Equal(t, types.CodeSnapshotInvalid, types.CodeOf(err))
}
