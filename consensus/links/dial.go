package links

import (
	"context"
	"math/rand/v2"
	"net"
	"time"

	"github.com/cometbft/cometbft/p2p"
)

// reviewInterval is how often linked peers are judged anew: a certificate may have ended,
// a member may have been revoked.
const reviewInterval = 5 * time.Second

// keep has one peer dialled whenever there is no link to it. Of two nodes that miss each
// other the one with the greater id waits a moment, so that they need not choose between
// two links.
func (s *Switch) keep(id p2p.ID, address string) {
	const look = 200 * time.Millisecond
	gap, wait := look, time.Duration(0)
	if s.params.Self > id {
		wait = 2 * look
	}
	linked := false
	for s.pause(wait) {
		if s.peers.Has(id) {
			gap, wait, linked = look, look, true
			continue
		}
		if linked && s.params.Self > id {
			linked, wait = false, 2*look
			continue
		}
		linked = false
		if !s.box.blocked(id) {
			s.dial(id, address) //nolint:errcheck // logged there
		}
		gap = min(gap*3/2, s.params.RedialInterval)
		wait = gap/2 + rand.N(gap/2+1)
	}
}

func (s *Switch) dial(id p2p.ID, address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout+acceptTimeout)
	defer cancel()
	c, err := s.host.dial(ctx, id, address)
	if err != nil {
		s.Logger.Debug("peer not reached", "peer", id, "address", address, "err", err)
	} else {
		err = s.link(c)
	}
	s.noteDial(id, err)
	return err
}

// review parts from peers that would not be let in any more.
func (s *Switch) review() {
	for s.pause(reviewInterval) {
		for _, p := range s.peers.Copy() {
			own, ok := p.(*link)
			if !ok {
				continue
			}
			if err := s.params.TLCP.Check(own.conn.identity); err != nil {
				s.StopPeerForError(p, err)
			}
		}
	}
}

// pause waits for d; false if the switch is stopping.
func (s *Switch) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.Quit():
		return false
	case <-t.C:
		return s.IsRunning()
	}
}

// advertised is the address that peers are told.
func advertised(listen, advertise string) string {
	if advertise != "" {
		return advertise
	}
	host, _, err := net.SplitHostPort(listen)
	if err != nil || host == "" {
		return ""
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		return ""
	}
	return listen
}
