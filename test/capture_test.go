package test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
)

// capture looks at every byte that passes through proxies: after the constant names by
// which libp2p agrees on TLCP, on p2p listeners, there may be TLCP records alone, and
// nowhere what names the chain.
type capture struct {
	secrets [][]byte

	mu      sync.Mutex
	streams map[string]*stream
	faults  []string
	records map[string]int // by kind of listener
	bytes   int
}

// stream is one direction of one connection.
type stream struct {
	kind  string
	lines [][]byte // still to come in clear
	raw   []byte   // not looked at yet: less than a record
	tail  []byte   // the last bytes, for names that lie across two chunks
	ill   bool
}

// negotiation is what libp2p sends in clear, either side the same.
var negotiation = []string{"\x13/multistream/1.0.0\n", "\x0c/tlcp/1.0.0\n"}

// newCapture knows the names of a network's chain.
func newCapture(t testing.TB, n *network) *capture {
	raw, err := os.ReadFile(n.GenesisFile())
	require.NoError(t, err)
	g, err := chain.ParseGenesis(raw)
	require.NoError(t, err)
	hash := g.Hash()
	return &capture{
		streams: map[string]*stream{}, records: map[string]int{},
		secrets: [][]byte{[]byte(g.CometChainID()), hash[:], []byte(hash.String()), []byte(hex.EncodeToString(hash[:8])), []byte("/api/v1"), []byte("/yamux")},
	}
}

// tap returns what a proxy before a listener of a kind (p2p, api) is to call.
func (c *capture) tap(kind, name string) func(bool, int, []byte) {
	return func(fromDialler bool, conn int, b []byte) {
		c.mu.Lock()
		defer c.mu.Unlock()
		key := fmt.Sprintf("%s %s connection %d, from dialler %v", kind, name, conn, fromDialler)
		s := c.streams[key]
		if s == nil {
			s = &stream{kind: kind}
			if kind == "p2p" {
				for _, l := range negotiation {
					s.lines = append(s.lines, []byte(l))
				}
			}
			c.streams[key] = s
		}
		c.bytes += len(b)
		if why := c.look(s, b); why != "" && !s.ill {
			s.ill = true
			c.faults = append(c.faults, key+": "+why)
		}
	}
}

func (c *capture) look(s *stream, b []byte) string {
	seen := append(s.tail, b...)
	for _, secret := range c.secrets {
		if bytes.Contains(seen, secret) {
			return fmt.Sprintf("%q in clear", secret)
		}
	}
	s.tail = bytes.Clone(seen[max(0, len(seen)-64):])
	s.raw = append(s.raw, b...)
	for len(s.lines) > 0 {
		l := s.lines[0]
		if n := min(len(l), len(s.raw)); !bytes.Equal(s.raw[:n], l[:n]) {
			return fmt.Sprintf("%q in place of %q", s.raw[:n], l)
		} else if n < len(l) {
			return ""
		}
		s.raw, s.lines = s.raw[len(l):], s.lines[1:]
	}
	for len(s.raw) >= 5 {
		n := 5 + int(s.raw[3])<<8 + int(s.raw[4])
		if s.raw[0] < 20 || s.raw[0] > 23 || s.raw[1] != 1 || s.raw[2] != 1 || n > 5+1<<14+2048 {
			return fmt.Sprintf("no TLCP record: %x", s.raw[:5])
		}
		if n > len(s.raw) {
			break
		}
		c.records[s.kind]++
		s.raw = s.raw[n:]
	}
	return ""
}

// check requires that there was nothing else than records, and enough of them.
func (c *capture) check(t testing.TB) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Empty(t, c.faults)
	for kind, least := range map[string]int{"p2p": 1000, "api": 20} {
		require.Greater(t, c.records[kind], least, kind)
	}
	t.Logf("captured %d connections in either direction, %d bytes, records: %v", len(c.streams), c.bytes, c.records)
}

// member is a client that reaches a node's listener for members through a proxy.
func (n *network) member(p *proxy, name string) (*client.Client, *client.Identity) {
	n.t.Helper()
	id, err := n.Member(name)
	require.NoError(n.t, err)
	raw, err := os.ReadFile(n.GenesisFile())
	require.NoError(n.t, err)
	roots, err := client.GenesisRoots(raw)
	require.NoError(n.t, err)
	params := client.DefaultParams("tlcp://" + p.address)
	params.Chain = n.Chain
	params.Genesis, err = crypto.ParseHash(n.Genesis)
	require.NoError(n.t, err)
	params.TLCP, err = client.Secure(id, roots)
	require.NoError(n.t, err)
	ctx, cancel := context.WithTimeout(context.Background(), patience())
	defer cancel()
	c, err := client.New(ctx, params)
	require.NoError(n.t, err)
	return c, id
}
