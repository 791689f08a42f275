package node

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/consensus"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
)

// ChainState is a chain of a node's home.
type ChainState struct {
	Chain      string   `json:"chain"`
	State      string   `json:"state"` // starting, running, stopped, failed
	Error      string   `json:"error,omitempty"`
	Genesis    string   `json:"genesis"`
	Orgs       []string `json:"organisations"` // that founded it
	P2P        string   `json:"p2p"`
	API        string   `json:"api,omitempty"`
	Height     uint64   `json:"height,omitempty"` // as the rest, of a running chain
	Peers      int      `json:"peers"`
	Validator  bool     `json:"validator"`
	CatchingUp bool     `json:"catchingUp"`
	// ClockAheadMs is how far this machine's clock is ahead of the other validators'; unset
	// while not compared.
	ClockAheadMs *int64 `json:"clockAheadMs,omitempty"`
	RemoteSigner bool   `json:"remoteSigner,omitempty"`
	SignerAway   string `json:"signerAway,omitempty"` // why it cannot be asked
	ReadOnly     bool   `json:"readOnly,omitempty"`   // rebuilt from its archive
}

// stateOf describes a chain by its folder.
func stateOf(home ChainHome) (*ChainState, error) {
	g, _, err := ReadGenesis(home)
	if err != nil {
		return nil, err
	}
	cfg, err := LoadChainConfig(home.ConfigFile())
	if err != nil {
		return nil, err
	}
	s := &ChainState{Chain: home.Name, State: ChainStopped, Genesis: g.Hash().String(), P2P: cfg.P2P.Listen, API: cfg.API.Listen}
	for _, o := range g.Organisations {
		s.Orgs = append(s.Orgs, o.Name)
	}
	return s, nil
}

// chainStates describes the chains of the home as this node runs them.
func (n *node) chainStates() ([]ChainState, error) {
	homes, err := n.home.Chains()
	if err != nil {
		return nil, err
	}
	out := []ChainState{}
	for _, h := range homes {
		s, err := n.chainState(h)
		if err != nil {
			return nil, err
		}
		out = append(out, *s)
	}
	return out, nil
}

func (n *node) chainState(home ChainHome) (*ChainState, error) {
	s, err := stateOf(home)
	if err != nil {
		return nil, err
	}
	state, run, failed := n.place(home.Name).get()
	s.State = state
	if failed != nil {
		s.Error = failed.Error()
	}
	if run != nil {
		st := run.consensus.Status()
		s.Height, s.Peers, s.Validator, s.CatchingUp = st.Height, len(st.Peers), st.Validator, st.CatchingUp
		s.RemoteSigner, s.SignerAway, s.ReadOnly = st.RemoteSigner, st.SignerAway, run.readOnly
		if st.ClockAhead != nil {
			ms := st.ClockAhead.Milliseconds()
			s.ClockAheadMs = &ms
		}
	}
	return s, nil
}

// known finds a chain of the home.
func (n *node) known(name string) (ChainHome, error) { return onlyChain(n.home, name) }

func (n *node) orderStart(ctx context.Context, name string) (any, error) {
	h, err := n.known(name)
	if err != nil {
		return nil, err
	}
	if err := n.startChain(ctx, h); err != nil {
		return nil, err
	}
	return n.chainState(h)
}

func (n *node) orderStop(ctx context.Context, name string) (any, error) {
	h, err := n.known(name)
	if err != nil {
		return nil, err
	}
	if err := n.stopChain(ctx, h.Name); err != nil {
		return nil, err
	}
	return n.chainState(h)
}

func (n *node) orderForget(_ context.Context, name string) (any, error) {
	if h := n.home.Chain(name); types.ValidName(name) {
		if _, err := os.Stat(h.GenesisFile()); err == nil {
			return nil, types.Errorf(types.CodeAlreadyExists, "%s is still there", h.Dir)
		}
	}
	return struct{}{}, n.forget(name)
}

// ListChains describes the chains of a home: by the running node, or by its folders.
func ListChains(ctx context.Context, home Home) ([]ChainState, error) {
	out := []ChainState{}
	if _, running := Holder(home.LockFile()); running {
		return out, control(ctx, home, http.MethodGet, "/chains", &out)
	}
	homes, err := home.Chains()
	if err != nil {
		return nil, err
	}
	for _, h := range homes {
		s, err := stateOf(h)
		if err != nil {
			return nil, err
		}
		out = append(out, *s)
	}
	return out, nil
}

// StartChain has the running node of a home start one of its chains.
func StartChain(ctx context.Context, home Home, name string) (*ChainState, error) {
	return order(ctx, home, "start", name)
}

// StopChain has the running node of a home stop one of its chains. It is started again
// with the node, or by StartChain.
func StopChain(ctx context.Context, home Home, name string) (*ChainState, error) {
	return order(ctx, home, "stop", name)
}

func order(ctx context.Context, home Home, verb, name string) (*ChainState, error) {
	if _, running := Holder(home.LockFile()); !running {
		return nil, types.Errorf(types.CodeUnreachable, "no node runs in %s", home.Dir)
	}
	s := new(ChainState)
	return s, control(ctx, home, http.MethodPost, "/chains/"+verb+"?chain="+url.QueryEscape(name), s)
}

// LeaveChain takes a chain out of a home, stopping it first if it runs: its folder, keys
// included, is moved to left/, whose path is returned. A validator is not let go unless
// force is set: the others would miss its votes.
func LeaveChain(ctx context.Context, home Home, name string, force bool) (string, error) {
	c, err := onlyChain(home, name)
	if err != nil {
		return "", err
	}
	validator := types.Errorf(types.CodeValidatorRefused, "this node is a validator of chain %s: have governance remove it first (governance.removeValidator), or leave with --force", c.Name)
	_, running := Holder(home.LockFile())
	if running {
		voting, err := stopToLeave(ctx, home, c, force)
		if err != nil {
			return "", err
		}
		if voting {
			return "", validator
		}
	}
	lock, err := Acquire(c.LockFile())
	if err != nil {
		return "", err
	}
	defer lock.Release()
	if !force {
		if voting, err := votes(c); err != nil {
			return "", err
		} else if voting {
			return "", validator
		}
	}
	to := filepath.Join(home.Dir, "left", c.Name+"-"+time.Now().UTC().Format("20060102T150405Z"))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return "", err
	}
	if err := os.Rename(c.Dir, to); err != nil {
		return "", types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	if running {
		return to, control(ctx, home, http.MethodPost, "/chains/forget?chain="+url.QueryEscape(c.Name), new(struct{}))
	}
	return to, nil
}

// stopToLeave stops a chain in the running node, unless the chain counts on its votes.
func stopToLeave(ctx context.Context, home Home, c ChainHome, force bool) (voting bool, err error) {
	states, err := ListChains(ctx, home)
	if err != nil {
		return false, err
	}
	for _, s := range states {
		switch {
		case s.Chain != c.Name || s.State == ChainStopped || s.State == ChainFailed:
		case s.State == ChainStarting:
			return false, &types.Error{Code: types.CodeStarting, Detail: "chain " + c.Name, RetryAfterMs: 1000}
		case s.Validator && !force:
			return true, nil
		default:
			_, err := StopChain(ctx, home, c.Name)
			return false, err
		}
	}
	return false, nil
}

// votes reports whether the key of a chain that does not run stands in the newest set of
// validators that its ledger knows, or in the genesis where there is no ledger.
func votes(c ChainHome) (bool, error) {
	info, err := consensus.ReadKeys(ConsensusKeys(c.KeysDir(), nil))
	if err != nil {
		return false, err
	}
	g, _, err := ReadGenesis(c)
	if err != nil {
		return false, err
	}
	set, err := lastSet(c, g)
	if err != nil {
		return false, err
	}
	for i := range set {
		if set[i].Ed25519 == info.Ed25519 {
			return true, nil
		}
	}
	return false, nil
}

func lastSet(c ChainHome, g *chain.Genesis) (types.ValidatorSet, error) {
	if _, err := os.Stat(c.LedgerDir()); os.IsNotExist(err) {
		return g.ValidatorSet()
	}
	params, err := ledgerParams(c)
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(c.LedgerDir(), g.Hash(), params)
	if err != nil {
		return nil, err
	}
	defer l.Close() //nolint:errcheck // it was only read
	if l.Height() == 0 {
		return g.ValidatorSet()
	}
	return l.NextSigners(l.Height())
}
