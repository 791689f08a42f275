package links

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/cometbft/cometbft/p2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/core/transport"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	lyamux "github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-yamux/v5"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	dialTimeout   = 3 * time.Second
	acceptTimeout = 5 * time.Second // from TCP to the end of the handshake
	maxStreams    = 2               // of one connection; one is used
	streamWindow  = 16 << 20
	// maxMessage has what MConnection flushes, 64 KiB, go out as one yamux message. By
	// default a header takes its room, and twelve bytes follow in a message and a record of
	// their own.
	maxMessage = 128 << 10
)

// host dials and listens. Of libp2p it takes the TCP transport, the upgrade to a secured
// and multiplexed connection, and the limits on connections. Its network of peer store,
// identify protocol and connection manager is left out: it would tell strangers
// addresses, and who is linked to whom is the Switch's affair.
type host struct {
	limits    network.ResourceManager
	transport *tcp.TcpTransport
	listener  transport.Listener
}

func newHost(s *security, maxPeers int) (*host, error) {
	limits, err := newLimits(maxPeers)
	if err != nil {
		return nil, err
	}
	mux := yamux.DefaultConfig()
	mux.MaxStreamWindowSize = streamWindow
	mux.LogOutput = io.Discard
	mux.ReadBufSize = 0 // TLCP reads ahead
	mux.MaxMessageSize = maxMessage
	mux.MaxIncomingStreams = maxStreams
	up, err := upgrader.New([]sec.SecureTransport{s}, []upgrader.StreamMuxer{{ID: lyamux.ID, Muxer: (*lyamux.Transport)(mux)}},
		nil, limits, nil, upgrader.WithAcceptTimeout(acceptTimeout))
	if err != nil {
		return nil, fmt.Errorf("set up links: %w", err)
	}
	t, err := tcp.NewTCPTransport(up, limits, nil, tcp.DisableReuseport(), tcp.WithConnectionTimeout(dialTimeout))
	if err != nil {
		return nil, fmt.Errorf("set up links: %w", err)
	}
	return &host{limits: limits, transport: t}, nil
}

// newLimits bounds connections, among them those that have not shown who they are.
// Connections from outside cannot use up the room for dialling out.
func newLimits(maxPeers int) (network.ResourceManager, error) {
	n := rcmgr.LimitVal(2*maxPeers + 16)
	waiting := rcmgr.LimitVal(maxPeers + 16)
	all := rcmgr.ResourceLimits{
		Conns: 2 * n, ConnsInbound: n, ConnsOutbound: n, FD: 2 * n, Streams: 4 * n, StreamsInbound: 4 * n, StreamsOutbound: 4 * n,
		Memory: rcmgr.LimitVal64(2*n) * (4 * streamWindow),
	}
	unknown := all
	unknown.Conns, unknown.ConnsInbound, unknown.ConnsOutbound, unknown.FD = 2*waiting, waiting, waiting, 2*waiting
	one := rcmgr.ResourceLimits{
		Conns: 8, ConnsInbound: 4, ConnsOutbound: 4, FD: 8, Streams: 16, StreamsInbound: 8, StreamsOutbound: 8, Memory: 8 * streamWindow,
	}
	conf := rcmgr.PartialLimitConfig{System: all, Transient: unknown, PeerDefault: one, Conn: one, Stream: one, ProtocolDefault: all, ServiceDefault: all}
	perHost := []rcmgr.ConnLimitPerSubnet{{ConnCount: int(2 * n), PrefixLength: 32}}
	perHost6 := []rcmgr.ConnLimitPerSubnet{{ConnCount: int(2 * n), PrefixLength: 64}}
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(conf.Build(rcmgr.DefaultLimits.AutoScale())),
		rcmgr.WithMetricsDisabled(), rcmgr.WithLimitPerSubnet(perHost, perHost6))
}

func (h *host) listen(address string) error {
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return err
	}
	if addr.IP == nil {
		addr.IP = net.IPv4zero
	}
	m, err := manet.FromNetAddr(addr)
	if err != nil {
		return err
	}
	h.listener, err = h.transport.Listen(m)
	return err
}

// dial connects to a peer and opens the stream.
func (h *host) dial(ctx context.Context, id p2p.ID, address string) (*streamConn, error) {
	name, err := libp2pID(id)
	if err != nil {
		return nil, err
	}
	hostName, portName, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(portName)
	if err != nil {
		return nil, err
	}
	addr, err := net.DefaultResolver.LookupIPAddr(ctx, hostName)
	if err != nil {
		return nil, err
	}
	for _, ip := range addr {
		var c *streamConn
		if c, err = h.dialIP(ctx, &net.TCPAddr{IP: ip.IP, Port: port, Zone: ip.Zone}, name); err == nil {
			return c, nil
		}
	}
	return nil, err
}

func (h *host) close() {
	if h.listener != nil {
		h.listener.Close() //nolint:errcheck // it may be closed already
	}
	h.limits.Close() //nolint:errcheck // frees memory only
}
