package consensus

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/cometbft/cometbft/p2p"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/crypto/tlcp"
)

func (n *testNode) linkedTo(id string) bool {
	return n.engine.Load().sw.Peers().Has(p2p.ID(id))
}

// refusal dials a peer and returns why there is no link.
func (n *testNode) refusal(to *testNode) error {
	a, err := net.ResolveTCPAddr("tcp", to.listen)
	require.NoError(n.net.t, err)
	return n.engine.Load().sw.DialPeerWithAddress(&p2p.NetAddress{ID: p2p.ID(to.id), IP: a.IP, Port: uint16(a.Port)})
}

// A validator whose link certificate is revoked on the chain loses its links, gets none
// and hears no more of the chain, which goes on without it; with new certificates it
// catches up.
// covers: T.06 T.07
func TestRevokedOnChain(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 4)
	boss := net.world.Member("archives", "boss", "admin")
	net.up()
	net.ready()
	honest, out := net.nodes[:3], net.nodes[3]

	serial := out.link.Load().Encrypt.Serial // one of the pair is enough
	tx := chaintest.Call(net.genesis, boss, time.Now(), "membership", "revokeCertificates",
		fmt.Sprintf(`{"org":"archives","serials":[%q],"reason":"key lost"}`, serial), true)
	c := honest[0].commit(tx)
	require.True(t, c.Receipt.OK(), c.Receipt.Error)
	eventually(t, "unlinked", func() bool {
		for _, n := range honest {
			if n.linkedTo(out.id) {
				return false
			}
		}
		return len(out.Status().Peers) == 0
	})
	for _, n := range honest {
		require.ErrorContains(t, out.refusal(n), tlcp.AlertCertificateRevoked.String())
		require.ErrorContains(t, n.refusal(out), tlcp.AlertCertificateRevoked.String())
	}
	stood := out.ledger.Height()
	for i := range 3 {
		require.True(t, honest[i].commit(net.call(fmt.Sprint("after", i), "1")).Receipt.OK())
	}
	require.Equal(t, stood, out.ledger.Height(), "nothing reaches it")

	out.certify("archives/node3")
	eventually(t, "linked with new certificates", func() bool { return len(out.Status().Peers) == 3 })
	eventually(t, "caught up", func() bool { return out.ledger.Height() >= honest[0].ledger.Height() })
	require.True(t, out.commit(net.call("back", "1")).Receipt.OK())
	net.same()
}

// Two chains whose nodes have certificates of one organisation: a node of one that dials
// the other is turned away, and neither counts a byte from the other.
// covers: T.06
func TestTwoChains(t *testing.T) {
	t.Parallel()
	a, b := newNetwork(t, 2), newNetwork(t, 1)
	b.world.Orgs["archives"] = a.world.Orgs["archives"]
	stranger := b.nodes[0]
	b.genesis.Organisations = a.genesis.Organisations
	stranger.certify("archives/stranger")
	a.up()
	b.up()
	a.ready()
	for i := range 5 {
		require.True(t, a.nodes[0].commit(a.call(fmt.Sprint("k", i), "1")).Receipt.OK())
		require.ErrorContains(t, stranger.refusal(a.nodes[i%2]), "of another chain")
	}
	require.Empty(t, stranger.Status().Peers)
	require.Zero(t, stranger.bytesFromPeers())
	require.Positive(t, a.nodes[1].bytesFromPeers())
}

// bytesFromPeers is what the node's counters of received messages say together.
func (n *testNode) bytesFromPeers() (sum float64) {
	families, err := n.reg.Gather()
	require.NoError(n.net.t, err)
	for _, f := range families {
		if f.GetName() == "huchain_consensus_link_received_bytes_total" {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}
