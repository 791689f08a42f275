package consensus

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	cmttypes "github.com/cometbft/cometbft/types"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/consensus/signer"
	"github.com/huchain/huchain/types"
)

// signerProcess serves the keys of a node, which no longer holds them itself.
type signerProcess struct {
	net    *network
	node   *testNode
	files  signer.Files
	socket string
	end    func()
}

func newSignerProcess(n *testNode) *signerProcess {
	return &signerProcess{net: n.net, node: n, files: n.keys.files(), socket: filepath.Join(n.net.t.TempDir(), "s.sock"), end: func() {}}
}

func (s *signerProcess) up(key *testNode) {
	t := s.net.t
	votes, err := s.files.Open()
	require.NoError(t, err)
	headers, err := signer.OpenHeaders(key.keys.Header, s.net.genesis.Hash(), filepath.Join(filepath.Dir(s.files.Votes), "header.json"))
	require.NoError(t, err)
	srv, err := signer.NewServer(s.net.genesis.CometChainID(), votes, headers, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	l, err := net.Listen("unix", s.socket)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, l) }()
	s.end = func() {
		cancel()
		require.NoError(t, <-done)
		require.NoError(t, votes.Close())
		s.end = func() {}
	}
}

// lend makes a node use the signer at its next start.
func (s *signerProcess) lend(n *testNode) {
	r, err := signer.NewRemote(context.Background(), signer.Params{
		Chain: s.net.genesis.CometChainID(), Logger: slog.New(slog.DiscardHandler),
		Dial: func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "unix", s.socket) },
	})
	require.NoError(s.net.t, err)
	n.keys.Header, n.keys.Votes = r, r
}

// Two validators with one key, through one signer: the chain runs, nobody signs twice,
// and there is never evidence. Without the signer both follow and neither votes; when it
// is back, they do again.
// covers: T.03
func TestTwinsThroughOneSigner(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 4)
	own := &testNode{}
	own.keys = net.nodes[3].keys // the SM2 key, for the signer
	s := newSignerProcess(net.nodes[3])
	s.up(own)
	t.Cleanup(func() { s.end() })
	twin := &testNode{net: net, index: 4, home: t.TempDir(), listen: freeAddress(t), reg: prometheus.NewRegistry()}
	twin.certify("archives/twin")
	net.nodes = append(net.nodes, twin)
	for _, n := range net.nodes[3:] {
		s.lend(n)
	}
	net.up()
	net.ready()
	for i := range 20 {
		require.True(t, net.nodes[i%5].commit(net.call(fmt.Sprintf("t%d", i), "1")).Receipt.OK())
	}
	net.nodes[0].down() // now the twins' vote is needed at each height
	for i := range 10 {
		require.True(t, net.nodes[1+i%4].commit(net.call(fmt.Sprintf("u%d", i), "1")).Receipt.OK())
	}
	net.quiet(300 * time.Millisecond)
	net.same()
	net.noEvidence()

	s.end()
	held := net.call("held", "1")
	w := net.nodes[1].Watch(held.ID())
	defer w.Stop()
	height := net.quiet(2 * time.Second) // a block that they had voted for may come yet
	_, err := net.nodes[1].Submit(held.Bytes())
	require.NoError(t, err)
	short, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err = w.Wait(short)
	require.Equal(t, types.CodeOutcomeUnknown, types.CodeOf(err), "two of four vote: %v", err)
	require.Equal(t, height, net.nodes[1].ledger.Height(), "two of four vote: no block")
	net.nodes[0].up() // three of four do without the signer
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	at, err := w.Wait(ctx)
	require.NoError(t, err)
	eventually(t, "the twins follow", func() bool {
		return net.nodes[3].ledger.Height() >= at.Height && twin.ledger.Height() >= at.Height
	})
	require.Nil(t, net.nodes[3].Err())
	require.Nil(t, twin.Err())
	st := twin.Status()
	require.True(t, st.RemoteSigner)
	require.NotEmpty(t, st.SignerAway)
	require.False(t, net.nodes[0].Status().RemoteSigner)
	gauge := func() float64 {
		families, err := twin.reg.Gather()
		require.NoError(t, err)
		for _, f := range families {
			if f.GetName() == "huchain_consensus_signer_connected" {
				return f.GetMetric()[0].GetGauge().GetValue()
			}
		}
		return -1
	}
	eventually(t, "the metric tells", func() bool { return gauge() == 0 })

	s.up(own)
	net.ready()
	eventually(t, "the metric tells", func() bool { return gauge() == 1 && twin.Status().SignerAway == "" })
	net.nodes[1].down() // their vote is needed again
	require.True(t, net.nodes[2].commit(net.call("back", "1")).Receipt.OK())
	net.quiet(300 * time.Millisecond)
	net.same()
	net.noEvidence()
}

// evidence lists what blocks hold against a validator, by the stores of the first
// running node.
func (net *network) evidence() (out []cmttypes.Evidence) {
	for _, n := range net.nodes {
		if n.Node == nil {
			continue
		}
		e := n.Node.engine.Load()
		for h := e.blocks.Base(); h <= e.blocks.Height(); h++ {
			out = append(out, e.blocks.LoadBlock(h).Evidence.Evidence...)
		}
		return out
	}
	return nil
}

func (net *network) noEvidence() { require.Empty(net.t, net.evidence(), "somebody signed twice") }
