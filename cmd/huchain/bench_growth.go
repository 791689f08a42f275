package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/bench"
	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

// growthFlags say along which lines a chain is measured as it grows.
type growthFlags struct {
	benchFlags
	records, validators, payloads []int
	rounds                        int
	dir                           string
}

func benchGrowthCmd(a *app) *cobra.Command {
	f := growthFlags{benchFlags: benchFlags{p: bench.DefaultParams(), org: "archives"}}
	f.p.Duration = 20 * time.Second
	c := &cobra.Command{
		Use: "growth", Short: "measure the same load with more records, validators and bytes",
		Long: "Runs scenario evidence on a fresh devnet at each number of records, of validators and of bytes, the others at their\n" +
			"first value (validators: 4, if it is among them), and leaves a report of each run in --dir. With --rounds each is\n" +
			"measured several times, in turns.",
		Example: "  huchain bench growth --records 10000,1000000 --validators 1,4,7 --payloads 250,1024,4096,16384\n" +
			"  huchain bench growth --records 10000,1000000,10000000 --rounds 5",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.benchGrowth(cmd.Context(), &f) },
	}
	f.register(c)
	c.Flags().IntSliceVar(&f.records, "records", []int{10_000, 1_000_000}, "records that the chain is founded with")
	c.Flags().IntSliceVar(&f.validators, "validators", []int{4, 1, 7}, "validators")
	c.Flags().IntSliceVar(&f.payloads, "payloads", []int{250, 1024, 4096, 16384}, "bytes of a transaction's body")
	c.Flags().IntVar(&f.rounds, "rounds", 1, "how often each is measured")
	c.Flags().StringVar(&f.dir, "dir", filepath.Join(".bench", "growth"), "folder for the reports")
	return c
}

// growthPoint is one measurement.
type growthPoint struct{ records, validators, payload int }

// points are the measurements, each once.
func (f *growthFlags) points() ([]growthPoint, error) {
	if len(f.records) == 0 || len(f.validators) == 0 || len(f.payloads) == 0 || f.rounds < 1 || f.rounds > 100 {
		return nil, types.Errorf(types.CodeUsage, "records, validators and payloads need a value each, and rounds are 1 to 100")
	}
	base := growthPoint{f.records[0], f.validators[0], f.payloads[0]}
	if slices.Contains(f.validators, devnet.DefaultValidators) {
		base.validators = devnet.DefaultValidators
	}
	out := []growthPoint{base}
	add := func(p growthPoint) {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, n := range f.records {
		add(growthPoint{n, base.validators, base.payload})
	}
	for _, n := range f.validators {
		add(growthPoint{base.records, n, base.payload})
	}
	for _, n := range f.payloads {
		add(growthPoint{base.records, base.validators, n})
	}
	for _, p := range out {
		one := f.at(p)
		if err := one.check(); err != nil {
			return nil, err
		}
		if p.validators < 1 || p.validators > devnet.MaxValidators {
			return nil, types.Errorf(types.CodeUsage, "validators %d are outside 1..%d", p.validators, devnet.MaxValidators)
		}
	}
	return out, nil
}

// at are the flags of one measurement.
func (f *growthFlags) at(p growthPoint) *benchFlags {
	one := f.benchFlags
	one.records, one.validators, one.p.Payload = p.records, p.validators, p.payload
	return &one
}

func (a *app) benchGrowth(ctx context.Context, f *growthFlags) error {
	points, err := f.points()
	if err != nil {
		return err
	}
	var files []string
	for round := range f.rounds {
		for _, p := range points {
			one := f.at(p)
			file := filepath.Join(f.dir, fmt.Sprintf("records%d-validators%d-payload%d-%d.json", p.records, p.validators, p.payload, round+1))
			one.reports = []string{file}
			fmt.Fprintf(a.err, "%s (%d/%d)\n", filepath.Base(file), round+1, f.rounds)
			if err := a.benchOnce(ctx, one); err != nil {
				return err
			}
			files = append(files, file)
		}
	}
	return a.print(map[string]any{"reports": files}, func(w io.Writer) {
		for _, file := range files {
			fmt.Fprintln(w, file)
		}
	})
}

// benchOnce measures on a devnet of its own and keeps the report.
func (a *app) benchOnce(ctx context.Context, f *benchFlags) error {
	t, err := a.benchDevnet(ctx, f)
	if t != nil {
		defer t.stop()
	}
	if err != nil {
		return err
	}
	rep, err := a.benchOn(ctx, f, t)
	if err != nil {
		return err
	}
	if n := rep.Failures(); n > 0 {
		return types.Errorf(types.CodeOutcomeUnknown, "%d transactions failed or were not committed in time: %s", n, rep.Text())
	}
	return a.benchKeep(rep, f)
}

func benchPublishCmd(a *app) *cobra.Command {
	var doc string
	c := &cobra.Command{
		Use: "publish PATH…", Short: "write the figures of reports into a document",
		Long: "Replaces the tables between the markers of a document by those of the reports in the files and folders named, and\n" +
			"draws the growth chart beside it. Measurements that were repeated stand there by their medians.",
		Example: "  huchain bench publish .bench --doc docs/performance.md",
		Args:    takes(1, -1),
		RunE: func(_ *cobra.Command, args []string) error {
			var reports []*bench.Report
			for _, path := range args {
				list, err := reportsBelow(path)
				if err != nil {
					return err
				}
				reports = append(reports, list...)
			}
			if len(reports) == 0 {
				return types.Errorf(types.CodeNotFound, "no report (*.json) of a measurement is there")
			}
			text, err := os.ReadFile(doc)
			if err != nil {
				return types.Errorf(types.CodeNotFound, "%w", err)
			}
			chart := filepath.Join(filepath.Dir(doc), "performance-growth.svg")
			out, err := bench.Publish(text, reports, filepath.Base(chart))
			if err != nil {
				return fmt.Errorf("%s: %w", doc, err)
			}
			if svg := bench.GrowthChart(reports); svg != nil {
				if err := node.WriteFile(chart, svg, 0o644); err != nil {
					return err
				}
			}
			if err := node.WriteFile(doc, out, 0o644); err != nil {
				return err
			}
			return a.print(map[string]any{"document": doc, "reports": len(reports)}, func(w io.Writer) {
				a.fields(w, field{"文件", "document", doc}, field{"报告数", "reports", len(reports)})
			})
		},
	}
	c.Flags().StringVar(&doc, "doc", filepath.Join("docs", "performance.md"), "document with the markers")
	return c
}

// reportsBelow reads a report, or all in a folder and below.
func reportsBelow(path string) ([]*bench.Report, error) {
	var out []*bench.Report
	err := filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return types.Errorf(types.CodeNotFound, "%w", err)
		}
		if d.IsDir() || filepath.Ext(file) != ".json" {
			return nil
		}
		rep, err := readReport(file)
		if err == nil {
			out = append(out, rep)
		}
		return err
	})
	return out, err
}
