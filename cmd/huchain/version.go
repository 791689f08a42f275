package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/node"
)

func versionCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "show release, commit, toolchain, protocol and ledger format",
		Example: "  huchain version -o json", Args: takes(0, 0),
		RunE: func(*cobra.Command, []string) error {
			v := node.BuildVersion()
			return a.print(v, func(w io.Writer) {
				a.fields(w, field{"版本", "release", v.Release}, field{"提交", "commit", v.Commit}, field{"日期", "date", v.Date},
					field{"工具链", "toolchain", v.Go}, field{"平台", "platform", v.Platform},
					field{"协议版本", "protocol", v.Protocol}, field{"账本格式", "ledger format", v.LedgerFormat},
					field{"合约包格式", "bundle format", v.BundleFormat})
			})
		},
	}
}
