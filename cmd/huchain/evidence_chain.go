package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// readJSON reads a file of what a request holds; an unknown field is refused.
func readJSON(path string, into any) error {
	f, err := os.Open(path)
	if err != nil {
		return types.Errorf(types.CodeUsage, "%w", err)
	}
	defer f.Close()
	d := json.NewDecoder(io.LimitReader(f, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return types.Errorf(types.CodeUsage, "%s: %w", path, err)
	}
	return nil
}

func (a *app) printChainTemplates(list []rest.EvidenceChainTemplate, whole any) error {
	return a.print(whole, func(w io.Writer) {
		for _, t := range list {
			fmt.Fprintf(w, "%s\tv%d\t%s\n", t.ID, t.Version, t.Title)
			for _, n := range t.Nodes {
				fmt.Fprintf(w, "  %s\t%s\t%s\n", n.Name, n.Party, strings.Join(n.After, " "))
			}
		}
	})
}

// evidenceChainTemplateCmd is "evidence chain-template".
func evidenceChainTemplateCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "chain-template", Short: "templates of evidence chains: nodes, their parties and their order"}
	save := a.evidenceLeaf("save FILE", "save a version of a template", "The file is JSON: id, version (one more than the newest), title and nodes, each with name, party (a tenant), after (names of\n"+
		"nodes before it) and fields, as GET …/chain-templates/{id} shows them. Versions never change.",
		"  huchain evidence chain-template save trade.json --as clerk", 1, 1,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			var in, out rest.EvidenceChainTemplate
			if err := readJSON(args[0], &in); err != nil {
				return err
			}
			if err := e.Ask(ctx, http.MethodPost, nil, &in, &out, "chain-templates"); err != nil {
				return err
			}
			return a.printChainTemplates([]rest.EvidenceChainTemplate{out}, &out)
		})
	list := a.evidenceLeaf("list", "templates that name one's tenant", "Lists templates in their newest versions.", "  huchain evidence chain-template list --as clerk", 0, 0,
		func(ctx context.Context, e *client.Evidence, _ []string) error {
			var out rest.EvidenceChainTemplates
			if err := e.Ask(ctx, http.MethodGet, nil, nil, &out, "chain-templates"); err != nil {
				return err
			}
			return a.printChainTemplates(out.Items, &out)
		})
	var version int
	show := a.evidenceLeaf("show ID", "a template", "Shows nodes, who deposits each, and which come before.", "  huchain evidence chain-template show trade --version 1 --as clerk", 1, 1,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			var out rest.EvidenceChainTemplate
			if err := e.Ask(ctx, http.MethodGet, versionQuery(version), nil, &out, "chain-templates", args[0]); err != nil {
				return err
			}
			return a.printChainTemplates([]rest.EvidenceChainTemplate{out}, &out)
		})
	show.Flags().IntVar(&version, "version", 0, "a version (default: the newest)")
	c.AddCommand(save, list, show)
	return c
}

func versionQuery(version int) url.Values {
	if version == 0 {
		return nil
	}
	return url.Values{"version": {strconv.Itoa(version)}}
}

func (a *app) printChain(e *rest.EvidenceChain) error {
	return a.print(e, func(w io.Writer) {
		a.fields(w, field{"编号", "id", e.ID}, field{"模板", "template", fmt.Sprintf("%s v%d", e.Template, e.Version)}, field{"名称", "title", e.Title},
			field{"有效", "valid", e.Valid}, field{"完整", "complete", e.Complete}, field{"原因", "reason", e.Reason}, field{"待补节点", "due", strings.Join(e.Due, " ")})
		for _, n := range e.Nodes {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", n.Name, n.Time.Format(time.RFC3339), n.Deposit, n.Hash)
		}
	})
}

func getChain(ctx context.Context, e *client.Evidence, id string) (*rest.EvidenceChain, error) {
	out := &rest.EvidenceChain{}
	return out, e.Ask(ctx, http.MethodGet, nil, nil, out, "chains", id)
}

// evidenceChainCmd is "evidence chain".
func evidenceChainCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "chain", Short: "evidence chains: deposits in the order of a template"}
	c.AddCommand(evidenceChainOpenCmd(a), evidenceChainAddCmd(a),
		a.evidenceLeaf("show ID", "an evidence chain with its nodes", "Shows what was deposited, what is due, and the contract's verdict.", "  huchain evidence chain show order-17 --as clerk", 1, 1,
			func(ctx context.Context, e *client.Evidence, args []string) error {
				out, err := getChain(ctx, e, args[0])
				if err != nil {
					return err
				}
				return a.printChain(out)
			}),
		a.evidenceLeaf("verify ID", "whether an evidence chain is sound", "Asks the contract. Exit status 1 unless every node links to the one before it; whether all nodes are there is another\nquestion, which \"complete\" answers.",
			"  huchain evidence chain verify order-17 --as clerk", 1, 1,
			func(ctx context.Context, e *client.Evidence, args []string) error {
				out, err := getChain(ctx, e, args[0])
				if err != nil {
					return err
				}
				if err := a.printChain(out); err != nil || out.Valid {
					return err
				}
				return types.Errorf(types.CodeProofInvalid, "evidence chain %s: %s", out.ID, out.Reason)
			}),
		evidenceChainListCmd(a))
	return c
}

func evidenceChainOpenCmd(a *app) *cobra.Command {
	in := &rest.EvidenceChainNew{}
	c := a.evidenceLeaf("open ID", "open an evidence chain along a template", "For a tenant that the template names. The chain keeps to the version it was opened with.",
		"  huchain evidence chain open order-17 --template trade --title 第十七单 --as clerk", 1, 1,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			in.Body.ID = args[0]
			var out rest.EvidenceChain
			if err := e.Ask(ctx, http.MethodPost, nil, &in.Body, &out, "chains"); err != nil {
				return err
			}
			return a.printChain(&out)
		})
	c.Flags().StringVar(&in.Body.Template, "template", "", "template of evidence chains")
	c.Flags().IntVar(&in.Body.Version, "version", 0, "its version (default: the newest)")
	c.Flags().StringVar(&in.Body.Title, "title", "", "title; it stands on the chain for everybody to read")
	return c
}

func evidenceChainAddCmd(a *app) *cobra.Command {
	in := &rest.EvidenceDeposit{}
	var key string
	c := a.evidenceLeaf("add ID NODE [FILE]", "deposit a node of an evidence chain", "A file, or --text, or the --field values that the node asks for. Only the node's party may, and only when it is due.",
		"  huchain evidence chain add order-17 invoice invoice.pdf --as clerk", 2, 3,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			in.Chain, in.Node = args[0], args[1]
			if in.Title == "" {
				in.Title = args[1]
			}
			if len(args) == 2 {
				r, err := e.DepositText(ctx, in, key)
				if err != nil {
					return err
				}
				return a.printReceipt(r)
			}
			content, err := os.ReadFile(args[2])
			if err != nil {
				return types.Errorf(types.CodeUsage, "%w", err)
			}
			r, err := e.DepositFile(ctx, in, filepath.Base(args[2]), content, key)
			if err != nil {
				return err
			}
			return a.printReceipt(r)
		})
	c.Flags().StringVar(&in.Title, "title", "", "title (default: the node's name); it stands on the chain for everybody to read")
	c.Flags().StringVar(&in.Text, "text", "", "the original, where it is a text")
	c.Flags().StringToStringVar(&in.Fields, "field", nil, "field of the node: NAME=VALUE; may be repeated")
	c.Flags().StringVar(&key, "key", "", "idempotence key: the same deposit under the same key gives the same receipt")
	return c
}

func evidenceChainListCmd(a *app) *cobra.Command {
	return a.evidencePages("list", "evidence chains to which one's tenant is a party", "Lists chains by id.", "  huchain evidence chain list --as clerk",
		func(ctx context.Context, e *client.Evidence, q url.Values) (any, string, func(io.Writer), error) {
			var out rest.EvidenceChains
			err := e.Ask(ctx, http.MethodGet, q, nil, &out, "chains")
			return &out, out.Next, func(w io.Writer) {
				for _, one := range out.Items {
					fmt.Fprintf(w, "%s\t%s v%d\t%s\t%s\n", one.ID, one.Template, one.Version, one.Title, one.Time.Format(time.RFC3339))
				}
			}, err
		})
}

// evidencePages makes a command that lists a page; show asks for it and prints it.
func (a *app) evidencePages(use, short, long, example string, show func(context.Context, *client.Evidence, url.Values) (whole any, next string, text func(io.Writer), err error)) *cobra.Command {
	var cursor string
	var limit int
	c := a.evidenceLeaf(use, short, long, example, 0, 0, func(ctx context.Context, e *client.Evidence, _ []string) error {
		q := url.Values{"limit": {strconv.Itoa(limit)}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		whole, next, text, err := show(ctx, e, q)
		if err != nil {
			return err
		}
		return a.print(whole, func(w io.Writer) {
			text(w)
			if next != "" {
				fmt.Fprintf(w, "%s --cursor %s\n", a.say("更多：", "more:"), next)
			}
		})
	})
	c.Flags().StringVar(&cursor, "cursor", "", "go on behind a page")
	c.Flags().IntVar(&limit, "limit", 20, "how many, at most 200")
	return c
}
