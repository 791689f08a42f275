package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/services/mirror"
	"github.com/huchain/huchain/services/mirror/push"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func mirrorCmd(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "mirror", Short: "the chain in SQL: status, queries, rebuild, verify, subscriptions",
		Long: "A node with mirror.enabled = true in node.toml keeps a copy of its chains in SQLite, or in PostgreSQL, for\n" +
			"searches, statistics and subscriptions to events. The copy is checked against the validators' signatures as it\n" +
			"is written, and can be made anew from the chain at any time. \"mirror run\" keeps one apart from a node.",
		Example: "  huchain mirror status\n  huchain mirror records evidence evidence --filter owner:eq:archives/clerk --search 合同\n" +
			"  huchain mirror verify --home ~/.huchain/devnet/node0",
	}
	c.AddCommand(mirrorStatusCmd(a), mirrorRecordsCmd(a), mirrorStatisticCmd(a), mirrorRunCmd(a), mirrorRebuildCmd(a), mirrorVerifyCmd(a),
		mirrorSubscribeCmd(a), mirrorUnsubscribeCmd(a), mirrorSubscriptionsCmd(a), mirrorDeadCmd(a), mirrorResendCmd(a), mirrorResumeCmd(a))
	return c
}

// mirroring is a mirror with its subscriptions, as a node hosts it.
type mirroring struct {
	*mirror.Mirror
	book *push.Book
	hub  *push.Hub
}

// newMirroring makes the mirror of a chain.
func newMirroring(of node.MirrorOf) (*mirroring, error) {
	m, err := openMirror(of)
	if err != nil {
		return nil, err
	}
	book, err := push.OpenBook(of.Dir)
	if err != nil {
		return nil, err
	}
	return &mirroring{m, book, push.NewHub(push.DefaultParams(of.Chain), book, m, of.Log)}, nil
}

func openMirror(of node.MirrorOf) (*mirror.Mirror, error) {
	source := mirror.NewNode(of.Node, func(ctx context.Context) (*client.Client, error) {
		p := client.DefaultParams(of.Node)
		p.Chain, p.Genesis, p.HTTP = of.Chain, of.Genesis, of.HTTP
		return client.New(ctx, p)
	})
	at := mirror.Place{Dir: of.Dir, Postgres: of.Postgres, Schema: of.Schema}
	return mirror.New(mirror.DefaultParams(at), of.Chain, of.Genesis, of.Log, source)
}

// Run implements node.Mirror.
func (m *mirroring) Run(ctx context.Context) {
	var parts sync.WaitGroup
	parts.Go(func() { m.hub.Run(ctx) })
	parts.Go(func() { m.Mirror.Run(ctx) })
	parts.Wait()
	m.book.Close() //nolint:errcheck // every change was committed
}

// Subscriptions implements node.Mirror.
func (m *mirroring) Subscriptions(ctx context.Context) (*rest.Subscriptions, error) {
	return m.book.List(ctx)
}

// DeadLetters implements node.Mirror.
func (m *mirroring) DeadLetters(ctx context.Context, subscription string) (*rest.DeadLetters, error) {
	return m.book.Dead(ctx, subscription)
}

// mirrorPlace finds the mirror that the command is about: that of the home's node.
func (a *app) mirrorPlace() (*node.MirrorOf, error) {
	home, err := a.nodeHome()
	if err != nil {
		return nil, err
	}
	of, err := node.FindMirror(home, a.chain)
	if err != nil {
		return nil, err
	}
	of.Log = slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if a.node != "" {
		of.Node = a.node
	}
	return of, nil
}

func mirrorStatusCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "how far the node's mirror is", Example: "  huchain mirror status\n  huchain mirror status -o json", Args: takes(0, 0),
		Long: "Shows what the mirror holds and how far behind the chain it is. Exit status 1 if it does not get on.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			st, err := cl.MirrorStatus(cmd.Context())
			if err != nil {
				return err
			}
			err = a.print(st, func(w io.Writer) {
				a.fields(w, field{"数据库", "database", st.Database}, field{"状态", "state", st.State}, field{"高度", "height", st.Height},
					field{"链高度", "chain", st.Tip}, field{"落后区块", "behind by", st.Lag}, field{"区块头", "header", st.Hash})
			})
			if err == nil && st.Error != nil {
				err = st.Error.Coded()
			}
			return err
		},
	}
}

func mirrorRecordsCmd(a *app) *cobra.Command {
	var q rest.RecordQuery
	c := &cobra.Command{
		Use: "records CONTRACT RECORD", Short: "records of a contract: filtered, searched, sorted",
		Long: "Asks the node's mirror for records. A filter is column:operator:value with eq, ne, lt, le, gt, ge, in or prefix;\n" +
			"columns are the fields of the contract's bundle.yaml, meta.* where the record library keeps the record, and\n" +
			"block.created, block.updated and block.height.",
		Example: "  huchain mirror records evidence evidence --search 合同\n" +
			"  huchain mirror records evidence evidence --filter owner:eq:archives/clerk --sort -time --limit 5 -o json",
		Args: takes(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			q.Contract, q.Record = args[0], args[1]
			out, err := cl.QueryRecords(cmd.Context(), &q)
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) {
				for _, r := range out.Items {
					fmt.Fprintf(w, "%d\t%s", r.CreatedAt, r.Key)
					for _, name := range sortedNames(r.Fields) {
						fmt.Fprintf(w, "\t%s=%s", name, compact(r.Fields[name]))
					}
					fmt.Fprintln(w)
				}
				a.writeNext(w, out.Next)
			})
		},
	}
	f := c.Flags()
	f.StringArrayVar(&q.Filter, "filter", nil, "column:operator:value; may be given several times, all must hold")
	f.StringVar(&q.Search, "search", "", "words that all must stand in the record's texts")
	f.StringSliceVar(&q.Sort, "sort", nil, "columns, - in front for descending (default: newest first)")
	f.StringSliceVar(&q.Columns, "columns", nil, "fields wanted (default: all but the sensitive ones)")
	f.IntVar(&q.Limit, "limit", 20, "how many")
	f.StringVar(&q.Cursor, "cursor", "", "go on where the last page ended")
	return c
}

func sortedNames[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func mirrorStatisticCmd(a *app) *cobra.Command {
	var q rest.StatisticQuery
	c := &cobra.Command{
		Use: "statistic CONTRACT NAME", Short: "a figure that a contract's bundle.yaml declares",
		Example: "  huchain mirror statistic evidence perDay --zone 480", Args: takes(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			q.Contract, q.Statistic = args[0], args[1]
			out, err := cl.Statistic(cmd.Context(), &q)
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) {
				for _, g := range out.Groups {
					fmt.Fprintf(w, "%s\t%s\n", g.Group, g.Value)
				}
				fmt.Fprintf(w, "%s\t%s\n", a.say("合计", "total"), strings.TrimSpace(out.Total+" "+out.Unit))
			})
		},
	}
	c.Flags().IntVar(&q.Zone, "zone", 0, "minutes by which days begin before UTC's: 480 for China")
	return c
}

func mirrorRunCmd(a *app) *cobra.Command {
	var dir, postgres, schema string
	c := &cobra.Command{
		Use: "run", Short: "keep a mirror apart from a node",
		Long: "Follows a chain through the nodes of the profile and writes it to a database, until SIGTERM or SIGINT; and delivers\n" +
			"events to the subscribers entered in the folder. A node with mirror.enabled keeps its own and needs none of this.",
		Example: "  huchain mirror run --dir /srv/mirror\n  huchain mirror run --dir /srv/mirror --postgres 'host=db user=huchain dbname=mirror'", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.profileOf()
			if err != nil {
				return err
			}
			genesis, err := crypto.ParseHash(p.Genesis)
			if err != nil {
				return types.Errorf(types.CodeConfig, "the profile must name the genesis hash: %w", err)
			}
			if dir == "" {
				return usage(cmd, "--dir is required")
			}
			if schema == "" {
				schema = "huchain_mirror_" + strings.ReplaceAll(p.Chain, "-", "_") + "_" + genesis.String()[:8]
			}
			log := slog.New(slog.NewTextHandler(a.err, nil))
			var sources []mirror.Source
			for _, url := range p.Nodes {
				one := p
				one.Nodes = []string{url}
				sources = append(sources, mirror.NewNode(url, one.Connect))
			}
			m, err := mirror.New(mirror.DefaultParams(mirror.Place{Dir: dir, Postgres: postgres, Schema: schema}), p.Chain, genesis, log, sources...)
			if err != nil {
				return err
			}
			book, err := push.OpenBook(dir)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, a.say("镜像链 %s，Ctrl-C 停止。\n", "mirroring chain %s; Ctrl-C stops it.\n"), p.Chain)
			(&mirroring{m, book, push.NewHub(push.DefaultParams(p.Chain), book, m, log)}).Run(cmd.Context())
			return nil
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "folder of the SQLite file and of the subscriptions")
	c.Flags().StringVar(&postgres, "postgres", "", "connection string of PostgreSQL, instead of SQLite; a password is better kept in the file that PGPASSFILE names")
	c.Flags().StringVar(&schema, "schema", "", "schema of the tables in PostgreSQL (default: by chain)")
	return c
}

func mirrorRebuildCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "rebuild", Short: "empty a node's mirror: it is filled anew from the chain",
		Long: "Empties the tables. The running node fills them anew at once, a stopped one when it is started; until then queries\n" +
			"answer from what is there already. Subscriptions stay, with their cursors.",
		Example: "  huchain mirror rebuild --home ~/.huchain/devnet/node0", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			of, err := a.mirrorPlace()
			if err != nil {
				return err
			}
			m, err := openMirror(*of)
			if err != nil {
				return err
			}
			if err := m.Rebuild(cmd.Context()); err != nil {
				return err
			}
			return a.print(map[string]any{"chain": of.Chain, "emptied": true}, func(w io.Writer) {
				fmt.Fprintln(w, a.say("镜像库已清空，正由链上数据重建", "emptied; it is filled anew from the chain"))
			})
		},
	}
}

func mirrorVerifyCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "compare every row of a node's mirror with the chain",
		Long: "Makes a second mirror out of the chain, in a temporary file, and compares all rows up to the height that the\n" +
			"first has. The node must serve. Exit status 1 if a row differs; \"mirror rebuild\" makes it good.",
		Example: "  huchain mirror verify --home ~/.huchain/devnet/node0", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			of, err := a.mirrorPlace()
			if err != nil {
				return err
			}
			m, err := openMirror(*of)
			if err != nil {
				return err
			}
			defer m.Close()
			v, err := m.Verify(cmd.Context(), filepath.Clean(of.Dir))
			if err != nil {
				return err
			}
			err = a.print(v, func(w io.Writer) {
				a.fields(w, field{"高度", "height", v.Height}, field{"一致", "equal", v.Equal})
				for _, table := range sortedNames(v.Rows) {
					fmt.Fprintf(w, "%s\t%d\n", table, v.Rows[table])
				}
			})
			if err == nil && !v.Equal {
				err = types.Errorf(types.CodeMirrorDatabase, "it differs from the chain: %s", v.Differ)
			}
			return err
		},
	}
}
