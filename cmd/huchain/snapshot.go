package main

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/node"
)

func snapshotCmd(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "snapshot", Short: "make, list and restore snapshots of a chain's state",
		Long: "A snapshot is the state of one height in chunks that are verified one by one. A node without data can begin from\n" +
			"it instead of replaying the chain: with stateSync.enable in chain.toml from its peers, or with \"snapshot restore\"\n" +
			"from a folder. snapshots.every in chain.toml makes them regularly.",
		Example: "  huchain snapshot create --home ~/.huchain/devnet/node0\n  huchain snapshot list --home ~/.huchain/devnet/node0",
	}
	c.AddCommand(snapshotCreateCmd(a), snapshotListCmd(a), snapshotRestoreCmd(a))
	return c
}

// nodeHome is the home that the command is about.
func (a *app) nodeHome() (node.Home, error) {
	dir, err := filepath.Abs(a.home)
	return node.Home{Dir: dir}, err
}

func snapshotCreateCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "create", Short: "make a snapshot of the newest height",
		Long: "A running node makes it beside its work; of a stopped one it is made here. It can be restored, and is offered to\n" +
			"peers, once the chain is three blocks further: then it has an anchor, which proves it.",
		Example: "  huchain snapshot create --home ~/.huchain/devnet/node0", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			i, err := node.CreateSnapshot(cmd.Context(), home, a.chain)
			if err != nil {
				return err
			}
			return a.print(i, func(w io.Writer) { a.writeSnapshot(w, i) })
		},
	}
}

func snapshotListCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list the snapshots of a node",
		Example: "  huchain snapshot list --home ~/.huchain/devnet/node0", Args: takes(0, 0),
		RunE: func(*cobra.Command, []string) error {
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			list, err := node.ListSnapshots(home, a.chain)
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) {
				for i := range list {
					a.writeSnapshot(w, &list[i])
				}
			})
		},
	}
}

func snapshotRestoreCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "restore DIR", Short: "make the ledger of a node without data out of a snapshot",
		Long: "DIR is the folder of a snapshot, perhaps copied from another node; its name is the height. Nothing in it is trusted:\n" +
			"trust must lead from the validators of the home's genesis.json to its header, and every chunk must follow from that.\n" +
			"The node must be stopped and its data folder empty. Blocks from there on come from the peers when it is started.",
		Example: "  huchain snapshot restore /media/backup/25000 --home ~/.huchain/node4", Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			dir, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			var progress func(done, of uint32)
			if isTerminal(a.err) {
				progress = func(done, of uint32) { fmt.Fprintf(a.err, "\r%d/%d   ", done, of) }
			}
			i, err := node.RestoreSnapshot(cmd.Context(), home, a.chain, dir, progress)
			if progress != nil {
				fmt.Fprintln(a.err)
			}
			if err != nil {
				return err
			}
			return a.print(i, func(w io.Writer) { a.writeSnapshot(w, i) })
		},
	}
}

func (a *app) writeSnapshot(w io.Writer, i *node.SnapshotInfo) {
	anchored := a.say("否(三个区块之后才可使用)", "no (usable three blocks later)")
	if i.Anchored {
		anchored = a.say("是", "yes")
	}
	a.fields(w, field{"链", "chain", i.Chain}, field{"高度", "height", i.Height},
		field{"区块时间", "block time", time.Unix(0, i.TimeNs).UTC().Format(time.RFC3339)}, field{"清单哈希", "manifest hash", i.Hash},
		field{"分块", "chunks", i.Chunks}, field{"字节", "bytes", i.Bytes}, field{"已锚定", "anchored", anchored}, field{"文件夹", "folder", i.Path})
}
