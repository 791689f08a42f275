package test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/client"
)

// shiftedBinary builds the product with a clock that is wrong by 30 seconds, without a
// change of its own code: of a copy of CometBFT one line differs, by which it reads the
// time. A soak shifts package time instead, and so everything in the process, for which
// all packages have to be compiled anew.
func shiftedBinary(t testing.TB) string {
	golang := func(args ...string) string {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return strings.TrimSpace(string(out))
	}
	change := func(from, to, right, wrong string) {
		text, err := os.ReadFile(from)
		require.NoError(t, err)
		require.Contains(t, string(text), right, "another release of %s", from)
		os.Remove(to)
		require.NoError(t, os.WriteFile(to, []byte(strings.Replace(string(text), right, wrong, 1)), 0o644))
	}
	dir := filepath.Join(sharedDir, "shifted")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	bin := filepath.Join(dir, "huchain")
	out, err := exec.Command(binary, "version", "-o", "json").Output()
	require.NoError(t, err)
	var version struct{ Commit, Date string }
	require.NoError(t, json.Unmarshal(out, &version))
	const stamped = "github.com/huchain/huchain/internal/version."
	build := []string{"build", "-trimpath", "-ldflags", "-s -w -X " + stamped + "commit=" + version.Commit + " -X " + stamped + "date=" + version.Date, "-o", bin}
	if soak > 1 {
		file, shifted, overlay := filepath.Join(golang("env", "GOROOT"), "src", "time", "time.go"), filepath.Join(dir, "time.go"), filepath.Join(dir, "overlay.json")
		now := "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
		change(file, shifted, now, now+"\tsec += 30\n")
		require.NoError(t, os.WriteFile(overlay, fmt.Appendf(nil, `{"Replace":{%q:%q}}`, file, shifted), 0o644))
		golang(append(build, "-overlay", overlay, "./cmd/huchain")...)
		return bin
	}
	const module = "github.com/cometbft/cometbft"
	original, copied := golang("list", "-m", "-f", "{{.Dir}}", module), filepath.Join(dir, "cometbft")
	require.NoError(t, os.CopyFS(copied, os.DirFS(original)))
	clock := filepath.Join("types", "time", "time.go")
	change(filepath.Join(original, clock), filepath.Join(copied, clock), "Canonical(time.Now())", "Canonical(time.Now().Add(30 * time.Second))")
	change(filepath.Join(root, "go.mod"), filepath.Join(dir, "go.mod"), "\ngo 1", "\nreplace "+module+" => "+copied+"\n\ngo 1")
	change(filepath.Join(root, "go.sum"), filepath.Join(dir, "go.sum"), "", "")
	golang(append(build, "-modfile", filepath.Join(dir, "go.mod"), "./cmd/huchain")...)
	return bin
}

// TestFaultyNetwork: four validators over links that delay, throttle, stall and break, one
// with a clock 30 s off, every byte between them captured; then half of them cut off from the other half; then one that
// votes twice and sends what no honest node sends. The honest never fork, go on whenever
// three of them are linked, record the offence on the chain and vote the offender out.
// covers: T.04 T.06 T.07
func TestFaultyNetwork(t *testing.T) {
	occupy(t)
	shifted := shiftedBinary(t)
	n := foundNetwork(t, t.TempDir(), "evidence")
	defer n.killAll()
	t.Cleanup(func() {
		if t.Failed() {
			n.showLogs()
		}
	})
	links := n.throughProxies(t)
	each := func(f func(i, j int, p *proxy)) {
		for i := range links {
			for j, p := range links[i] {
				if p != nil {
					f(i, j, p)
				}
			}
		}
	}
	seen := newCapture(t, n)
	each(func(i, j int, p *proxy) { p.tap = seen.tap("p2p", fmt.Sprintf("%d to %d", i, j)) })
	n.start(0, 1, 3)
	n.startWith(shifted, 2)
	n.ready(0, 1, 2, 3)
	api := newProxy(t, n.Nodes[0].API, 99)
	api.tap = seen.tap("api", "of node 0")
	member, as := n.member(api, "clerk")
	for range 10 {
		_, err := member.Call(context.Background(), as, "evidence", "deposit", newDeposit())
		require.NoError(t, err)
	}
	clerk, err := n.Member("clerk")
	require.NoError(t, err)

	if soak > 1 { // else it is CometBFT's clock alone that is wrong
		require.Contains(t, n.faults(2), "clock of the peers")
	}
	require.NotContains(t, n.faults(0), "clock of the peers")

	// Bad links.
	each(func(_, _ int, p *proxy) { p.faulty.Store(true) })
	l := n.startLoad(6, 0, 1, 2)
	l.more(40 * soak)

	// Two and two: nothing is decided, and nothing forks.
	each(func(i, j int, p *proxy) { p.sever(i < 2 != (j < 2)) })
	time.Sleep(time.Second) // a block under way may still be decided
	heights := []uint64{n.height(0), n.height(1), n.height(2), n.height(3)}
	count := l.count()
	time.Sleep(4 * time.Second)
	require.Equal(t, count, l.count(), "half of the validators acknowledged a deposit")
	for i, h := range heights {
		require.Equal(t, h, n.height(i), "%s decided a block", n.Nodes[i].Name)
	}
	each(func(_, _ int, p *proxy) { p.sever(false) })
	l.more(20)
	acks := l.stop()
	each(func(_, _ int, p *proxy) { p.faulty.Store(false) })
	n.holds(acks, 0, 1, 2, 3)
	n.sameHeaders(0, 1, 2, 3)
	n.nobodySignedTwice()

	// One of them goes astray.
	n.stop(3)
	r := newRogue(t, n, 3)
	each(func(i, j int, p *proxy) { p.faulty.Store(true) })
	l = n.startLoad(6, 0, 1, 2)
	n.eventually("the offence is recorded", func() error {
		for i := range 3 {
			if !strings.Contains(n.logOf(i), "a validator voted twice") {
				return fmt.Errorf("%s has no evidence; sent: %d votes, %d proposals, %d bad messages", n.Nodes[i].Name, r.twice.Load(), r.proposals.Load(), r.nonsense.Load())
			}
		}
		if r.nonsense.Load() < 4 {
			return fmt.Errorf("%d bad messages", r.nonsense.Load())
		}
		return nil
	})
	l.more(20 * soak)
	var proven struct{ Items []chain.Evidence }
	require.NoError(t, json.Unmarshal(n.huchain("query", "evidence"), &proven))
	require.NotEmpty(t, proven.Items)
	against := proven.Items[0]
	require.Equal(t, "city/node3", against.Org+"/"+against.Name)
	require.Equal(t, chain.EvidenceDoubleVote, against.Kind)
	file := filepath.Join(t.TempDir(), "offender.proposal")
	n.huchain("gov", "propose", "--title", "node3 has voted twice", "--out", file, "--action", fmt.Sprintf(`governance.removeValidator={"org":"city","name":"node3","evidence":%q}`, against.ID))
	n.huchain("gov", "sign", file, "--as", "notary/admin")
	n.huchain("gov", "sign", file, "--as", "court/admin")
	var d client.Decision
	require.NoError(t, json.Unmarshal(n.huchain("gov", "propose", file, "--as", "archives/admin"), &d))
	require.Equal(t, "adopted", d.State)
	l.more(20)
	n.holds(l.stop(), 0, 1, 2)
	set, err := n.client(0).Validators(context.Background(), d.Height+2)
	require.NoError(t, err)
	require.Len(t, set.Items, 3)
	each(func(_, _ int, p *proxy) { p.faulty.Store(false) })
	_, err = n.client(1).Call(context.Background(), clerk, "evidence", "deposit", newDeposit())
	require.NoError(t, err)
	n.sameHeaders(0, 1, 2)
	n.sameState(0, 1, 2)
	seen.check(t)
	t.Logf("the offender sent %d votes, %d proposals, %d bad messages", r.twice.Load(), r.proposals.Load(), r.nonsense.Load())
}
