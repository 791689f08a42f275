package links

import (
	"context"
	"fmt"
	"net"

	"github.com/cometbft/cometbft/p2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/huchain/huchain/crypto/tlcp"
)

// streamConn is the one stream of a connection as a net.Conn. Closing it closes the
// connection.
type streamConn struct {
	network.MuxedStream
	conn          transport.CapableConn
	local, remote net.Addr
	id            p2p.ID
	identity      *tlcp.Peer
	outbound      bool
}

func newStreamConn(c transport.CapableConn, s network.MuxedStream, outbound bool) (*streamConn, error) {
	peer, ok := c.RemotePublicKey().(*proven)
	if !ok {
		return nil, fmt.Errorf("connection without TLCP, of %T", c.RemotePublicKey())
	}
	out := &streamConn{MuxedStream: s, conn: c, id: idOf(peer.Peer), identity: peer.Peer, outbound: outbound}
	var err error
	if out.local, err = manet.ToNetAddr(c.LocalMultiaddr()); err != nil {
		return nil, err
	}
	out.remote, err = manet.ToNetAddr(c.RemoteMultiaddr())
	return out, err
}

func (c *streamConn) LocalAddr() net.Addr  { return c.local }
func (c *streamConn) RemoteAddr() net.Addr { return c.remote }

func (c *streamConn) Close() error {
	c.Reset() //nolint:errcheck // the connection goes too
	return c.conn.Close()
}

func (h *host) dialIP(ctx context.Context, addr *net.TCPAddr, id peer.ID) (*streamConn, error) {
	m, err := manet.FromNetAddr(addr)
	if err != nil {
		return nil, err
	}
	c, err := h.transport.Dial(ctx, m, id)
	if err != nil {
		return nil, err
	}
	s, err := c.OpenStream(ctx)
	if err == nil {
		var out *streamConn
		if out, err = newStreamConn(c, s, true); err == nil {
			return out, nil
		}
	}
	c.Close() //nolint:errcheck // the cause is what counts
	return nil, err
}

// accept hands each connection on, in a goroutine of its own, once its stream is open.
func (h *host) accept(take func(*streamConn)) {
	for h.listener != nil { // a node that only dials has none
		c, err := h.listener.Accept()
		if err != nil {
			return // closed
		}
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), acceptTimeout)
			defer cancel()
			stop := context.AfterFunc(ctx, func() { c.Close() }) //nolint:errcheck // ends AcceptStream
			s, err := c.AcceptStream()
			if !stop() || err != nil {
				c.Close() //nolint:errcheck // the peer opened no stream
				return
			}
			out, err := newStreamConn(c, s, false)
			if err != nil {
				c.Close() //nolint:errcheck // cannot happen: security made the id
				return
			}
			take(out)
		}()
	}
}
