package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func queryCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "query", Short: "read the chain: status, blocks, transactions, contracts, state, events"}
	c.AddCommand(queryStatusCmd(a), queryPeersCmd(a), queryBlockCmd(a), queryBlocksCmd(a), queryTxCmd(a), queryTxsCmd(a),
		queryContractCmd(a), queryStateCmd(a), queryHistoryCmd(a), queryEventsCmd(a), queryMemberCmd(a), queryEvidenceCmd(a), queryViewCmd(a))
	return c
}

func queryStatusCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "how the chain is doing on the node", Example: "  huchain query status\n  huchain query status --node http://127.0.0.1:7101",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			st, err := cl.Status(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(st, func(w io.Writer) { a.writeStatus(w, st) })
		},
	}
}

func (a *app) writeStatus(w io.Writer, st *rest.Status) {
	state := a.say("正常", "in step")
	if st.CatchingUp {
		state = a.say("追块中", "catching up")
	}
	role := a.say("跟随", "follower")
	if st.Validator {
		role = a.say("共识", "validator")
	}
	a.fields(w,
		field{"链", "chain", st.ChainID}, field{"创世哈希", "genesis", st.Genesis},
		field{"节点", "node", strings.TrimSpace(st.Node + " " + role + ", " + state)},
		field{"高度", "height", st.Height}, field{"出块时间", "block time", st.BlockTime.Format(time.RFC3339)},
		field{"已终局认证", "certified", st.CertifiedAt}, field{"区块头", "header", st.HeaderHash},
		field{"内容根", "content root", st.ContentRoot}, field{"对等节点", "peers", st.Peers},
		field{"待处理交易", "pending", st.PendingTxs}, field{"协议", "protocol", st.Protocol},
		field{"版本", "version", st.Version})
}

func queryBlockCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "block [HEIGHT|HASH]", Short: "a block by its height or header hash; the newest if none is given", Example: "  huchain query block\n  huchain query block 12 -o json\n  huchain query block 4be1…",
		Args: takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			b, err := cl.Block(cmd.Context(), append(args, "latest")[0])
			if err != nil {
				return err
			}
			return a.print(b, func(w io.Writer) {
				h := &b.Header
				a.fields(w, field{"高度", "height", h.Height}, field{"时间", "time", h.Time.Format(time.RFC3339Nano)},
					field{"哈希", "hash", h.Hash}, field{"前块", "previous", h.Previous}, field{"内容根", "content root", h.Content},
					field{"终局签名", "signatures", b.Signatures}, field{"交易数", "transactions", b.TxCount}, field{"事件数", "events", b.EventCount})
				a.writeTxs(w, b.Txs)
			})
		},
	}
}

func (a *app) writeTxs(w io.Writer, list []rest.TxSummary) {
	for _, t := range list {
		fmt.Fprintf(w, "%d/%d\t%s\t%s.%s\t%s\n", t.Height, t.Index, t.ID, t.Contract, t.Method, t.Code)
	}
}

func queryBlocksCmd(a *app) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use: "blocks", Short: "the newest blocks", Example: "  huchain query blocks --limit 5", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			list, err := cl.Blocks(cmd.Context(), 0, limit)
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) {
				for _, h := range list.Items {
					fmt.Fprintf(w, "%d\t%s\t%s\n", h.Height, h.Time.Format(time.RFC3339Nano), h.Hash)
				}
			})
		},
	}
	c.Flags().IntVar(&limit, "limit", 10, "how many")
	return c
}

func queryTxCmd(a *app) *cobra.Command {
	var prove proveFlags
	c := &cobra.Command{
		Use: "tx ID", Short: "a committed transaction with its receipt and events",
		Long: "Shows a committed transaction. With --prove the proof that the transaction is part of its block is fetched\n" +
			"and checked here, against validators known from the genesis file; --out keeps it for others to check.",
		Example: "  huchain query tx 4be1…\n  huchain query tx 4be1… --prove --out tx.proof",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := crypto.ParseHash(args[0])
			if err != nil {
				return usage(cmd, "transaction id: %v", err)
			}
			cl, p, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			tx, err := cl.Tx(cmd.Context(), id, prove.prove)
			if err != nil {
				return err
			}
			checked, err := a.check(cmd.Context(), cl, p, prove, tx.Proof, func(v *client.Proven) error { return v.IsTx(tx) })
			if err != nil {
				return err
			}
			return a.print(withProof(tx, checked), func(w io.Writer) {
				a.fields(w, field{"交易", "tx", tx.ID}, field{"高度", "height", fmt.Sprintf("%d/%d", tx.Height, tx.Index)},
					field{"时间", "time", tx.BlockTime.Format(time.RFC3339)}, field{"发送方", "sender", strings.TrimSpace(tx.Member + " " + tx.Sender.String())},
					field{"调用", "call", tx.Contract + "." + tx.Method}, field{"参数", "args", compact(tx.Args)},
					field{"结论", "outcome", strings.TrimSpace(tx.Receipt.Code + " " + tx.Receipt.Error)},
					field{"结果", "result", compact(tx.Receipt.Result)}, field{"燃料", "gas", tx.Receipt.GasUsed})
				for _, e := range tx.Events {
					fmt.Fprintf(w, "%s\t%s.%s %s\n", a.say("事件", "event"), e.Contract, e.Name, compact(e.Data))
				}
				a.writeProven(w, checked)
			})
		},
	}
	prove.add(c)
	return c
}

func queryTxsCmd(a *app) *cobra.Command {
	var by client.TxsBy
	var page client.Page
	c := &cobra.Command{
		Use: "txs", Short: "transactions of a sender or a contract, newest first",
		Example: "  huchain query txs --sender archives/clerk\n  huchain query txs --contract evidence --limit 50",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (by.Sender == "") == (by.Contract == "") {
				return usage(cmd, "one of --sender and --contract is required")
			}
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			list, err := cl.Txs(cmd.Context(), by, page)
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) {
				a.writeTxs(w, list.Items)
				a.writeNext(w, list.Next)
			})
		},
	}
	c.Flags().StringVar(&by.Sender, "sender", "", "address or member id")
	c.Flags().StringVar(&by.Contract, "contract", "", "contract name")
	pageFlags(c, &page)
	return c
}

func pageFlags(c *cobra.Command, p *client.Page) {
	c.Flags().IntVar(&p.Limit, "limit", 20, "how many")
	c.Flags().StringVar(&p.Cursor, "cursor", "", "go on where the last page ended")
}

func (a *app) writeNext(w io.Writer, next string) {
	if next != "" {
		fmt.Fprintf(w, "%s --cursor %s\n", a.say("更多：", "more:"), next)
	}
}

func queryEventsCmd(a *app) *cobra.Command {
	var name, after string
	var follow bool
	var page client.Page
	c := &cobra.Command{
		Use: "events CONTRACT", Short: "events of a contract, newest first, or as they are committed",
		Long: "Lists the events of a contract, the newest first. With --follow, events are shown as they are committed, until\n" +
			"interrupted or --limit is reached; --after goes on behind the place that a line begins with (0 is the first block),\n" +
			"so that nothing is missed or seen twice. -o json writes one object a line.",
		Example: "  huchain query events evidence --name deposited\n  huchain query events evidence --follow\n" +
			"  huchain query events evidence --follow --after 1200.3 -o json",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if follow {
				limit := 0
				if cmd.Flags().Changed("limit") {
					limit = page.Limit
				}
				return a.followEvents(cmd.Context(), client.Subscription{Of: client.StreamEvents, Contract: args[0], Name: name, After: after}, limit)
			}
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			list, err := cl.Events(cmd.Context(), args[0], name, page)
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) {
				for _, e := range list.Items {
					fmt.Fprintf(w, "%d/%d\t%s.%s\t%s\n", e.Height, e.Index, e.Contract, e.Name, compact(e.Data))
				}
				a.writeNext(w, list.Next)
			})
		},
	}
	c.Flags().StringVar(&name, "name", "", "only events of this name")
	c.Flags().BoolVar(&follow, "follow", false, "show events as they are committed")
	c.Flags().StringVar(&after, "after", "", "with --follow: begin behind this place; left out: with the next block")
	pageFlags(c, &page)
	return c
}

// errEnough ends a stream of which enough was seen.
var errEnough = errors.New("enough")

// followEvents shows events as they are committed; limit 0 is no limit.
func (a *app) followEvents(ctx context.Context, f client.Subscription, limit int) error {
	cl, _, err := a.connect(ctx)
	if err != nil {
		return err
	}
	seen := 0
	err = cl.Subscribe(ctx, f, func(m *client.Message) error {
		var e rest.Event
		if err := json.Unmarshal(m.Data, &e); err != nil {
			return types.Errorf(types.CodeUnreachable, "a message of the stream: %w", err)
		}
		line := fmt.Sprintf("%s\t%s.%s\t%s", m.ID, e.Contract, e.Name, compact(e.Data))
		if a.output == "json" {
			line = string(m.Data)
		}
		if _, err := fmt.Fprintln(a.out, line); err != nil {
			return err
		}
		if seen++; seen == limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) || ctx.Err() != nil {
		return nil // being interrupted is how this command ends
	}
	return err
}

func queryMemberCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "member ID", Short: "a member, by member id or address", Example: "  huchain query member archives/clerk",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			m, err := cl.Member(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.print(m, func(w io.Writer) {
				a.fields(w, field{"成员", "member", m.ID}, field{"地址", "address", m.Address},
					field{"角色", "roles", strings.Join(m.Roles, ", ")}, field{"状态", "state", m.State},
					field{"证书有效至", "certificate until", m.NotAfter.Format(time.DateOnly)}, field{"登记高度", "registered at", m.Since})
			})
		},
	}
}

func queryViewCmd(a *app) *cobra.Command {
	var as, pass string
	c := &cobra.Command{
		Use: "view CONTRACT METHOD [JSON]", Short: "call a method that only reads",
		ValidArgsFunction: a.completeMethod(false),
		Long: "Calls a reading method on the newest state. Nothing is committed. A method that is not public wants to know\n" +
			"who asks: name a member with --as. With a contract and a method named, --help tells the method's arguments.",
		Example: `  huchain query view evidence get '{"hash":"9f86…"}'`,
		Args:    takes(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := a.readArgs(args[2:])
			if err != nil {
				return err
			}
			cl, p, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			var id *client.Identity
			if as != "" {
				if id, err = a.identity(p, as, pass); err != nil {
					return err
				}
			}
			out, err := cl.Query(cmd.Context(), id, args[0], args[1], raw)
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) {
				fmt.Fprintln(w, compact(out.Result))
			})
		},
	}
	a.asFlag(c, &as, "member that asks")
	passphraseFlag(c, &pass)
	a.helpOfMethod(c)
	return c
}
