package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/contracts/mutation"
	"github.com/huchain/huchain/types"
)

func contractMutateCmd(a *app) *cobra.Command {
	p := mutation.DefaultParams()
	var floor int
	c := &cobra.Command{
		Use: "mutate DIR", Short: "plant faults in a Go contract and see whether its transcripts notice",
		Long: "Plants small faults one at a time in the contract's Go and in its permissions (a condition that always holds, a\n" +
			"field left empty, a write left out, a rule that lets everyone in) and plays the transcripts natively under each.\n" +
			"Faults that no transcript notices are listed: each is a transcript still to be written, or code that does nothing.\n" +
			"Exit status 1 if fewer than --floor percent are noticed. The bundle is not changed.",
		Example: "  huchain contract mutate contracts/base/evidence\n  huchain contract mutate . --every 10 -o json",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if p.Root == "" {
				p.Root = filepath.Dir(filepath.Clean(args[0]))
			}
			r, err := mutation.Run(cmd.Context(), args[0], p)
			if err != nil {
				return err
			}
			err = a.print(r, func(w io.Writer) {
				for _, m := range r.Survivors() {
					fmt.Fprintf(w, "%s:%d\t%s\t%s\n", filepath.Join(args[0], m.File), m.Line, m.Kind, m.What)
				}
				fmt.Fprintf(w, a.say("%s：%d 个变异，发现 %d 个（%d%%）\n", "%s: %d mutants, %d noticed (%d %%)\n"), r.Bundle, r.Played, r.Killed, r.Percent())
			})
			if err == nil && r.Percent() < floor {
				err = types.Errorf(types.CodeContractError, "%d %% of the mutants were noticed, at least %d %% are wanted", r.Percent(), floor)
			}
			return err
		},
	}
	c.Flags().StringVar(&p.Root, "root", "", "where to look for bundles that this one uses (default: the folder's parent)")
	c.Flags().IntVar(&p.Every, "every", 1, "play every so-manieth mutant only")
	c.Flags().DurationVar(&p.Limit, "limit", p.Limit, "time of one call, after which a mutant counts as noticed")
	c.Flags().IntVar(&floor, "floor", 80, "least percentage that must be noticed")
	return c
}
