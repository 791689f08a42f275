package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/ledger/archive/repo"
	"github.com/huchain/huchain/ledger/backup"
	"github.com/huchain/huchain/node"
)

func backupCmd(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "backup", Short: "make, check and restore encrypted backups of a chain's data",
		Long: "A backup is a copy of the ledger and of CometBFT's stores at one height, of the act that the chain was restarted\n" +
			"with, if it was, and of the evidence service's database and keys, in the folder or S3 object store that [backup] in\n" +
			"chain.toml names. It is encrypted, and files that an earlier one has stored are not stored again.\n" +
			"Keys and the vote state are in no backup: a validator whose vote state is gone follows first, so that it never\n" +
			"votes twice.",
		Example: "  huchain backup create --home ~/.huchain/node0\n  huchain backup verify --home ~/.huchain/node0\n  huchain backup restore --home ~/.huchain/node0",
	}
	c.AddCommand(backupCreateCmd(a), backupListCmd(a), backupVerifyCmd(a), backupRestoreCmd(a))
	return c
}

func (a *app) printBackup(o *backup.Outcome) error {
	return a.print(o, func(w io.Writer) {
		a.fields(w, field{"备份", "backup", o.Name}, field{"链", "chain", o.Chain}, field{"高度", "height", o.Height}, field{"状态根", "state root", o.State},
			field{"制作时间", "made at", time.UnixMilli(o.TimeMs).UTC().Format(time.RFC3339)}, field{"文件", "files", o.Files}, field{"字节", "bytes", o.Bytes}, field{"本次存入字节", "bytes stored now", o.Stored})
	})
}

// backupWork is a step of a backup on the home's chain, with progress.
func (a *app) backupWork(do func(home node.Home, progress repo.Progress) (*backup.Outcome, error)) error {
	home, err := a.nodeHome()
	if err != nil {
		return err
	}
	progress, end := a.archiveProgress()
	o, err := do(home, progress)
	end()
	if err != nil {
		return err
	}
	return a.printBackup(o)
}

func backupCreateCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "create", Short: "make a backup of the newest height",
		Long: "A running node makes it beside its work: between two blocks it links the files of its stores and copies them\n" +
			"afterwards. Of a stopped one it is made here. backup.every in chain.toml makes them regularly.",
		Example: "  huchain backup create --home ~/.huchain/node0", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.backupWork(func(home node.Home, progress repo.Progress) (*backup.Outcome, error) {
				return node.CreateBackup(cmd.Context(), home, a.chain, evidenceFiles{}, progress)
			})
		},
	}
}

func backupListCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list the backups of a chain, the oldest first",
		Example: "  huchain backup list --home ~/.huchain/node0", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			names, err := node.ListBackups(cmd.Context(), home, a.chain)
			if err != nil {
				return err
			}
			return a.print(names, func(w io.Writer) {
				for _, n := range names {
					fmt.Fprintln(w, n)
				}
			})
		},
	}
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func backupVerifyCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "verify [BACKUP]", Short: "read a backup, or the newest, back from end to end",
		Long:    "Decrypts every file and compares it with the list. The first one that is damaged, cut or missing is named, with\nthe place; the exit status is then 1.",
		Example: "  huchain backup verify --home ~/.huchain/node0", Args: takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.backupWork(func(home node.Home, progress repo.Progress) (*backup.Outcome, error) {
				return node.VerifyBackup(cmd.Context(), home, a.chain, first(args), progress)
			})
		},
	}
}

func backupRestoreCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "restore [BACKUP]", Short: "make the data of a node without any out of a backup, or of the newest",
		Long: "The home needs genesis.json, chain.toml with [backup], and the key; the node must be stopped and its data folder\n" +
			"empty. The restored ledger is opened, which rebuilds its state, and must have the height and roots of the backup.\n" +
			"Started, the node goes on from there with its peers. The act of a restart comes back as restart.json; where another\n" +
			"is there already, or the backup holds blocks that the chain gave up, it is refused. The evidence service's database and keys come back where they\n" +
			"are gone; where the database is still there it stays.",
		Example: "  huchain backup restore --home ~/.huchain/node0", Args: takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.backupWork(func(home node.Home, progress repo.Progress) (*backup.Outcome, error) {
				return node.RestoreBackup(cmd.Context(), home, a.chain, first(args), evidenceFiles{}, progress)
			})
		},
	}
}
