package test

import (
	"io"
	"math/rand"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// proxy forwards the TCP connections of one peer to another, and does to them what
// networks do: it delays, throttles, stalls and breaks them, or cuts them off.
type proxy struct {
	address, to string
	cut, faulty atomic.Bool
	tap         func(fromDialler bool, conn int, b []byte) // may be nil

	mu    sync.Mutex
	r     *rand.Rand
	conns map[net.Conn]bool
	count int
}

func newProxy(t testing.TB, to string, seed int64) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{address: l.Addr().String(), to: to, r: rand.New(rand.NewSource(seed)), conns: map[net.Conn]bool{}}
	t.Cleanup(func() {
		l.Close()
		p.breakAll()
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.forward(c)
		}
	}()
	return p
}

// roll draws a number below n.
func (p *proxy) roll(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.r.Intn(n)
}

func (p *proxy) keep(c net.Conn, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if on {
		p.conns[c] = true
	} else {
		delete(p.conns, c)
	}
}

// breakAll ends what runs through the proxy.
func (p *proxy) breakAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// sever cuts the link off, or lets it come back.
func (p *proxy) sever(on bool) {
	p.cut.Store(on)
	if on {
		p.breakAll()
	}
}

func (p *proxy) forward(in net.Conn) {
	defer in.Close()
	if p.cut.Load() {
		return
	}
	out, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer out.Close()
	p.mu.Lock()
	p.count++
	id := p.count
	p.mu.Unlock()
	p.keep(in, true)
	p.keep(out, true)
	defer p.keep(in, false)
	defer p.keep(out, false)
	done := make(chan bool, 2)
	go p.pump(out, in, true, id, done)
	go p.pump(in, out, false, id, done)
	<-done
}

// pump forwards one direction.
func (p *proxy) pump(to io.Writer, from io.Reader, fromDialler bool, id int, done chan<- bool) {
	defer func() { done <- true }()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if p.faulty.Load() && !p.suffer(n) || p.cut.Load() {
				return
			}
			if p.tap != nil {
				p.tap(fromDialler, id, buf[:n])
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// suffer lets the time of a bad line pass, and reports false where the line breaks. One
// chunk in ten is late as one that was lost and sent again.
func (p *proxy) suffer(bytes int) bool {
	wait := time.Duration(p.roll(10))*time.Millisecond + time.Duration(bytes)*time.Second/(2<<20) // 2 MiB/s
	switch k := p.roll(1000); {
	case k < 1:
		return false
	case k < 3:
		wait += time.Duration(300+p.roll(500)) * time.Millisecond // a stall
	case k < 103:
		wait += 50 * time.Millisecond
	}
	time.Sleep(wait)
	return true
}

// throughProxies has the nodes of a network that was not started dial each other through
// proxies: links[i][j] is what node i dials node j by.
func (n *network) throughProxies(t testing.TB) [][]*proxy {
	links := make([][]*proxy, len(n.Nodes))
	for i := range n.Nodes {
		links[i] = make([]*proxy, len(n.Nodes))
		file := n.NodeHome(n.Nodes[i].Name).Chain(n.Chain).ConfigFile()
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		config := string(text)
		for j := range n.Nodes {
			if i != j {
				links[i][j] = newProxy(t, n.Nodes[j].P2P, int64(10*i+j))
				config = strings.Replace(config, "@"+n.Nodes[j].P2P, "@"+links[i][j].address, 1)
			}
		}
		require.NoError(t, os.WriteFile(file, []byte(config), 0o644))
	}
	return links
}
