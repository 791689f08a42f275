package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

func fsckCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "fsck", Short: "check the ledgers of a stopped node from end to end",
		Long: "Opens the ledger of every chain (or of --chain) in the home, rebuilds its state tree and compares the root,\n" +
			"reads every block back and checks it against its header, and that headers are linked and certified.\n" +
			"The node must not be running.",
		Example: "  huchain fsck --home ~/.huchain/devnet/node2", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := filepath.Abs(a.home)
			if err != nil {
				return err
			}
			reports, err := node.Fsck(cmd.Context(), node.Home{Dir: dir}, a.chain)
			if perr := a.print(reports, func(w io.Writer) {
				for _, r := range reports {
					state := a.say("完好", "sound")
					if r.Fault != "" {
						state = r.Fault
					}
					fmt.Fprintf(w, "%s\t%s %d\t%s %d\t%s %d\t%s\n", r.Chain, a.say("高度", "height"), r.Height,
						a.say("交易", "transactions"), r.Txs, a.say("终局证书", "certificates"), r.Certificates, state)
				}
			}); perr != nil {
				return perr
			}
			return err
		},
	}
}

func doctorCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "look for what keeps a node from working",
		Long:    "Checks a node's home and surroundings: configuration, lock, ports, disk, clock, keys, genesis and packages.",
		Example: "  huchain doctor --home ~/.huchain/devnet/node0", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := filepath.Abs(a.home)
			if err != nil {
				return err
			}
			findings := node.Diagnose(cmd.Context(), node.Home{Dir: dir})
			bad := 0
			for _, f := range findings {
				if !f.OK {
					bad++
				}
			}
			if err := a.print(findings, func(w io.Writer) {
				for _, f := range findings {
					mark := a.say("正常", "ok")
					if !f.OK {
						mark = a.say("异常", "FAULT")
					}
					fmt.Fprintf(w, "%s\t%s\t%s\n", mark, f.What, f.Detail)
				}
			}); err != nil {
				return err
			}
			if bad > 0 {
				return types.Errorf(types.CodeConfig, "%d of %d checks found a fault", bad, len(findings))
			}
			return nil
		},
	}
}
