package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

// app is what the commands of one invocation share: the global flags and the streams.
type app struct {
	home, chain, node, profile string
	connectAs                  string
	output, lang               string

	in       io.Reader
	out, err io.Writer
}

const rootLong = `HuChain is a permissioned BFT blockchain node with 国密 cryptography, provable state
and contracts in WASM. This one binary is node, client and tool box.

Exit status: 0 it happened, 1 it was refused, 2 the command line is wrong,
3 the outcome is unknown (ask by transaction id).
Errors have a code; "huchain explain CODE" says more about it.`

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use: "huchain", Short: "permissioned BFT blockchain with 国密 cryptography", Long: rootLong,
		Example: `  huchain devnet up
  huchain tx call evidence deposit '{"hash":"…","title":"contract"}' --as clerk
  huchain query status`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{},
	}
	f := root.PersistentFlags()
	f.StringVar(&a.home, "home", node.DefaultHome(), "folder of the node, or of the devnet and its profiles (HUCHAIN_HOME)")
	f.StringVar(&a.chain, "chain", os.Getenv("HUCHAIN_CHAIN"), "chain name; may be left out where there is only one (HUCHAIN_CHAIN)")
	f.StringVar(&a.node, "node", os.Getenv("HUCHAIN_NODE"), "address of a node, such as http://127.0.0.1:7100 or tlcp://10.0.0.2:7400 (HUCHAIN_NODE)")
	f.StringVar(&a.connectAs, "connect-as", os.Getenv("HUCHAIN_CONNECT_AS"), "member whose certificate tlcp nodes are shown: ORG/NAME (HUCHAIN_CONNECT_AS; default by profile)")
	f.StringVar(&a.profile, "profile", os.Getenv("HUCHAIN_PROFILE"), "named connection in <home>/profiles (HUCHAIN_PROFILE; default devnet)")
	f.StringVarP(&a.output, "output", "o", "text", "form of the output: text or json")
	f.StringVar(&a.lang, "lang", "", "language of messages: zh or en (default: by locale)")
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return a.checkGlobals() }
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage(c, "%v", err) })
	root.AddGroup(
		&cobra.Group{ID: "run", Title: "Run a chain:"},
		&cobra.Group{ID: "use", Title: "Use a chain:"},
		&cobra.Group{ID: "keys", Title: "Identities and contracts:"},
		&cobra.Group{ID: "care", Title: "Care:"},
	)
	add := func(group string, cmds ...*cobra.Command) {
		for _, c := range cmds {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("run", devnetCmd(a), initCmd(a), startCmd(a), chainCmd(a), benchCmd(a))
	add("use", txCmd(a), queryCmd(a), proofCmd(a), govCmd(a), mirrorCmd(a), evidenceCmd(a))
	add("keys", orgCmd(a), certCmd(a), keyCmd(a), contractCmd(a))
	add("care", explainCmd(a), versionCmd(a), snapshotCmd(a), archiveCmd(a), backupCmd(a), ledgerCmd(a), fsckCmd(a), doctorCmd(a))
	return finish(root)
}

// finish gives every group of commands the same behaviour: help without arguments, and
// a usage error for a subcommand that does not exist.
func finish(c *cobra.Command) *cobra.Command {
	for _, sub := range c.Commands() {
		finish(sub)
	}
	if !c.HasSubCommands() || c.Runnable() {
		return c
	}
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return usage(cmd, "unknown command %q%s", args[0], suggestion(cmd, args[0]))
	}
	return c
}

func suggestion(c *cobra.Command, typed string) string {
	if c.SuggestionsMinimumDistance <= 0 {
		c.SuggestionsMinimumDistance = 2
	}
	if s := c.SuggestionsFor(typed); len(s) > 0 {
		return fmt.Sprintf(`; did you mean "%s"?`, strings.Join(s, `" or "`))
	}
	return ""
}

func (a *app) checkGlobals() error {
	switch {
	case a.output != "text" && a.output != "json":
		return types.Errorf(types.CodeUsage, "--output: text or json, not %q", a.output)
	case a.lang != "" && a.lang != "zh" && a.lang != "en":
		return types.Errorf(types.CodeUsage, "--lang: zh or en, not %q", a.lang)
	}
	return nil
}

// usage is a fault of the command line: HC-1002, exit status 2.
func usage(c *cobra.Command, format string, args ...any) error {
	return types.Errorf(types.CodeUsage, "%s (see %s --help)", fmt.Sprintf(format, args...), c.CommandPath())
}

// takes makes an argument check: between min and max arguments; max < 0 is no limit.
func takes(min, max int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < min:
			return usage(c, "%d argument(s) missing: %s", min-len(args), c.UseLine())
		case max >= 0 && len(args) > max:
			return usage(c, "unexpected argument %q: %s", args[max], c.UseLine())
		}
		return nil
	}
}
