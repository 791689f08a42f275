package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/types"
)

// huchain runs a command with this network's home and returns what it printed.
func (n *network) huchain(args ...string) []byte {
	n.t.Helper()
	out, err := n.command(args...).Output()
	require.NoError(n.t, err, "%v", args)
	return out
}

func (n *network) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, append(args, "--home", n.home, "-o", "json")...)
	cmd.Stderr = os.Stderr
	return cmd
}

// joinNode makes the home of one more node, which is no validator yet, and returns its
// index and the file by which governance takes it in.
func (n *network) joinNode(org string) (int, string) {
	n.t.Helper()
	i := len(n.Nodes)
	v := devnet.Node{Name: fmt.Sprintf("node%d", i), Web: freeAddress(n.t), P2P: freeAddress(n.t), Metrics: freeAddress(n.t), API: freeAddress(n.t)}
	home := n.NodeHome(v.Name)
	v.Member = org + "/" + v.Name
	out, err := exec.Command(binary, "cert", "issue", v.Member, "--roles", "node", "--dir", n.MembersDir(), "--passphrase-file", n.PassphraseFile()).CombinedOutput()
	require.NoError(n.t, err, "%s", out)
	args := []string{"init", "--link", filepath.Join(n.MembersDir(), org, v.Name), "--home", home.Dir, "--name", v.Name, "--org", org, "--genesis", n.GenesisFile(), "-o", "json",
		"--bundles", n.NodeHome("node0").Chain(n.Chain).BundlesDir(), "--p2p", v.P2P, "--web", v.Web, "--passphrase-file", n.PassphraseFile()}
	for _, p := range n.Nodes {
		args = append(args, "--peer", p.Member+"@"+p.P2P)
	}
	out, err = exec.Command(binary, args...).Output()
	require.NoError(n.t, err)
	var made struct{ NodeID, Candidate string }
	require.NoError(n.t, json.Unmarshal(out, &made))
	require.Equal(n.t, v.Member, made.NodeID)
	text, err := os.ReadFile(home.ConfigFile())
	require.NoError(n.t, err)
	text = fmt.Appendf(text, "\n[metrics]\nlisten = %q\n[vm]\ncacheDir = %q\n", v.Metrics, filepath.Join(sharedCache, "wasm"))
	require.NoError(n.t, os.WriteFile(home.ConfigFile(), text, 0o644))
	n.Nodes = append(n.Nodes, v)
	n.procs, n.clients = append(n.procs, nil), append(n.clients, nil)
	return i, made.Candidate
}

// TestValidatorReplacedUnderLoad: on a running network a fifth node joins, follows, and
// replaces a validator by a proposal that is signed off line and voted on; the replaced
// one is stopped. Its certificates are renewed, and the root of its organisation is
// exchanged and the old one retired. No request fails meanwhile, every height has its certificate, and proofs
// and light clients follow from the genesis file.
// covers: T.04 T.07 T.09 T.18
func TestValidatorReplacedUnderLoad(t *testing.T) {
	n := shared(t, "replaced", beside, nil)
	t.Cleanup(n.killAll)
	ctx := context.Background()
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	all, err := n.dial(0, 1, 2)
	require.NoError(t, err)

	var done, failed atomic.Int64
	var why atomic.Value
	stop := make(chan struct{})
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				call, cancel := context.WithTimeout(ctx, patience())
				_, err := all.Call(call, clerk, "evidence", "deposit", newDeposit())
				cancel()
				if err != nil {
					failed.Add(1)
					why.Store(err)
				} else {
					done.Add(1)
				}
			}
		})
	}

	i, candidate := n.joinNode("city")
	n.start(i)
	n.ready(i)
	st, err := n.status(i)
	require.NoError(t, err)
	require.False(t, st.Validator)

	file := filepath.Join(t.TempDir(), "replace.proposal")
	n.huchain("gov", "propose", "--title", "node4 replaces node3", "--out", file,
		"--action", "governance.addValidator=@"+candidate, "--action", `governance.removeValidator={"org":"city","name":"node3"}`)
	n.huchain("gov", "sign", file, "--as", "notary/admin")
	refused := n.command("gov", "propose", file, "--as", "clerk")
	refused.Stderr = nil
	require.Error(t, refused.Run(), "a clerk may not propose")
	var d client.Decision
	require.NoError(t, json.Unmarshal(n.huchain("gov", "propose", file, "--as", "archives/admin"), &d))
	require.Equal(t, "open", d.State, "two of four organisations are no majority")
	n.reaches(d.Height+3, 0)
	require.False(t, n.validator(i), "without the votes nothing takes effect")
	require.NoError(t, json.Unmarshal(n.huchain("gov", "vote", d.ID.String(), "--as", "court/admin"), &d))
	require.Equal(t, "adopted", d.State)
	n.reaches(d.Height+3, 0, 1, 2, i)
	n.eventually("the new node votes, the old one does not", func() error {
		if !n.validator(i) || n.validator(3) {
			return fmt.Errorf("node%d: %v, node3: %v", i, n.validator(i), n.validator(3))
		}
		return nil
	})
	for _, k := range []int{0, 1, 2, i} {
		set, err := n.client(k).Validators(ctx, d.Height+1)
		require.NoError(t, err)
		require.Len(t, set.Items, 4)
		before, err := n.client(k).Validators(ctx, d.Height)
		require.NoError(t, err)
		require.NotEqual(t, before.Hash, set.Hash, "the change takes effect at the same height everywhere")
	}
	n.stop(3)
	mark := done.Load()
	n.eventually("load goes on without the old validator", func() error {
		if done.Load() < mark+5 {
			return fmt.Errorf("%d calls", done.Load()-mark)
		}
		return nil
	})
	install := n.renew(i, "city")
	n.stop(2) // the new one's vote is needed now
	one, err := n.dial(0)
	require.NoError(t, err)
	_, err = one.Call(ctx, clerk, "evidence", "deposit", newDeposit())
	require.NoError(t, err)
	n.start(2)
	n.ready(2)
	n.eventually("the renewed certificate is shown", func() error { return n.showsRenewed(i, 1) })
	n.rotate("city", install)
	n.eventually("the certificate of the next root is shown", func() error { return n.showsRenewed(i, 2) })
	n.stop(i)
	n.start(i)
	n.ready(i)
	close(stop)
	load.Wait()
	require.Zero(t, failed.Load(), "%v", why.Load())
	t.Logf("%d calls, none failed", done.Load())

	trust, err := one.Trust(ctx)
	require.NoError(t, err)
	now, links, err := one.Follow(ctx, trust, 0)
	require.NoError(t, err)
	require.Greater(t, now.Height, d.Height)
	require.NotEqual(t, trust.Next.Hash(), now.Next.Hash())
	t.Logf("followed to height %d in %d links", now.Height, len(links))
	for h := uint64(1); h <= now.Height; h++ {
		b, err := one.Block(ctx, fmt.Sprint(h))
		require.NoError(t, err)
		require.True(t, b.Certified, "height %d", h)
	}
	latest := newDeposit()
	out, err := one.Call(ctx, clerk, "evidence", "deposit", latest)
	require.NoError(t, err)
	dossier := filepath.Join(t.TempDir(), "deposit.proof")
	n.huchain("proof", "export", "tx", out.ID.String(), "--out", dossier)
	n.huchain("proof", "verify", dossier, "--trust", "genesis", "--genesis", n.GenesisFile())
	text, err := os.ReadFile(dossier)
	require.NoError(t, err)
	bad := filepath.Join(t.TempDir(), "bad.proof")
	require.NoError(t, os.WriteFile(bad, bytes.Replace(text, []byte(latest.Hash), []byte(newDeposit().Hash), 1), 0o644))
	cmd := n.command("proof", "verify", bad, "--genesis", n.GenesisFile())
	cmd.Stderr = nil
	require.Error(t, cmd.Run())
	_, err = one.Call(ctx, clerk, "governance", "setParams", map[string]int{"maxTxGas": 2_000_000})
	require.Equal(t, types.CodePermissionDenied, types.CodeOf(err))
	n.sameHeaders(0, 1, 2, i)
}

func (n *network) validator(i int) bool {
	st, err := n.status(i)
	return err == nil && st.Validator
}

// renew renews the link certificates of a running node, and returns what does so again.
func (n *network) renew(i int, org string) (again func()) {
	base := filepath.Join(n.MembersDir(), org, n.Nodes[i].Name)
	again = func() {
		n.huchain("cert", "renew", org+"/"+n.Nodes[i].Name, "--dir", n.MembersDir(), "--passphrase-file", n.PassphraseFile())
		link := n.NodeHome(n.Nodes[i].Name).Chain(n.Chain).LinkFiles()
		for _, end := range []string{"-enc.pem", ".pem"} {
			text, err := os.ReadFile(base + end)
			require.NoError(n.t, err)
			require.NoError(n.t, os.WriteFile(link.Base+end, text, 0o644))
		}
	}
	again()
	return again
}

// showsRenewed reports whether a node has taken up renewed certificates so many times.
func (n *network) showsRenewed(i, times int) error {
	if got := strings.Count(n.logOf(i), "link certificates renewed"); got < times {
		return fmt.Errorf("%d times", got)
	}
	return nil
}

// rotate exchanges the root of an organisation: admin and node move to the next one, and
// the old one ends.
func (n *network) rotate(org string, install func()) {
	admin, members := org+"/admin", []string{"--dir", n.MembersDir(), "--passphrase-file", n.PassphraseFile()}
	n.huchain(append([]string{"org", "rotate", org, "--as", admin}, members...)...)
	n.huchain(append([]string{"cert", "renew", admin, "--publish"}, members...)...)
	install()
	old, err := filepath.Glob(filepath.Join(n.MembersDir(), org, "ca-*.pem"))
	require.NoError(n.t, err)
	require.Len(n.t, old, 1)
	n.huchain("org", "retire", org, old[0], "--after", "2s", "--as", admin)
}
