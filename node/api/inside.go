package api

import (
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/huchain/huchain/types"
)

// Inside is a client for parts of this process that read the API as others do: its
// requests come by memory, past whom the web listener lets in, and end with the server.
func (s *Server) Inside() *http.Client {
	l := &insideListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	srv := s.httpServer(s.Within())
	go s.run("", srv, l) //nolint:errcheck // accepting from memory fails at the end alone
	return &http.Client{Transport: &http.Transport{DialContext: l.dial, MaxIdleConnsPerHost: 4}}
}

// Within is the API past whom the web listener lets in, for listeners that let in by other means.
func (s *Server) Within() http.Handler { return named(s.handler.ServeHTTP) }

// insideListener accepts what dial makes.
type insideListener struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *insideListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.closed:
		return nil, types.Errorf(types.CodeNotReady, "the API has ended")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (l *insideListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *insideListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *insideListener) Addr() net.Addr { return insideAddr{} }

type insideAddr struct{}

func (insideAddr) Network() string { return "memory" }
func (insideAddr) String() string  { return "inside" }
