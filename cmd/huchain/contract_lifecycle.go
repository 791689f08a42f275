package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// signing holds the flags of commands that act as a member.
type signing struct {
	as, passphraseFile string
	wait               time.Duration
}

func (s *signing) flags(a *app, c *cobra.Command) {
	a.asFlag(c, &s.as, "member that signs")
	c.Flags().DurationVar(&s.wait, "wait", 5*time.Minute, "how long to wait for all of it")
	passphraseFlag(c, &s.passphraseFile)
}

// connect opens the chain and the member's key.
func (s *signing) connect(ctx context.Context, a *app) (*client.Client, *client.Identity, error) {
	cl, p, err := a.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	by, err := a.identity(p, s.as, s.passphraseFile)
	return cl, by, err
}

func contractDeployCmd(a *app) *cobra.Command {
	var s signing
	var params string
	c := &cobra.Command{
		Use: "deploy FILE", Short: "install a package on the chain as a new contract",
		Long: "Uploads a package file in parts, has the chain check it and the nodes compile it, and installs it. The member must\n" +
			"be permitted to change contracts (chain parameter lifecycle) and signs the package as its publisher.",
		Example: "  huchain contract deploy bin/bundles/evidence-1.0.0.hcp --as archives/admin",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.install(cmd, &s, args[0], params, (*client.Client).Deploy, a.say("已安装", "installed"))
		},
	}
	c.Flags().StringVar(&params, "params", "", "JSON that replaces the package's own parameters")
	s.flags(a, c)
	return c
}

func contractUpgradeCmd(a *app) *cobra.Command {
	var s signing
	var params string
	var rehearse int
	c := &cobra.Command{
		Use: "upgrade FILE", Short: "make a package the new version of the contract of its name",
		Long: "Installs a package as the next version of a contract, whose state stays; the package's migrate entry, if any, runs.\n" +
			"With --rehearse N nothing is changed: the contract's last N calls are replayed on the present state under the present\n" +
			"code and under the package, and what differs is shown. Exit status 1 if anything does.",
		Example: "  huchain contract upgrade bin/bundles/evidence-1.1.0.hcp --rehearse 100\n" +
			"  huchain contract upgrade bin/bundles/evidence-1.1.0.hcp --as archives/admin",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if rehearse > 0 {
				return a.rehearse(cmd, &s, args[0], rehearse)
			}
			return a.install(cmd, &s, args[0], params, (*client.Client).Upgrade, a.say("已升级", "upgraded"))
		},
	}
	c.Flags().StringVar(&params, "params", "", "JSON that replaces the parameters the contract has")
	c.Flags().IntVar(&rehearse, "rehearse", 0, "replay this many past calls (1 to 1000) and change nothing")
	s.flags(a, c)
	return c
}

type installFunc func(*client.Client, context.Context, *client.Identity, []byte, json.RawMessage, func(done, total int)) (*client.Deployment, error)

func (a *app) install(cmd *cobra.Command, s *signing, file, params string, install installFunc, done string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return types.Errorf(types.CodePackageInvalid, "%w", err)
	}
	if params != "" && !json.Valid([]byte(params)) {
		return usage(cmd, "--params is not JSON")
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), s.wait)
	defer cancel()
	cl, by, err := s.connect(ctx, a)
	if err != nil {
		return err
	}
	var progress func(done, total int)
	if isTerminal(a.err) {
		progress = func(done, total int) {
			fmt.Fprintf(a.err, "\r%s %d/%d KiB", a.say("上传", "uploading"), done>>10, total>>10)
			if done == total {
				fmt.Fprintln(a.err)
			}
		}
	}
	d, err := install(cl, ctx, by, raw, json.RawMessage(params), progress)
	if err != nil {
		return err
	}
	return a.print(d, func(w io.Writer) {
		fmt.Fprintf(w, "%s %s %s\n", done, d.Name, d.Version)
		a.fields(w, field{"代码哈希", "code", d.Code}, field{"高度", "height", d.Height}, field{"交易", "tx", d.TxID})
	})
}

func (a *app) rehearse(cmd *cobra.Command, s *signing, file string, calls int) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return types.Errorf(types.CodePackageInvalid, "%w", err)
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), s.wait)
	defer cancel()
	cl, _, err := a.connect(ctx)
	if err != nil {
		return err
	}
	r, err := cl.Rehearse(ctx, raw, calls)
	if err != nil {
		return err
	}
	err = a.print(r, func(w io.Writer) {
		fmt.Fprintf(w, a.say("%s：重放 %d 次调用，%d 次结果不同\n", "%s: %d calls replayed, %d differ\n"), r.Name, r.Calls, r.Differs)
		for i := range r.Items {
			it := &r.Items[i]
			fmt.Fprintf(w, "%s\t%s\t%s\n", it.TxID, it.Method, strings.Join(it.Differs, ", "))
			fmt.Fprintf(w, "  %s\t%s\n  %s\t%s\n", a.say("现行", "present"), outcomeText(&it.Present), a.say("升级后", "upgrade"), outcomeText(&it.Upgrade))
		}
	})
	if err == nil && r.Differs > 0 {
		err = types.Errorf(types.CodeContractError, "%d of %d past calls would give something else", r.Differs, r.Calls)
	}
	return err
}

func outcomeText(o *rest.RehearsedOutcome) string {
	if o.Code != types.CodeOK.String() {
		return o.Code + " " + o.Error
	}
	return fmt.Sprintf("%s (events %d, writes %d, gas %d)", o.Result, o.Events, o.Writes, o.GasUsed)
}

func contractConfigureCmd(a *app) *cobra.Command {
	var s signing
	var params string
	c := &cobra.Command{
		Use: "configure NAME", Short: "give an installed contract other parameters",
		Long:    "Changes the parameters of an installed contract; its init checks them and may refuse, its state stays. For whoever the\nchain parameter lifecycle permits.",
		Example: `  huchain contract configure orchard --params '{"maxTrees":50}' --as archives/admin`, Args: takes(1, 1),
		ValidArgsFunction: a.completeMethod(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !json.Valid([]byte(params)) {
				return usage(cmd, "--params is not JSON")
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), s.wait)
			defer cancel()
			cl, by, err := s.connect(ctx, a)
			if err != nil {
				return err
			}
			d, err := cl.Configure(ctx, by, args[0], json.RawMessage(params))
			if err != nil {
				return err
			}
			return a.print(d, func(w io.Writer) {
				fmt.Fprintf(w, "%s %s\n", a.say("参数已更改", "parameters changed:"), args[0])
				a.fields(w, field{"高度", "height", d.Height}, field{"交易", "tx", d.ID})
			})
		},
	}
	c.Flags().StringVar(&params, "params", "", "the new parameters, a JSON object")
	s.flags(a, c)
	return c
}

// contractStatusCmds are the commands that stop and resume a contract.
func contractStatusCmds(a *app) []*cobra.Command {
	var out []*cobra.Command
	for _, x := range []struct{ action, short, zh string }{
		{"freeze", "refuse calls of a contract until it is unfrozen", "已冻结"},
		{"unfreeze", "let a frozen contract be called again", "已解冻"},
		{"revoke", "end a contract for good; its records stay readable and provable", "已吊销"},
	} {
		var s signing
		var reason string
		c := &cobra.Command{
			Use: x.action + " NAME", Short: x.short, Long: strings.ToUpper(x.short[:1]) + x.short[1:] + ". For whoever the chain parameter lifecycle permits.",
			Example: "  huchain contract " + x.action + " evidence --as archives/admin --reason drill", Args: takes(1, 1),
			RunE: func(cmd *cobra.Command, args []string) error {
				ctx, cancel := context.WithTimeout(cmd.Context(), s.wait)
				defer cancel()
				cl, by, err := s.connect(ctx, a)
				if err != nil {
					return err
				}
				d, err := cl.SetContractStatus(ctx, by, x.action, args[0], reason)
				if err != nil {
					return err
				}
				return a.print(d, func(w io.Writer) {
					fmt.Fprintf(w, "%s %s\n", a.say(x.zh, x.action+" committed:"), args[0])
					a.fields(w, field{"高度", "height", d.Height}, field{"交易", "tx", d.ID})
				})
			},
		}
		c.Flags().StringVar(&reason, "reason", "", "why, for the event that everyone sees")
		s.flags(a, c)
		out = append(out, c)
	}
	return out
}

// isTerminal reports whether w shows progress to a person.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
