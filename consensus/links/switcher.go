package links

import (
	"slices"

	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"

	"github.com/huchain/huchain/types"
)

// Reactor implements p2p.ReactorManager.
func (s *Switch) Reactor(name string) (p2p.Reactor, bool) {
	r, ok := s.reactors[name]
	return r, ok
}

// AddReactor implements p2p.ReactorManager; before Start alone.
func (s *Switch) AddReactor(name string, r p2p.Reactor) p2p.Reactor {
	for _, d := range r.GetChannels() {
		if s.byChannel[d.ID] != nil {
			panic("two reactors on one channel")
		}
		s.channels = append(s.channels, d)
		s.byChannel[d.ID], s.messages[d.ID] = r, d.MessageType
	}
	s.names, s.reactors[name] = append(s.names, name), r
	r.SetSwitch(s)
	return r
}

// RemoveReactor implements p2p.ReactorManager; before Start alone.
func (s *Switch) RemoveReactor(name string, r p2p.Reactor) {
	for _, d := range r.GetChannels() {
		delete(s.byChannel, d.ID)
		delete(s.messages, d.ID)
	}
	s.channels = slices.DeleteFunc(s.channels, func(d *p2p.ChannelDescriptor) bool { return s.byChannel[d.ID] == nil })
	s.names = slices.DeleteFunc(s.names, func(n string) bool { return n == name })
	delete(s.reactors, name)
	r.SetSwitch(nil)
}

// Peers implements p2p.PeerManager.
func (s *Switch) Peers() p2p.IPeerSet { return s.peers }

// NumPeers implements p2p.PeerManager.
func (s *Switch) NumPeers() (outbound, inbound, dialing int) {
	s.peers.ForEach(func(p p2p.Peer) {
		if p.IsOutbound() {
			outbound++
		} else {
			inbound++
		}
	})
	return outbound, inbound, 0
}

// MaxNumOutboundPeers implements p2p.PeerManager.
func (s *Switch) MaxNumOutboundPeers() int { return s.params.MaxPeers + len(s.persistent) }

// AddPersistentPeers implements p2p.PeerManager; before Start alone.
func (s *Switch) AddPersistentPeers(addresses []string) error {
	for _, a := range addresses {
		id, address, err := ParseAddress(a)
		if err != nil {
			return err
		}
		s.persistent[id] = address
	}
	return nil
}

// AddPrivatePeerIDs implements p2p.PeerManager. Peers have no private ones.
func (s *Switch) AddPrivatePeerIDs([]string) error {
	return types.Errorf(types.CodeInternal, "private peers do not exist")
}

// AddUnconditionalPeerIDs implements p2p.PeerManager: the configured peers are.
func (s *Switch) AddUnconditionalPeerIDs([]string) error {
	return types.Errorf(types.CodeInternal, "unconditional peers are the configured ones")
}

// DialPeerWithAddress implements p2p.PeerManager.
func (s *Switch) DialPeerWithAddress(a *p2p.NetAddress) error { return s.dial(a.ID, a.DialString()) }

// DialPeersAsync implements p2p.PeerManager.
func (s *Switch) DialPeersAsync(addresses []string) error {
	for _, a := range addresses {
		id, address, err := ParseAddress(a)
		if err != nil {
			return err
		}
		s.wg.Go(func() { s.dial(id, address) }) //nolint:errcheck // logged there
	}
	return nil
}

// IsDialingOrExistingAddress implements p2p.PeerManager.
func (s *Switch) IsDialingOrExistingAddress(a *p2p.NetAddress) bool { return s.peers.Has(a.ID) }

// IsPeerPersistent implements p2p.PeerManager.
func (s *Switch) IsPeerPersistent(a *p2p.NetAddress) bool { return s.isPersistent(a.ID) }

// IsPeerUnconditional implements p2p.PeerManager.
func (s *Switch) IsPeerUnconditional(id p2p.ID) bool { return s.isPersistent(id) }

func (s *Switch) isPersistent(id p2p.ID) bool { return s.persistent[id] != "" }

// MarkPeerAsGood implements p2p.PeerManager: consensus has got useful messages from it.
func (s *Switch) MarkPeerAsGood(p p2p.Peer) { s.box.forgive(p.ID()) }

// NodeInfo implements p2p.Switcher.
func (s *Switch) NodeInfo() p2p.NodeInfo {
	return p2p.DefaultNodeInfo{DefaultNodeID: s.params.Self, Network: s.params.Chain, ListenAddr: s.own.Address, Channels: s.own.Channels, Moniker: string(s.params.Self)}
}

// Log implements p2p.Switcher.
func (s *Switch) Log() log.Logger { return s.Logger }

// BroadcastAsync implements p2p.Broadcaster.
func (s *Switch) BroadcastAsync(e p2p.Envelope) {
	s.peers.ForEach(func(p p2p.Peer) { go p.Send(e) })
}

// TryBroadcast implements p2p.Broadcaster.
func (s *Switch) TryBroadcast(e p2p.Envelope) {
	s.peers.ForEach(func(p p2p.Peer) { p.TrySend(e) })
}
