package devnet

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// UpOptions say how a devnet is brought up.
type UpOptions struct {
	Home       string
	Validators int    // of a new network; 0 leaves it to the existing one, or takes the default
	Program    string // path of the huchain binary
	Apps       bool   // a new network gets the second chain
	PortBase   int    // first port of the HTTP APIs; 0: what the network has, or the defaults
	Detach     bool
	Sources    Sources
	NoSample   bool                // leave the demo stories out of a new network
	NoMirror   bool                // as in Params
	Say        func(en, zh string) // told what is being done
	Timeout    time.Duration       // until every validator serves
	// Founded, where set, is called once for a new network, before its validators start.
	Founded func(n *Network, packages map[string][]byte) error
}

// Up is a devnet that has come up.
type Up struct {
	Network   *Network
	Processes *Processes
	Status    *rest.Status // of the first node
	Created   bool
	Sample    int // calls of the demo stories that were loaded
	Took      time.Duration

	lock *node.Lock
}

// BringUp creates the network of a home if there is none, starts its validators and
// returns when every one of them serves. On error nothing it started goes on running.
func BringUp(ctx context.Context, o UpOptions) (*Up, error) {
	start := time.Now()
	lock, err := node.Acquire(filepath.Join(dirOf(o.Home), "lock"))
	if err != nil {
		return nil, describeRunning(o.Home, err)
	}
	u := &Up{lock: lock}
	if err := u.up(ctx, o); err != nil {
		u.Close()
		return nil, err
	}
	u.Took = time.Since(start)
	if o.Detach {
		lock.Release()
	}
	return u, nil
}

// describeRunning adds to a taken lock which validators run.
func describeRunning(home string, err error) error {
	if n, lerr := Load(home); lerr == nil && types.CodeOf(err) == types.CodeHomeLocked {
		if running := n.Running(); len(running) > 0 {
			return n.refuseRunning(running)
		}
	}
	return err
}

func (u *Up) up(ctx context.Context, o UpOptions) (err error) {
	u.Network, err = Load(o.Home)
	if types.CodeOf(err) == types.CodeNotFound {
		err = u.create(ctx, o)
	} else if err == nil {
		err = u.reuse(o)
	}
	if err != nil {
		return err
	}
	if err := u.start(ctx, o); err != nil {
		return err
	}
	if !u.Network.Sample && !o.NoSample {
		if err := u.loadSample(ctx, o); err != nil {
			return err
		}
		if st, err := u.Network.ask(ctx, &u.Network.Nodes[0]); err == nil {
			u.Status = st
		}
	}
	return nil
}

// start starts the validators and waits until all serve. A port that another program
// took between the check and the start is replaced, a few times.
func (u *Up) start(ctx context.Context, o UpOptions) (err error) {
	for range 3 {
		if err = u.startOnce(ctx, o); types.CodeOf(err) != types.CodePortTaken {
			return err
		}
		u.Processes.Stop()
		u.Processes = nil
		o.PortBase = 0
		if rerr := u.reuse(o); rerr != nil {
			return rerr
		}
	}
	return err
}

func (u *Up) startOnce(ctx context.Context, o UpOptions) (err error) {
	o.Say(fmt.Sprintf("starting %d validators", len(u.Network.Nodes)), fmt.Sprintf("启动 %d 个共识节点", len(u.Network.Nodes)))
	if u.Processes, err = u.Network.Start(StartOptions{Program: o.Program, Detach: o.Detach}); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	u.Status, err = u.Network.wait(wait, u.Processes)
	return err
}

func (u *Up) create(ctx context.Context, o UpOptions) error {
	if o.Validators == 0 {
		o.Validators = DefaultValidators
	}
	packages, err := o.Sources.Packages(ctx, o.Say)
	if err != nil {
		return err
	}
	// The contracts are compiled once, before the first start: each validator would compile
	// all of them otherwise.
	var warm errgroup.Group
	warm.Go(func() error { return node.WarmCache(ctx, cacheDir(o.Home), packages) })
	err = u.found(ctx, o, packages)
	if err == nil {
		o.Say("compiling contracts", "编译合约")
	}
	if werr := warm.Wait(); err == nil {
		err = werr
	}
	return err
}

func (u *Up) found(ctx context.Context, o UpOptions, packages map[string][]byte) (err error) {
	o.Say("founding organisations, members and validators", "创建机构、成员与共识节点")
	p := Params{Home: o.Home, Validators: o.Validators, NoMirror: o.NoMirror, PortBase: o.PortBase, Apps: o.Apps, Packages: packages, Say: o.Say}
	if u.Network, err = Create(ctx, p); err != nil {
		return err
	}
	u.Created = true
	if o.Founded != nil {
		return o.Founded(u.Network, packages)
	}
	return nil
}

// reuse prepares an existing network: ports that others took meanwhile are replaced.
func (u *Up) reuse(o UpOptions) error {
	n := u.Network
	if o.Validators != 0 && o.Validators != len(n.Nodes) {
		return types.Errorf(types.CodeUsage, "the devnet in %s has %d validators; \"huchain devnet reset\" removes it, or take another --home",
			o.Home, len(n.Nodes))
	}
	if o.Apps && n.Apps == nil {
		return types.Errorf(types.CodeUsage, "the devnet in %s was made without the chain %s; \"huchain devnet reset\" removes it, or take another --home", o.Home, AppsName)
	}
	if running := n.Running(); len(running) > 0 {
		return n.refuseRunning(running)
	}
	changed, taken, err := n.assignPorts(o.PortBase)
	if err != nil || !changed {
		return err
	}
	sayTaken(o.Say, taken)
	return n.publish()
}

// wait returns once every node serves its chains and the first block of each is there. It
// ends early if a process does.
func (n *Network) wait(ctx context.Context, p *Processes) (*rest.Status, error) {
	var first *rest.Status
	for i := range n.Nodes {
		st, err := n.waitFor(ctx, p, &n.Nodes[i], n.Chain)
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = st
		}
	}
	if n.Apps != nil {
		for _, host := range n.Apps.Nodes {
			if _, err := n.waitFor(ctx, p, n.node(host.Name), AppsName); err != nil {
				return nil, err
			}
		}
	}
	return first, nil
}

func (n *Network) waitFor(ctx context.Context, p *Processes, v *Node, chain string) (*rest.Status, error) {
	for {
		st, err := n.AskChain(ctx, v.Name, chain)
		if err == nil && st.Height >= 1 && !st.CatchingUp {
			return st, nil
		}
		if err == nil {
			err = types.Errorf(types.CodeNotReady, "height %d, catching up: %v, %d peers", st.Height, st.CatchingUp, st.Peers)
		} else if strings.Contains(err.Error(), types.CodePortTaken.String()) {
			return nil, types.Errorf(types.CodePortTaken, "%s: %w", v.Name, err)
		}
		select {
		case e := <-p.Exits():
			code, last := types.CodeNotReady, n.Tail(e.Node, 12)
			if strings.Contains(last, types.CodePortTaken.String()) {
				code = types.CodePortTaken
			}
			return nil, types.Errorf(code, "%s ended while starting (%v):\n%s", e.Node, e.Err, last)
		case <-ctx.Done():
			return nil, types.Errorf(types.CodeNotReady, "%s does not serve chain %s yet: %w; its log is %s", v.Name, chain, err,
				filepath.Join(n.NodeHome(v.Name).Dir, "logs", "node.log"))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (n *Network) ask(ctx context.Context, v *Node) (*rest.Status, error) {
	return n.AskChain(ctx, v.Name, n.Chain)
}

// AskChain asks a node how a chain is doing on it.
func (n *Network) AskChain(ctx context.Context, name, chain string) (*rest.Status, error) {
	p := client.DefaultParams(n.node(name).URL())
	p.Chain, p.Timeout = chain, 2*time.Second
	if chain == n.Chain {
		var err error
		if p.Genesis, err = crypto.ParseHash(n.Genesis); err != nil { // another devnet may have taken the port since it was chosen
			return nil, err
		}
	}
	c, err := client.New(ctx, p)
	if err != nil {
		return nil, err
	}
	return c.Status(ctx)
}

// Client connects to the network through all its nodes.
func (n *Network) Client(ctx context.Context) (*client.Client, error) {
	p, err := client.LoadProfile(n.home, profileName)
	if err != nil {
		return nil, err
	}
	return p.Connect(ctx)
}

// Statuses asks every node; the error of one that does not answer stands in its place.
func (n *Network) Statuses(ctx context.Context) ([]*rest.Status, []error) {
	out, errs := make([]*rest.Status, len(n.Nodes)), make([]error, len(n.Nodes))
	for i := range n.Nodes {
		out[i], errs[i] = n.ask(ctx, &n.Nodes[i])
	}
	return out, errs
}

// Close stops the validators, unless they were detached, and gives the lock up.
func (u *Up) Close() {
	if u.Processes != nil {
		u.Processes.Stop()
		u.Processes = nil
	}
	u.lock.Release()
}
