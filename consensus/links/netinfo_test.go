package links

import (
	"errors"
	"testing"
	"time"

	"github.com/cometbft/cometbft/p2p"
	gogo "github.com/cosmos/gogoproto/types"
	"github.com/stretchr/testify/require"
)

// infoOf finds a peer in a node's list.
func infoOf(n *node, id string) (p Peer) {
	for _, p := range n.NetInfo() {
		if p.ID == id {
			return p
		}
	}
	return p
}

// A node tells of each peer who it is, who dialled, where, how many bytes passed, what it
// runs, and of those it misses, why.
func TestNetInfo(t *testing.T) {
	o := newOrg(t, "archives")
	year := time.Now().AddDate(1, 0, 0)
	nobody := freeAddress(t)
	a := newNode(t, o, o.identity(t, "a", year, "node"), chainA, func(p *Params) { p.Release = "v1" }, "archives/gone@"+nobody)
	b := newNode(t, o, o.identity(t, "b", year, "node"), chainA, func(p *Params) { p.Release = "v2" }, a.id())
	c := o.node(t, "c", chainB, a.id())
	eventually(t, "linked", func() bool { return linked(a, b) })
	eventually(t, "both told why a link is missing", func() bool {
		return infoOf(a, "archives/gone").Failure != "" && infoOf(c, "archives/a").Failure != ""
	})

	seen := infoOf(b, "archives/a")
	require.True(t, seen.Linked && seen.Outbound && seen.Persistent)
	require.Equal(t, a.address, seen.Remote)
	require.Equal(t, a.address, seen.Advertised)
	require.Equal(t, "v1", seen.Release)
	back := infoOf(a, "archives/b")
	require.True(t, back.Linked && !back.Outbound && !back.Persistent)
	require.Equal(t, "v2", back.Release)
	require.Equal(t, b.address, back.Advertised, "where b listens, not the port it dialled from")

	require.True(t, b.peers.Get("archives/a").Send(p2p.Envelope{ChannelID: testChannel, Message: &gogo.BytesValue{Value: make([]byte, 10_000)}}))
	eventually(t, "bytes counted on both sides", func() bool {
		return infoOf(b, "archives/a").SentBytes > 10_000 && infoOf(a, "archives/b").ReceivedBytes > 10_000
	})

	gone := infoOf(a, "archives/gone")
	require.True(t, gone.Persistent && !gone.Linked)
	require.Equal(t, nobody, gone.Advertised)
	require.Contains(t, gone.Failure, "refused")
	require.Contains(t, infoOf(c, "archives/a").Failure, "another chain")
	require.Empty(t, infoOf(a, "archives/c").ID, "a node of another chain is no peer")

	a.Blame(a.peers.Get("archives/b"), errors.New("a message that cannot be"))
	eventually(t, "parted", func() bool { return !a.peers.Has("archives/b") })
	bad := infoOf(a, "archives/b")
	require.Equal(t, 1, bad.Faults)
	require.Positive(t, bad.CutOff)
	require.LessOrEqual(t, bad.CutOff, minPenalty)
	eventually(t, "linked again when the time is over", func() bool { return linked(a, b) })
	require.Empty(t, infoOf(b, "archives/a").Failure)
	require.Equal(t, 1, infoOf(a, "archives/b").Faults, "remembered for a while")
}
