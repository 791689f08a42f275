package consensus

import (
	"testing"
	"time"

	cfg "github.com/cometbft/cometbft/config"
	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/p2p"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/consensus/links"
)

// stockLinks are CometBFT's own, which the product does not have: its switch over its
// secret connections. They are the measure for ours.
type stockLinks struct {
	*p2p.Switch
	transport *p2p.MultiplexTransport
	address   *p2p.NetAddress
	others    []string
}

func (s *stockLinks) Listen() error { return s.transport.Listen(*s.address) }

func (s *stockLinks) Start() error {
	if err := s.Switch.Start(); err != nil {
		return err
	}
	return s.Switch.DialPeersAsync(s.others)
}

func (s *stockLinks) Close() { s.transport.Close() }

// NetInfo implements peerSwitch; stock links know nothing of it.
func (s *stockLinks) NetInfo() []links.Peer { return nil }

func (s *stockLinks) Blame(p p2p.Peer, err error) time.Duration {
	s.StopPeerForError(p, err)
	return 0
}

// useStockLinks puts them under the nodes of a network that was not started.
func useStockLinks(net *network) {
	keys := make([]p2p.NodeKey, len(net.nodes))
	var all []string
	for i, n := range net.nodes {
		keys[i] = p2p.NodeKey{PrivKey: cmted25519.GenPrivKey()}
		all = append(all, p2p.IDAddressString(keys[i].ID(), n.listen))
	}
	for i, n := range net.nodes {
		n.links = func(p links.Params) (peerSwitch, error) {
			c := cometConfig(&n.net.params, n.home).P2P
			c.AllowDuplicateIP, c.MaxNumInboundPeers, c.MaxNumOutboundPeers = true, 40, 40
			return newStockLinks(c, p, keys[i], all[i], all[:i]) // the later dials the earlier
		}
	}
}

func newStockLinks(c *cfg.P2PConfig, p links.Params, key p2p.NodeKey, own string, others []string) (*stockLinks, error) {
	address, err := p2p.NewNetAddressString(own)
	if err != nil {
		return nil, err
	}
	info := p2p.DefaultNodeInfo{
		ProtocolVersion: p2p.NewProtocolVersion(8, p.Block, p.App), DefaultNodeID: key.ID(), ListenAddr: p.Listen, Network: p.Chain,
		Version: "0", Channels: []byte{0x20, 0x21, 0x22, 0x23, 0x38, 0x40, 0x60, 0x61, 0x71, 0x72}, Moniker: "stock",
		Other: p2p.DefaultNodeInfoOther{TxIndex: "off"},
	}
	transport := p2p.NewMultiplexTransport(info, key, p.MConn)
	sw := p2p.NewSwitch(c, transport)
	sw.SetLogger(p.Logger)
	sw.SetNodeInfo(info)
	sw.SetNodeKey(&key)
	return &stockLinks{Switch: sw, transport: transport, address: address, others: others}, nil
}

// BenchmarkLinks compares SM links with CometBFT's own, by turns in one run: committed
// transactions a second, and processor time per transaction and validator, which other work
// on the machine disturbs less; of a chain that verifies and executes, and of one that does
// neither, whose time is spent on links and consensus alone.
//
//	go test ./consensus -run - -bench Links -benchtime 3x
func BenchmarkLinks(b *testing.B) {
	for _, c := range []struct {
		name string
		load workload
	}{{"chain", signed(b)}, {"bare", bare}} {
		b.Run(c.name, func(b *testing.B) {
			var rate, cpu [2]float64 // SM, stock
			for range b.N {
				for i, change := range []func(*network){nil, useStockLinks} {
					r, c := saturate(b, 4, 6*time.Second, c.load, change)
					rate[i] += r / float64(b.N)
					cpu[i] += c / float64(b.N)
				}
			}
			b.ReportMetric(rate[0], "sm-tx/s")
			b.ReportMetric(rate[1], "stock-tx/s")
			b.ReportMetric(rate[0]/rate[1], "sm/stock")
			b.ReportMetric(cpu[0], "sm-cpu-µs")
			b.ReportMetric(cpu[1], "stock-cpu-µs")
			b.ReportMetric(cpu[1]/cpu[0], "stock/sm-cpu")
		})
	}
}

// A chain runs over stock links as over ours, so that the benchmark compares like with like.
func TestStockLinks(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 4)
	useStockLinks(net)
	net.up()
	net.ready()
	require.True(t, net.nodes[1].commit(net.call("stock", "1")).Receipt.OK())
	net.quiet(300 * time.Millisecond)
	net.same()
}
