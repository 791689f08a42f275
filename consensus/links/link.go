package links

import (
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/cometbft/cometbft/libs/service"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
	"github.com/cosmos/gogoproto/proto"
	"github.com/prometheus/client_golang/prometheus"
)

// link is a linked node: an MConnection over its stream.
type link struct {
	service.BaseService
	sw         *Switch
	conn       *streamConn
	hello      *hello
	persistent bool
	mconn      *conn.MConnection
	// Bytes of messages; nil without Params.Metrics.
	sent, received prometheus.Counter

	mu            sync.Mutex
	values        map[string]any
	removalFailed bool
}

var _ p2p.Peer = (*link)(nil)

func newLink(sw *Switch, c *streamConn, h *hello) *link {
	p := &link{sw: sw, conn: c, hello: h, persistent: sw.isPersistent(c.id), values: map[string]any{}}
	if m := sw.params.Metrics; m.Sent != nil {
		p.sent, p.received = m.Sent.WithLabelValues(string(c.id)), m.Received.WithLabelValues(string(c.id))
	}
	p.BaseService = *service.NewBaseService(sw.Logger.With("peer", c.id), "Peer", p)
	p.mconn = conn.NewMConnectionWithConfig(c, sw.channels, p.receive, func(r any) { sw.StopPeerForError(p, r) }, sw.params.MConn)
	p.mconn.SetLogger(p.Logger)
	return p
}

// receive is called for each message. MConnection turns a panic into an error of the
// peer's, which is how CometBFT reports messages that cannot be.
func (p *link) receive(channel byte, raw []byte) {
	reactor := p.sw.byChannel[channel]
	if reactor == nil {
		panic(fmt.Errorf("message on unknown channel %#x", channel))
	}
	if f, ok := reactor.(p2p.MsgBytesFilter); ok {
		if err := f.FilterMsgBytes(channel, p, raw); err != nil {
			panic(fmt.Errorf("message on channel %#x: %w", channel, err))
		}
	}
	message := proto.Clone(p.sw.messages[channel])
	if err := proto.Unmarshal(raw, message); err != nil {
		panic(fmt.Errorf("message on channel %#x: %w", channel, err))
	}
	if w, ok := message.(p2p.Unwrapper); ok {
		var err error
		if message, err = w.Unwrap(); err != nil {
			panic(fmt.Errorf("message on channel %#x: %w", channel, err))
		}
	}
	if p.received != nil {
		p.received.Add(float64(len(raw)))
	}
	reactor.Receive(p2p.Envelope{Src: p, ChannelID: channel, Message: message})
}

// OnStart implements service.Service.
func (p *link) OnStart() error { return p.mconn.Start() }

// OnStop implements service.Service.
func (p *link) OnStop() {
	if err := p.mconn.Stop(); err != nil {
		p.conn.Close() //nolint:errcheck // it was never started, or is closed
	}
}

func (p *link) FlushStop()         { p.mconn.FlushStop() }
func (p *link) ID() p2p.ID         { return p.conn.id }
func (p *link) IsOutbound() bool   { return p.conn.outbound }
func (p *link) IsPersistent() bool { return p.persistent }
func (p *link) CloseConn() error   { return p.conn.Close() }

func (p *link) RemoteAddr() net.Addr { return p.conn.remote }

func (p *link) RemoteIP() net.IP {
	if a, ok := p.conn.remote.(*net.TCPAddr); ok {
		return a.IP
	}
	return nil
}

func (p *link) SocketAddr() *p2p.NetAddress {
	a := &p2p.NetAddress{ID: p.ID(), IP: p.RemoteIP()}
	if t, ok := p.conn.remote.(*net.TCPAddr); ok {
		a.Port = uint16(t.Port)
	}
	return a
}

func (p *link) NodeInfo() p2p.NodeInfo {
	return p2p.DefaultNodeInfo{DefaultNodeID: p.ID(), Network: p.hello.Chain, ListenAddr: p.hello.Address, Channels: p.hello.Channels, Moniker: string(p.ID())}
}

func (p *link) Status() conn.ConnectionStatus { return p.mconn.Status() }

// Send implements p2p.Peer: false if the message was not queued within ten seconds.
func (p *link) Send(e p2p.Envelope) bool { return p.send(e, p.mconn.Send) }

// TrySend implements p2p.Peer: false if there is no room now.
func (p *link) TrySend(e p2p.Envelope) bool { return p.send(e, p.mconn.TrySend) }

func (p *link) send(e p2p.Envelope, queue func(byte, []byte) bool) bool {
	if !p.IsRunning() || !slices.Contains(p.hello.Channels, e.ChannelID) {
		return false // a node that joins by snapshot hears of nothing else
	}
	message := e.Message
	if w, ok := message.(p2p.Wrapper); ok {
		message = w.Wrap()
	}
	raw, err := proto.Marshal(message)
	if err != nil {
		p.Logger.Error("message not encoded", "err", err, "channel", e.ChannelID)
		return false
	}
	if !queue(e.ChannelID, raw) {
		return false
	}
	if p.sent != nil {
		p.sent.Add(float64(len(raw)))
	}
	return true
}

func (p *link) Set(key string, v any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values[key] = v
}

func (p *link) Get(key string) any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.values[key]
}

func (p *link) SetRemovalFailed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.removalFailed = true
}

func (p *link) GetRemovalFailed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.removalFailed
}
