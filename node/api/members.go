package api

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/types"
)

// judgeInterval is for how long a client that was accepted counts as accepted: its
// certificate may end, its organisation or the chain may revoke it.
const judgeInterval = 5 * time.Second

// ServeMembers serves one chain over TLCP, to whom config accepts, until Stop. Requests
// see nothing of other chains of the node. There are at most MaxInFlight connections. It
// returns nil after Stop. One member is granted requestsPerSecond, 0: any number.
func (s *Server) ServeMembers(l net.Listener, chain string, config *tlcp.Config, requestsPerSecond int) error {
	secure, err := tlcp.NewListener(netutil.LimitListener(l, s.p.MaxInFlight), config)
	if err != nil {
		return err
	}
	srv := s.httpServer(s.ofChain(chain, config, newLimits(requestsPerSecond)))
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if t, ok := c.(*tlcp.Conn); ok {
			ctx = context.WithValue(ctx, visitorKey{}, &visitor{conn: t})
		}
		return ctx
	}
	return s.run(chain, srv, secure)
}

type visitorKey struct{}

// visitor is the client of a TLCP connection.
type visitor struct {
	conn   *tlcp.Conn
	judged atomic.Int64 // Unix time in nanoseconds, 0 before the first request
}

// check judges the client anew if that was long ago.
func (v *visitor) check(config *tlcp.Config) error {
	now := time.Now().UnixNano()
	last := v.judged.Load()
	if now-last < int64(judgeInterval) {
		return nil
	}
	if last != 0 { // the handshake has just judged
		if err := config.Check(v.conn.Peer()); err != nil {
			return err
		}
	}
	v.judged.Store(now)
	return nil
}

type ofChainKey struct{}

// judgeKey leads to a function that says whether the caller may still be served, for
// requests that last.
type judgeKey struct{}

// ofChain serves the paths of one chain. The client was judged in the handshake.
func (s *Server) ofChain(chain string, config *tlcp.Config, limits *limits) http.Handler {
	return named(func(w http.ResponseWriter, r *http.Request) {
		v, ok := r.Context().Value(visitorKey{}).(*visitor)
		if !ok {
			s.refuse(w, r, types.Errorf(types.CodeInternal, "request without a TLCP connection"))
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), ofChainKey{}, chain))
		if err := v.check(config); err != nil {
			w.Header().Set("Connection", "close")
			s.refuse(w, r, types.Errorf(types.CodePermissionDenied, "%w", err))
			return
		}
		if err := limits.take(callerOf(r), time.Now()); err != nil {
			s.refuse(w, r, err)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), judgeKey{}, func() error { return v.check(config) }))
		if rest, ok := strings.CutPrefix(r.URL.Path, base+"/"); ok {
			if name, _, _ := strings.Cut(rest, "/"); name != chain && !s.named(chain, name) {
				s.refuse(w, r, types.Errorf(types.CodeNotFound, "chain %q", name))
				return
			}
		} else if r.URL.Path != base && !strings.HasPrefix(r.URL.Path, "/api/v1/openapi") {
			s.refuse(w, r, types.Errorf(types.CodeNotFound, "%s %s", r.Method, r.URL.Path))
			return
		}
		s.handler.ServeHTTP(w, r)
	})
}

// named reports whether a chain has the CometBFT chain id id.
func (s *Server) named(chain, id string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.seats[chain]
	return p != nil && p.chain != nil && p.chain.Genesis.CometChainID() == id
}

// visible reports whether a request may see a chain.
func visible(ctx context.Context, chain string) bool {
	only, limited := ctx.Value(ofChainKey{}).(string)
	if v := visitOf(ctx); v != nil && v.who != nil && v.who.Chain != "" {
		only, limited = v.who.Chain, true
	}
	return !limited || only == chain
}
