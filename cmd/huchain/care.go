package main

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/node/audit"
	"github.com/huchain/huchain/types"
)

func fsckCmd(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "fsck", Short: "check the ledgers of stopped chains from end to end",
		Long: "Reads every row of the ledger of every chain (or of --chain) in the home and recomputes state tree, roots, links,\n" +
			"certificates, indexes and the chain's snapshots, independently of the node's own code. Nothing is changed. The chains\nmust not be running: stop the node, or the one with chain stop.",
		Example: "  huchain fsck --home ~/.huchain/devnet/node2", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := filepath.Abs(a.home)
			if err != nil {
				return err
			}
			var progress func(what string, done uint64)
			if isTerminal(a.err) {
				progress = func(what string, done uint64) { fmt.Fprintf(a.err, "\r%s %d   ", what, done) }
			}
			reports, err := node.Fsck(cmd.Context(), node.Home{Dir: dir}, a.chain, progress)
			if progress != nil {
				fmt.Fprintln(a.err)
			}
			if len(reports) == 0 {
				return err
			}
			if perr := a.print(reports, func(w io.Writer) { a.writeFsck(w, reports) }); perr != nil {
				return perr
			}
			return err
		},
	}
	c.AddCommand(fsckAuditCmd(a))
	return c
}

func fsckAuditCmd(a *app) *cobra.Command {
	var known string
	c := &cobra.Command{
		Use: "audit", Short: "check the log of administrative calls",
		Long: "Reads the node's audit log from its first record to its last and checks that each names the hash of the one before.\n" +
			"With --known, one of the records must have that hash: noted earlier, by this command or in the node's own log, it shows\n" +
			"that nothing was cut off or made anew. The node may be running.",
		Example: "  huchain fsck audit --home ~/.huchain/devnet/node0\n  huchain fsck audit --known 4be1…", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var hash crypto.Hash
			if known != "" {
				var err error
				if hash, err = crypto.ParseHash(known); err != nil {
					return usage(cmd, "--known: %v", err)
				}
			}
			rep, err := audit.Check(node.Home{Dir: a.home}.AuditLog(), hash)
			if err != nil {
				return err
			}
			return a.print(rep, func(w io.Writer) {
				a.fields(w, field{"记录", "records", rep.Records}, field{"最后哈希", "head", rep.Head})
				if rep.Records > 0 {
					a.fields(w, field{"起", "from", rep.From.Format(time.RFC3339)}, field{"止", "to", rep.To.Format(time.RFC3339)})
				}
			})
		},
	}
	c.Flags().StringVar(&known, "known", "", "hash that a record of the log must have")
	return c
}

func (a *app) writeFsck(w io.Writer, reports []node.FsckReport) {
	for _, r := range reports {
		state := a.say("完好", "sound")
		if !r.OK() {
			state = fmt.Sprintf(a.say("发现 %d 处问题", "%d findings"), len(r.Findings))
		}
		fmt.Fprintf(w, "%s\t%s\n", r.Chain, state)
		a.fields(w, field{"高度", "height", r.Height}, field{"状态行", "state rows", r.Rows}, field{"待补写区块", "blocks that the next start will write", r.Redo}, field{"交易", "transactions", r.Txs},
			field{"事件", "events", r.Events}, field{"终局证书", "certificates", r.Certificates}, field{"快照", "snapshots", len(r.Snapshots)}, field{"状态根", "state root", r.StateRoot})
		for i, f := range r.Findings {
			if i == 20 {
				fmt.Fprintf(w, "…\t%s\n", a.say("其余见 -o json", "the rest with -o json"))
				break
			}
			fmt.Fprintf(w, "%s\t%s\n", f.Where, f.What)
		}
	}
}

func doctorCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "look for what keeps a node from working",
		Long: "Checks a node's home and surroundings: configuration, lock, ports, disk and how long it will last, clock, keys, the end\n" +
			"of certificates, genesis and packages, and of a running node its web listener, release and peers. A running node is asked\n" +
			"through the socket in its home, which takes no login. The targets of archive and backups are listed, what is newest\n" +
			"there is opened with the key, and bytes are written that never become a file or an object, so nothing is left there;\n" +
			"each has 15 seconds. Credentials that stand in the environment must stand in this command's. Each fault comes with its fix.",
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
					if fix := a.text(f.Fix); fix != "" {
						fmt.Fprintf(w, "\t%s\t%s\n", a.say("处理", "fix"), fix)
					}
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
