package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/bench"
	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

// ceilingFlags say how CometBFT alone is measured.
type ceilingFlags struct {
	validators       int
	duration, warmup time.Duration
	txBytes          int
	inFlight         int
}

// Bounds of a transaction in it.
const minCeilingTx, maxCeilingTx = 200, 64 << 10

func (f *ceilingFlags) check() error {
	switch {
	case f.validators < 1 || f.validators > devnet.MaxValidators:
		return types.Errorf(types.CodeUsage, "validators %d are outside 1..%d", f.validators, devnet.MaxValidators)
	case f.duration < time.Second || f.duration > time.Hour || f.warmup < 0 || f.warmup > time.Hour:
		return types.Errorf(types.CodeUsage, "duration %s or warm-up %s is outside 1s..1h, 0s..1h", f.duration, f.warmup)
	case f.inFlight < 1 || f.inFlight > 1_000_000:
		return types.Errorf(types.CodeUsage, "in-flight bound %d is outside 1..1000000", f.inFlight)
	case f.txBytes < minCeilingTx || f.txBytes > maxCeilingTx:
		return types.Errorf(types.CodeUsage, "transactions of %d bytes are outside %d..%d", f.txBytes, minCeilingTx, maxCeilingTx)
	}
	return nil
}

func benchCeilingCmd(a *app) *cobra.Command {
	f := ceilingFlags{}
	c := &cobra.Command{
		Use: "ceiling", Short: "measure what CometBFT alone decides on this machine",
		Long: "Starts validator processes that run CometBFT with the settings, links, stores, mempool and frames of a chain, under\n" +
			"an application that verifies no signature, executes nothing and keeps no ledger. What they commit is the most that\n" +
			"any application can reach here. They make their transactions themselves, which costs them a little.",
		Example: "  huchain bench ceiling\n  huchain bench ceiling --validators 1 --duration 30s --tx-bytes 1000",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			out, err := a.ceiling(cmd.Context(), f)
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) {
				a.fields(w, field{"每秒交易", "transactions a second", out.TPS}, field{"每块交易", "transactions per block", out.TxsPerBlock},
					field{"每交易每节点处理器（微秒）", "CPU per transaction and validator, µs", out.CPUPerTxAndValidatorUs},
					field{"每交易字节", "bytes per transaction", out.TxBytes}, field{"时长（秒）", "duration, s", out.DurationS})
			})
		},
	}
	c.Flags().IntVar(&f.validators, "validators", devnet.DefaultValidators, "validators to start")
	c.Flags().DurationVar(&f.duration, "duration", 30*time.Second, "how long to measure")
	c.Flags().DurationVar(&f.warmup, "warmup", 3*time.Second, "how long to load before measuring")
	c.Flags().IntVar(&f.txBytes, "tx-bytes", 319, "bytes of a transaction, about")
	c.Flags().IntVar(&f.inFlight, "in-flight", ceilingInFlight, "transactions that wait in a validator's mempool, its own and its peers', at most")
	return c
}

// ceilingFile is what a validator of a ceiling leaves in its home.
const ceilingFile = "ceiling.json"

type ceilingMeasured struct {
	node.CeilingResult
	CPUSeconds float64 `json:"cpuSeconds"`
}

// ceiling runs the validators and sums up what they measured.
func (a *app) ceiling(ctx context.Context, f ceilingFlags) (*bench.Ceiling, error) {
	fmt.Fprintln(a.err, a.say("仅运行共识引擎", "running CometBFT alone")+" …")
	home, err := os.MkdirTemp("", "huchain-ceiling-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	n, err := devnet.Create(ctx, devnet.Params{Home: home, Validators: f.validators})
	if err != nil {
		return nil, err
	}
	processes, err := n.Start(devnet.StartOptions{Program: program, Command: []string{
		"bench", "ceiling-node", "--duration", f.duration.String(), "--warmup", f.warmup.String(), "--tx-bytes", strconv.Itoa(f.txBytes), "--in-flight", strconv.Itoa(f.inFlight),
	}})
	if err != nil {
		return nil, err
	}
	defer processes.Stop()
	ctx, cancel := context.WithTimeout(ctx, f.duration+f.warmup+time.Minute)
	defer cancel()
	sum := &bench.Ceiling{TxBytes: f.txBytes}
	var txs, blocks, cpu, seconds float64
	for i := range n.Nodes {
		m, err := awaitCeiling(ctx, n, processes, n.Nodes[i].Name)
		if err != nil {
			return nil, err
		}
		txs, blocks = txs+float64(m.Txs), blocks+float64(m.Blocks)
		cpu, seconds = cpu+m.CPUSeconds, seconds+m.Seconds
	}
	if txs == 0 {
		return nil, types.Errorf(types.CodeNotReady, "CometBFT alone committed nothing within %s", f.duration)
	}
	sum.TPS = rounded(txs / seconds)
	sum.DurationS = rounded(seconds / float64(len(n.Nodes)))
	sum.TxsPerBlock = rounded(txs / max(1, blocks))
	sum.CPUPerTxAndValidatorUs = rounded(cpu * 1e6 / txs)
	return sum, nil
}

func rounded(v float64) float64 { return float64(int64(v*10+0.5)) / 10 }

// awaitCeiling waits for what one validator measured.
func awaitCeiling(ctx context.Context, n *devnet.Network, p *devnet.Processes, name string) (*ceilingMeasured, error) {
	file := filepath.Join(n.NodeHome(name).Dir, ceilingFile)
	for {
		if raw, err := os.ReadFile(file); err == nil {
			m := &ceilingMeasured{}
			return m, json.Unmarshal(raw, m)
		}
		select {
		case e := <-p.Exits():
			return nil, types.Errorf(types.CodeNotReady, "%s ended (%v):\n%s", e.Node, e.Err, n.Tail(e.Node, 12))
		case <-ctx.Done():
			return nil, types.Errorf(types.CodeNotReady, "%s measured nothing: %w\n%s", name, ctx.Err(), n.Tail(name, 12))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// benchCeilingNodeCmd is one validator of benchCeilingCmd.
func benchCeilingNodeCmd(a *app) *cobra.Command {
	p := node.CeilingParams{}
	c := &cobra.Command{
		Use: "ceiling-node", Short: "one validator of \"huchain bench ceiling\"", Hidden: true, Args: takes(0, 0),
		Long:    "Runs CometBFT alone on the chain of a home, under load of its own, and writes " + ceilingFile + " there.",
		Example: "  huchain bench ceiling-node --home DIR --duration 30s",
		RunE: func(cmd *cobra.Command, _ []string) error {
			home := node.Home{Dir: a.home}
			lock, err := node.Acquire(home.LockFile())
			if err != nil {
				return err
			}
			defer lock.Release()
			chains, err := home.Chains()
			if err != nil {
				return err
			}
			if len(chains) != 1 {
				return types.Errorf(types.CodeConfig, "%s holds %d chains, not one", home.Dir, len(chains))
			}
			p.InFlight = min(p.InFlight, maxCeilingBytes/max(1, p.TxBytes))
			var before, after time.Duration
			cpu := func(into *time.Duration) func() {
				return func() { *into, _ = bench.ProcessCPU(os.Getpid()) }
			}
			return node.RunCeiling(cmd.Context(), chains[0], p, cpu(&before), cpu(&after), func(r node.CeilingResult) error {
				raw, err := json.Marshal(ceilingMeasured{r, (after - before).Seconds()})
				if err != nil {
					return err
				}
				return node.WriteFile(filepath.Join(home.Dir, ceilingFile), raw, 0o644)
			})
		},
	}
	c.Flags().DurationVar(&p.Duration, "duration", 30*time.Second, "how long to measure")
	c.Flags().DurationVar(&p.Warmup, "warmup", 3*time.Second, "how long to load before measuring")
	c.Flags().IntVar(&p.TxBytes, "tx-bytes", 319, "bytes of a transaction")
	c.Flags().IntVar(&p.InFlight, "in-flight", ceilingInFlight, "transactions that wait in the mempool, at most")
	return c
}

// What waits in the mempool of a validator of a ceiling, its own and its peers'.
const (
	ceilingInFlight = 12_000
	maxCeilingBytes = 48 << 20 // at most
)
