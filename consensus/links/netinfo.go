package links

import (
	"slices"
	"strings"
	"time"

	"github.com/cometbft/cometbft/p2p"
)

// Peer is another node as this one sees it: linked, wanted and not reached, or cut off.
type Peer struct {
	ID         string // organisation/node, by its certificate
	Linked     bool
	Outbound   bool   // this node dialled
	Persistent bool   // named in the configuration
	Remote     string // host:port of the other end; empty unless linked
	Advertised string // host:port it tells others; of one that is not linked, where it is dialled
	Release    string // it says it runs
	Duration   time.Duration
	// Bytes on the link that stands, overhead of messages included.
	SentBytes, ReceivedBytes int64
	// Faults are messages that no honest node sends, of late; CutOff is for how much
	// longer links to the peer are refused.
	Faults int
	CutOff time.Duration
	// Failure is why the last attempt to reach it failed; empty for one that is linked.
	Failure string
}

// NetInfo lists the peers in order of their names.
func (s *Switch) NetInfo() []Peer {
	known := map[p2p.ID]Peer{}
	for id, address := range s.persistent {
		if id != s.params.Self {
			known[id] = Peer{Persistent: true, Advertised: address, Failure: s.failureOf(id)}
		}
	}
	for _, p := range s.peers.Copy() {
		l, ok := p.(*link)
		if !ok {
			continue
		}
		st := l.Status()
		known[l.ID()] = Peer{
			Linked: true, Outbound: l.IsOutbound(), Persistent: l.IsPersistent(), Remote: l.conn.remote.String(),
			Advertised: l.hello.Address, Release: l.hello.Release, Duration: st.Duration,
			SentBytes: st.SendMonitor.Bytes, ReceivedBytes: st.RecvMonitor.Bytes,
		}
	}
	for id, f := range s.box.list() {
		p := known[id]
		p.Faults, p.CutOff = f.count, max(0, f.until.Sub(s.box.now()))
		known[id] = p
	}
	out := make([]Peer, 0, len(known))
	for id, p := range known {
		p.ID = string(id)
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Peer) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// noteDial remembers how the last attempt to reach a configured peer went.
func (s *Switch) noteDial(id p2p.ID, err error) {
	s.dialMu.Lock()
	defer s.dialMu.Unlock()
	if err == nil || !s.isPersistent(id) {
		delete(s.failures, id)
		return
	}
	s.failures[id] = err.Error()
}

func (s *Switch) failureOf(id p2p.ID) string {
	s.dialMu.Lock()
	defer s.dialMu.Unlock()
	return s.failures[id]
}
