package node

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/huchain/huchain/types"
)

// States of a chain in a node.
const (
	ChainStarting = "starting"
	ChainRunning  = "running"
	ChainStopped  = "stopped"
	ChainFailed   = "failed"
)

// hosted is a chain of the home as the running node knows it.
type hosted struct {
	name string
	busy sync.Mutex // held while it is started or stopped

	mu    sync.Mutex // guards what follows; the control socket reads it
	state string
	err   error    // of a failed chain
	run   *running // of a running one
}

func (h *hosted) set(state string, run *running, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state, h.run, h.err = state, run, err
}

func (h *hosted) get() (state string, run *running, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state, h.run, h.err
}

// place returns the place of a chain in the node, made if there is none.
func (n *node) place(name string) *hosted {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.chains[name]
	if h == nil {
		h = &hosted{name: name, state: ChainStopped}
		n.chains[name] = h
	}
	return h
}

// places lists the chains in order of name.
func (n *node) places() []*hosted {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]*hosted, 0, len(n.chains))
	for _, h := range n.chains {
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b *hosted) int { return strings.Compare(a.name, b.name) })
	return out
}

// startAll starts the chains side by side: one that is slow or damaged does not hold the
// others back. The error is of the first that could not be started, and only if none could.
func (n *node) startAll(ctx context.Context, homes []ChainHome) (names []string, err error) {
	var wg sync.WaitGroup
	errs := make([]error, len(homes))
	for _, h := range homes {
		n.place(h.Name).set(ChainStarting, nil, nil) // one that fails early does not end the node
		n.api.Announce(h.Name)
	}
	for i, h := range homes {
		wg.Go(func() { errs[i] = n.startChain(ctx, h) })
	}
	wg.Wait()
	for i, h := range homes {
		state, _, failed := n.place(h.Name).get()
		if state == ChainRunning {
			names = append(names, h.Name)
		}
		if err == nil {
			err = cmp.Or(errs[i], failed)
		}
	}
	if len(names) > 0 {
		return names, nil
	}
	return nil, err
}

// startChain opens a chain and serves it. A chain that runs is HC-1011. What keeps it from
// starting is noted with the chain, and returned.
func (n *node) startChain(ctx context.Context, home ChainHome) error {
	h := n.place(home.Name)
	h.busy.Lock()
	defer h.busy.Unlock()
	if ctx.Err() != nil {
		return types.Errorf(types.CodeNotReady, "the node is stopping")
	}
	if state, _, _ := h.get(); state == ChainRunning {
		return types.Errorf(types.CodeAlreadyExists, "chain %s runs", home.Name)
	}
	h.set(ChainStarting, nil, nil)
	n.api.Announce(home.Name)
	err := n.open(ctx, h, home)
	if err != nil {
		err = fmt.Errorf("chain %s: %w", home.Name, err)
		n.log.Error("chain not started", "chain", home.Name, "code", types.CodeOf(err).String(), "error", err)
		h.set(ChainFailed, nil, err)
		<-n.api.Drop(ctx, home.Name, err, true)
	}
	return err
}

func (n *node) open(ctx context.Context, h *hosted, home ChainHome) error {
	vm := n.cfg.VM
	if vm.CacheDir == "" {
		vm.CacheDir = n.home.CacheDir()
	}
	n.checkExpiry(home, n.expiry) // also of a chain that does not start for it
	start := time.Now()
	log := n.log.With("chain", home.Name)
	r, err := openChain(ctx, home, vm, log, n.reg)
	if err != nil {
		return err
	}
	serve := r.api()
	mirror, err := n.mirrorOf(r, home, log)
	if err != nil {
		r.halt()
		r.close()
		return err
	}
	if mirror != nil {
		serve.Mirror = mirror
	}
	evidence, err := n.evidenceOf(r, home, log)
	if err != nil {
		r.halt()
		r.close()
		return err
	}
	if evidence != nil {
		serve.Evidence = evidence
	}
	n.api.Add(serve)
	if err := n.serveMembers(h, r); err != nil {
		idle := n.api.Drop(ctx, home.Name, err, true)
		r.halt()
		<-idle
		r.close()
		return err
	}
	h.set(ChainRunning, r, nil)
	n.tend(r, log)
	n.runMirror(r, mirror)
	if evidence != nil {
		n.runBeside(r, evidence.Run)
	}
	log.Info("chain started", "genesis", r.genesis.Hash(), "height", r.ledger.Height(), "tookMs", time.Since(start).Milliseconds())
	n.watch.Go(func() {
		select {
		case <-r.consensus.Done():
			if err := r.consensus.Err(); err != nil {
				n.failChain(h, r, fmt.Errorf("chain %s: consensus failed: %w", home.Name, err))
			}
		case <-r.ended:
		}
	})
	return nil
}

// serveMembers listens for members of a chain, if chain.toml says where.
func (n *node) serveMembers(h *hosted, r *running) error {
	address := r.cfg.API.Listen
	if address == "" {
		return nil
	}
	l, err := Listen("api.listen", address)
	if err != nil {
		return err
	}
	config := r.consensus.ServeTLCP()
	n.watch.Go(func() {
		if err := n.api.ServeMembers(l, r.name, config, r.cfg.API.RequestsPerSecond); err != nil {
			n.failChain(h, r, fmt.Errorf("chain %s: serve members: %w", r.name, err))
		}
	})
	return nil
}

// stopChain stops a running chain by order: its API answers HC-5105 from now on, requests
// in flight end, and its folder is free. Other chains do not notice.
func (n *node) stopChain(ctx context.Context, name string) error {
	h := n.place(name)
	h.busy.Lock()
	defer h.busy.Unlock()
	state, r, _ := h.get()
	if state == ChainFailed {
		h.set(ChainStopped, nil, nil)
		<-n.api.Drop(ctx, name, stopped(name), false)
		return nil
	}
	if r == nil {
		return types.Errorf(types.CodeChainStopped, "chain %s", name)
	}
	n.end(ctx, h, r, ChainStopped, nil)
	n.log.Info("chain stopped by order", "chain", name)
	return nil
}

func stopped(name string) error { return types.Errorf(types.CodeChainStopped, "chain %s", name) }

// failChain takes a chain that cannot go on out of service. If no other chain serves or is
// being opened, the node ends: a supervisor shall start it anew.
func (n *node) failChain(h *hosted, r *running, err error) {
	h.busy.Lock()
	defer h.busy.Unlock()
	if _, now, _ := h.get(); now != r {
		return // it was stopped meanwhile
	}
	n.log.Error("chain failed; the other chains of this node go on", "chain", h.name, "code", types.CodeOf(err).String(), "error", err)
	n.end(context.Background(), h, r, ChainFailed, err)
	for _, o := range n.places() {
		if state, _, _ := o.get(); state == ChainRunning || state == ChainStarting {
			return
		}
	}
	n.cancel(err)
}

// end takes a chain down; h.busy is held.
func (n *node) end(ctx context.Context, h *hosted, r *running, state string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	why := err
	if why == nil {
		why = stopped(h.name)
	}
	h.set(state, nil, err)
	idle := n.api.Drop(ctx, h.name, why, state == ChainFailed)
	close(r.ended)
	r.halt() // whoever waits for a commit gets an answer and leaves
	<-idle
	r.tending.Wait()
	r.close()
}

// hold keeps a running chain open for an order until release; the order's context ends
// with the chain.
func (n *node) hold(ctx context.Context, name string) (r *running, held context.Context, release func(), err error) {
	none := types.Errorf(types.CodeNotFound, "this node runs no chain %q yet", name)
	n.mu.Lock()
	h := n.chains[name] // an order makes no place for a chain that is not there
	n.mu.Unlock()
	if h == nil {
		return nil, nil, nil, none
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if r = h.run; r == nil {
		return nil, nil, nil, none
	}
	r.tending.Add(1) // before the chain ends: end takes it out of its place first
	held, cancel := context.WithCancel(ctx)
	stop := make(chan struct{})
	go func() {
		select {
		case <-r.ended:
			cancel()
		case <-stop:
		}
	}()
	return r, held, func() {
		close(stop)
		cancel()
		r.tending.Done()
	}, nil
}

// forget drops a chain whose folder is gone.
func (n *node) forget(name string) error {
	h := n.place(name)
	h.busy.Lock()
	defer h.busy.Unlock()
	if state, _, _ := h.get(); state == ChainRunning || state == ChainStarting {
		return types.Errorf(types.CodeAlreadyExists, "chain %s runs", name)
	}
	n.mu.Lock()
	delete(n.chains, name)
	n.mu.Unlock()
	n.api.Forget(name)
	n.expiry.DeletePartialMatch(map[string]string{"chain": name})
	return nil
}

// stopAll stops every chain when the node ends; its listeners are closed already.
func (n *node) stopAll() {
	var wg sync.WaitGroup
	for _, h := range n.places() {
		wg.Go(func() {
			h.busy.Lock()
			defer h.busy.Unlock()
			if _, r, _ := h.get(); r != nil {
				n.end(context.Background(), h, r, ChainStopped, nil)
			}
		})
	}
	wg.Wait()
	n.watch.Wait()
}
