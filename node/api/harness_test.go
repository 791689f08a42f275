package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/consensus"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
	"github.com/huchain/huchain/vm/host"
)

// site is a node's API over a real chain of one validator in this process: consensus,
// ledger and state machine are the real ones, the contract is a Go function.
type site struct {
	t      testing.TB
	chain  *Chain
	api    *Server
	url    string
	client *client.Client
	clerk  *client.Identity
	world  *chaintest.World
}

func newSite(t testing.TB) *site {
	world := chaintest.NewWorld(time.Now().Add(-time.Minute), "archives")
	vm := chaintest.NewGoVM()
	vm.Install(world, "notes", map[string]string{"put": "ANY role:client", "getOne": "public", "getMine": "ANY role:client"}, notes)
	clerk := world.Member("archives", "clerk", "client")
	dir := t.TempDir()
	keys := consensus.Keys{
		ConsensusKeyFile: filepath.Join(dir, "consensus.json"), VoteFile: filepath.Join(dir, "vote.json"),
	}
	info, err := consensus.CreateKeys(keys)
	require.NoError(t, err)
	keys.Header = world.AddValidator("archives", "node0", info.Ed25519)
	g, packages := world.Seal()
	raw, err := json.Marshal(world.Genesis)
	require.NoError(t, err)
	require.Equal(t, g.Hash(), crypto.Sum(raw), "the genesis file is the JSON of the sealed world")

	machine, err := chain.New(g, vm, chain.DefaultOptions())
	require.NoError(t, err)
	l, err := ledger.Open(filepath.Join(dir, "ledger"), g.Hash(), ledger.DefaultParams())
	require.NoError(t, err)
	node, err := consensus.New(consensus.DefaultParams(), consensus.Options{
		DataDir: filepath.Join(dir, "consensus"), Chain: machine, Ledger: l, Genesis: g, Packages: packages, Keys: keys, Listen: freeAddress(t),
		Link: tlcp.Fixed(world.LinkIdentity("archives", "node0", time.Now().AddDate(1, 0, 0), "node")),
	})
	require.NoError(t, err)
	require.NoError(t, node.Start(t.Context()))
	t.Cleanup(func() {
		node.Stop()
		require.NoError(t, l.Close())
	})
	s := &site{t: t, world: world, clerk: &client.Identity{Signer: clerk.Key, Certificate: clerk.Cert, Member: clerk.ID}}
	s.chain = &Chain{Name: g.Chain, Genesis: g, GenesisFile: raw, Machine: machine, Ledger: l, Consensus: engine{node}}
	s.serve(DefaultParams(), s.chain)
	s.client, err = client.Dial(t.Context(), s.url, "", g.Hash())
	require.NoError(t, err)
	_, err = s.client.WaitHeight(t.Context(), 1)
	require.NoError(t, err)
	return s
}

// serve starts an HTTP server for chains and makes it the site's.
func (s *site) serve(p Params, chains ...*Chain) {
	api, err := New(p, "node0", "test", slog.New(slog.NewTextHandler(io.Discard, nil)), prometheus.NewRegistry())
	require.NoError(s.t, err)
	for _, c := range chains {
		api.Add(c)
	}
	srv := httptest.NewServer(promised(s.t, api.Handler()))
	s.t.Cleanup(srv.Close)
	s.api, s.url = api, srv.URL
}

// notes is a contract: put {"k":…} stores, getOne answers, getMine answers the caller.
func notes(env host.Env, args []byte) ([]byte, error) {
	var in struct{ K, V string }
	if err := json.Unmarshal(args, &in); err != nil || in.K == "" {
		return nil, &host.Failure{Contract: "notes", Name: "bad_key", Text: "a key is required"}
	}
	switch env.Info().Method {
	case "put":
		if err := env.Put([]byte(in.K), []byte(`{"v":"`+in.V+`"}`)); err != nil {
			return nil, err
		}
		return []byte(`{"stored":true}`), env.Emit("stored", []byte(`{"k":"`+in.K+`"}`))
	case "getMine":
		return []byte(`{"caller":"` + string(env.Info().Caller.Member) + `"}`), nil
	}
	v, ok, err := env.Get([]byte(in.K))
	if err == nil && !ok {
		err = &host.Failure{Contract: "notes", Name: "not_found", Text: in.K}
	}
	return v, err
}

// engine shows a consensus node as the API wants it.
type engine struct{ *consensus.Node }

func (e engine) Watch(id crypto.Hash) Watch { return watch{e.Node.Watch(id)} }

func (e engine) Status() Status {
	st := e.Node.Status()
	return Status{CatchingUp: st.CatchingUp, Peers: len(st.Peers), PoolTxs: st.PoolTxs, Validator: st.Validator}
}

// Peers: this validator has none.
func (e engine) Peers() rest.Peers {
	return rest.Peers{Node: e.Node.Status().NodeID, Items: []rest.Peer{}}
}

type watch struct{ *consensus.Watch }

func (w watch) Wait(ctx context.Context) (uint64, uint32, *types.Receipt, error) {
	c, err := w.Watch.Wait(ctx)
	if err != nil {
		return 0, 0, nil, err
	}
	return c.Height, c.Index, &c.Receipt, nil
}

// counted counts the waits for blocks.
type counted struct {
	Consensus
	n atomic.Int64
}

func (c *counted) AwaitHeight(ctx context.Context, height uint64) error {
	c.n.Add(1)
	return c.Consensus.AwaitHeight(ctx, height)
}

func freeAddress(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func (s *site) put(k, v string) *client.Committed {
	out, err := s.client.Call(s.t.Context(), s.clerk, "notes", "put", json.RawMessage(fmt.Sprintf(`{"K":%q,"V":%q}`, k, v)))
	require.NoError(s.t, err)
	return out
}

// raw sends one request and returns status, headers and the coded error, if it is one.
func (s *site) raw(method, path, contentType, body string) (*http.Response, rest.Error, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	var e rest.Error
	_ = json.Unmarshal(text, &e) // not every answer is an error
	return resp, e, string(text)
}
