package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/types"
)

func queryEvidenceCmd(a *app) *cobra.Command {
	var in struct {
		After string `json:"after,omitempty"`
		Limit int    `json:"limit"`
	}
	c := &cobra.Command{
		Use: "evidence", Short: "evidence against validators that voted twice",
		Long: "Lists what blocks prove against validators, in order of height. A proposal to remove a validator may name the\n" +
			"evidence it is for: governance.removeValidator={\"org\":…,\"name\":…,\"evidence\":ID}.",
		Example: "  huchain query evidence\n  huchain query evidence --after 1200/4BE1… --limit 50", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			raw, err := cl.Query(cmd.Context(), nil, chain.NSGovernance, "evidence", in)
			if err != nil {
				return err
			}
			var list struct {
				Items []chain.Evidence `json:"items"`
				Next  *string          `json:"next"`
			}
			if err := json.Unmarshal(raw.Result, &list); err != nil {
				return types.Errorf(types.CodeUnreachable, "answer of the node: %w", err)
			}
			return a.print(list, func(w io.Writer) {
				for _, e := range list.Items {
					who := e.Org + "/" + e.Name
					if e.Name == "" {
						who = "?"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", e.ID, e.Kind, who, time.Unix(0, e.TimeNs).UTC().Format(time.RFC3339))
				}
				if list.Next != nil {
					fmt.Fprintf(w, "%s --after %s\n", a.say("更多：", "more:"), *list.Next)
				}
			})
		},
	}
	c.Flags().StringVar(&in.After, "after", "", "go on behind this id")
	c.Flags().IntVar(&in.Limit, "limit", 100, "how many, at most 100")
	return c
}
