package api

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/huchain/huchain/types"
)

// seat is the place of one chain in the server. It lets requests in while the chain
// serves, and tells when the last one has left, so that the chain's ledger can be closed
// while the server goes on.
type seat struct {
	chain  *Chain // nil while the chain is starting, and once it has stopped
	why    error  // of a chain that does not serve any more
	failed bool   // rather than stopped by its operator

	feed *feed         // of a chain that serves
	gone chan struct{} // closed when it does not serve any more, for streams to end

	closed atomic.Bool
	users  sync.RWMutex // held for reading by each request
}

func newSeat(c *Chain) *seat {
	return &seat{chain: c, feed: &feed{chain: c}, gone: make(chan struct{})}
}

func (s *seat) enter() bool {
	if s.closed.Load() {
		return false
	}
	s.users.RLock()
	if s.closed.Load() {
		s.users.RUnlock()
		return false
	}
	return true
}

func (s *seat) leave() { s.users.RUnlock() }

// enter holds the chain that a path names until leave is called.
func (s *Server) enter(path string) (leave func(), err error) {
	rest, ok := strings.CutPrefix(path, base+"/")
	if !ok {
		return func() {}, nil
	}
	name, _, _ := strings.Cut(rest, "/")
	s.mu.RLock()
	place := s.seatOf(name)
	s.mu.RUnlock()
	switch {
	case place == nil: // the handler says that there is no such chain
		return func() {}, nil
	case place.enter():
		return place.leave, nil
	}
	_, err = s.chain(name)
	if err == nil { // it was started anew this moment
		err = &types.Error{Code: types.CodeStarting, Detail: "chain " + name, RetryAfterMs: 500}
	}
	return nil, err
}

// seatAt is the place of a chain that serves, or nil.
func (s *Server) seatAt(name string) *seat {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p := s.seatOf(name); p != nil && p.chain != nil {
		return p
	}
	return nil
}

// seatOf finds a chain by its name or its CometBFT chain id; s.mu is held.
func (s *Server) seatOf(name string) *seat {
	if p, ok := s.seats[name]; ok {
		return p
	}
	for _, p := range s.seats {
		if p.chain != nil && p.chain.Genesis.CometChainID() == name {
			return p
		}
	}
	return nil
}

// Drop ends the service of a chain at once: requests for it are answered with why, which
// says a failure if failed. The returned channel is closed when no request uses the chain
// any more and its own listener is free.
func (s *Server) Drop(ctx context.Context, name string, why error, failed bool) (idle <-chan struct{}) {
	done := make(chan struct{})
	s.mu.Lock()
	old := s.seats[name]
	if old == nil {
		s.order = append(s.order, name)
	}
	s.seats[name] = &seat{why: why, failed: failed}
	s.seats[name].closed.Store(true)
	s.mu.Unlock()
	s.servingMu.Lock()
	listeners := s.serving[name]
	delete(s.serving, name)
	s.servingMu.Unlock()
	if old != nil {
		if !old.closed.Swap(true) && old.gone != nil {
			close(old.gone)
		}
	}
	go func() {
		defer close(done)
		for _, srv := range listeners {
			if srv.Shutdown(ctx) != nil {
				srv.Close() //nolint:errcheck // requests that outlast ctx are cut off
			}
		}
		if old != nil {
			old.users.Lock() // the last request leaves
			old.users.Unlock()
		}
	}()
	return done
}

// Forget removes a chain that does not serve from the lists.
func (s *Server) Forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.seats, name)
	for i, n := range s.order {
		if n == name {
			s.order = append(s.order[:i], s.order[i+1:]...)
			return
		}
	}
}

// each calls f for every chain that serves, in order, while it does.
func (s *Server) each(f func(*Chain)) {
	s.mu.RLock()
	var places []*seat
	for _, name := range s.order {
		if p := s.seats[name]; p.chain != nil {
			places = append(places, p)
		}
	}
	s.mu.RUnlock()
	for _, p := range places {
		if p.enter() {
			f(p.chain)
			p.leave()
		}
	}
}

// others lists the chains that are being opened and those that have failed.
func (s *Server) others() (starting []string, failed map[string]error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	failed = map[string]error{}
	for _, name := range s.order {
		switch p := s.seats[name]; {
		case p.chain != nil:
			if err := p.chain.Consensus.Err(); err != nil {
				failed[name] = err
			}
		case p.failed:
			failed[name] = p.why
		case p.why == nil:
			starting = append(starting, name)
		}
	}
	return starting, failed
}

func (s *Server) httpServers() (all []*http.Server) {
	for _, list := range s.serving {
		all = append(all, list...)
	}
	return all
}
