package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/bench"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

func benchVerifyCmd(a *app) *cobra.Command {
	var signer string
	c := &cobra.Command{
		Use: "verify FILE", Short: "check that a report is what its signer measured",
		Long: "Checks the SM2 signature of a report, JSON or HTML; of a page also that it shows what its data says.\n" +
			"A signature says who vouches for the figures: with --signer anybody else's is refused.",
		Example: "  huchain bench verify report.json\n  huchain bench verify report.html --signer 04…",
		Args:    takes(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			rep, err := readReport(args[0])
			if err != nil {
				return err
			}
			if err := rep.Verify(); err != nil {
				return err
			}
			if signer != "" {
				var want crypto.PublicKey
				if err := want.UnmarshalText([]byte(signer)); err != nil {
					return types.Errorf(types.CodeUsage, "--signer: %w", err)
				}
				if rep.Signature.PublicKey != want {
					return types.Errorf(types.CodeBadSignature, "the report is signed by %s", rep.Signature.PublicKey)
				}
			}
			v := map[string]any{"file": args[0], "signer": rep.Signature.PublicKey, "address": types.AddressOf(rep.Signature.PublicKey),
				"scenario": rep.Scenario, "committedTPS": rep.CommittedTPS, "started": rep.Started, "build": rep.Conditions.Build}
			return a.print(v, func(w io.Writer) {
				a.fields(w, field{"报告", "report", args[0]}, field{"签名者", "signed by", rep.Signature.PublicKey},
					field{"场景", "scenario", rep.Scenario}, field{"每秒提交交易", "committed TPS", rep.CommittedTPS},
					field{"时间", "started", rep.Started}, field{"版本", "build", rep.Conditions.Build})
			})
		},
	}
	c.Flags().StringVar(&signer, "signer", "", "public key in hex that must have signed it")
	return c
}

func benchCompareCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "compare A B", Short: "compare two measurements, and say whether they differ by more than noise",
		Long: "A and B are reports, or folders of reports of the same measurement made several times. Medians are compared;\n" +
			"a rank-sum test says how likely noise alone makes such a difference. Of two single reports only throughput is\n" +
			"judged, by its seconds.",
		Example: "  huchain bench compare before.json after.json\n  huchain bench compare before/ after/",
		Args:    takes(2, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			var sides [2][]*bench.Report
			for i, arg := range args {
				list, err := readReports(arg)
				if err != nil {
					return err
				}
				sides[i] = list
			}
			out, err := bench.Compare(sides[0], sides[1])
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) { fmt.Fprint(w, out.Text()) })
		},
	}
}

func readReport(file string) (*bench.Report, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, types.Errorf(types.CodeNotFound, "%w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, bench.MaxReportBytes+1))
	if err != nil {
		return nil, types.Errorf(types.CodeNotFound, "%w", err)
	}
	rep, err := bench.ParseReport(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return rep, nil
}

// readReports reads one report, or those of a folder.
func readReports(path string) ([]*bench.Report, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, types.Errorf(types.CodeNotFound, "%w", err)
	}
	files := []string{path}
	if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*.json")); err != nil {
			return nil, err
		}
	}
	var out []*bench.Report
	for _, f := range files {
		rep, err := readReport(f)
		if err != nil {
			return nil, err
		}
		out = append(out, rep)
	}
	if len(out) == 0 {
		return nil, types.Errorf(types.CodeNotFound, "%s holds no report (*.json)", path)
	}
	return out, nil
}
