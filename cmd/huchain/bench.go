package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/huchain/huchain/bench"
	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

func benchCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "bench", Short: "measure a chain under load"}
	c.AddCommand(benchRunCmd(a), benchVerifyCmd(a), benchCompareCmd(a), benchCeilingCmd(a), benchCeilingNodeCmd(a), benchGrowthCmd(a), benchPublishCmd(a))
	return c
}

// benchFlags are those of the commands that measure.
type benchFlags struct {
	p          bench.Params
	dids       bench.DIDParams
	validators int
	reports    []string
	org        string
	keep       bool
	signKey    string
	passphrase string
	records    int
	ceiling    time.Duration
	mirror     string // of the devnet's first node: sqlite, or the address of a PostgreSQL database
}

func benchRunCmd(a *app) *cobra.Command {
	f := benchFlags{p: bench.DefaultParams(), dids: bench.DefaultDIDParams()}
	c := &cobra.Command{
		Use: "run", Short: "load a chain and report committed transactions per second",
		Long: "Starts a devnet of its own in a fresh folder, loads it and reports; with --node or --profile it loads that chain\n" +
			"instead, as members that the organisation's CA in the profile's members folder certifies.\n\n" +
			"Only transactions whose receipts say OK count. Without --rate the loop is closed: as much is offered as is taken.\n" +
			"With --rate, or --ramp, it is open: latency counts from when a transaction was due, sent or not.\n\nScenarios:\n  " +
			strings.Join(bench.Scenarios(), "\n  "),
		Example: "  huchain bench run --scenario evidence --validators 4 --duration 60s --report report.json --report report.html\n" +
			"  huchain bench run --rate 500 --duration 30s\n  huchain bench run --ramp --share 0.8\n" +
			"  huchain bench run --scenario transfer --zipf 1.2\n  huchain bench run --scenario mixed --clients 50 --streams 200 --mirror sqlite\n" +
			"  huchain bench run --scenario read --stored 1000000 --rate 200 --validators 1 --mirror sqlite\n" +
			"  huchain bench run --profile devnet --duration 30s --sign-key bench.key --report report.json\n" +
			"  huchain bench run --scenario did --dids 400000",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.benchRun(cmd.Context(), &f) },
	}
	f.register(c)
	c.Flags().IntVar(&f.p.Stored, "stored", f.p.Stored, "deposits that are committed first, in scenario read")
	c.Flags().StringVar(&f.mirror, "mirror", "", "have the first node mirror the chain, and report how far it is behind: sqlite, or postgres://… of an empty database")
	c.Flags().StringVar(&f.p.Scenario, "scenario", f.p.Scenario, "workload")
	c.Flags().IntVar(&f.validators, "validators", devnet.DefaultValidators, "validators of the devnet that is started")
	c.Flags().IntVar(&f.p.Payload, "payload", f.p.Payload, "bytes of a transaction's body, 250 to 16384")
	c.Flags().IntVar(&f.dids.DIDs, "dids", f.dids.DIDs, "DIDs to create, in scenario did")
	c.Flags().IntVar(&f.dids.Lookups, "lookups", f.dids.Lookups, "DIDs to look up, in scenario did")
	c.Flags().StringArrayVar(&f.reports, "report", nil, "write the report to this file: .json, .html or .txt (may be repeated)")
	c.Flags().StringVar(&f.org, "org", "archives", "organisation the load's members belong to")
	c.Flags().IntVar(&f.records, "records", 0, "records that the devnet is founded with, laid into its ledgers before it starts")
	c.Flags().DurationVar(&f.ceiling, "ceiling", 10*time.Second, "how long to run CometBFT alone on as many validators of this machine afterwards; 0 leaves it out")
	return c
}

// register adds the flags that all measurements share.
func (f *benchFlags) register(c *cobra.Command) {
	c.Flags().DurationVar(&f.p.Duration, "duration", f.p.Duration, "how long to measure")
	c.Flags().DurationVar(&f.p.Warmup, "warmup", f.p.Warmup, "how long to load before measuring")
	c.Flags().IntVar(&f.p.Rate, "rate", 0, "transactions or calls offered a second; 0 offers as many as are taken")
	c.Flags().IntVar(&f.p.InFlight, "in-flight", f.p.InFlight, "transactions submitted and not yet committed, at most")
	c.Flags().IntVar(&f.p.Members, "members", f.p.Members, "member keys that sign")
	c.Flags().IntVar(&f.p.Batch, "batch", f.p.Batch, "transactions in one submission, at most")
	c.Flags().Float64Var(&f.p.Zipf, "zipf", f.p.Zipf, "how unequally scenario transfer picks accounts: exponent of a Zipf distribution, 0 for uniformly")
	c.Flags().IntVar(&f.p.Clients, "clients", f.p.Clients, "clients in scenarios query and mixed, each with one call at a time")
	c.Flags().IntVar(&f.p.Streams, "streams", f.p.Streams, "followers of the chain that stay connected meanwhile, each logged in as a member")
	c.Flags().BoolVar(&f.p.Ramp, "ramp", false, "raise the rate until the chain no longer holds it, then measure at --share of the highest it held")
	c.Flags().DurationVar(&f.p.RampStep, "ramp-step", f.p.RampStep, "how long each step of --ramp takes")
	c.Flags().Float64Var(&f.p.Share, "share", f.p.Share, "with --ramp: part of the highest rate to measure at")
	c.Flags().BoolVar(&f.p.Stages, "stages", f.p.Stages, "sample where the validators of this machine spend their time")
	c.Flags().StringVar(&f.p.Profiles, "cpu-profiles", "", "keep what was sampled in this folder, a file a validator, for go tool pprof")
	c.Flags().StringVar(&f.signKey, "sign-key", "", "key file that signs the report")
	c.Flags().BoolVar(&f.keep, "keep", false, "keep the folder of the devnet that was started, and name it")
	passphraseFlag(c, &f.passphrase)
}

func (a *app) benchRun(ctx context.Context, f *benchFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	var target *benchTarget
	var err error
	if a.node != "" || a.profile != "" {
		target, err = a.benchRemote(ctx, f)
	} else {
		target, err = a.benchDevnet(ctx, f)
	}
	if target != nil {
		defer target.stop()
	}
	if err != nil {
		return err
	}
	rep, err := a.benchOn(ctx, f, target)
	if err != nil {
		return err
	}
	target.stop() // or it would run beside CometBFT alone
	if err := a.addCeiling(ctx, f, rep); err != nil {
		return err
	}
	if err := a.benchKeep(rep, f); err != nil {
		return err
	}
	if err := a.print(rep, func(w io.Writer) { fmt.Fprint(w, rep.Text()) }); err != nil {
		return err
	}
	if n := rep.Failures(); n > 0 {
		return types.Errorf(types.CodeOutcomeUnknown, "%d transactions or calls failed or were not committed in time", n)
	}
	return nil
}

// check finds what is wrong with the flags before anything is started.
func (f *benchFlags) check() error {
	for _, file := range f.reports {
		switch filepath.Ext(file) {
		case ".json", ".html", ".txt":
		default:
			return types.Errorf(types.CodeUsage, "--report %s: the name ends in .json, .html or .txt", file)
		}
	}
	if f.mirror != "" && f.mirror != "sqlite" && !strings.HasPrefix(f.mirror, "postgres://") {
		return types.Errorf(types.CodeUsage, "--mirror %s: sqlite or postgres://…", f.mirror)
	}
	if f.records < 0 || f.records > maxRecords {
		return types.Errorf(types.CodeUsage, "records %d are outside 0..%d", f.records, maxRecords)
	}
	if f.ceiling != 0 && (f.ceiling < time.Second || f.ceiling > time.Hour) {
		return types.Errorf(types.CodeUsage, "--ceiling %s is outside 1s..1h", f.ceiling)
	}
	if f.p.Scenario == bench.DIDScenario {
		return f.dids.Validate()
	}
	return f.p.Validate()
}

// addCeiling runs CometBFT alone where the chain ran, so that the report says how much of
// that the chain reached.
func (a *app) addCeiling(ctx context.Context, f *benchFlags, rep *bench.Report) error {
	if f.ceiling == 0 || !rep.Conditions.SameMachine || rep.BytesPerTx == 0 {
		return nil
	}
	bytes := min(max(int(rep.BytesPerTx), minCeilingTx), maxCeilingTx)
	out, err := a.ceiling(ctx, ceilingFlags{validators: rep.Conditions.Validators, duration: f.ceiling, warmup: 2 * time.Second, txBytes: bytes, inFlight: ceilingInFlight})
	if err != nil {
		return err
	}
	rep.SetCeiling(*out)
	return nil
}

// benchOn runs the scenario.
func (a *app) benchOn(ctx context.Context, f *benchFlags, t *benchTarget) (rep *bench.Report, err error) {
	if f.p.Scenario == bench.DIDScenario {
		rep, err = bench.RunDIDs(ctx, f.dids, t.Target, a.didProgress(f.dids.DIDs))
	} else {
		rep, err = bench.Run(ctx, f.p, t.Target, a.benchProgress(f.p.Duration))
	}
	fmt.Fprintln(a.err)
	return rep, err
}

// benchKeep signs the report, if it is to, and writes it.
func (a *app) benchKeep(rep *bench.Report, f *benchFlags) error {
	if f.signKey != "" {
		key, err := loadKey(f.signKey, f.passphrase)
		if err != nil {
			return err
		}
		if err := rep.Sign(key); err != nil {
			return err
		}
	}
	for _, file := range f.reports {
		if err := writeReport(rep, file); err != nil {
			return err
		}
	}
	return nil
}

// writeReport writes a report in the form that the file's name says.
func writeReport(rep *bench.Report, file string) (err error) {
	var raw []byte
	switch filepath.Ext(file) {
	case ".html":
		raw, err = rep.HTML()
	case ".txt":
		raw = []byte(rep.Text())
	default:
		raw, err = rep.Encode()
	}
	if err != nil {
		return err
	}
	return node.WriteFile(file, raw, 0o644)
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

func (a *app) benchProgress(total time.Duration) bench.Progress {
	bar := progressbar.NewOptions64(int64(total/time.Second), progressbar.OptionSetWriter(a.err),
		progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(false), progressbar.OptionThrottle(200*time.Millisecond))
	stages := map[string]string{
		"members": a.say("生成成员密钥", "making member keys"), "register": a.say("登记成员", "registering members"),
		"prepare": a.say("准备数据", "preparing"), "warm-up": a.say("预热", "warming up"), "drain": a.say("等待在途交易", "waiting for what is in flight"),
	}
	return func(stage string, committed uint64, elapsed time.Duration) {
		switch {
		case stage == "ramp":
			fmt.Fprintf(a.err, "\n%s %d/s …", a.say("加压", "offering"), committed)
			return
		case stage != "measure":
			fmt.Fprintf(a.err, "\n%s …", stages[stage])
			return
		}
		if elapsed > 0 {
			bar.Describe(fmt.Sprintf("%d TPS", committed*uint64(time.Second)/uint64(elapsed)))
		}
		bar.Set64(int64(elapsed / time.Second)) //nolint:errcheck // only a display
	}
}
