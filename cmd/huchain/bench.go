package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/huchain/huchain/bench"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/types"
)

func benchCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "bench", Short: "measure a chain under load"}
	c.AddCommand(benchRunCmd(a))
	return c
}

type benchFlags struct {
	p          bench.Params
	dids       bench.DIDParams
	validators int
	report     string
	org        string
	keep       bool
}

func benchRunCmd(a *app) *cobra.Command {
	f := benchFlags{p: bench.DefaultParams(), dids: bench.DefaultDIDParams()}
	c := &cobra.Command{
		Use: "run", Short: "load a chain and report committed transactions per second",
		Long: "Starts a devnet of its own in a fresh folder, loads it and reports; with --node or --profile it loads that chain\n" +
			"instead, as members that the organisation's CA in the profile's members folder certifies.\n\n" +
			"Only transactions whose receipts say OK count. Scenarios:\n  " + strings.Join(bench.Scenarios(), "\n  "),
		Example: "  huchain bench run --scenario evidence --validators 4 --duration 60s --report report.json\n" +
			"  huchain bench run --rate 500 --duration 30s\n  huchain bench run --profile devnet --duration 30s\n" +
			"  huchain bench run --scenario did --dids 400000",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.benchRun(cmd.Context(), &f) },
	}
	c.Flags().StringVar(&f.p.Scenario, "scenario", f.p.Scenario, "workload")
	c.Flags().IntVar(&f.validators, "validators", devnet.DefaultValidators, "validators of the devnet that is started")
	c.Flags().DurationVar(&f.p.Duration, "duration", f.p.Duration, "how long to measure")
	c.Flags().DurationVar(&f.p.Warmup, "warmup", f.p.Warmup, "how long to load before measuring")
	c.Flags().IntVar(&f.p.Rate, "rate", 0, "transactions offered a second; 0 offers as many as are taken")
	c.Flags().IntVar(&f.p.InFlight, "in-flight", f.p.InFlight, "transactions submitted and not yet committed, at most")
	c.Flags().IntVar(&f.p.Members, "members", f.p.Members, "member keys that sign")
	c.Flags().IntVar(&f.p.Batch, "batch", f.p.Batch, "transactions in one submission, at most")
	c.Flags().IntVar(&f.dids.DIDs, "dids", f.dids.DIDs, "DIDs to create, in scenario did")
	c.Flags().IntVar(&f.dids.Lookups, "lookups", f.dids.Lookups, "DIDs to look up, in scenario did")
	c.Flags().StringVar(&f.report, "report", "", "write the report to this file as JSON")
	c.Flags().StringVar(&f.org, "org", "archives", "organisation the load's members belong to")
	c.Flags().BoolVar(&f.keep, "keep", false, "keep the folder of the devnet that was started, and name it")
	return c
}

func (a *app) benchRun(ctx context.Context, f *benchFlags) error {
	dids := f.p.Scenario == bench.DIDScenario
	err := f.dids.Validate()
	if !dids {
		err = f.p.Validate()
	}
	if err != nil {
		return err
	}
	var target bench.Target
	if a.node != "" || a.profile != "" {
		target, err = a.benchRemote(ctx, f)
	} else {
		var stop func()
		target, stop, err = a.benchDevnet(ctx, f)
		if stop != nil {
			defer stop()
		}
	}
	if err != nil {
		return err
	}
	if dids {
		return a.benchDIDs(ctx, f, target)
	}
	rep, err := bench.Run(ctx, f.p, target, a.benchProgress(f.p.Duration))
	fmt.Fprintln(a.err)
	if err != nil {
		return err
	}
	if f.report != "" {
		if err := rep.Write(f.report); err != nil {
			return err
		}
	}
	if err := a.print(rep, func(w io.Writer) { fmt.Fprint(w, rep.Text()) }); err != nil {
		return err
	}
	if len(rep.Refused) > 0 || rep.OutcomeUnknown > 0 {
		return types.Errorf(types.CodeOutcomeUnknown, "%d transactions were refused or not committed in time", rep.Failures())
	}
	return nil
}

func (a *app) benchDIDs(ctx context.Context, f *benchFlags, t bench.Target) error {
	rep, err := bench.RunDIDs(ctx, f.dids, t, a.didProgress(f.dids.DIDs))
	fmt.Fprintln(a.err)
	if err != nil {
		return err
	}
	if f.report != "" {
		if err := rep.Write(f.report); err != nil {
			return err
		}
	}
	return a.print(rep, func(w io.Writer) { fmt.Fprint(w, rep.Text()) })
}

func (a *app) didProgress(total int) bench.Progress {
	bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(a.err), progressbar.OptionSetWidth(30),
		progressbar.OptionSetPredictTime(false), progressbar.OptionThrottle(200*time.Millisecond))
	return func(stage string, made uint64, _ time.Duration) {
		switch stage {
		case "measure":
			bar.Set64(int64(made)) //nolint:errcheck // only a display
		case "members":
			fmt.Fprintln(a.err, a.say("生成成员密钥", "making member keys")+" …")
		default:
			fmt.Fprintf(a.err, "\n%s …", a.say("查询身份标识", "looking DIDs up"))
		}
	}
}

// benchDevnet starts a devnet in a fresh folder; stop ends it and removes the folder.
func (a *app) benchDevnet(ctx context.Context, f *benchFlags) (bench.Target, func(), error) {
	home, err := os.MkdirTemp("", "huchain-bench-")
	if err != nil {
		return bench.Target{}, nil, err
	}
	remove := func() {
		if f.keep {
			fmt.Fprintln(a.err, a.say("保留：", "kept:"), home)
			return
		}
		os.RemoveAll(home)
	}
	program, err := os.Executable()
	if err != nil {
		return bench.Target{}, remove, err
	}
	up, err := devnet.BringUp(ctx, devnet.UpOptions{
		Home: home, Validators: f.validators, Program: program, NoSample: true, Sources: sources(), Timeout: 2 * time.Minute,
		Say: func(en, zh string) { fmt.Fprintln(a.err, a.say(zh, en)+" …") },
	})
	if err != nil {
		return bench.Target{}, remove, err
	}
	stop := func() { up.Close(); remove() }
	n := up.Network
	ca, err := openCA(n.MembersDir(), n.PassphraseFile(), f.org)
	if err != nil {
		return bench.Target{}, stop, err
	}
	genesis, err := crypto.ParseHash(n.Genesis)
	if err != nil {
		return bench.Target{}, stop, err
	}
	t := bench.Target{Nodes: n.URLs(), Chain: n.Chain, Genesis: genesis, CA: ca, Validators: len(n.Nodes), Processes: map[int]int{}}
	t.StateDir = filepath.Join(n.NodeHome(n.Nodes[0].Name).Chain(n.Chain).DataDir(), "ledger", "state")
	running := n.Running()
	for i := range n.Nodes {
		if o, ok := running[n.Nodes[i].Name]; ok {
			t.Processes[i] = o.PID
		}
	}
	return t, stop, nil
}

// benchRemote takes the chain of the profile or of --node.
func (a *app) benchRemote(ctx context.Context, f *benchFlags) (bench.Target, error) {
	c, p, err := a.connect(ctx)
	if err != nil {
		return bench.Target{}, err
	}
	ca, err := openCA(p.Members, p.PassphraseFile, f.org)
	if err != nil {
		return bench.Target{}, err
	}
	set, err := c.Validators(ctx, 0)
	if err != nil {
		return bench.Target{}, err
	}
	return bench.Target{Nodes: p.Nodes, Chain: c.Chain(), Genesis: c.Genesis(), CA: ca, Validators: len(set.Items)}, nil
}

// openCA opens an organisation's CA as a devnet keeps it.
func openCA(members, passphraseFile, org string) (*cert.CA, error) {
	secret, err := keystore.ReadPassphrase(passphraseFile)
	if err != nil {
		return nil, err
	}
	return loadCA(filepath.Join(members, org), secret)
}

func (a *app) benchProgress(total time.Duration) bench.Progress {
	bar := progressbar.NewOptions64(int64(total/time.Second), progressbar.OptionSetWriter(a.err),
		progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(false), progressbar.OptionThrottle(200*time.Millisecond))
	stages := map[string]string{
		"members": a.say("生成成员密钥", "making member keys"), "register": a.say("登记成员", "registering members"),
		"warm-up": a.say("预热", "warming up"), "drain": a.say("等待在途交易", "waiting for what is in flight"),
	}
	return func(stage string, committed uint64, elapsed time.Duration) {
		if stage != "measure" {
			fmt.Fprintf(a.err, "\n%s …", stages[stage])
			return
		}
		if elapsed > 0 {
			bar.Describe(fmt.Sprintf("%d TPS", committed*uint64(time.Second)/uint64(elapsed)))
		}
		bar.Set64(int64(elapsed / time.Second)) //nolint:errcheck // only a display
	}
}
