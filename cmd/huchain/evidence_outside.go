package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func evidenceNotariseCmd(a *app) *cobra.Command {
	return a.evidenceLeaf("notarise ID", "have the notary attest a deposit", "The notary's signed answer is checked, kept, and deposited with a link to the deposit. Asked again, it is shown again.",
		"  huchain evidence notarise e0199… --as clerk", 1, 1, func(ctx context.Context, e *client.Evidence, args []string) error {
			var out rest.Notarisation
			if err := e.Ask(ctx, http.MethodPost, nil, struct{}{}, &out, "deposits", args[0], "notarisations"); err != nil {
				return err
			}
			return a.print(&out, func(w io.Writer) {
				a.fields(w, field{"证号", "serial", out.Serial}, field{"公证机构", "notary", out.Notary}, field{"时间", "time", out.Time.Format(time.RFC3339)},
					field{"SM3", "SM3", out.Hash}, field{"答复", "answer", out.Answer}, field{"交易", "transaction", out.TxID}, field{"区块", "block", out.Height})
			})
		})
}

// evidenceCourtCmd is "evidence court".
func evidenceCourtCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "court", Short: "cases of courts, and what courts asked"}
	c.AddCommand(evidenceCaseCmd(a), evidenceCourtQueryCmd(a),
		a.evidencePages("queries", "what courts asked, newest first", "A court sees its own queries, those who run the service all.", "  huchain evidence court queries --as archives/admin",
			func(ctx context.Context, e *client.Evidence, q url.Values) (any, string, func(io.Writer), error) {
				var out rest.CourtRecords
				err := e.Ask(ctx, http.MethodGet, q, nil, &out, "court", "queries")
				return &out, out.Next, func(w io.Writer) {
					for _, r := range out.Items {
						fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Time.Format(time.RFC3339), r.Case, r.Deposit, r.By, r.Outcome)
					}
				}, err
			}))
	return c
}

func (a *app) printCases(list []rest.Case, whole any) error {
	return a.print(whole, func(w io.Writer) {
		for _, k := range list {
			state := a.say("在办", "open")
			if k.Closed != nil {
				state = a.say("已结 ", "closed ") + k.Closed.Format(time.DateOnly)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", k.Number, k.Court, k.Time.Format(time.DateOnly), state)
		}
	})
}

func evidenceCaseCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "case", Short: "case numbers under which a court may ask"}
	in := &rest.CaseNew{}
	open := a.evidenceLeaf("open NUMBER", "register a case of a court", "For administrators of the service. Owners then grant deposits to case:NUMBER.",
		"  huchain evidence court case open '(2026)沪0115民初1234号' --court t0199… --as archives/admin", 1, 1,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			in.Body.Number = args[0]
			var out rest.Case
			if err := e.Ask(ctx, http.MethodPost, nil, &in.Body, &out, "court", "cases"); err != nil {
				return err
			}
			return a.printCases([]rest.Case{out}, &out)
		})
	open.Flags().StringVar(&in.Body.Court, "court", "", "tenant of kind court")
	c.AddCommand(open,
		a.evidenceLeaf("close NUMBER", "close a case: the court is answered no more", "For administrators of the service.", "  huchain evidence court case close '(2026)沪0115民初1234号' --as archives/admin", 1, 1,
			func(ctx context.Context, e *client.Evidence, args []string) error {
				var out rest.Case
				if err := e.Ask(ctx, http.MethodDelete, nil, nil, &out, "court", "cases", args[0]); err != nil {
					return err
				}
				return a.printCases([]rest.Case{out}, &out)
			}),
		a.evidenceLeaf("list", "registered cases", "A court sees its own cases, those who run the service all.", "  huchain evidence court case list --as archives/admin", 0, 0,
			func(ctx context.Context, e *client.Evidence, _ []string) error {
				var out rest.Cases
				if err := e.Ask(ctx, http.MethodGet, nil, nil, &out, "court", "cases"); err != nil {
					return err
				}
				return a.printCases(out.Items, &out)
			}))
	return c
}

func evidenceCourtQueryCmd(a *app) *cobra.Command {
	var out string
	c := a.evidenceLeaf("query CASE DEPOSIT", "ask, as a court, about a deposit that its owner granted to a case", "Shows the receipt. --out keeps the dossier, which \"huchain proof verify\" checks against the genesis file alone.",
		"  huchain evidence court query '(2026)沪0115民初1234号' e0199… --out answer.proof --as court/chamber", 2, 2,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			in := &rest.CourtQueryNew{}
			in.Body.Case, in.Body.Deposit = args[0], args[1]
			var answer rest.CourtAnswer
			if err := e.Ask(ctx, http.MethodPost, nil, &in.Body, &answer, "court", "queries"); err != nil {
				return err
			}
			if out != "" {
				if err := node.WriteFile(out, answer.Dossier, 0o644); err != nil {
					return types.Errorf(types.CodeDiskFailure, "%w", err)
				}
			}
			if a.output == "json" {
				return a.print(&answer, nil)
			}
			return a.printReceipt(&answer.Receipt)
		})
	c.Flags().StringVar(&out, "out", "", "file for the dossier")
	return c
}
