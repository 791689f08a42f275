package consensus

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A lone validator commits, goes silent after two empty blocks, and wakes up.
func TestSingleValidator(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 1)
	net.up()
	n := net.nodes[0]
	eventually(t, "first block", func() bool { return n.ledger.Height() >= 1 })
	before := net.quiet(2 * time.Second)

	start := time.Now()
	c := n.commit(net.call("a", "1"))
	t.Logf("committed in %v", time.Since(start))
	require.True(t, c.Receipt.OK(), "%+v", c.Receipt)
	require.Equal(t, before+1, c.Height)
	v, found, err := n.ledger.Get("store", []byte("a"))
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "1", string(v))

	require.Equal(t, c.Height+2, net.settled(c.Height+2), "two empty blocks settle the root, then silence")
	s := n.Status()
	require.False(t, s.CatchingUp)
	require.True(t, s.Validator)
	require.Equal(t, c.Height+1, s.CertifiedUpTo)
	cert, err := n.ledger.Certificate(c.Height)
	require.NoError(t, err)
	h, err := n.ledger.Header(c.Height)
	require.NoError(t, err)
	set, err := n.ledger.Signers(c.Height)
	require.NoError(t, err)
	require.NoError(t, cert.Verify(&h, set))
}

// What is sent to a chain that has rested is dated when it was sent, not when the rest began.
func TestBlockTimeAfterRest(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 1)
	net.params.Rest = 300 * time.Millisecond
	net.up()
	n := net.nodes[0]
	eventually(t, "first block", func() bool { return n.ledger.Height() >= 1 })
	before := net.quiet(3 * time.Second)
	sent := time.Now()
	c := n.commit(net.call("a", "1"))
	done := time.Now()
	require.Equal(t, before+2, c.Height, "an empty block first")
	h, err := n.ledger.Header(c.Height)
	require.NoError(t, err)
	require.Greater(t, h.Time, sent.Add(-2*time.Second).UnixNano(), "not the time of the block before")
	require.LessOrEqual(t, h.Time, done.UnixNano(), "nor one to come")
}
