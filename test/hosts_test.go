package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// site is a network of hosts: network namespaces with an address each, joined by a
// bridge in a namespace of its own. Nothing of it is reached from outside, or reaches out.
type site struct {
	t      *testing.T
	dir    string
	bridge string // namespace of the bridge
	hosts  []*machine
	pass   string // file with the passphrase of all keys
}

// machine is one host with one node.
type machine struct {
	site    *site
	ns      string
	address string // host:port of its links
	org     string
	name    string // of its node
	home    string
	cmd     *exec.Cmd
	done    chan struct{}
}

// newSite makes a host per organisation named; it needs root and Debian's iproute2.
func newSite(t *testing.T, orgs ...string) *site {
	s := &site{t: t, dir: t.TempDir(), bridge: fmt.Sprintf("hc%dsw", os.Getpid())}
	s.pass = filepath.Join(s.dir, "passphrase")
	require.NoError(t, os.WriteFile(s.pass, keystore.RandomSecret(), 0o600))
	namespace(t, s.bridge)
	ip(t, "-n", s.bridge, "link", "add", "br0", "type", "bridge")
	ip(t, "-n", s.bridge, "link", "set", "br0", "up")
	for i, org := range orgs {
		h := &machine{site: s, ns: fmt.Sprintf("hc%dh%d", os.Getpid(), i), org: org, name: fmt.Sprintf("node%d", i),
			address: fmt.Sprintf("10.66.0.%d:7200", i+1), home: filepath.Join(s.dir, fmt.Sprintf("host%d", i))}
		namespace(t, h.ns)
		ip(t, "-n", s.bridge, "link", "add", h.port(), "type", "veth", "peer", "name", "eth0", "netns", h.ns)
		ip(t, "-n", s.bridge, "link", "set", h.port(), "master", "br0", "up")
		ip(t, "-n", h.ns, "addr", "add", fmt.Sprintf("10.66.0.%d/24", i+1), "dev", "eth0")
		ip(t, "-n", h.ns, "link", "set", "eth0", "up")
		s.hosts = append(s.hosts, h)
	}
	return s
}

// namespace makes a network namespace whose loopback is up, until the end of the test.
func namespace(t *testing.T, name string) {
	t.Helper()
	out, err := exec.Command("ip", "netns", "add", name).CombinedOutput()
	require.NoError(t, err, "THIS TEST MAKES NETWORK NAMESPACES AND CANNOT DO SO HERE: it needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN) and iproute2: %s", out)
	t.Cleanup(func() { exec.Command("ip", "netns", "del", name).Run() })
	ip(t, "-n", name, "link", "set", "lo", "up")
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	require.NoError(t, err, "ip %s: %s", strings.Join(args, " "), out)
}

// port is the name of the bridge's end of the host's cable.
func (h *machine) port() string { return "to" + h.name }

// cable cuts or mends the host's connection.
func (h *machine) cable(state string) {
	ip(h.site.t, "-n", h.site.bridge, "link", "set", h.port(), state)
}

// huchain runs a command of the ceremony, anywhere.
func (s *site) huchain(args ...string) ([]byte, error) {
	return runJSON(exec.Command(binary, append(args, "-o", "json", "--passphrase-file", s.pass)...))
}

func (s *site) must(args ...string) []byte {
	s.t.Helper()
	out, err := s.huchain(args...)
	require.NoError(s.t, err)
	return out
}

// run runs a command on the host, as its operator would.
func (h *machine) run(args ...string) ([]byte, error) {
	return runJSON(exec.Command("ip", append([]string{"netns", "exec", h.ns, binary}, append(args, "--home", h.home, "-o", "json")...)...))
}

func runJSON(cmd *exec.Cmd) ([]byte, error) {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &errs, time.Second
	timer := time.AfterFunc(patience(), func() { cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, errs.String())
	}
	return out.Bytes(), nil
}

// status asks the host's node, on the host.
func (h *machine) status() (st rest.Status, err error) {
	out, err := h.run("query", "status", "--node", "http://127.0.0.1:7100")
	if err != nil {
		return st, err
	}
	return st, json.Unmarshal(out, &st)
}

func (h *machine) peers() map[string]rest.Peer {
	h.site.t.Helper()
	out, err := h.run("query", "peers", "--node", "http://127.0.0.1:7100")
	require.NoError(h.site.t, err)
	var list rest.Peers
	require.NoError(h.site.t, json.Unmarshal(out, &list))
	found := map[string]rest.Peer{}
	for _, p := range list.Items {
		found[p.Org+"/"+p.Name] = p
	}
	return found
}

func (h *machine) start() {
	t := h.site.t
	console, err := os.Create(h.home + ".console")
	require.NoError(t, err)
	defer console.Close()
	h.cmd = exec.Command("ip", "netns", "exec", h.ns, binary, "start", "--home", h.home)
	h.cmd.Stdout, h.cmd.Stderr = console, console
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	spawner <- func() { started <- h.cmd.Start() }
	require.NoError(t, <-started)
	h.done = make(chan struct{})
	go func() {
		h.cmd.Wait()
		close(h.done)
	}()
	t.Cleanup(func() {
		h.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-h.done:
		case <-time.After(patience()):
			h.cmd.Process.Kill()
			<-h.done
			t.Errorf("%s did not stop", h.name)
		}
		if t.Failed() {
			text, _ := os.ReadFile(h.home + ".console")
			t.Logf("%s:\n%s", h.name, text[max(0, len(text)-3000):])
		}
	})
}

// eventually is that of a network; what is tried starts a process each time.
func (s *site) eventually(what string, try func() error) {
	s.t.Helper()
	(&network{t: s.t}).tries(500*time.Millisecond, what, try)
}

// reaches waits until a host's chain has a height.
func (h *machine) reaches(height uint64) {
	h.site.t.Helper()
	h.site.eventually(fmt.Sprintf("%s reaches height %d", h.name, height), func() error {
		st, err := h.status()
		if err == nil && (st.Height < height || st.CatchingUp) {
			err = fmt.Errorf("height %d, catching up: %v", st.Height, st.CatchingUp)
		}
		return err
	})
}

// found holds the ceremony and returns the sealed genesis. What passes between the
// organisations are files alone.
func (s *site) found(bundles string) string {
	t := s.t
	members := filepath.Join(s.dir, "members")
	orgs := map[string]bool{}
	for _, h := range s.hosts {
		if !orgs[h.org] {
			s.must("org", "create", h.org, "--dir", members)
			s.must("cert", "issue", h.org+"/admin", "--roles", "admin,client", "--dir", members)
			orgs[h.org] = true
		}
		s.must("cert", "issue", h.org+"/"+h.name, "--roles", "node", "--dir", members)
		s.must("init", "--chain", "gov", "--home", h.home, "--org", h.org, "--name", h.name, "--link", filepath.Join(members, h.org, h.name), "--advertise", h.address)
	}
	draft, sealed := filepath.Join(s.dir, "gov.draft"), filepath.Join(s.dir, "gov.sealed")
	_, err := exec.Command(binary, "chain", "genesis", "new", "--chain", "gov", "--bundles", bundles, "--out", draft).Output()
	require.NoError(t, err)
	ceremony := func(args ...string) error {
		_, err := runJSON(exec.Command(binary, append([]string{"chain", "genesis"}, append(args, "-o", "json")...)...))
		return err
	}
	for _, org := range []string{"archives", "court", "city"} {
		require.NoError(t, ceremony("add-org", draft, filepath.Join(members, org, "ca.pem")))
	}
	for _, h := range s.hosts {
		require.NoError(t, ceremony("add-validator", draft, filepath.Join(h.home, "chains", "gov", "validator.json")))
	}
	require.ErrorContains(t, ceremony("seal", draft, "--out", sealed), types.CodeFoundingUnsigned.String(), "nobody has signed")

	copies := []string{draft}
	for org, as := range map[string]string{"archives": "archives/ca", "court": "court/admin", "city": "city/admin"} {
		signed := filepath.Join(s.dir, org+".draft")
		s.must("chain", "genesis", "sign", draft, "--as", as, "--dir", members, "--out", signed)
		copies = append(copies, signed)
	}
	require.ErrorContains(t, ceremony("seal", copies[0], copies[1], "--out", sealed), types.CodeFoundingUnsigned.String(), "one of three")
	text, err := os.ReadFile(copies[1])
	require.NoError(t, err)
	heavier := filepath.Join(s.dir, "heavier.draft")
	require.NoError(t, os.WriteFile(heavier, bytes.Replace(text, []byte(`"power": 1`), []byte(`"power": 7`), 1), 0o644))
	require.ErrorContains(t, ceremony("seal", copies[0], heavier, copies[2], copies[3], "--out", sealed), types.CodeFoundingUnsigned.String(), "one changed the content")
	_, err = os.Stat(sealed)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, ceremony(append(append([]string{"seal"}, copies...), "--out", sealed)...))
	return sealed
}

// join sets the chain up on every host by the sealed genesis and the short hash.
func (s *site) join(sealed, bundles string) {
	t := s.t
	out, err := runJSON(exec.Command(binary, "chain", "genesis", "show", sealed, "-o", "json"))
	require.NoError(t, err)
	var shown struct{ Short, Hash string }
	require.NoError(t, json.Unmarshal(out, &shown))

	text, err := os.ReadFile(sealed)
	require.NoError(t, err)
	forged := filepath.Join(s.dir, "forged.sealed")
	require.NoError(t, os.WriteFile(forged, bytes.Replace(text, []byte(`10.66.0.1:7200`), []byte(`10.66.0.9:7200`), 1), 0o644))
	join := func(h *machine, file, hash string) error {
		_, err := s.huchain("chain", "join", file, "--home", h.home, "--name", h.name, "--bundles", bundles, "--expect", hash)
		return err
	}
	require.ErrorContains(t, join(s.hosts[0], forged, shown.Hash), types.CodeFoundingUnsigned.String())
	require.ErrorContains(t, join(s.hosts[0], sealed, strings.Repeat("0123 ", 8)), types.CodeWrongGenesis.String(), "another hash was told by telephone")
	for _, h := range s.hosts {
		require.NoError(t, join(h, sealed, shown.Short))
		require.NoError(t, os.Symlink(sharedCache, filepath.Join(h.home, "cache")))
		p := client.Profile{Nodes: []string{"http://127.0.0.1:7100"}, Chain: "gov", Genesis: shown.Hash, Members: filepath.Join(s.dir, "members"), PassphraseFile: s.pass}
		raw, err := p.Encode()
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Join(h.home, "profiles"), 0o755))
		require.NoError(t, os.WriteFile(client.ProfilePath(h.home, "gov"), raw, 0o644))
	}
}

// deposit has a member of the host's organisation deposit something through its node.
func (h *machine) deposit() (*client.Committed, Deposit) {
	t := h.site.t
	t.Helper()
	d := newDeposit()
	args, err := json.Marshal(d)
	require.NoError(t, err)
	out, err := h.run("tx", "call", "evidence", "deposit", string(args), "--profile", "gov", "--as", h.org+"/admin")
	require.NoError(t, err)
	var done client.Committed
	require.NoError(t, json.Unmarshal(out, &done))
	require.NotZero(t, done.Height, "%s", out)
	return &done, d
}

func (h *machine) holds(d Deposit) {
	t := h.site.t
	t.Helper()
	args, err := json.Marshal(map[string]string{"hash": d.Hash})
	require.NoError(t, err)
	out, err := h.run("query", "view", "evidence", "get", string(args), "--profile", "gov")
	require.NoError(t, err)
	require.Contains(t, string(out), d.Title)
}

// TestHostsByCeremony: four hosts of three organisations, each with an address of its own,
// found a chain by files that they hand one another, and run it. One is cut off: the
// others go on and say so; it returns to the same headers.
// covers: T.03
func TestHostsByCeremony(t *testing.T) {
	occupy(t)
	bundles := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bundles, "evidence.hcp"), packages["evidence"], 0o644))
	s := newSite(t, "archives", "court", "court", "city")
	s.join(s.found(bundles), bundles)
	for _, h := range s.hosts {
		h.start()
	}
	for _, h := range s.hosts {
		h.reaches(1)
	}
	first, d := s.hosts[3].deposit()
	for i, h := range s.hosts {
		h.reaches(first.Height)
		h.holds(d)
		peers := h.peers()
		require.Len(t, peers, 3, "%s: %v", h.name, peers)
		for j, other := range s.hosts {
			if i != j {
				p := peers[other.org+"/"+other.name]
				require.Equal(t, rest.PeerLinked, p.State, "%s and %s: %+v", h.name, other.name, p)
				require.Equal(t, other.address, p.Advertised)
				require.True(t, strings.HasPrefix(p.Address, strings.TrimSuffix(other.address, "7200")), "%s is at %s", other.name, p.Address)
				require.Positive(t, p.ReceivedBytes)
			}
		}
	}

	// The link of one host is cut: no packet passes, and no connection is closed.
	lost := s.hosts[3]
	lost.cable("down")
	_, missed := s.hosts[0].deposit()
	for _, h := range s.hosts[:3] {
		h.holds(missed)
	}
	stuck, err := lost.status()
	require.NoError(t, err)
	s.eventually("the others notice", func() error {
		if p := s.hosts[0].peers()["city/node3"]; p.State != rest.PeerAbsent || p.Failure == "" {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
	out, err := s.hosts[0].run("doctor")
	var exit *exec.ExitError
	require.True(t, errors.As(err, &exit) && exit.ExitCode() == 1, "%v", err)
	require.Contains(t, string(out), "chain gov: peer city/node3")
	still, err := lost.status()
	require.NoError(t, err)
	require.Equal(t, stuck.Height, still.Height, "a node that reaches nobody decides nothing")
	last, _ := s.hosts[1].deposit()

	lost.cable("up")
	lost.reaches(last.Height)
	lost.holds(missed)
	after, _ := lost.deposit()
	for _, h := range s.hosts {
		h.reaches(after.Height)
	}
	var headers []string
	for _, h := range s.hosts {
		out, err := h.run("query", "block", strconv.FormatUint(last.Height, 10), "--node", "http://127.0.0.1:7100")
		require.NoError(t, err)
		var b rest.Block
		require.NoError(t, json.Unmarshal(out, &b))
		headers = append(headers, b.Header.Hash.String())
	}
	require.Equal(t, []string{headers[0], headers[0], headers[0], headers[0]}, headers)
}
