package links

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/libs/service"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
	"github.com/cosmos/gogoproto/proto"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/huchain/huchain/crypto/tlcp"
)

// Params are what a Switch needs besides reactors.
type Params struct {
	Self      p2p.ID // org/name, as in the own certificate
	TLCP      *tlcp.Config
	Chain     string // CometBFT's chain id
	Block     uint64 // protocol versions
	App       uint64
	Listen    string   // host:port
	Advertise string   // host:port that peers are told; empty: Listen, unless it is unspecified
	Peers     []string // org/name@host:port, kept linked; the node itself may be among them
	// MaxPeers bounds links besides those to Peers.
	MaxPeers int
	// RedialInterval is the longest pause between attempts to reach one of Peers.
	RedialInterval time.Duration
	MConn          conn.MConnConfig
	Metrics        Metrics
	Release        string
	Logger         log.Logger
}

// Metrics count bytes of messages by peer: both or neither.
type Metrics struct{ Sent, Received *prometheus.CounterVec }

// Switch keeps links to peers and passes messages between them and the reactors. It is
// CometBFT's p2p.Switcher.
type Switch struct {
	service.BaseService
	params     Params
	host       *host
	own        hello
	box        *penaltyBox
	persistent map[p2p.ID]string // address
	book       *book

	// Reactors are added before Start and do not change.
	names     []string
	reactors  map[string]p2p.Reactor
	channels  []*conn.ChannelDescriptor
	byChannel map[byte]p2p.Reactor
	messages  map[byte]proto.Message

	peers *p2p.PeerSet
	// admit serialises the adding and removing of peers, so that a peer that links
	// anew is not mixed up with its former self.
	admit sync.Mutex
	wg    sync.WaitGroup

	dialMu   sync.Mutex
	failures map[p2p.ID]string // of configured peers: why the last attempt failed
}

var _ p2p.Switcher = (*Switch)(nil)

// NewSwitch checks the parameters. Nothing runs before Start.
func NewSwitch(p Params) (*Switch, error) {
	s := &Switch{
		params: p, box: newPenaltyBox(), persistent: map[p2p.ID]string{}, peers: p2p.NewPeerSet(), failures: map[p2p.ID]string{},
		reactors: map[string]p2p.Reactor{}, byChannel: map[byte]p2p.Reactor{}, messages: map[byte]proto.Message{},
	}
	s.BaseService = *service.NewBaseService(p.Logger, "Switch", s)
	if err := p.TLCP.Validate(); err != nil {
		return nil, err
	}
	if err := s.AddPersistentPeers(p.Peers); err != nil {
		return nil, err
	}
	self, err := libp2pID(p.Self)
	if err != nil {
		return nil, err
	}
	if s.host, err = newHost(&security{self: self, config: p.TLCP, judge: s.judge}, p.MaxPeers+len(s.persistent)); err != nil {
		return nil, err
	}
	var instance [8]byte
	if _, err := rand.Read(instance[:]); err != nil {
		return nil, fmt.Errorf("draw instance number: %w", err)
	}
	s.own = hello{
		Version: helloVersion, Chain: p.Chain, Block: p.Block, App: p.App, Address: advertised(p.Listen, p.Advertise),
		Instance: binary.BigEndian.Uint64(instance[:]), Release: p.Release,
	}
	s.book = newBook(s)
	s.AddReactor("PEX", s.book)
	return s, nil
}

// judge refuses peers by name in the handshake.
func (s *Switch) judge(id p2p.ID) error {
	switch {
	case id == s.params.Self:
		return errors.New("this is the node itself, or another with its certificate")
	case s.box.blocked(id):
		return fmt.Errorf("%s is cut off for a fault", id)
	case !s.isPersistent(id) && !s.peers.Has(id) && s.strangers() >= s.params.MaxPeers:
		return errors.New("no room for more peers")
	}
	return nil
}

// strangers counts the links to peers that are not configured.
func (s *Switch) strangers() (n int) {
	s.peers.ForEach(func(p p2p.Peer) {
		if !p.IsPersistent() {
			n++
		}
	})
	return n
}

// Listen takes the listening address; it fails if the port is taken.
func (s *Switch) Listen() error { return s.host.listen(s.params.Listen) }

// OnStart implements service.Service. Listen comes first. Where a reactor does not start,
// those before it are stopped again.
func (s *Switch) OnStart() error {
	s.own.Channels = s.channelIDs()
	for i, name := range s.names {
		if err := startReactor(s.reactors[name]); err != nil {
			for _, before := range slices.Backward(s.names[:i]) {
				_ = s.reactors[before].Stop() // its only error is not to be running
			}
			return fmt.Errorf("start reactor %s: %w", name, err)
		}
	}
	s.wg.Go(func() { s.host.accept(func(c *streamConn) { s.link(c) }) }) //nolint:errcheck // logged there
	for id, address := range s.persistent {
		if id != s.params.Self {
			s.wg.Go(func() { s.keep(id, address) })
		}
	}
	s.wg.Go(s.review)
	return nil
}

// ErrPanic is wrapped where a reactor panicked instead of starting: CometBFT's do on stores
// they cannot read. Such a reactor cannot be stopped, for that would wait for a loop that
// never ran.
var ErrPanic = errors.New("panic")

func startReactor(r p2p.Reactor) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrPanic, p)
		}
	}()
	return r.Start()
}

// OnStop implements service.Service.
func (s *Switch) OnStop() {
	s.host.close()
	s.admit.Lock() // a peer that is being added is there when it is free, and no other comes
	for _, p := range s.peers.Copy() {
		s.removeLocked(p, nil)
	}
	s.admit.Unlock()
	for _, name := range s.names {
		if err := s.reactors[name].Stop(); err != nil {
			s.Logger.Debug("reactor not stopped", "reactor", name, "err", err)
		}
	}
}

// Close ends what Stop leaves: it waits for the goroutines, and closes the listener of a
// switch that was never started.
func (s *Switch) Close() {
	s.host.close()
	s.wg.Wait()
}

func (s *Switch) channelIDs() (out []byte) {
	for _, d := range s.channels {
		out = append(out, d.ID)
	}
	slices.Sort(out)
	return out
}

// link greets the peer behind a stream and, if both agree, adds it.
func (s *Switch) link(c *streamConn) error {
	own := s.own
	other, err := greet(c, &own)
	if err == nil {
		err = s.add(c, other)
	}
	if err != nil {
		c.Close() //nolint:errcheck // the cause is what counts
		s.Logger.Info("link refused", "peer", c.id, "outbound", c.outbound, "err", err)
	}
	return err
}

func (s *Switch) add(c *streamConn, other *hello) error {
	s.admit.Lock()
	defer s.admit.Unlock()
	if !s.IsRunning() {
		return errors.New("the node is stopping")
	}
	if err := s.judge(c.id); err != nil {
		return err
	}
	if old, ok := s.peers.Get(c.id).(*link); ok {
		if !s.replaces(c, other, old) {
			return errors.New("already linked")
		}
		s.removeLocked(old, errors.New("linked anew"))
	}
	p := newLink(s, c, other)
	for _, name := range s.names {
		s.reactors[name].InitPeer(p)
	}
	if err := p.Start(); err != nil {
		return err
	}
	if err := s.peers.Add(p); err != nil {
		p.Stop() //nolint:errcheck // the cause is what counts
		return err
	}
	for _, name := range s.names {
		s.reactors[name].AddPeer(p)
	}
	s.Logger.Info("linked", "peer", c.id, "outbound", c.outbound, "address", c.remote.String())
	return nil
}

// replaces decides between two links with one peer. A peer that was started anew has lost
// the old one; of two that dialled each other, the link of the lesser id stays, on both
// sides.
func (s *Switch) replaces(c *streamConn, other *hello, old *link) bool {
	if other.Instance != old.hello.Instance || !old.IsRunning() {
		return true
	}
	byLesser := c.outbound == (s.params.Self < c.id)
	oldByLesser := old.IsOutbound() == (s.params.Self < c.id)
	return byLesser && !oldByLesser
}

// StopPeerForError implements p2p.PeerManager.
func (s *Switch) StopPeerForError(p p2p.Peer, reason any) {
	s.Logger.Info("link ended", "peer", p.ID(), "err", reason)
	go s.remove(p, reason) // a reactor may call from Receive, and from AddPeer, under admit
}

// StopPeerGracefully implements p2p.PeerManager.
func (s *Switch) StopPeerGracefully(p p2p.Peer) { s.StopPeerForError(p, nil) }

func (s *Switch) remove(p p2p.Peer, reason any) {
	s.admit.Lock()
	defer s.admit.Unlock()
	s.removeLocked(p, reason)
}

func (s *Switch) removeLocked(p p2p.Peer, reason any) {
	if err := p.Stop(); err != nil {
		return // another did it
	}
	for _, name := range s.names {
		s.reactors[name].RemovePeer(p, reason)
	}
	if s.peers.Get(p.ID()) == p {
		s.peers.Remove(p)
	}
}

// Blame cuts a peer off for a fault and returns for how long.
func (s *Switch) Blame(p p2p.Peer, err error) time.Duration {
	d := s.box.fault(p.ID())
	s.StopPeerForError(p, err)
	return d
}

// Blocked reports whether a peer is cut off.
func (s *Switch) Blocked(id p2p.ID) bool { return s.box.blocked(id) }
