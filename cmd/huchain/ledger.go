package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/node"
)

func ledgerCmd(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "ledger", Short: "move a node's ledger to another storage or volume",
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
			progress, ended := a.counting()
			m, err := node.MigrateLedger(cmd.Context(), home, a.chain, to, progress)
			ended()
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
	c.AddCommand(migrate, ledgerMoveCmd(a))
	return c
}

// counting shows how far something is, on a terminal; ended closes the line.
func (a *app) counting() (progress func(what string, done uint64), ended func()) {
	if !isTerminal(a.err) {
		return nil, func() {}
	}
	return func(what string, done uint64) { fmt.Fprintf(a.err, "\r%s %d   ", what, done) }, func() { fmt.Fprintln(a.err) }
}

func ledgerMoveCmd(a *app) *cobra.Command {
	var to string
	c := &cobra.Command{
		Use: "move --to DIR", Short: "move the ledger to a folder on another volume",
		Long: "Run it while the node runs: the tables of the ledger, which never change, are copied ahead. Then stop the node, run it\n" +
			"again and start the node: what has changed since is copied, each file is read back, and a symbolic link takes the\n" +
			"ledger's place; the old folder is kept beside it until you delete it. The node is away for no longer than that.\n" +
			"What was interrupted goes on. On bbolt there is one file, which is copied while the node is stopped.",
		Example: "  huchain ledger move --to /mnt/volume2 --home ~/.huchain/node0", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if to == "" {
				return usage(cmd, "--to is needed")
			}
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			progress, ended := a.counting()
			m, err := node.MoveLedger(cmd.Context(), home, a.chain, to, progress)
			ended()
			if err != nil {
				return err
			}
			return a.print(m, func(w io.Writer) {
				state := a.say("完成", "done")
				if !m.Done {
					state = a.say("已预先复制；停止节点后再运行一次即可完成", "copied ahead; stop the node and run this again to finish")
				}
				a.fields(w, field{"链", "chain", m.Chain}, field{"新位置", "folder", m.To}, field{"状态", "state", state}, field{"本次复制文件", "files copied now", m.Files},
					field{"本次复制字节", "bytes copied now", m.Bytes}, field{"先前已复制文件", "files copied before", m.Before})
				if m.Kept != "" {
					a.fields(w, field{"旧账本(可删除)", "old ledger, may be deleted", m.Kept})
				}
			})
		},
	}
	c.Flags().StringVar(&to, "to", "", "folder on the other volume; the ledger becomes a folder in it")
	return c
}
