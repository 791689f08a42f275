package devnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

// StopGrace is how long a validator may take to stop before it is killed.
const StopGrace = 20 * time.Second

// Exit says that the process of a node has ended.
type Exit struct {
	Node string
	Err  error // nil for status 0
}

// Processes are the running validators that this process started.
type Processes struct {
	n        *Network
	children []*child
	exits    chan Exit
	stop     chan struct{} // closed to let the starting thread go
}

type child struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// StartOptions say how validators are started.
type StartOptions struct {
	Program string // path of the huchain binary
	// Detach lets the processes outlive this one.
	Detach bool
	// Command is what each process runs on its home; nil is a validator, "start".
	Command []string
}

// Start starts one process per validator. Unless detached, the kernel ends them with
// this process, however it ends. Refused with HC-1005 while any validator runs.
func (n *Network) Start(o StartOptions) (*Processes, error) {
	if running := n.Running(); len(running) > 0 {
		return nil, n.refuseRunning(running)
	}
	p := &Processes{n: n, exits: make(chan Exit, len(n.Nodes)), stop: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The death signal of a child goes with the thread that started it, so that
		// thread has to stay for as long as the children shall.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		started <- p.startAll(o)
		<-p.stop
	}()
	if err := <-started; err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

func (n *Network) refuseRunning(running map[string]node.Owner) error {
	var list []string
	for i := range n.Nodes {
		if o, ok := running[n.Nodes[i].Name]; ok {
			list = append(list, fmt.Sprintf("%s (process %d)", n.Nodes[i].Name, o.PID))
		}
	}
	return types.Errorf(types.CodeHomeLocked,
		"the devnet in %s is running: %s. See it: huchain devnet status; stop it: huchain devnet down; run another: huchain devnet up --home OTHER",
		n.home, strings.Join(list, ", "))
}

func (p *Processes) startAll(o StartOptions) error {
	command := o.Command
	if command == nil {
		command = []string{"start"}
	}
	for i := range p.n.Nodes {
		name := p.n.Nodes[i].Name
		home := p.n.NodeHome(name)
		logs := filepath.Join(home.Dir, "logs")
		if err := os.MkdirAll(logs, 0o755); err != nil {
			return err
		}
		console, err := os.Create(filepath.Join(logs, "console.log"))
		if err != nil {
			return err
		}
		cmd := exec.Command(o.Program, append(slices.Clone(command), "--home", home.Dir)...)
		cmd.Stdout, cmd.Stderr = console, console
		cmd.SysProcAttr = childAttributes(o.Detach)
		err = cmd.Start()
		console.Close()
		if err != nil {
			return types.Errorf(types.CodeInternal, "start %s: %w", name, err)
		}
		c := &child{cmd: cmd, done: make(chan struct{})}
		p.children = append(p.children, c)
		go func() {
			p.exits <- Exit{Node: name, Err: cmd.Wait()}
			close(c.done)
		}()
	}
	return nil
}

// Exits delivers one message for each process that ends.
func (p *Processes) Exits() <-chan Exit { return p.exits }

// Stop ends the processes this value started: gracefully, and by force those that take
// longer than StopGrace.
func (p *Processes) Stop() {
	defer close(p.stop)
	for _, c := range p.children {
		c.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended by itself
	}
	deadline := time.Now().Add(StopGrace)
	for _, c := range p.children {
		select {
		case <-c.done:
		case <-time.After(time.Until(deadline)):
			c.cmd.Process.Kill() //nolint:errcheck // as above
			<-c.done
		}
	}
}

// Down ends the validators of the network wherever they were started: each is the
// holder of its home's lock, verified by lock, start time and command line.
func (n *Network) Down(ctx context.Context) ([]string, error) {
	var stopped []string
	running := n.Running()
	for i := range n.Nodes {
		name := n.Nodes[i].Name
		o, ok := running[name]
		if !ok {
			continue
		}
		if !strings.Contains(o.Program, "start") {
			return stopped, types.Errorf(types.CodeHomeLocked, "process %d (%s) holds the lock of %s and is no node", o.PID, o.Program, name)
		}
		if err := syscall.Kill(o.PID, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
			return stopped, fmt.Errorf("stop %s: %w", name, err)
		}
		stopped = append(stopped, name)
	}
	deadline := time.Now().Add(StopGrace)
	for {
		running = n.Running()
		if len(running) == 0 {
			return stopped, nil
		}
		if time.Now().After(deadline) {
			for name, o := range running {
				if err := syscall.Kill(o.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
					return stopped, fmt.Errorf("kill %s: %w", name, err)
				}
			}
			deadline = deadline.Add(StopGrace)
		}
		select {
		case <-ctx.Done():
			return stopped, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Reset stops the network and removes it with everything on it.
func Reset(ctx context.Context, home string) error {
	n, err := Load(home)
	if err == nil {
		if _, err := n.Down(ctx); err != nil {
			return err
		}
	} else if types.CodeOf(err) != types.CodeNotFound {
		return err
	} else {
		n = &Network{home: home}
	}
	lock, err := node.Acquire(filepath.Join(n.Dir(), "lock"))
	if err != nil {
		return err
	}
	defer lock.Release()
	if err := os.RemoveAll(n.Dir()); err != nil {
		return fmt.Errorf("remove devnet: %w", err)
	}
	for _, name := range []string{profileName, secureProfileName} {
		if err := os.Remove(client.ProfilePath(home, name)); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("remove profile: %w", err)
		}
	}
	return nil
}

// Tail returns the last lines a node wrote, for a person who asks why it ended.
func (n *Network) Tail(name string, lines int) string {
	logs := filepath.Join(n.NodeHome(name).Dir, "logs")
	for _, file := range []string{"console.log", "node.log"} {
		raw, err := os.ReadFile(filepath.Join(logs, file))
		if err != nil || len(strings.TrimSpace(string(raw))) == 0 {
			continue
		}
		all := strings.Split(strings.TrimRight(string(raw), "\n"), "\n")
		return strings.Join(all[max(0, len(all)-lines):], "\n")
	}
	return ""
}
