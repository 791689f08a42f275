package consensus

import (
	cs "github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/p2p"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/huchain/huchain/consensus/links"
)

// Peer is another node as this one sees it, with the height it says it works at.
type Peer struct {
	links.Peer
	Height int64 // 0 where unknown
}

// Peers lists the linked, wanted and cut off peers in order of their names; none before Start.
func (n *Node) Peers() []Peer {
	e := n.engine.Load()
	if e == nil {
		return nil
	}
	list := e.sw.NetInfo()
	out := make([]Peer, len(list))
	for i := range list {
		out[i].Peer = list[i]
		if p := e.sw.Peers().Get(p2p.ID(list[i].ID)); p != nil {
			out[i].Height = heightOf(p)
		}
	}
	return out
}

func heightOf(p p2p.Peer) int64 {
	if ps, ok := p.Get(cmttypes.PeerStateKey).(*cs.PeerState); ok {
		return ps.GetHeight()
	}
	return 0
}

// peerHeight is the greatest height that a peer says it works at.
func (n *Node) peerHeight() int64 {
	var top int64
	if e := n.engine.Load(); e != nil {
		for _, p := range e.sw.Peers().Copy() {
			top = max(top, heightOf(p))
		}
	}
	return top
}
