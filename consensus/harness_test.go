package consensus

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/proxy"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/consensus/links"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/snapshot"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// network is a chain and the homes of its nodes, all in this process, linked over
// loopback. Chains and ledgers are the real ones; the contract is a Go function.
type network struct {
	t        testing.TB
	world    *chaintest.World
	genesis  *chain.Genesis
	packages map[crypto.Hash][]byte
	vm       *chaintest.GoVM
	clerk    *chaintest.Member
	nodes    []*testNode
	params   Params
	opt      ledger.Params
	restart  *Restart // what the nodes go on from; nil: the genesis
}

type testNode struct {
	net    *network
	index  int
	home   string
	keys   Keys
	id     string // org/name
	link   atomic.Pointer[tlcp.Identity]
	listen string
	reg    *prometheus.Registry

	*Node
	ledger *ledger.Ledger
	chain  *chain.Chain
	// wrap, if set, puts something between node and chain: a liar.
	wrap func(Machine) Machine
	// abci, if set, puts something between CometBFT and the app.
	abci func(*app) abci.Application
	// links, if set, makes the links in place of ours.
	links     func(links.Params) (peerSwitch, error)
	snapshots *snapshot.Store // opened with the node
}

// certify names the node and issues its link certificates.
func (n *testNode) certify(id types.MemberID) {
	n.id = string(id)
	n.link.Store(n.net.world.LinkIdentity(id.Org(), id.Name(), time.Now().AddDate(1, 0, 0), string(types.RoleNode)))
}

func (n *testNode) identity() (*tlcp.Identity, error) { return n.link.Load(), nil }

func testParams() Params {
	p := DefaultParams()
	p.TimeoutPropose = 600 * time.Millisecond
	p.Heartbeat = time.Minute
	p.Rest = time.Minute
	p.RedialInterval = 500 * time.Millisecond
	return p
}

// newNetwork founds a chain with n validators. The contract "store" has put {k:v} and
// fails for the key "bad".
func newNetwork(t testing.TB, n int) *network { return newNetworkWith(t, n, func(*network) {}) }

// newNetworkWith is newNetwork with more contracts.
func newNetworkWith(t testing.TB, n int, more func(*network)) *network {
	net := &network{t: t, params: testParams(), opt: ledger.DefaultParams(), vm: chaintest.NewGoVM()}
	net.world = chaintest.NewWorld(time.Now().Add(-time.Minute), "archives")
	net.vm.Install(net.world, "store", map[string]string{"put": "ANY role:client", "getOne": "public"}, storeContract)
	more(net)
	net.clerk = net.world.Member("archives", "clerk", "client")
	dir := t.TempDir()
	for i := range n {
		node := &testNode{net: net, index: i, home: filepath.Join(dir, fmt.Sprint(i)), listen: freeAddress(t), reg: prometheus.NewRegistry()}
		keys := filepath.Join(node.home, "keys")
		node.keys = Keys{ConsensusKeyFile: filepath.Join(keys, "consensus.json"), VoteFile: filepath.Join(keys, "vote.json")}
		info, err := CreateKeys(node.keys)
		require.NoError(t, err)
		name := fmt.Sprintf("node%d", i)
		node.certify(types.MemberID("archives/" + name))
		node.keys.Header = net.world.AddValidator("archives", name, info.Ed25519)
		net.nodes = append(net.nodes, node)
	}
	net.genesis, net.packages = net.world.Seal()
	return net
}

func storeContract(env host.Env, args []byte) ([]byte, error) {
	key, value, _ := strings.Cut(strings.Trim(string(args), `{}`), ":")
	if strings.Contains(key, "bad") {
		return nil, &host.Failure{Contract: "store", Name: "bad", Text: "this key is refused"}
	}
	if env.Info().Method == "put" {
		if err := env.Put([]byte(key), []byte(value)); err != nil {
			return nil, err
		}
		return nil, env.Emit("stored", []byte(`{}`))
	}
	return nil, nil
}

func freeAddress(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func (net *network) peers() (out []string) {
	for _, n := range net.nodes {
		out = append(out, n.id+"@"+n.listen)
	}
	return out
}

// up starts every node.
func (net *network) up() {
	for _, n := range net.nodes {
		n.up()
	}
}

func (n *testNode) logger() *slog.Logger {
	var out io.Writer = io.Discard
	level := slog.LevelWarn
	if v := os.Getenv("HUCHAIN_TEST_LOG"); v != "" {
		out = os.Stderr
		if v == "debug" {
			level = slog.LevelDebug
		}
	}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level})).With("node", n.index)
}

// open builds the node without starting it.
func (n *testNode) open() {
	t := n.net.t
	var err error
	n.ledger, err = ledger.Open(filepath.Join(n.home, "data", "ledger"), n.net.genesis.Hash(), n.net.opt)
	require.NoError(t, err)
	n.chain, err = chain.New(n.net.genesis, n.net.vm, chain.DefaultOptions())
	require.NoError(t, err)
	if n.ledger.Initialized() {
		require.NoError(t, n.chain.LoadCode(context.Background(), n.ledger))
	}
	var m Machine = n.chain
	if n.wrap != nil {
		m = n.wrap(m)
	}
	chunks := snapshot.DefaultParams()
	chunks.ChunkBytes = 128 << 10
	n.snapshots, err = snapshot.OpenStore(filepath.Join(n.home, "snapshots"), chunks)
	require.NoError(t, err)
	n.Node, err = New(n.net.params, Options{
		Snapshots: n.snapshots,
		DataDir:   filepath.Join(n.home, "data", "comet"), Chain: m, Ledger: n.ledger, Genesis: n.net.genesis, Restart: n.net.restart, Packages: n.net.packages,
		Keys: n.keys, Link: n.identity, Peers: n.net.peers(), Listen: n.listen, Logger: n.logger(), Registerer: n.reg,
	})
	require.NoError(t, err)
	if n.links != nil {
		n.parts.newSwitch = n.links
	}
	if n.abci != nil {
		n.parts.client = proxy.NewConnSyncLocalClientCreator(n.abci(n.app))
	}
}

func (n *testNode) up() {
	n.open()
	require.NoError(n.net.t, n.Start(context.Background()))
	n.net.t.Cleanup(n.down)
}

// down stops the node; the ledger is closed, files stay.
func (n *testNode) down() {
	if n.Node != nil {
		n.Node.Stop()
		require.NoError(n.net.t, n.ledger.Close())
		n.Node = nil
	}
}

// wipe removes all data, but no keys.
func (n *testNode) wipe() { require.NoError(n.net.t, os.RemoveAll(filepath.Join(n.home, "data"))) }

// call is a signed call of the clerk's, with its certificate.
func (net *network) call(key, value string) *types.Tx {
	return chaintest.Call(net.genesis, net.clerk, time.Now(), "store", "put", fmt.Sprintf(`{%s:%s}`, key, value), true)
}

// commit submits a transaction to a node and waits for its receipt there.
func (n *testNode) commit(tx *types.Tx) *Committed {
	t := n.net.t
	w := n.Watch(tx.ID())
	defer w.Stop()
	id, err := n.Submit(tx.Bytes())
	require.NoError(t, err)
	require.Equal(t, tx.ID(), id)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c, err := w.Wait(ctx)
	require.NoError(t, err)
	return c
}

func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// patience is how long tests wait for what must come; the machine may be busy.
const patience = 2 * time.Minute

func counterValue(t testing.TB, c prometheus.Counter) float64 {
	var m dto.Metric
	require.NoError(t, c.Write(&m))
	return m.GetCounter().GetValue()
}

// quiet waits until no node's height has moved for d, and returns the height.
func (net *network) quiet(d time.Duration) uint64 {
	since, last := time.Now(), uint64(0)
	eventually(net.t, "silence", func() bool {
		var top uint64
		for _, n := range net.nodes {
			if n.Node != nil {
				top = max(top, n.ledger.Height())
			}
		}
		if top != last {
			since, last = time.Now(), top
		}
		return time.Since(since) >= d
	})
	return last
}

// settled waits until the chain is at height, and reports where it rests: a loaded machine
// may take its time for the blocks, but no more of them may follow.
func (net *network) settled(height uint64) uint64 {
	eventually(net.t, "last block before the silence", func() bool {
		for _, n := range net.nodes {
			if n.Node != nil && n.ledger.Height() < height {
				return false
			}
		}
		return true
	})
	return net.quiet(500 * time.Millisecond)
}

// ready waits until all running nodes take part in consensus and are linked.
func (net *network) ready() {
	eventually(net.t, "nodes ready", func() bool {
		running := 0
		for _, n := range net.nodes {
			if n.Node != nil {
				running++
			}
		}
		for _, n := range net.nodes {
			if n.Node == nil {
				continue
			}
			if s := n.Status(); s.CatchingUp || len(s.Peers) < running-1 || s.Height < 1 {
				return false
			}
		}
		return true
	})
}

// same checks that all running nodes have equal headers up to the lowest height.
func (net *network) same() {
	var first *testNode
	for _, n := range net.nodes {
		if n.Node == nil {
			continue
		}
		if first == nil {
			first = n
			continue
		}
		for h := uint64(1); h <= min(first.ledger.Height(), n.ledger.Height()); h++ {
			a, err := first.ledger.Header(h)
			require.NoError(net.t, err)
			b, err := n.ledger.Header(h)
			require.NoError(net.t, err)
			require.Equal(net.t, a, b, "height %d of nodes %d and %d", h, first.index, n.index)
		}
	}
}
