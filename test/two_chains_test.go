package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// twoChains is a network with chain gov on four nodes and chain apps, of other
// organisations, on nodes 1 to 3 of them, both in one process each.
func twoChains(t *testing.T) *network {
	n := found(t, t.TempDir(), devnet.Params{Validators: 4, Apps: true, Packages: map[string][]byte{"evidence": packages["evidence"]}})
	t.Cleanup(func() {
		if t.Failed() {
			n.showLogs()
		}
		n.killAll()
	})
	n.start(0, 1, 2, 3)
	n.ready(0, 1, 2, 3)
	n.appsReach(1, 1, 2, 3)
	return n
}

// atNode runs the program against a node's home and returns what it prints.
func (n *network) atNode(i int, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience())
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append(args, "--home", n.NodeHome(n.Nodes[i].Name).Dir, "-o", "json")...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err != nil {
		return out.String(), fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

func (n *network) must(i int, args ...string) string {
	n.t.Helper()
	out, err := n.atNode(i, args...)
	require.NoError(n.t, err)
	return out
}

// apps connects to chain apps through one node.
func (n *network) apps(i int) *client.Client {
	n.t.Helper()
	p := client.DefaultParams(n.Nodes[i].URL())
	p.Chain = devnet.AppsName
	var err error
	p.Genesis, err = crypto.ParseHash(n.Apps.Genesis)
	require.NoError(n.t, err)
	c, err := client.New(context.Background(), p)
	require.NoError(n.t, err)
	return c
}

func (n *network) appsReach(height uint64, nodes ...int) {
	n.t.Helper()
	for _, i := range nodes {
		n.eventually(fmt.Sprintf("apps reaches height %d on %s", height, n.Nodes[i].Name), func() error {
			st, err := n.AskChain(context.Background(), n.Nodes[i].Name, devnet.AppsName)
			if err == nil && (st.Height < height || st.CatchingUp) {
				err = fmt.Errorf("height %d, catching up: %v", st.Height, st.CatchingUp)
			}
			return err
		})
	}
}

// deposit commits one on a chain and returns its hash.
func (n *network) deposit(c *client.Client, who, title string) *client.Committed {
	n.t.Helper()
	id, err := n.Member(who)
	require.NoError(n.t, err)
	d := newDeposit()
	d.Title = title
	ctx, cancel := context.WithTimeout(context.Background(), patience())
	defer cancel()
	out, err := c.Call(ctx, id, "evidence", "deposit", d)
	require.NoError(n.t, err)
	return out
}

// TestTwoChains: two chains of different organisations live in the same processes. Their
// messages go to members of each alone, and stop, failure and departure of one leave the
// other at work.
// covers: T.06
func TestTwoChains(t *testing.T) {
	occupy(t)
	n := twoChains(t)
	t.Run("apart", n.apart)
	t.Run("strangers", n.strangers)
	t.Run("stop and start", n.stopAndStart)
	t.Run("one fails at the start", n.failsAtStart)
	t.Run("one fails at work", n.failsAtWork)
}

// apart: what is done on apps is unknown on gov, and no byte of it is where apps is not.
func (n *network) apart(t *testing.T) {
	defer n.as(t)()
	ctx := context.Background()
	const mark = "onlyForMembersOfApps"
	onApps := n.deposit(n.apps(1), "court/judge", strings.Repeat(mark, 3))
	n.appsReach(onApps.Height+1, 1, 2, 3)
	onGov := n.deposit(n.client(0), "court/judge", "for all")

	judge, err := n.Member("court/judge")
	require.NoError(t, err)
	_, err = n.client(1).Tx(ctx, onApps.ID, false)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	_, err = n.apps(1).Tx(ctx, onGov.ID, false)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	tx, err := n.apps(2).Sign(judge, "evidence", "deposit", newDeposit())
	require.NoError(t, err)
	_, err = n.client(2).Submit(ctx, judge, tx)
	require.Equal(t, types.CodeWrongGenesis, types.CodeOf(err), "a transaction signed for the other chain")
	inspector, err := n.Member("tax/inspector")
	require.NoError(t, err)
	_, err = n.client(1).Call(ctx, inspector, "evidence", "deposit", newDeposit())
	require.Equal(t, types.CodeForeignCA, types.CodeOf(err), "a member of apps alone")

	// Message counters: each chain's go to its own members, and node0 counts none of apps.
	counters := func(i int, chain string) (peers []string) {
		for _, m := range regexp.MustCompile(`(?m)^huchain_consensus_link_(?:sent|received)_bytes_total\{chain="([a-z]+)",peer="([a-z0-9/]+)"\} [1-9]`).FindAllStringSubmatch(n.metrics(i), -1) {
			if m[1] == chain {
				peers = append(peers, m[2])
			}
		}
		return peers
	}
	require.Contains(t, n.metrics(1), `huchain_consensus_height{chain="apps"}`)
	require.NotContains(t, n.metrics(0), `"apps"`)
	members := map[string]bool{}
	for _, v := range n.Apps.Nodes {
		members[v.Member] = true
	}
	for i := 1; i < 4; i++ {
		heard := map[string]bool{}
		for _, peer := range counters(i, "apps") {
			require.True(t, members[peer], "%s: bytes of apps with %s", n.Nodes[i].Name, peer)
			heard[peer] = true
		}
		require.Len(t, heard, 2)
		require.Contains(t, counters(i, "gov"), "archives/node0")
		require.NotContains(t, counters(i, "gov"), "tax/node1")
	}

	require.True(t, holdsBytes(t, n.NodeHome("node1").Dir, mark), "a node of apps keeps what was done there")
	require.False(t, holdsBytes(t, n.NodeHome("node0").Dir, mark), "a node that is no member of apps holds bytes of it")
	require.False(t, holdsBytes(t, n.NodeHome("node1").Chain("gov").Dir, mark), "it stands in the other chain's folder")

	// The second chain goes by the profile that knows it, pinned to its genesis.
	out, err := exec.Command(binary, "query", "status", "--chain", "apps", "--home", n.home, "-o", "json").Output()
	require.NoError(t, err)
	var st rest.Status
	require.NoError(t, json.Unmarshal(out, &st))
	require.Equal(t, n.Apps.Genesis, st.Genesis.String())
}

// holdsBytes looks for text in every file under a folder.
func holdsBytes(t *testing.T, dir, text string) bool {
	found := false
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil //nolint:nilerr // files come and go while a node runs
		}
		raw, err := os.ReadFile(path)
		found = found || err == nil && bytes.Contains(raw, []byte(text))
		return nil
	})
	require.NoError(t, err)
	return found
}

func (n *network) metrics(i int) string {
	resp, err := http.Get("http://" + n.Nodes[i].Metrics + "/metrics")
	require.NoError(n.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(n.t, err)
	return string(body)
}

func (n *network) chainState(i int, chain string) node.ChainState {
	var list []node.ChainState
	require.NoError(n.t, json.Unmarshal([]byte(n.must(i, "chain", "list")), &list))
	for _, s := range list {
		if s.Chain == chain {
			return s
		}
	}
	n.t.Fatalf("%s hosts no chain %s", n.Nodes[i].Name, chain)
	return node.ChainState{}
}

// strangers: a running node of an organisation that apps does not know takes apps in,
// links to nobody, hears nothing, and leaves it again; gov goes on meanwhile.
func (n *network) strangers(t *testing.T) {
	defer n.as(t)()
	link := n.NodeHome("node0").Chain("gov").LinkFiles().Base
	n.must(0, "chain", "join", n.AppsFile(), "--bundles", packagesDir, "--link", link, "--follower", "--passphrase-file", n.PassphraseFile(),
		"--p2p", freeAddress(t), "--peer", n.Apps.Nodes[0].Member+"@"+n.Apps.Nodes[0].P2P)
	n.eventually("node0 is refused", func() error {
		out, err := n.atNode(0, "query", "peers", "--chain", "apps", "--node", n.Nodes[0].URL())
		if err == nil && !strings.Contains(out, "unknown_ca") {
			err = fmt.Errorf("peers: %s", out)
		}
		return err
	})
	s := n.chainState(0, "apps")
	require.Equal(t, node.ChainRunning, s.State)
	require.Zero(t, s.Height)
	require.Zero(t, s.Peers)
	require.NotRegexp(t, `link_received_bytes_total\{chain="apps",peer="[^"]*"\} [1-9]`, n.metrics(0))
	out, err := n.atNode(0, "doctor")
	require.Error(t, err)
	require.Contains(t, out, "compare the genesis files", "doctor says what to do")
	n.deposit(n.client(0), "clerk", "meanwhile on gov")

	_, err = n.atNode(1, "chain", "leave", "apps")
	require.ErrorContains(t, err, types.CodeValidatorRefused.String(), "the chain counts on node1")
	n.must(0, "chain", "leave", "apps")
	left, err := filepath.Glob(filepath.Join(n.NodeHome("node0").Dir, "left", "apps-*", "keys", "vote.json"))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing is deleted")
	require.NotContains(t, n.must(0, "chain", "list"), `"apps"`)
	resp, err := http.Get(n.Nodes[0].URL() + "/readyz")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

// stopAndStart: stopped on one of three nodes, apps pauses for want of votes, and goes on
// when it is started again; gov does not notice.
func (n *network) stopAndStart(t *testing.T) {
	defer n.as(t)()
	n.must(2, "chain", "stop", "apps")
	require.Equal(t, node.ChainStopped, n.chainState(2, "apps").State)
	_, err := n.AskChain(context.Background(), "node2", "apps")
	require.Equal(t, types.CodeNotFound, types.CodeOf(err), "not among those it serves")
	_, err = n.atNode(2, "query", "status", "--chain", "apps", "--node", "tlcp://"+n.Apps.Nodes[1].API)
	require.Error(t, err, "its listener is closed")
	require.True(t, node.PortFree(n.Apps.Nodes[1].P2P), "the port of its peers is free")

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	judge, err := n.Member("court/judge")
	require.NoError(t, err)
	_, err = n.apps(1).Call(ctx, judge, "evidence", "deposit", newDeposit())
	require.Error(t, err, "two of three validators are not enough")
	n.deposit(n.client(2), "clerk", "on gov, at the same node")
	_, err = n.atNode(2, "chain", "stop", "apps")
	require.ErrorContains(t, err, types.CodeChainStopped.String())

	n.must(2, "chain", "start", "apps")
	n.deposit(n.apps(2), "court/judge", "apps is back")
	_, err = n.atNode(2, "chain", "start", "apps")
	require.ErrorContains(t, err, types.CodeAlreadyExists.String())
}

// failsAtStart: the node is started with a damaged folder of apps. gov serves; the state
// of apps says what ails it; once that is removed it catches up.
func (n *network) failsAtStart(t *testing.T) {
	defer n.as(t)()
	n.stop(3)
	ledger := n.NodeHome("node3").Chain("apps").LedgerDir()
	require.NoError(t, os.Rename(ledger, ledger+".kept"))
	require.NoError(t, os.CopyFS(ledger, os.DirFS(n.NodeHome("node3").Chain("gov").LedgerDir())))
	n.start(3)
	n.ready(3)
	s := n.chainState(3, "apps")
	require.Equal(t, node.ChainFailed, s.State)
	require.Contains(t, s.Error, types.CodeWrongGenesis.String(), "the ledger of another chain")
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusServiceUnavailable, "/readyz?chain=gov": http.StatusOK} {
		resp, err := http.Get(n.Nodes[3].URL() + path)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, want, resp.StatusCode, path)
	}
	n.deposit(n.client(3), "clerk", "on gov, beside a damaged chain")

	require.NoError(t, os.RemoveAll(ledger))
	require.NoError(t, os.Rename(ledger+".kept", ledger))
	n.must(3, "chain", "start", "apps")
	n.deposit(n.apps(3), "court/judge", "apps is whole again")
}

// failsAtWork: the disk of apps, and of it alone, is full. apps fails on that node; gov goes
// on in the same process; with room on the disk apps is started again.
func (n *network) failsAtWork(t *testing.T) {
	defer n.as(t)()
	data := n.NodeHome("node3").Chain("apps").DataDir()
	n.must(3, "chain", "stop", "apps")
	require.NoError(t, os.Rename(data, data+".kept"))
	require.NoError(t, os.Mkdir(data, 0o700))
	require.NoError(t, syscall.Mount("tmpfs", data, "tmpfs", 0, "size=256m"), "mounting a small disk needs root")
	defer syscall.Unmount(data, syscall.MNT_DETACH)
	require.NoError(t, os.CopyFS(data, os.DirFS(data+".kept")))
	n.must(3, "chain", "start", "apps")
	n.deposit(n.apps(3), "court/judge", "on a small disk")
	pid := n.procs[3].cmd.Process.Pid

	ballast, err := os.Create(filepath.Join(data, "ballast"))
	require.NoError(t, err)
	block := make([]byte, 1<<20)
	for err == nil {
		_, err = ballast.Write(block)
	}
	for len(block) > 1 { // to the last byte
		block = block[:len(block)/2]
		for err = nil; err == nil; {
			_, err = ballast.Write(block)
		}
	}
	require.NoError(t, ballast.Close())

	judge, err := n.Member("court/judge")
	require.NoError(t, err)
	n.eventually("apps fails on node3", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		n.apps(1).Call(ctx, judge, "evidence", "deposit", newDeposit()) //nolint:errcheck // node3 may be missing already
		select {
		case <-n.procs[3].done:
			t.Fatalf("the process ended with its chain: %s", n.logOf(3))
		default:
		}
		if s := n.chainState(3, "apps"); s.State != node.ChainFailed {
			return fmt.Errorf("apps is %s at %d", s.State, s.Height)
		}
		return nil
	})
	n.deposit(n.client(3), "clerk", "on gov, with the disk of apps full")
	require.Equal(t, pid, n.procs[3].cmd.Process.Pid)

	require.NoError(t, os.Remove(ballast.Name()))
	n.must(3, "chain", "start", "apps")
	n.deposit(n.apps(3), "court/judge", "apps has room again")
}

// as makes a subtest the one that failures are reported to.
func (n *network) as(t *testing.T) (back func()) {
	parent := n.t
	n.t = t
	return func() { n.t = parent }
}
