package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func (a *app) printTemplates(list []rest.EvidenceTemplate, whole any) error {
	return a.print(whole, func(w io.Writer) {
		for _, t := range list {
			fmt.Fprintf(w, "%s\tv%d\t%s\n", t.ID, t.Version, t.Title)
			for _, f := range t.Fields {
				fmt.Fprintf(w, "  %s\t%s\t%s\n", f.Name, f.Type, strings.TrimSpace(map[bool]string{true: a.say("必填 ", "required ")}[f.Required]+map[bool]string{true: a.say("加密", "encrypted")}[f.Encrypted]))
			}
		}
	})
}

func evidenceTemplateCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "template", Short: "templates of one's tenant"}
	var title, file string
	var fields []string
	var version int
	save := a.evidenceLeaf("save ID", "save a version of a template", "A field is NAME:TYPE with types text, int, decimal, bool, date and time, followed by :required and :encrypted where\nthey apply. Versions never change; a change is the next version.",
		"  huchain evidence template save contract --title 合同 --field party:text:required --field price:decimal:encrypted --as clerk", 1, 1,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			in := &rest.EvidenceTemplate{ID: args[0], Version: version, Title: title, File: file}
			for _, f := range fields {
				parts := strings.Split(f, ":")
				if len(parts) < 2 {
					return types.Errorf(types.CodeUsage, "--field %s: NAME:TYPE", f)
				}
				field := rest.EvidenceField{Name: parts[0], Type: parts[1]}
				for _, p := range parts[2:] {
					field.Required, field.Encrypted = field.Required || p == "required", field.Encrypted || p == "encrypted"
				}
				in.Fields = append(in.Fields, field)
			}
			var out rest.EvidenceTemplate
			if err := e.Ask(ctx, http.MethodPost, nil, in, &out, "templates"); err != nil {
				return err
			}
			return a.printTemplates([]rest.EvidenceTemplate{out}, &out)
		})
	save.Flags().StringVar(&title, "title", "", "title")
	save.Flags().StringVar(&file, "file", "optional", "whether a deposit has an original: required, optional or none")
	save.Flags().StringArrayVar(&fields, "field", nil, "NAME:TYPE[:required][:encrypted]; may be repeated")
	save.Flags().IntVar(&version, "version", 1, "one more than the newest")
	var of int
	show := a.evidenceLeaf("show ID", "a template", "Shows fields, and which are required or encrypted.", "  huchain evidence template show contract --as clerk", 1, 1,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			var out rest.EvidenceTemplate
			if err := e.Ask(ctx, http.MethodGet, versionQuery(of), nil, &out, "templates", args[0]); err != nil {
				return err
			}
			return a.printTemplates([]rest.EvidenceTemplate{out}, &out)
		})
	show.Flags().IntVar(&of, "version", 0, "a version (default: the newest)")
	list := a.evidenceLeaf("list", "the tenant's templates", "Lists templates in their newest versions.", "  huchain evidence template list --as clerk", 0, 0,
		func(ctx context.Context, e *client.Evidence, _ []string) error {
			var out rest.EvidenceTemplates
			if err := e.Ask(ctx, http.MethodGet, nil, nil, &out, "templates"); err != nil {
				return err
			}
			return a.printTemplates(out.Items, &out)
		})
	c.AddCommand(save, show, list)
	return c
}

func (a *app) printReceipt(r *rest.EvidenceReceipt) error {
	return a.print(r, func(w io.Writer) {
		tx := ""
		if r.TxID != nil {
			tx = r.TxID.String()
		}
		a.fields(w, field{"编号", "id", r.ID}, field{"状态", "state", r.State}, field{"名称", "title", r.Title}, field{"类型", "type", r.Type + " (" + r.Media + ")"},
			field{"大小", "size", r.SizeBytes}, field{"SM3", "SM3", r.Hash}, field{"SHA-256", "SHA-256", r.SHA256}, field{"交易", "transaction", tx}, field{"区块", "block", r.Height})
		for _, g := range r.GivenUp {
			a.fields(w, field{"已被放弃", "given up", fmt.Sprintf(a.say("区块 %d 交易 %s（链自区块 %d 重启）", "block %d, transaction %s (the chain was restarted above block %d)"), g.Height, g.TxID, g.Above)})
		}
		if n := len(r.GivenUp); n > 0 && r.GivenUp[n-1].Error != nil {
			e := r.GivenUp[n-1].Error
			a.fields(w, field{e.Code, e.Code, a.text(e.Message)}, field{"原因", "cause", a.text(e.Cause)}, field{"处理", "fix", a.text(e.Fix)})
		}
	})
}

func evidenceDepositCmd(a *app) *cobra.Command {
	var in rest.EvidenceDeposit
	var key string
	var fields map[string]string
	c := a.evidenceLeaf("deposit [FILE]", "deposit a file, a text, or the fields of a template", "Answers when the chain holds the hash; where that takes long, the receipt says \"accepted\" and \"evidence receipt\" tells more.",
		"  huchain evidence deposit contract.pdf --tag 合同 --as clerk\n  huchain evidence deposit --title 通知 --text 明日停水 --as clerk", 0, 1,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			in.Fields = fields
			var r *rest.EvidenceReceipt
			var err error
			if len(args) == 0 {
				r, err = e.DepositText(ctx, &in, key)
			} else {
				content, rerr := os.ReadFile(args[0])
				if rerr != nil {
					return types.Errorf(types.CodeUsage, "%w", rerr)
				}
				r, err = e.DepositFile(ctx, &in, filepath.Base(args[0]), content, key)
			}
			if err != nil {
				return err
			}
			return a.printReceipt(r)
		})
	f := c.Flags()
	f.StringVar(&in.Title, "title", "", "title (default: the file's name); it stands on the chain for everybody to read")
	f.StringVar(&in.Text, "text", "", "the original, where it is a text")
	f.StringVar(&in.Template, "template", "", "template that the deposit follows")
	f.StringToStringVar(&fields, "field", nil, "field of the template: NAME=VALUE; may be repeated")
	f.StringSliceVar(&in.Tags, "tag", nil, "tag to find it by; may be repeated")
	f.StringVar(&in.Chain, "evidence-chain", "", "evidence chain to which this is a node")
	f.StringVar(&in.Node, "evidence-node", "", "name of the node")
	f.StringVar(&key, "key", "", "idempotence key: the same deposit under the same key gives the same receipt")
	return c
}

func evidenceSearchCmd(a *app) *cobra.Command {
	var filter depositFilter
	c := a.evidenceLeaf("search", "deposits of one's tenant and those granted to it, newest first", "Finds by hash, tag, part of the title, type, application and time.",
		"  huchain evidence search --tag 合同 --as clerk", 0, 0, func(ctx context.Context, e *client.Evidence, _ []string) error {
			if err := filter.times(); err != nil {
				return err
			}
			out, err := e.Search(ctx, &filter.EvidenceSearch)
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) {
				for _, r := range out.Items {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.Accepted.Format(time.RFC3339), r.State, r.Title, r.Hash)
				}
				if out.Next != "" {
					fmt.Fprintf(w, "%s --cursor %s\n", a.say("更多：", "more:"), out.Next)
				}
			})
		})
	filter.flags(c)
	c.Flags().StringVar(&filter.Cursor, "cursor", "", "go on behind a page")
	c.Flags().IntVar(&filter.Limit, "limit", 20, "how many, at most 200")
	return c
}

// depositFilter selects deposits by flags.
type depositFilter struct {
	rest.EvidenceSearch
	from, until string
}

func (d *depositFilter) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&d.Hash, "hash", "", "SM3 of the original")
	f.StringVar(&d.Tag, "tag", "", "tag")
	f.StringVar(&d.Text, "title", "", "part of the title")
	f.StringVar(&d.Type, "type", "", "text, form, document, image, audio, video, archive or other")
	f.StringVar(&d.App, "app", "", "id of the application that deposited")
	f.StringVar(&d.State, "state", "", "accepted, committed or refused")
	f.StringVar(&d.from, "from", "", "accepted at or after, such as 2026-03-02T01:00:00Z")
	f.StringVar(&d.until, "until", "", "accepted before")
}

func (d *depositFilter) times() (err error) {
	if d.From, err = timeFlag(d.from); err == nil {
		d.Until, err = timeFlag(d.until)
	}
	return err
}

// timeFlag reads a time; none is zero.
func timeFlag(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, types.Errorf(types.CodeUsage, "%w", err)
	}
	return at, nil
}

func evidenceReceiptCmd(a *app) *cobra.Command {
	return a.evidenceLeaf("receipt ID", "the receipt of a deposit", "Waits some seconds for the commit of one that was only accepted.", "  huchain evidence receipt e0199… --as clerk", 1, 1,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			r, err := e.Receipt(ctx, args[0], 10*time.Second)
			if err != nil {
				return err
			}
			return a.printReceipt(r)
		})
}

func evidenceVerifyCmd(a *app) *cobra.Command {
	var id, hash string
	c := &cobra.Command{
		Use: "verify [FILE]", Short: "whether a file or a hash was deposited, and when", Args: takes(0, 1),
		Long:    "Hashes the file here and asks what the chain holds. With --id the deposit of that id is compared with. Exit status 1\nunless it matches. For a proof that needs no trust in the node: \"huchain proof export state evidence evidence/HASH\".",
		Example: "  huchain evidence verify contract.pdf\n  huchain evidence verify contract.pdf --id e0199…",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				content, err := os.ReadFile(args[0])
				if err != nil {
					return usage(cmd, "%v", err)
				}
				hash = crypto.Sum(content).String()
			}
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			v, err := cl.Evidence().Verify(cmd.Context(), id, hash, "")
			if err != nil {
				return err
			}
			err = a.print(v, func(w io.Writer) {
				at := ""
				if v.Time != nil {
					at = v.Time.Format(time.RFC3339)
				}
				a.fields(w, field{"结果", "result", v.Result}, field{"名称", "title", v.Title}, field{"存证人", "depositor", v.Owner}, field{"时间", "time", at}, field{"区块", "block", v.Height})
			})
			if err == nil && v.Result != "match" {
				err = types.Errorf(types.CodeNotFound, "the chain holds no deposit of this: %s", v.Result)
			}
			return err
		},
	}
	c.Flags().StringVar(&id, "id", "", "deposit to compare with")
	c.Flags().StringVar(&hash, "hash", "", "SM3 instead of a file")
	return c
}

func evidenceFetchCmd(a *app, what string) *cobra.Command {
	var out string
	words := map[string]string{"original": "the original of a deposit, checked against its hash", "certificate": "the certificate of a deposit: a signed PDF with the proof"}
	c := a.evidenceLeaf(what+" ID", words[what], "For the tenant, and those to whom the deposit was granted.", "  huchain evidence "+what+" e0199… --out file --as clerk", 1, 1,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			if out == "" {
				return types.Errorf(types.CodeUsage, "--out is required")
			}
			fetch := e.Original
			if what == "certificate" {
				fetch = e.Certificate
			}
			raw, err := fetch(ctx, args[0])
			if err != nil {
				return err
			}
			if err := node.WriteFile(out, raw, 0o644); err != nil {
				return types.Errorf(types.CodeDiskFailure, "%w", err)
			}
			return a.print(map[string]any{"file": out, "sizeBytes": len(raw), "sm3": crypto.Sum(raw)}, func(w io.Writer) {
				a.fields(w, field{"文件", "file", out}, field{"大小", "size", len(raw)}, field{"SM3", "SM3", crypto.Sum(raw)})
			})
		})
	c.Flags().StringVar(&out, "out", "", "file to write")
	return c
}

func evidenceGrantCmd(a *app) *cobra.Command {
	var revoke bool
	var until string
	c := a.evidenceLeaf("grant ID TENANT|case:NUMBER", "let another tenant or a court case read a deposit", "For the tenant that owns it alone. With --revoke the grant ends at once.",
		"  huchain evidence grant e0199… t0199… --as clerk", 2, 2, func(ctx context.Context, e *client.Evidence, args []string) error {
			var g *rest.Grant
			end, err := timeFlag(until)
			if err != nil {
				return err
			}
			if revoke {
				g, err = e.RevokeGrant(ctx, args[0], args[1])
			} else {
				g, err = e.Grant(ctx, args[0], args[1], timeOrNil(end))
			}
			if err != nil {
				return err
			}
			return a.print(g, func(w io.Writer) { a.fields(w, field{"存证", "deposit", g.Deposit}, field{"对象", "to", g.To}) })
		})
	c.Flags().BoolVar(&revoke, "revoke", false, "end the grant")
	c.Flags().StringVar(&until, "until", "", "end of the grant, such as 2026-12-31T16:00:00Z")
	return c
}

func timeOrNil(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

func evidenceGrantsCmd(a *app) *cobra.Command {
	return a.evidenceLeaf("grants ID", "to whom a deposit is granted", "For the tenant that owns it.", "  huchain evidence grants e0199… --as clerk", 1, 1,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			var out rest.Grants
			if err := e.Ask(ctx, http.MethodGet, nil, nil, &out, "deposits", args[0], "grants"); err != nil {
				return err
			}
			return a.print(&out, func(w io.Writer) {
				for _, g := range out.Items {
					state := ""
					switch {
					case g.Revoked != nil:
						state = a.say("已撤销", "revoked")
					case g.Until != nil:
						state = a.say("至 ", "until ") + g.Until.Format(time.RFC3339)
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", g.To, g.By, g.Time.Format(time.RFC3339), state)
				}
			})
		})
}
