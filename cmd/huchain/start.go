package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/node"
)

func startCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "start", Short: "run the node of a home folder",
		Long: "Runs the node whose folder --home names, with every chain under chains/, until SIGTERM or SIGINT. It ends\n" +
			"with a non-zero status if it cannot go on: consensus has failed, the ledger is damaged, the disk is full.",
		Example: "  huchain start\n  huchain start --home ~/.huchain/devnet/node2",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := filepath.Abs(a.home)
			if err != nil {
				return err
			}
			return node.Run(cmd.Context(), node.Home{Dir: dir}, node.Options{
				Stderr:   a.err,
				Mirror:   func(of node.MirrorOf) (node.Mirror, error) { return newMirroring(of) },
				Evidence: newEvidence, EvidenceFiles: evidenceFiles{},
				Ready: func(name, web string, chains []string) {
					fmt.Fprintf(a.out, a.say("节点 %s 已就绪：%s，链 %s\n", "node %s is ready: %s, chain %s\n"), name, web, strings.Join(chains, ", "))
				},
			})
		},
	}
}
