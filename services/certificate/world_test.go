package certificate

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/consensus"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/timestamp"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/node/api"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
	"github.com/huchain/huchain/vm/host"
)

// site is a real chain of one validator with contract evidence as a Go function, behind
// the API of a node, an issuer and a time-stamp authority.
type site struct {
	t       testing.TB
	world   *chaintest.World
	client  *client.Client
	clerk   *client.Identity
	trust   *client.Trust
	genesis []byte
	params  Params
	issuer  *Issuer
	stop    func()
}

func newSite(t testing.TB) *site {
	world := chaintest.NewWorld(time.Now().Add(-time.Minute), "archives", "notary")
	vm := chaintest.NewGoVM()
	vm.Install(world, Contract, map[string]string{"deposit": "ANY role:client"}, deposit)
	clerk, notary, watch := world.Member("archives", "clerk", "client"), world.Member("notary", "issuer", "client"), world.Member("notary", "clock", "client")
	dir := t.TempDir()
	keys := consensus.Keys{ConsensusKeyFile: filepath.Join(dir, "consensus.json"), VoteFile: filepath.Join(dir, "vote.json")}
	info, err := consensus.CreateKeys(keys)
	require.NoError(t, err)
	keys.Header = world.AddValidator("archives", "node0", info.Ed25519)
	g, packages := world.Seal()
	s := &site{t: t, world: world, clerk: identity(clerk)}
	s.genesis, err = json.Marshal(world.Genesis)
	require.NoError(t, err)
	machine, err := chain.New(g, vm, chain.DefaultOptions())
	require.NoError(t, err)
	l, err := ledger.Open(filepath.Join(dir, "ledger"), g.Hash(), ledger.DefaultParams())
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	node, err := consensus.New(consensus.DefaultParams(), consensus.Options{
		DataDir: filepath.Join(dir, "consensus"), Chain: machine, Ledger: l, Genesis: g, Packages: packages, Keys: keys, Listen: listener.Addr().String(),
		Link: tlcp.Fixed(world.LinkIdentity("archives", "node0", time.Now().AddDate(1, 0, 0), "node")),
	})
	require.NoError(t, err)
	require.NoError(t, node.Start(context.Background()))
	server, err := api.New(api.DefaultParams(), "node0", "test", slog.New(slog.NewTextHandler(io.Discard, nil)), prometheus.NewRegistry())
	require.NoError(t, err)
	server.Add(&api.Chain{Name: g.Chain, Genesis: g, GenesisFile: s.genesis, Machine: machine, Ledger: l, Consensus: engine{node}})
	srv := httptest.NewServer(server.Handler())
	s.stop = func() {
		srv.Close()
		node.Stop()
		require.NoError(t, l.Close())
	}
	ctx := context.Background()
	s.client, err = client.Dial(ctx, srv.URL, "", g.Hash())
	require.NoError(t, err)
	_, err = s.client.WaitHeight(ctx, 1)
	require.NoError(t, err)
	s.trust, err = s.client.Trust(ctx)
	require.NoError(t, err)
	for _, m := range []*chaintest.Member{notary, watch} {
		_, err := s.client.Call(ctx, identity(m), "membership", "register", json.RawMessage("{}"))
		require.NoError(t, err)
	}
	s.params = Params{Trust: s.trust, Key: notary.Key, Certificate: parse(t, notary.Cert), Authority: parse(t, watch.Cert),
		Page: "https://evidence.example.gov.cn/verify", Now: time.Now}
	s.params.Stamper = &timestamp.Authority{Key: watch.Key, Certificate: s.params.Authority, Now: time.Now}
	s.issuer, err = NewIssuer(s.params)
	require.NoError(t, err)
	return s
}

func parse(t testing.TB, der []byte) *cert.Certificate {
	c, err := cert.Parse(der)
	require.NoError(t, err)
	return c
}

func identity(m *chaintest.Member) *client.Identity {
	return &client.Identity{Signer: m.Key, Certificate: m.Cert, Member: m.ID}
}

// deposit is what contract evidence stores.
func deposit(env host.Env, args []byte) ([]byte, error) {
	var r record
	if err := json.Unmarshal(args, &r); err != nil {
		return nil, &host.Failure{Contract: Contract, Name: "bad", Text: err.Error()}
	}
	r.Owner, r.Time = env.Info().Caller.Member, time.Unix(1772413200, 0).UTC()
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return b, env.Put(RowKey(r.Hash), b)
}

func (s *site) deposit(content, title, metadata string) crypto.Hash {
	h := crypto.Sum([]byte(content))
	_, err := s.client.Call(context.Background(), s.clerk, Contract, "deposit", map[string]any{"hash": h, "title": title, "metadata": metadata})
	require.NoError(s.t, err)
	return h
}

func metadata(content string) string {
	return fmt.Sprintf(`{"id":"E-2026-0001","tenant":"市档案馆","holder":"欧阳㛃","file":"采购合同.pdf","sizeBytes":%d,"sha256":"%s","fields":null}`,
		len(content), "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
}

// engine shows a consensus node as the API wants it.
type engine struct{ *consensus.Node }

func (e engine) Watch(id crypto.Hash) api.Watch { return watch{e.Node.Watch(id)} }

func (e engine) Status() api.Status {
	st := e.Node.Status()
	return api.Status{CatchingUp: st.CatchingUp, Peers: len(st.Peers), PoolTxs: st.PoolTxs, Validator: st.Validator}
}

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
