package consensus

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
)

// brokenLedger fails to commit from a height on; 0 for never.
type brokenLedger struct {
	Ledger
	from *atomic.Uint64
	late bool // the commit succeeds, and then the node fails: a crash right after it
}

func (l brokenLedger) Commit(c *ledger.Candidate) error {
	if from := l.from.Load(); from > 0 && c.Header.Height >= from {
		if l.late {
			if err := l.Ledger.Commit(c); err != nil {
				return err
			}
		}
		return types.Errorf(types.CodeDiskFailure, "no space left on device")
	}
	return l.Ledger.Commit(c)
}

// upBroken starts a node on a ledger that can be made to fail.
func (n *testNode) upBroken(from *atomic.Uint64, late bool) error {
	n.open()
	n.app.ledger = brokenLedger{n.app.ledger, from, late}
	n.net.t.Cleanup(n.down)
	return n.Start(n.net.t.(*testing.T).Context())
}

func (n *testNode) failsWith(code types.Code) {
	select {
	case <-n.Done():
	case <-time.After(patience):
		n.net.t.Fatal("the node did not report its failure")
	}
	require.Equal(n.net.t, code, types.CodeOf(n.Err()), "%v", n.Err())
}

// A node whose ledger fails stops voting, says so, and can be stopped in order; the
// others go on, and it comes back when the cause is gone.
func TestFailingLedger(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 4)
	for _, n := range net.nodes[:3] {
		n.up()
	}
	var from atomic.Uint64
	n := net.nodes[3]
	require.NoError(t, n.upBroken(&from, false))
	net.ready()
	require.NoError(t, n.Err())

	height := net.quiet(300*time.Millisecond) + 1
	from.Store(height)
	net.nodes[0].commit(net.call("a", "1"))
	n.failsWith(types.CodeDiskFailure)
	for i := range 3 {
		net.nodes[i].commit(net.call(fmt.Sprintf("b%d", i), "1"))
	}
	n.down()
	require.Equal(t, types.CodeDiskFailure, types.CodeOf(n.upBroken(&from, false)), "the stored block is replayed at start")
	n.down()
	from.Store(height + 1)
	require.NoError(t, n.upBroken(&from, false))
	n.failsWith(types.CodeDiskFailure) // while catching up
	n.down()

	n.up()
	net.ready()
	require.True(t, n.commit(net.call("c", "1")).Receipt.OK())
	net.quiet(300 * time.Millisecond)
	net.same()
}

// A node that dies between the commit of its ledger and that of CometBFT's state goes
// on where it was: the block is not executed twice.
func TestCrashAfterCommit(t *testing.T) {
	t.Parallel()
	for _, validators := range []int{1, 4} {
		t.Run(fmt.Sprint(validators), func(t *testing.T) {
			net := newNetwork(t, validators)
			var from atomic.Uint64
			n := net.nodes[0]
			require.NoError(t, n.upBroken(&from, true))
			for _, other := range net.nodes[1:] {
				other.up()
			}
			net.ready()
			height := net.quiet(300*time.Millisecond) + 1
			from.Store(height)
			_, err := n.Submit(net.call("a", "1").Bytes())
			require.NoError(t, err)
			n.failsWith(types.CodeDiskFailure)
			require.Equal(t, height, n.ledger.Height())
			n.down()
			n.up()
			net.ready()
			require.True(t, n.commit(net.call("b", "1")).Receipt.OK())
			net.quiet(300 * time.Millisecond)
			net.same()
			v, found, err := n.ledger.Get("store", []byte("a"))
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, "1", string(v))
		})
	}
}

// A validator that lost its vote state follows, and votes again after the next block.
// covers: T.03
func TestLostVoteState(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 4)
	net.params.ClockMargin = 0
	net.up()
	net.ready()
	net.nodes[0].commit(net.call("a", "1"))
	net.quiet(300 * time.Millisecond)
	n := net.nodes[3]
	n.down()
	n.wipe()
	require.NoError(t, os.Remove(n.keys.VoteFile))
	n.up()
	net.ready()
	require.True(t, n.Status().Following)
	net.nodes[0].commit(net.call("b", "1"))
	eventually(t, "signing again", func() bool { return !n.Status().Following })
	net.nodes[1].down() // now its vote is needed
	require.True(t, n.commit(net.call("c", "1")).Receipt.OK())
	net.same()
}

// A follower has no header key: it signs nothing, keeps up, and takes submissions.
func TestFollower(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 3)
	f := &testNode{net: net, index: 3, home: t.TempDir(), listen: freeAddress(t), reg: net.nodes[0].reg}
	f.keys = testKeys(t)
	f.certify("archives/follower")
	net.up()
	f.up()
	net.nodes = append(net.nodes, f)
	net.ready()
	c := f.commit(net.call("a", "1"))
	require.True(t, c.Receipt.OK())
	s := f.Status()
	require.False(t, s.Validator)
	net.quiet(300 * time.Millisecond)
	net.same()
	before, err := os.ReadFile(f.keys.VoteFile)
	require.NoError(t, err)
	require.NotContains(t, string(before), "signature", "nothing was ever signed")
}

func TestNewRefuses(t *testing.T) {
	net := newNetwork(t, 1)
	n := net.nodes[0]
	_, err := New(net.params, Options{})
	require.Equal(t, types.CodeConfig, types.CodeOf(err))
	n.open()
	good := n.o
	bad := good
	bad.Peers = []string{"nobody"}
	_, err = New(net.params, bad)
	require.Equal(t, types.CodeConfig, types.CodeOf(err))
	bad = good
	id := n.link.Load()
	bad.Link = tlcp.Fixed(&tlcp.Identity{Sign: id.Sign, Signer: id.Signer})
	_, err = New(net.params, bad)
	require.Equal(t, types.CodeCertFile, types.CodeOf(err), "a link needs both certificates")

	_, err = n.Submit([]byte("x"))
	require.Equal(t, types.CodeNotReady, types.CodeOf(err))
	n.down()

	// A port that is taken.
	first := newNetwork(t, 1)
	first.up()
	n.listen = first.nodes[0].listen
	n.open()
	err = n.Start(t.Context())
	require.Equal(t, types.CodePortTaken, types.CodeOf(err), "%v", err)
	n.down()
}
