package devnet

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/contracts/testkit"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

func create(t *testing.T, validators int) *Network {
	n, err := Create(t.Context(), Params{Home: t.TempDir(), Validators: validators})
	require.NoError(t, err)
	return n
}

// TestNetwork shares one network: making keys is what costs time here.
func TestNetwork(t *testing.T) {
	n := create(t, 2)
	t.Run("created", func(t *testing.T) { created(t, n) })
	t.Run("taken ports are replaced", func(t *testing.T) { takenPorts(t, n) })
	t.Run("a running network is left alone", func(t *testing.T) { leftAlone(t, n) })
	t.Run("story", func(t *testing.T) { playStory(t, n) })
	t.Run("reset", func(t *testing.T) {
		require.NoError(t, Reset(t.Context(), n.home))
		_, err := os.Stat(n.Dir())
		require.True(t, os.IsNotExist(err))
		require.NoError(t, Reset(t.Context(), n.home), "nothing there is fine")
	})
}

func created(t *testing.T, n *Network) {
	loaded, err := Load(n.home)
	require.NoError(t, err)
	require.Equal(t, n, loaded)
	raw, err := os.ReadFile(n.GenesisFile())
	require.NoError(t, err)
	g, err := chain.ParseGenesis(raw)
	require.NoError(t, err)
	require.Equal(t, n.Genesis, g.Hash().String())
	require.Len(t, g.Validators, 2)
	require.Len(t, g.Organisations, len(founders))
	for i := range n.Nodes {
		home := n.NodeHome(n.Nodes[i].Name)
		cfg, err := node.LoadConfig(home.ConfigFile())
		require.NoError(t, err)
		require.Equal(t, n.Nodes[i].Web, cfg.Web.Listen)
		cc, err := node.LoadChainConfig(home.Chain(n.Chain).ConfigFile())
		require.NoError(t, err)
		require.Equal(t, []string{n.Nodes[1-i].Member + "@" + n.Nodes[1-i].P2P}, cc.P2P.Peers)
		own, err := os.ReadFile(home.Chain(n.Chain).GenesisFile())
		require.NoError(t, err)
		require.Equal(t, raw, own)
	}
	p, err := client.LoadProfile(n.home, "devnet")
	require.NoError(t, err)
	require.Equal(t, n.Genesis, p.Genesis)
	require.Equal(t, n.URLs(), p.Nodes)
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	require.Equal(t, types.MemberID("archives/clerk"), clerk.Member)
	_, err = n.Member("admin")
	require.Equal(t, types.CodeUsage, types.CodeOf(err), "every organisation has one")
	err = filepath.WalkDir(n.Dir(), func(path string, d os.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(path, ".key") || strings.HasSuffix(path, "passphrase") || filepath.Base(filepath.Dir(path)) == "keys" && strings.HasSuffix(path, ".json")) {
			info, err := d.Info()
			require.NoError(t, err)
			require.Zero(t, info.Mode().Perm()&0o077, path)
		}
		return err
	})
	require.NoError(t, err)

	_, err = Create(t.Context(), Params{Home: n.home, Validators: 2})
	require.Equal(t, types.CodeAlreadyExists, types.CodeOf(err))
	for _, v := range []int{0, MaxValidators + 1} {
		_, err := Create(t.Context(), Params{Home: t.TempDir(), Validators: v})
		require.Equal(t, types.CodeUsage, types.CodeOf(err))
	}
}

// What an interrupted creation left is replaced, not built upon.
func TestInterruptedCreation(t *testing.T) {
	home := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Create(ctx, Params{Home: home, Validators: 1})
	require.ErrorIs(t, err, context.Canceled)
	_, err = Load(home)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	left := &Network{home: home}
	require.NoError(t, os.MkdirAll(left.NodeHome("node9").Dir, 0o755))
	require.NoError(t, left.clear())
	for _, path := range []string{left.MembersDir(), left.PassphraseFile(), left.NodeHome("node9").Dir} {
		_, err := os.Stat(path)
		require.True(t, os.IsNotExist(err), path)
	}
}

func takenPorts(t *testing.T, n *Network) {
	l, err := net.Listen("tcp", n.Nodes[0].Web)
	require.NoError(t, err)
	defer l.Close()
	before := n.Nodes[0]
	changed, taken, err := n.assignPorts(0)
	require.NoError(t, err)
	require.True(t, changed)
	require.Len(t, taken, 1)
	require.Contains(t, taken[0], before.Web)
	require.NotEqual(t, before.Web, n.Nodes[0].Web)
	require.Equal(t, before.P2P, n.Nodes[0].P2P, "what is free stays")
	changed, _, err = n.assignPorts(0)
	require.NoError(t, err)
	require.False(t, changed)
}

// A home whose lock another process holds counts as running, and up refuses.
func leftAlone(t *testing.T, n *Network) {
	require.Empty(t, n.Running())
	lock, err := node.Acquire(n.NodeHome("node0").LockFile())
	require.NoError(t, err)
	defer lock.Release()
	require.Equal(t, os.Getpid(), n.Running()["node0"].PID)
	_, err = n.Start(StartOptions{Program: "/nonexistent"})
	require.Equal(t, types.CodeHomeLocked, types.CodeOf(err))
	_, err = BringUp(t.Context(), UpOptions{Home: n.home, Say: func(string, string) {}})
	require.Equal(t, types.CodeHomeLocked, types.CodeOf(err))
	_, err = n.Down(t.Context())
	require.Equal(t, types.CodeHomeLocked, types.CodeOf(err), "this process is no node: it is not ended")
}

func playStory(t *testing.T, n *Network) {
	s := &story{n: n, cast: map[string]*client.Identity{}, casting: new(sync.Mutex), scope: testkit.NewScope(n.Chain, n.Genesis, "")}
	for _, line := range []string{"", "# words", "time 2026-03-02T01:00:00Z", "ok {}", "member clerk org=archives role=client", "member writer org=court role=client"} {
		called, err := s.line(t.Context(), line)
		require.NoError(t, err, line)
		require.False(t, called)
	}
	require.Equal(t, types.MemberID("court/writer"), s.cast["writer"].Member)
	known, err := n.Member("clerk")
	require.NoError(t, err)
	require.Equal(t, known.Address(), s.cast["clerk"].Address(), "a member who is there plays himself")
	expand := func(text string) string {
		out, err := s.scope.Expand(text)
		require.NoError(t, err)
		return out
	}
	require.Equal(t, `{"hash":"66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"}`, expand(`{"hash":"sm3:abc"}`))
	s.last = []byte(`{"a":{"b":7,"c":"x"}}`)
	require.NoError(t, s.let("number = .a.b"))
	require.NoError(t, s.let("text = .a.c"))
	require.Equal(t, `{"n":7,"t":"x"}`, expand(`{"n":$number,"t":"$text"}`))
	_, err = s.line(t.Context(), "call stranger deposit {}")
	require.Equal(t, types.CodeUsage, types.CodeOf(err))
}

func TestSources(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HUCHAIN_BUNDLES", dir)
	s := FindSources()
	out, err := s.Packages(t.Context(), func(string, string) {})
	require.NoError(t, err)
	require.Empty(t, out, "the folder that was named, and nothing else")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.hcp"), []byte("no package"), 0o600))
	_, err = s.Packages(t.Context(), func(string, string) {})
	require.Equal(t, types.CodePackageInvalid, types.CodeOf(err))
	_, err = (Sources{}).Packages(t.Context(), nil)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	require.NotEmpty(t, s.Tree, "the tests run in the source tree")
}
