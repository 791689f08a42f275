package test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/types/rest"
)

// network is a devnet whose validators are processes of the real binary, started and
// ended one by one.
type network struct {
	*devnet.Network
	t       testing.TB
	home    string
	procs   []*process
	clients []*client.Client // one per node, talking to it alone
}

// process is one run of a validator.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	log  string
}

// spawner starts processes from one thread that lives as long as this process, so that
// the kernel kills them if this process dies without cleaning up.
var spawner = func() chan func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
}()

// foundNetwork founds a network of four validators in home and starts none of them. Each of
// them loads the contracts named at every start.
func foundNetwork(t testing.TB, home string, contracts ...string) *network {
	t.Helper()
	p := devnet.Params{Validators: 4, Packages: map[string][]byte{}}
	for _, name := range contracts {
		require.Contains(t, packages, name)
		p.Packages[name] = packages[name]
	}
	return found(t, home, p)
}

func found(t testing.TB, home string, p devnet.Params) *network {
	t.Helper()
	n := &network{t: t, home: home, procs: make([]*process, p.Validators), clients: make([]*client.Client, p.Validators)}
	var err error
	p.Home = home
	n.Network, err = devnet.Create(context.Background(), p)
	require.NoError(t, err)
	n.movePorts()
	n.hireNotary()
	// All networks of this run compile each contract once between them.
	cache := filepath.Join(n.Dir(), "cache")
	require.NoError(t, os.RemoveAll(cache))
	require.NoError(t, os.Symlink(sharedCache, cache))
	return n
}

// movePorts gives the network ports of its own below the range from which the kernel
// takes those of outgoing connections, so that nobody takes them while a validator is
// down.
func (n *network) movePorts() {
	n.t.Helper()
	var old, now []string
	move := func(list ...*string) {
		for _, addr := range list {
			old = append(old, *addr)
			*addr = freeAddress(n.t)
			now = append(now, *addr)
		}
	}
	for i := range n.Nodes {
		move(&n.Nodes[i].Web, &n.Nodes[i].P2P, &n.Nodes[i].Metrics, &n.Nodes[i].API)
	}
	if n.Apps != nil {
		for i := range n.Apps.Nodes {
			move(&n.Apps.Nodes[i].P2P, &n.Apps.Nodes[i].API)
		}
	}
	change := func(path string) {
		text, err := os.ReadFile(path)
		require.NoError(n.t, err)
		var pairs []string
		for i := range old {
			pairs = append(pairs, old[i]+`"`, now[i]+`"`, old[i]+"'", now[i]+"'")
		}
		require.NoError(n.t, os.WriteFile(path, []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o644))
	}
	for i := range n.Nodes {
		home := n.NodeHome(n.Nodes[i].Name)
		change(home.ConfigFile())
		change(home.Chain(n.Chain).ConfigFile())
	}
	if n.Apps != nil {
		for _, host := range n.Apps.Nodes {
			change(n.NodeHome(host.Name).Chain(devnet.AppsName).ConfigFile())
		}
	}
	change(client.ProfilePath(n.home, "devnet"))
	change(client.ProfilePath(n.home, "devnet-tlcp"))
	change(filepath.Join(n.Dir(), "devnet.json"))
}

// freeAddress finds a port on loopback that nobody listens on and none of our networks has.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 1000 {
		port := 12_000 + (os.Getpid()*37+int(portCount.Add(1)))%18_000
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}

var portCount atomic.Int64

func (n *network) killAll() {
	for i := range n.procs {
		n.kill(i)
	}
}

// start starts validators that are not running.
func (n *network) start(nodes ...int) {
	n.t.Helper()
	n.startWith(binary, nodes...)
}

// startWith starts validators as processes of another build.
func (n *network) startWith(binary string, nodes ...int) {
	n.t.Helper()
	for _, i := range nodes {
		if p := n.procs[i]; p != nil {
			select {
			case <-p.done:
			default:
				n.t.Fatalf("%s is running", n.Nodes[i].Name)
			}
		}
		log := filepath.Join(n.home, fmt.Sprintf("console-%d-%d.log", i, time.Now().UnixNano()))
		n.procs[i] = spawn(n.t, log, binary, "start", "--home", n.NodeHome(n.Nodes[i].Name).Dir)
	}
}

// spawn starts a process of a binary that ends with this one at the latest.
func spawn(t testing.TB, log, binary string, args ...string) *process {
	t.Helper()
	p := &process{done: make(chan struct{}), log: log}
	console, err := os.Create(p.log)
	require.NoError(t, err)
	p.cmd = exec.Command(binary, args...)
	p.cmd.Stdout, p.cmd.Stderr = console, console
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	spawner <- func() { started <- p.cmd.Start() }
	err = <-started
	console.Close()
	require.NoError(t, err)
	go func() {
		p.cmd.Wait()
		close(p.done)
	}()
	return p
}

// kill ends a process as a power cut would.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// ready waits until the validators answer, follow the chain and agree on a height.
func (n *network) ready(nodes ...int) {
	n.t.Helper()
	for _, i := range nodes {
		n.eventually(n.Nodes[i].Name+" is ready", func() error {
			select {
			case <-n.procs[i].done:
				n.t.Fatalf("%s ended: %s\n%s", n.Nodes[i].Name, n.procs[i].cmd.ProcessState, n.logOf(i))
			default:
			}
			st, err := n.status(i)
			if err != nil {
				return err
			}
			if st.CatchingUp || st.Height == 0 {
				return fmt.Errorf("height %d, catching up: %v", st.Height, st.CatchingUp)
			}
			return nil
		})
	}
}

// kill ends a validator as a power cut would.
func (n *network) kill(i int) { n.end(i, syscall.SIGKILL) }

// stop asks a validator to end and waits until it has.
func (n *network) stop(i int) { n.end(i, syscall.SIGTERM) }

func (n *network) end(i int, sig syscall.Signal) {
	n.t.Helper()
	p := n.procs[i]
	if p == nil {
		return
	}
	p.cmd.Process.Signal(sig)
	select {
	case <-p.done:
	case <-time.After(patience()):
		p.cmd.Process.Kill()
		<-p.done
		n.t.Errorf("%s did not stop within %s", n.Nodes[i].Name, patience())
	}
	n.procs[i] = nil
}

// dataDir is the folder of a validator that it can fetch again from its peers.
func (n *network) dataDir(i int) string {
	return n.NodeHome(n.Nodes[i].Name).Chain(n.Chain).DataDir()
}

// client returns a client of one validator.
func (n *network) client(i int) *client.Client {
	n.t.Helper()
	var c *client.Client
	n.eventually(n.Nodes[i].Name+" answers", func() (err error) {
		c, err = n.dial(i)
		return err
	})
	return c
}

func (n *network) dial(nodes ...int) (*client.Client, error) {
	if len(nodes) == 1 && n.clients[nodes[0]] != nil {
		return n.clients[nodes[0]], nil
	}
	var urls []string
	for _, i := range nodes {
		urls = append(urls, n.Nodes[i].URL())
	}
	p := client.DefaultParams(urls...)
	p.Chain = n.Chain
	var err error
	if p.Genesis, err = crypto.ParseHash(n.Genesis); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := client.New(ctx, p)
	if err == nil && len(nodes) == 1 {
		n.clients[nodes[0]] = c
	}
	return c, err
}

func (n *network) status(i int) (*rest.Status, error) {
	c, err := n.dial(i)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c.Status(ctx)
}

// height returns the height of a running validator.
func (n *network) height(i int) uint64 {
	n.t.Helper()
	var height uint64
	n.eventually(n.Nodes[i].Name+" tells its height", func() error {
		st, err := n.status(i)
		if err == nil {
			height = st.Height
		}
		return err
	})
	return height
}

// reaches waits until validators have committed a height.
func (n *network) reaches(height uint64, nodes ...int) {
	n.t.Helper()
	for _, i := range nodes {
		n.eventually(fmt.Sprintf("%s reaches height %d", n.Nodes[i].Name, height), func() error {
			st, err := n.status(i)
			if err == nil && st.Height < height {
				err = fmt.Errorf("height %d", st.Height)
			}
			return err
		})
	}
}

// sameHeaders requires that validators have equal headers at every height up to the
// lowest of theirs, each linked to the one before.
func (n *network) sameHeaders(nodes ...int) {
	n.t.Helper()
	lowest := n.height(nodes[0])
	for _, i := range nodes[1:] {
		lowest = min(lowest, n.height(i))
	}
	var want []crypto.Hash
	for k, i := range nodes {
		previous := crypto.Hash{}
		c := n.client(i)
		for h := uint64(1); h <= lowest; h++ {
			b, err := c.Block(context.Background(), fmt.Sprint(h))
			require.NoError(n.t, err)
			if h > 1 {
				require.Equal(n.t, previous, b.Header.Previous, "%s, height %d", n.Nodes[i].Name, h)
			}
			previous = b.Header.Hash
			if k == 0 {
				want = append(want, b.Header.Hash)
				continue
			}
			require.Equal(n.t, want[h-1], b.Header.Hash, "%s and %s differ at height %d: a fork", n.Nodes[nodes[0]].Name, n.Nodes[i].Name, h)
		}
	}
}

// patience is how long a test waits for what must come before it fails. It says nothing about
// speed: the machine may be slow and busy with other tests.
func patience() time.Duration { return time.Duration(soak) * 3 * time.Minute }

// eventually tries until it works, and fails the test with the last error otherwise.
func (n *network) eventually(what string, try func() error) {
	n.t.Helper()
	n.tries(100*time.Millisecond, what, try)
}

// tries is eventually with a pause between the attempts.
func (n *network) tries(pause time.Duration, what string, try func() error) {
	n.t.Helper()
	deadline := time.Now().Add(patience())
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("%s: not within %s: %v", what, patience(), err)
		}
		time.Sleep(pause)
	}
}

// logOf returns everything a validator has logged.
func (n *network) logOf(i int) string {
	var all strings.Builder
	files, _ := filepath.Glob(filepath.Join(n.NodeHome(n.Nodes[i].Name).Dir, "logs", "*"))
	consoles, _ := filepath.Glob(filepath.Join(n.home, fmt.Sprintf("console-%d-*.log", i)))
	for _, f := range append(files, consoles...) {
		text, err := os.ReadFile(f)
		if err == nil {
			all.Write(text)
		}
	}
	return all.String()
}

// showLogs prints the end of every validator's log when a test has failed.
func (n *network) showLogs() {
	for i := range n.Nodes {
		lines := strings.Split(strings.TrimRight(n.logOf(i), "\n"), "\n")
		n.t.Logf("%s logged last:\n%s", n.Nodes[i].Name, strings.Join(lines[max(0, len(lines)-25):], "\n"))
	}
}
