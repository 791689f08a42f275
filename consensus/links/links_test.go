package links

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
	gogo "github.com/cosmos/gogoproto/types"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/tlcp"
)

const (
	testChannel = byte(0x10)
	chainA      = "gov-0123456789abcdef"
	chainB      = "apps-0123456789abcdef"
)

// counting is a reactor that counts what it hears.
type counting struct {
	p2p.BaseReactor
	heard atomic.Int64
	added atomic.Int64
}

func newCounting() *counting {
	r := &counting{}
	r.BaseReactor = *p2p.NewBaseReactor("TEST", r)
	return r
}

func (r *counting) GetChannels() []*conn.ChannelDescriptor {
	return []*conn.ChannelDescriptor{{ID: testChannel, Priority: 1, SendQueueCapacity: 100, RecvMessageCapacity: 1 << 20, MessageType: &gogo.BytesValue{}}}
}
func (r *counting) AddPeer(p2p.Peer)         { r.added.Add(1) }
func (r *counting) RemovePeer(p2p.Peer, any) {}
func (r *counting) Receive(e p2p.Envelope)   { r.heard.Add(1) }

// org is an organisation whose nodes may link.
type org struct {
	name string
	ca   *cert.CA
}

func newOrg(t testing.TB, name string) *org {
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	now := time.Now()
	ca, err := cert.NewCA(name, key, now.AddDate(-1, 0, 0), now.AddDate(10, 0, 0))
	require.NoError(t, err)
	return &org{name, ca}
}

func (o *org) identity(t testing.TB, name string, end time.Time, role string) *tlcp.Identity {
	id, err := tlcp.Issue(o.ca, cert.Request{Name: name, Roles: []string{role}, NotBefore: time.Now().AddDate(0, -1, 0), NotAfter: end})
	require.NoError(t, err)
	return id
}

// node is a switch with what a test needs of it.
type node struct {
	*Switch
	reactor *counting
	address string
	revoked sync.Map // names this node's chain has revoked
}

func (n *node) id() string { return string(n.params.Self) + "@" + n.address }

func newNode(t testing.TB, o *org, id *tlcp.Identity, chain string, change func(*Params), peers ...string) *node {
	n := &node{reactor: newCounting(), address: freeAddress(t)}
	p := Params{
		Self: p2p.ID(id.Sign.Org + "/" + id.Sign.Name), Chain: chain, Block: 11, App: 1, Listen: n.address, Peers: peers, MaxPeers: 10,
		RedialInterval: time.Second, MConn: conn.DefaultMConnConfig(), Logger: log.NewNopLogger(),
		TLCP: &tlcp.Config{
			Identity: tlcp.Fixed(id),
			Roots: func(name string) []*cert.Certificate {
				if name == o.name {
					return []*cert.Certificate{o.ca.Root()}
				}
				return nil
			},
			VerifyPeer: func(p *tlcp.Peer) error {
				if _, bad := n.revoked.Load(p.Name); bad {
					return tlcp.ErrRevoked
				}
				if !p.HasRole("node") {
					return errors.New("no node")
				}
				return nil
			},
		},
	}
	if change != nil {
		change(&p)
	}
	var err error
	n.Switch, err = NewSwitch(p)
	require.NoError(t, err)
	n.AddReactor("TEST", n.reactor)
	require.NoError(t, n.Listen())
	require.NoError(t, n.Start())
	t.Cleanup(func() {
		if n.IsRunning() {
			n.Stop()
		}
		n.Close()
	})
	return n
}

func (o *org) node(t testing.TB, name, chain string, peers ...string) *node {
	return newNode(t, o, o.identity(t, name, time.Now().AddDate(1, 0, 0), "node"), chain, nil, peers...)
}

func freeAddress(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

func linked(a, b *node) bool { return a.peers.Has(b.params.Self) && b.peers.Has(a.params.Self) }

// covers: T.06 T.07
func TestLink(t *testing.T) {
	o := newOrg(t, "archives")
	a := o.node(t, "a", chainA)
	b := o.node(t, "b", chainA, a.id())
	eventually(t, "linked", func() bool { return linked(a, b) })
	require.True(t, b.peers.Get("archives/a").Send(p2p.Envelope{ChannelID: testChannel, Message: &gogo.BytesValue{Value: []byte("hello")}}))
	eventually(t, "heard", func() bool { return a.reactor.heard.Load() == 1 })

	// b is started anew: a takes the new link in place of the old.
	require.NoError(t, b.Stop())
	b.Close()
	again := newNode(t, o, o.identity(t, "b", time.Now().AddDate(1, 0, 0), "node"), chainA, nil, a.id())
	eventually(t, "linked again, with renewed certificates", func() bool { return linked(a, again) })
}

// Both dial at once, over and over: one link is left, and both keep the same.
func TestDialledFromBothSides(t *testing.T) {
	o := newOrg(t, "archives")
	addresses := []string{freeAddress(t), freeAddress(t)}
	listen := func(i int) func(*Params) { return func(p *Params) { p.Listen = addresses[i] } }
	id := func(name string) *tlcp.Identity { return o.identity(t, name, time.Now().AddDate(1, 0, 0), "node") }
	a := newNode(t, o, id("a"), chainA, listen(0), "archives/b@"+addresses[1])
	b := newNode(t, o, id("b"), chainA, listen(1), "archives/a@"+addresses[0])
	for range 5 {
		eventually(t, "linked", func() bool { return linked(a, b) })
		var wg sync.WaitGroup
		wg.Go(func() { a.dial("archives/b", addresses[1]) })
		wg.Go(func() { b.dial("archives/a", addresses[0]) })
		wg.Wait()
	}
	eventually(t, "linked in the end", func() bool { return linked(a, b) })
	require.Equal(t, 1, a.peers.Size())
}

// Whoever may not link is refused in the handshake, on both sides of it, and no reactor
// hears of it.
// covers: T.06 T.07
func TestRefusedLinks(t *testing.T) {
	o, foreign := newOrg(t, "archives"), newOrg(t, "tax")
	forged := newOrg(t, "archives")
	year := time.Now().AddDate(1, 0, 0)
	a := o.node(t, "a", chainA)
	a.revoked.Store("revoked", true)
	for name, c := range map[string]struct {
		id     *tlcp.Identity
		chain  string
		change func(*Params)
		text   string // in the error of the one who is refused
	}{
		"expired":       {o.identity(t, "b", time.Now().Add(-time.Hour), "node"), chainA, nil, "certificate_expired"},
		"revoked":       {o.identity(t, "revoked", year, "node"), chainA, nil, "certificate_revoked"},
		"wrong role":    {o.identity(t, "b", year, "client"), chainA, nil, "access_denied"},
		"foreign CA":    {foreign.identity(t, "b", year, "node"), chainA, nil, "unknown_ca"},
		"forged CA":     {forged.identity(t, "b", year, "node"), chainA, nil, "unknown_ca"},
		"old suites":    {o.identity(t, "b", year, "node"), chainA, func(p *Params) { p.TLCP.Suites = []tlcp.Suite{tlcp.ECCSM4CBCSM3} }, "handshake_failure"},
		"another chain": {o.identity(t, "b", year, "node"), chainB, nil, "of another chain"},
		"own name":      {o.identity(t, "a", year, "node"), chainA, nil, "itself"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newNode(t, o, c.id, c.chain, c.change)
			before := a.reactor.added.Load()
			err := b.dial("archives/a", a.address)
			require.ErrorContains(t, err, c.text)
			require.Zero(t, b.peers.Size())
			require.Zero(t, b.reactor.added.Load())
			require.Equal(t, before, a.reactor.added.Load())
		})
	}
	// The name that was dialled must be the name that answers.
	b := o.node(t, "b", chainA)
	require.ErrorContains(t, b.dial("archives/c", a.address), "not archives/c")
	require.Zero(t, a.peers.Size())
}

// Links that speak no TLCP at all: plain bytes, TLS, libp2p's own security protocols.
// covers: T.07
func TestPlainLinks(t *testing.T) {
	a := newOrg(t, "archives").node(t, "a", chainA)
	multistream := func(lines ...string) (out []byte) {
		for _, l := range lines {
			out = append(binary.AppendUvarint(out, uint64(len(l)+1)), l+"\n"...)
		}
		return out
	}
	for name, sent := range map[string][]byte{
		"plain":          []byte("GET / HTTP/1.1\r\n\r\n"),
		"TLS":            {22, 3, 1, 0, 5, 1, 0, 0, 1, 0},
		"plain libp2p":   multistream("/multistream/1.0.0", "/plaintext/2.0.0"),
		"noise":          multistream("/multistream/1.0.0", "/noise"),
		"TLS in libp2p":  multistream("/multistream/1.0.0", "/tls/1.0.0"),
		"no TLCP inside": append(multistream("/multistream/1.0.0", string(securityID)), "hello, this is in clear"...),
	} {
		c, err := net.Dial("tcp", a.address)
		require.NoError(t, err)
		_, err = c.Write(sent)
		require.NoError(t, err)
		c.(*net.TCPConn).CloseWrite()
		c.SetDeadline(time.Now().Add(10 * time.Second))
		answer, _ := io.ReadAll(c)
		require.NotContains(t, string(answer), chainA, name)
		c.Close()
	}
	require.Zero(t, a.peers.Size())
}

// What an eavesdropper sees: libp2p's constant names, then TLCP records, and nowhere the
// chain's id.
// covers: T.06 T.07
func TestCapture(t *testing.T) {
	o := newOrg(t, "archives")
	a := o.node(t, "a", chainA)
	proxy := newWiretap(t, a.address)
	b := o.node(t, "b", chainA, "archives/a@"+proxy.address)
	eventually(t, "linked", func() bool { return linked(a, b) })
	for range 50 {
		b.peers.Get("archives/a").Send(p2p.Envelope{ChannelID: testChannel, Message: &gogo.BytesValue{Value: []byte(strings.Repeat(chainA, 100))}})
	}
	eventually(t, "heard", func() bool { return a.reactor.heard.Load() == 50 })
	require.NoError(t, b.Stop())
	require.NoError(t, a.Stop())
	for i, stream := range proxy.streams() {
		require.NotContains(t, string(stream), chainA)
		require.NotContains(t, string(stream), "yamux")
		rest := stream
		for _, line := range []string{"/multistream/1.0.0\n", string(securityID) + "\n"} {
			require.True(t, len(rest) > len(line) && int(rest[0]) == len(line) && string(rest[1:1+len(line)]) == line, "direction %d: %q", i, rest[:min(40, len(rest))])
			rest = rest[1+len(line):]
		}
		records := 0
		for ; len(rest) >= 5; records++ {
			n := 5 + int(binary.BigEndian.Uint16(rest[3:]))
			require.True(t, rest[0] >= 20 && rest[0] <= 23 && rest[1] == 1 && rest[2] == 1, "record %d: %x", records, rest[:5])
			if n > len(rest) {
				break // cut by the end of the test
			}
			rest = rest[n:]
		}
		require.Greater(t, records, 5)
	}
}

// wiretap forwards connections and keeps every byte.
type wiretap struct {
	address string
	mu      sync.Mutex
	bytes   [2]bytes.Buffer
}

func newWiretap(t *testing.T, to string) *wiretap {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	w := &wiretap{address: l.Addr().String()}
	go func() {
		in, err := l.Accept()
		l.Close() // one connection is enough, and streams stay whole
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", to)
		if err != nil {
			in.Close()
			return
		}
		copyAll := func(dst, src net.Conn, i int) {
			io.Copy(io.MultiWriter(dst, writer(func(b []byte) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.bytes[i].Write(b)
			})), src)
			dst.Close()
		}
		go copyAll(out, in, 0)
		copyAll(in, out, 1)
	}()
	return w
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }

func (w *wiretap) streams() [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return [][]byte{bytes.Clone(w.bytes[0].Bytes()), bytes.Clone(w.bytes[1].Bytes())}
}

// A member that is revoked while it is linked loses the link.
// covers: T.07
func TestRevokedWhileLinked(t *testing.T) {
	o := newOrg(t, "archives")
	a := o.node(t, "a", chainA)
	b := o.node(t, "b", chainA, a.id())
	eventually(t, "linked", func() bool { return linked(a, b) })
	a.revoked.Store("b", true)
	eventually(t, "unlinked", func() bool { return a.peers.Size() == 0 && b.peers.Size() == 0 })
	require.ErrorContains(t, b.dial("archives/a", a.address), "certificate_revoked")
}

// Of three nodes two know the third alone, and find each other through it.
func TestPeerExchange(t *testing.T) {
	o := newOrg(t, "archives")
	hub := o.node(t, "hub", chainA)
	a := o.node(t, "a", chainA, hub.id())
	eventually(t, "first link", func() bool { return linked(a, hub) })
	b := o.node(t, "b", chainA, hub.id())
	eventually(t, "found", func() bool { return linked(a, b) })
}

func TestPeerLimits(t *testing.T) {
	o := newOrg(t, "archives")
	full := newNode(t, o, o.identity(t, "full", time.Now().AddDate(1, 0, 0), "node"), chainA, func(p *Params) { p.MaxPeers = 2 })
	for i := range 2 {
		n := o.node(t, fmt.Sprintf("n%d", i), chainA)
		require.NoError(t, n.dial("archives/full", full.address))
	}
	eventually(t, "full", func() bool { return full.peers.Size() == 2 })
	more := o.node(t, "more", chainA)
	require.ErrorContains(t, more.dial("archives/full", full.address), "access_denied")
	require.Equal(t, 2, full.peers.Size())
}

// Connections that do not say who they are are bounded in number, and leave room for
// dialling out.
func TestIdleConnections(t *testing.T) {
	o := newOrg(t, "archives")
	n := newNode(t, o, o.identity(t, "n", time.Now().AddDate(1, 0, 0), "node"), chainA, func(p *Params) { p.MaxPeers = 2 })
	var greeted, refused atomic.Int64
	var wg sync.WaitGroup
	for range 60 {
		c, err := net.Dial("tcp", n.address)
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		wg.Go(func() {
			if _, err := c.Read(make([]byte, 1)); err == nil {
				greeted.Add(1)
			} else {
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	require.Positive(t, greeted.Load())
	require.Positive(t, refused.Load())
	other := o.node(t, "other", chainA)
	require.NoError(t, n.dial("archives/other", other.address))
}

func FuzzHello(f *testing.F) {
	h := hello{Version: 1, Chain: chainA, Channels: []byte{1, 2}, Address: "127.0.0.1:7200", Instance: 1 << 63}
	raw, err := h.encode()
	require.NoError(f, err)
	f.Add(raw[2:])
	f.Fuzz(func(t *testing.T, raw []byte) {
		if h, err := decodeHello(raw); err == nil {
			if h.Address != "" && checkAddress(h.Address) != nil {
				t.Fatalf("address %q", h.Address)
			}
			if again, err := h.encode(); err == nil { // else text that grows when escaped
				back, err := readHello(bytes.NewReader(again))
				require.NoError(t, err)
				require.Equal(t, h, back)
			}
		}
	})
}

func FuzzPeerExchange(f *testing.F) {
	f.Add([]byte(`[{"id":"archives/a","address":"127.0.0.1:7200"}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, err := decodeTold(raw)
		if err == nil && len(list) > maxTold {
			t.Fatal("too many")
		}
	})
}
