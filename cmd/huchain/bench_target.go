package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/huchain/huchain/bench"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/node"
)

// benchTarget is the chain under load.
type benchTarget struct {
	bench.Target
	stop func() // ends what was started for the run; may be called again
}

// benchDevnet starts a devnet in a fresh folder. Also beside an error the target, if there
// is one, MUST be stopped.
func (a *app) benchDevnet(ctx context.Context, f *benchFlags) (*benchTarget, error) {
	load := bench.MachineLoad()
	home, err := os.MkdirTemp("", "huchain-bench-")
	if err != nil {
		return nil, err
	}
	remove := func() {
		if f.keep {
			fmt.Fprintln(a.err, a.say("保留：", "kept:"), home)
			return
		}
		os.RemoveAll(home)
	}
	t := &benchTarget{stop: sync.OnceFunc(remove)}
	program, err := os.Executable()
	if err != nil {
		return t, err
	}
	needs, err := bench.Needs(f.p.Scenario)
	if err != nil {
		return t, err
	}
	from := sources()
	from.Wanted = needs
	up, err := devnet.BringUp(ctx, devnet.UpOptions{
		Home: home, Validators: f.validators, Program: program, NoSample: true, NoMirror: f.mirror == "", Sources: from, Timeout: 2*time.Minute + time.Duration(f.records)*20*time.Microsecond,
		Say: func(en, zh string) { fmt.Fprintln(a.err, a.say(zh, en)+" …") },
		Founded: func(n *devnet.Network, packages map[string][]byte) error {
			if err := mirrorInto(n, f.mirror); err != nil {
				return err
			}
			return a.preload(ctx, n, packages, f.records)
		},
	})
	if err != nil {
		return t, err
	}
	t.stop = sync.OnceFunc(func() { up.Close(); remove() })
	n := up.Network
	ca, err := openCA(n.MembersDir(), n.PassphraseFile(), f.org)
	if err != nil {
		return t, err
	}
	genesis, err := crypto.ParseHash(n.Genesis)
	if err != nil {
		return t, err
	}
	t.Target = bench.Target{Nodes: n.URLs(), Chain: n.Chain, Genesis: genesis, CA: ca, Validators: len(n.Nodes), Existing: f.records, Mirror: f.mirror != "", Load: load}
	t.StateDir = filepath.Join(n.NodeHome(n.Nodes[0].Name).Chain(n.Chain).DataDir(), "ledger", "state")
	running := n.Running()
	for i := range n.Nodes {
		v := &n.Nodes[i]
		if o, ok := running[v.Name]; ok {
			t.Processes = append(t.Processes, bench.Process{Name: v.Name, PID: o.PID, Profile: "http://" + v.Metrics})
		}
	}
	return t, nil
}

// mirrorInto has the first node of a devnet mirror into a PostgreSQL database, if one is named.
func mirrorInto(n *devnet.Network, place string) error {
	if !strings.HasPrefix(place, "postgres://") {
		return nil
	}
	file := n.NodeHome(n.Nodes[0].Name).ConfigFile()
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return node.WriteFile(file, fmt.Appendf(text, "postgres = %q\n", place), 0o600) // [mirror] is its last table
}

// benchRemote takes the chain of the profile or of --node.
func (a *app) benchRemote(ctx context.Context, f *benchFlags) (*benchTarget, error) {
	c, p, err := a.connect(ctx)
	if err != nil {
		return nil, err
	}
	ca, err := openCA(p.Members, p.PassphraseFile, f.org)
	if err != nil {
		return nil, err
	}
	set, err := c.Validators(ctx, 0)
	if err != nil {
		return nil, err
	}
	return &benchTarget{
		Target: bench.Target{Nodes: p.Nodes, Chain: c.Chain(), Genesis: c.Genesis(), CA: ca, Validators: len(set.Items), Load: bench.MachineLoad()},
		stop:   func() {},
	}, nil
}

// openCA opens an organisation's CA as a devnet keeps it.
func openCA(members, passphraseFile, org string) (*cert.CA, error) {
	secret, err := keystore.ReadPassphrase(passphraseFile)
	if err != nil {
		return nil, err
	}
	return loadCA(filepath.Join(members, org), secret)
}
