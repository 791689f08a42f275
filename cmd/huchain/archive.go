package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/huchain/huchain/ledger/archive/repo"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

func archiveCmd(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "archive", Short: "move history to an archive, read it, and check it",
		Long: "An archive keeps the contents of old blocks in segments of 1,024 blocks, in a folder or an S3 object store that\n" +
			"[archive] in chain.toml names: compressed, encrypted to SM2 keys, and provable by any later header, wherever they\n" +
			"are kept. Contents leave the ledger only after the segment was read back from there and recomputed; queries and\n" +
			"proofs find them as before.",
		Example: "  huchain archive plan --home ~/.huchain/node0\n  huchain archive run --home ~/.huchain/node0\n  huchain archive verify --home ~/.huchain/node0",
	}
	c.AddCommand(archivePlanCmd(a), archiveRunCmd(a), archiveListCmd(a), archiveVerifyCmd(a), archiveReadCmd(a),
		archiveRestoreCmd(a), archiveRestartCmd(a), archiveDrillCmd(a), archivePruneCmd(a), archiveRewrapCmd(a))
	return c
}

// archiveProgress shows a bar for each stage of a segment; nil where nobody looks on.
func (a *app) archiveProgress() (progress repo.Progress, end func()) {
	if !isTerminal(a.err) {
		return nil, func() {}
	}
	names := map[string]string{repo.StageBuild: a.say("构建", "build"), repo.StageUpload: a.say("上传", "upload"), repo.StageVerify: a.say("回读校验", "read back"), node.StageRestore: a.say("恢复", "restore"), node.StageBackup: a.say("备份", "backup")}
	var bar *progressbar.ProgressBar
	last := ""
	end = func() {
		if bar != nil {
			_ = bar.Finish() // the terminal went away
			fmt.Fprintln(a.err)
		}
	}
	return func(stage string, segment, done, of uint64) {
		if now := fmt.Sprintf("%s %d", names[stage], segment); now != last {
			end()
			last, bar = now, progressbar.NewOptions64(int64(of), progressbar.OptionSetWriter(a.err), progressbar.OptionSetDescription(now),
				progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond))
		}
		_ = bar.Set64(int64(done)) // the terminal went away
	}, end
}

// openArchive opens the archive of the home's chain for reading.
func (a *app) openArchive() (*repo.Repo, error) {
	home, err := a.nodeHome()
	if err != nil {
		return nil, err
	}
	c, err := node.ChainOf(home, a.chain)
	if err != nil {
		return nil, err
	}
	return node.OpenArchive(c)
}

func (a *app) orderArchive(cmd *cobra.Command, order string, out any) error {
	home, err := a.nodeHome()
	if err != nil {
		return err
	}
	progress, end := a.archiveProgress()
	defer end()
	return node.OrderArchive(cmd.Context(), home, a.chain, order, progress, out)
}

func archivePlanCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "plan", Short: "show what would be archived and released now",
		Long:    "Applies the policy of chain.toml and changes nothing: the dry run of \"archive run\".",
		Example: "  huchain archive plan --home ~/.huchain/node0", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.showPlan(cmd) },
	}
}

func (a *app) showPlan(cmd *cobra.Command) error {
	var p node.ArchivePlan
	if err := a.orderArchive(cmd, node.ArchiveOrderPlan, &p); err != nil {
		return err
	}
	return a.print(p, func(w io.Writer) {
		a.fields(w, field{"链", "chain", p.Chain}, field{"目标", "target", p.Target}, field{"高度", "height", p.Height},
			field{"已归档至", "archived to", p.Archived}, field{"账本内容起于", "contents from", p.Hot}, field{"到期至", "due to", p.DueTo},
			field{"待归档分段", "segments to archive", p.Segments}, field{"此后可释放至(不含)", "then released below", p.Release}, field{"剩余空间 MiB", "free MiB", p.FreeMiB})
	})
}

func archiveRunCmd(a *app) *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use: "run", Short: "archive what the policy lets go, and release it",
		Long: "Builds each due segment, stores it, reads it back and recomputes it against the chain, and only then lets the\n" +
			"ledger drop its contents. A running node does it beside its work; of a stopped one it is done here. An interrupted\n" +
			"run goes on where it stopped. A segment that another node has stored is verified instead of stored again.",
		Example: "  huchain archive run --home ~/.huchain/node0\n  huchain archive run --dry-run --home ~/.huchain/node0", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dry {
				return a.showPlan(cmd)
			}
			var r node.ArchiveRun
			if err := a.orderArchive(cmd, node.ArchiveOrderRun, &r); err != nil {
				return err
			}
			return a.printRun(&r)
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "show what would be done and change nothing, as \"archive plan\"")
	return c
}

func (a *app) printRun(r *node.ArchiveRun) error {
	return a.print(r, func(w io.Writer) {
		a.fields(w, field{"链", "chain", r.Chain}, field{"存入分段", "segments stored", len(r.Stored)}, field{"采用他节点分段", "segments of other nodes", len(r.Adopted)},
			field{"存入字节", "bytes stored", r.Bytes}, field{"原始字节", "bytes before", r.Plain}, field{"已归档至", "archived to", r.Archived}, field{"账本内容起于", "contents from", r.Hot})
	})
}

func archivePruneCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "prune", Short: "release from the ledger what is archived and due",
		Long: "Archives nothing. Contents go that are in the catalogue, hence were read back, and that the policy lets go;\n" +
			"headers, certificates and indexes stay.",
		Example: "  huchain archive prune --home ~/.huchain/node0", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var r node.ArchiveRun
			if err := a.orderArchive(cmd, node.ArchiveOrderPrune, &r); err != nil {
				return err
			}
			return a.printRun(&r)
		},
	}
}

func archiveListCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list the archived segments that this node knows of",
		Example: "  huchain archive list --home ~/.huchain/node0", Args: takes(0, 0),
		RunE: func(*cobra.Command, []string) error {
			r, err := a.openArchive()
			if err != nil {
				return err
			}
			defer r.Close()
			list := r.List()
			return a.print(list, func(w io.Writer) {
				fmt.Fprintln(w, a.say("分段\t区块\t交易\t字节\t压缩比\t加密\t文件", "segment\tblocks\ttxs\tbytes\tratio\tcipher\tfile"))
				for _, m := range list {
					fmt.Fprintf(w, "%d\t%d-%d\t%d\t%d\t%.2f\t%s\t%s\n", m.Segment, m.First, m.Last, m.Txs, m.Bytes, float64(m.Plain)/float64(m.Bytes), m.Cipher, m.File)
				}
			})
		},
	}
}

func parseSegments(cmd *cobra.Command, args []string) ([]uint64, error) {
	var out []uint64
	for _, s := range args {
		n, err := strconv.ParseUint(s, 10, 50)
		if err != nil {
			return nil, usage(cmd, "%q is no segment number", s)
		}
		out = append(out, n)
	}
	return out, nil
}

func archiveVerifyCmd(a *app) *cobra.Command {
	var o node.OfflineSegment
	c := &cobra.Command{
		Use: "verify [SEGMENT…]", Short: "read segments back from the target and recompute them",
		Long: "Reads the segments, or all, from end to end: file, records, and the root that the chain's headers name. Each one\n" +
			"that is missing or altered is named; the exit status is then 1. It is 1 as well while nothing is archived (HC-4406).\n\n" +
			"With --file and --manifest a segment is verified off line, without home, node or target, by whoever holds a header\n" +
			"or the genesis file that is trusted; of an encrypted one also its wrapped key and the key that this was made for.",
		Example: "  huchain archive verify --home ~/.huchain/node0\n  huchain archive verify 3 4 --home ~/.huchain/node0\n" +
			"  huchain archive verify --file seg.hcs --manifest seg.json --header 5f…\n" +
			"  huchain archive verify --file seg.hcs --manifest seg.json --genesis genesis.json --wrapped-key seg.key --key auditor.key",
		Args: takes(0, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.File != "" || o.Manifest != "" {
				return a.verifyOffline(cmd, &o, args)
			}
			segments, err := parseSegments(cmd, args)
			if err != nil {
				return err
			}
			r, err := a.openArchive()
			if err != nil {
				return err
			}
			defer r.Close()
			progress, end := a.archiveProgress()
			rep, err := r.Verify(cmd.Context(), segments, progress)
			end()
			if err != nil {
				return err
			}
			return a.printArchiveReport(rep, rep)
		},
	}
	f := c.Flags()
	f.StringVar(&o.File, "file", "", "segment file to verify off line")
	f.StringVar(&o.Manifest, "manifest", "", "its manifest")
	f.StringVar(&o.Header, "header", "", "hash of the manifest's header, which you trust")
	f.StringVar(&o.Genesis, "genesis", "", "genesis file whose validators you trust to have signed the manifest's header")
	f.StringVar(&o.WrappedKey, "wrapped-key", "", "the segment's key, wrapped for --key")
	f.StringVar(&o.Key, "key", "", "SM2 key file that opens it")
	passphraseFlag(c, &o.PassphraseFile)
	return c
}

func (a *app) verifyOffline(cmd *cobra.Command, o *node.OfflineSegment, args []string) error {
	switch {
	case len(args) > 0 || o.File == "" || o.Manifest == "":
		return usage(cmd, "off line, --file and --manifest are needed and no segment number")
	case (o.Header == "") == (o.Genesis == ""):
		return usage(cmd, "either --header or --genesis says what you trust")
	case (o.WrappedKey == "") != (o.Key == ""):
		return usage(cmd, "--wrapped-key and --key go together")
	}
	m, err := node.VerifySegmentFile(cmd.Context(), o)
	if err != nil {
		return err
	}
	return a.print(m, func(w io.Writer) {
		a.fields(w, field{"结果", "result", a.say("完好", "sound")}, field{"创世哈希", "genesis", m.Genesis}, field{"分段", "segment", m.Segment},
			field{"区块", "blocks", fmt.Sprintf("%d-%d", m.First, m.Last)}, field{"交易", "transactions", m.Txs}, field{"根", "root", m.Root},
			field{"所凭区块头", "by header", fmt.Sprintf("%d %s", m.Evidence.Header.Height, m.Evidence.Header.Hash())})
	})
}

// printArchiveReport prints what a check found; damage is HC-4101.
func (a *app) printArchiveReport(out any, rep *repo.Report, more ...field) error {
	err := a.print(out, func(w io.Writer) {
		a.fields(w, more...)
		a.fields(w, field{"分段", "segments", rep.Segments}, field{"区块", "blocks", rep.Blocks}, field{"交易", "transactions", rep.Txs}, field{"问题", "findings", len(rep.Findings)})
		for _, f := range rep.Findings {
			fmt.Fprintf(w, "%s\t%s\n", f.File, f.What)
		}
	})
	if err == nil && len(rep.Findings) > 0 {
		f := rep.Findings[0]
		err = types.Errorf(types.CodeLedgerCorrupt, "%d of %d segments, the first: segment %d: %s", len(rep.Findings), rep.Segments, f.Segment, f.What)
	}
	return err
}

func archiveReadCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "read HEIGHT|TXID", Short: "read a block or a transaction out of the archive",
		Long: "Reads from the target alone, without node and ledger. What is read is checked against the block's own header;\n" +
			"\"archive verify\" checks that against the chain.",
		Example: "  huchain archive read 2048 --home ~/.huchain/node0\n  huchain archive read 4f… --home ~/.huchain/node0", Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := a.openArchive()
			if err != nil {
				return err
			}
			defer r.Close()
			b, err := node.ReadArchived(cmd.Context(), r, args[0])
			if err != nil {
				return err
			}
			return a.print(b, func(w io.Writer) {
				a.fields(w, field{"高度", "height", b.Height}, field{"区块头哈希", "header hash", b.HeaderHash}, field{"时间", "time", time.Unix(0, b.TimeNs).UTC().Format(time.RFC3339Nano)})
				for _, t := range b.Txs {
					fmt.Fprintf(w, "%d\t%s\t%s.%s\t%s\t%s\n", t.Index, t.ID, t.Contract, t.Method, t.Code, compact(t.Result))
				}
			})
		},
	}
}

func archiveRestoreCmd(a *app) *cobra.Command {
	var whole bool
	c := &cobra.Command{
		Use: "restore FROM-SEGMENT | restore --chain-from-genesis", Short: "bring released contents back into the ledger of a stopped node, or a whole chain",
		Long: "Contents of the segment and of those above it that were released come back from the archive, each verified up to\n" +
			"the root that the chain's headers name. Raise archive.keepBlocks first, or the policy releases them again.\n\n" +
			"With --chain-from-genesis the whole chain comes back where nothing of it is left: the home needs genesis.json, the\n" +
			"packages it names, chain.toml with [archive], keys, and an empty data folder; no peer and no node are asked. Every\n" +
			"block is checked against the one below and against its validators' certificate; a segment that is missing or altered\n" +
			"is named. Started, the node answers queries and makes proofs as ever, and takes no transaction (HC-5106) until\n" +
			"its validators restart the chain (archive restart).",
		Example: "  huchain archive restore 3 --home ~/.huchain/node0\n  huchain archive restore --chain-from-genesis --home ~/.huchain/node0", Args: takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if whole != (len(args) == 0) {
				return usage(cmd, "either FROM-SEGMENT or --chain-from-genesis is needed")
			}
			if whole {
				return a.rebuildChain(cmd)
			}
			n, err := parseSegments(cmd, args)
			if err != nil {
				return err
			}
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			progress, end := a.archiveProgress()
			r, err := node.RestoreArchived(cmd.Context(), home, a.chain, n[0], progress)
			end()
			if err != nil {
				return err
			}
			return a.print(r, func(w io.Writer) {
				a.fields(w, field{"链", "chain", r.Chain}, field{"取回区块", "blocks restored", r.Blocks}, field{"账本内容起于", "contents from", r.Hot})
			})
		},
	}
	c.Flags().BoolVar(&whole, "chain-from-genesis", false, "rebuild a chain that has no data here, to be read")
	return c
}

func (a *app) rebuildChain(cmd *cobra.Command) error {
	home, err := a.nodeHome()
	if err != nil {
		return err
	}
	cfg, err := node.LoadConfig(home.ConfigFile())
	if err != nil {
		return err
	}
	progress, end := a.archiveProgress()
	r, err := node.RebuildChain(cmd.Context(), home, a.chain, cfg.VM, progress)
	end()
	if err != nil {
		return err
	}
	return a.print(r, func(w io.Writer) {
		a.fields(w, field{"链", "chain", r.Chain}, field{"创世哈希", "genesis", r.Genesis}, field{"高度", "height", r.Height}, field{"区块头哈希", "header hash", r.Header},
			field{"状态根", "state root", r.State}, field{"本次重建区块", "blocks restored now", r.Blocks}, field{"可写", "takes transactions", a.say("否（只读）", "no, it can only be read")})
	})
}

func archiveDrillCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "drill", Short: "restore a random segment from the target and check it",
		Long:    "Reads the segment as a restoring would and recomputes all of it. archive.drillEvery in chain.toml has the node do it\nregularly, with metrics and a line in the log. HC-4406 while nothing is archived.",
		Example: "  huchain archive drill --home ~/.huchain/node0", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := a.openArchive()
			if err != nil {
				return err
			}
			defer r.Close()
			progress, end := a.archiveProgress()
			rep, err := r.Drill(cmd.Context(), progress)
			end()
			if err != nil {
				return err
			}
			return a.printArchiveReport(rep, &rep.Report, field{"抽取分段", "segment drawn", rep.Segment}, field{"用时秒", "seconds", fmt.Sprintf("%.1f", rep.Seconds)})
		},
	}
}

func archiveRewrapCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "rewrap PUBLIC-KEY", Short: "let another SM2 key open the archived segments",
		Long: "Wraps the key of every encrypted segment for PUBLIC-KEY as well; the segments stay as they are. To rotate the\n" +
			"node's own key, rewrap to the new one first, then name it as archive.keyFile. What the old key could read it can\n" +
			"still read where the old wrapped keys are kept. HC-4406 while nothing is archived.",
		Example: "  huchain archive rewrap 04a1… --home ~/.huchain/node0", Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := node.ParseArchiveRecipient(args[0])
			if err != nil {
				return usage(cmd, "PUBLIC-KEY: %v", err)
			}
			r, err := a.openArchive()
			if err != nil {
				return err
			}
			defer r.Close()
			n, err := r.Rewrap(cmd.Context(), to)
			if err != nil {
				return err
			}
			out := struct {
				Recipient types.Address `json:"recipient"`
				Segments  int           `json:"segments"`
			}{types.AddressOf(to), n}
			return a.print(out, func(w io.Writer) {
				a.fields(w, field{"收件人", "recipient", out.Recipient}, field{"新增分段", "segments rewrapped", n})
			})
		},
	}
}
