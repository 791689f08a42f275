package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/node"
)

func ledgerCmd(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "ledger", Short: "move a stopped node's ledger to another storage",
		Example: "  huchain ledger migrate --to bbolt --home ~/.huchain/devnet/node0",
	}
	var to string
	migrate := &cobra.Command{
		Use: "migrate --to DRIVER", Short: "move the ledger to another storage driver",
		Long: "DRIVER is pebble, bbolt or postgres; for postgres, ledger.postgres in chain.toml names the database. The ledger is\n" +
			"copied, the copy is checked from end to end, and then takes its place; the old one is kept beside it until you\n" +
			"delete it. Roots and headers do not change. The node must not be running.",
		Example: "  huchain ledger migrate --to bbolt --home ~/.huchain/devnet/node0", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if to == "" {
				return usage(cmd, "--to is needed")
			}
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			var progress func(what string, done uint64)
			if isTerminal(a.err) {
				progress = func(what string, done uint64) { fmt.Fprintf(a.err, "\r%s %d   ", what, done) }
			}
			m, err := node.MigrateLedger(cmd.Context(), home, a.chain, to, progress)
			if progress != nil {
				fmt.Fprintln(a.err)
			}
			if err != nil {
				return err
			}
			return a.print(m, func(w io.Writer) {
				a.fields(w, field{"链", "chain", m.Chain}, field{"存储", "storage", m.From + " → " + m.To}, field{"高度", "height", m.Report.Height},
					field{"状态根", "state root", m.Report.StateRoot}, field{"旧账本(可删除)", "old ledger, may be deleted", m.Kept})
			})
		},
	}
	migrate.Flags().StringVar(&to, "to", "", "storage driver: pebble, bbolt or postgres")
	c.AddCommand(migrate)
	return c
}
