package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/types/rest"
)

func queryHistoryCmd(a *app) *cobra.Command {
	var from uint64
	var limit int
	var prove bool
	c := &cobra.Command{
		Use: "history NAMESPACE KEY", Short: "who wrote a row of the state before, newest first",
		Long: "Walks back along the writings of a row: height, transaction and value of each. KEY is text, in which \\x00 stands for a\n" +
			"byte, or 0x and hex digits. With --prove each writing is proven and the proofs are checked here, and that none is\n" +
			"left out between them.",
		Example: "  huchain query history evidence 0x65… --prove\n  huchain query history contracts record/evidence --limit 50",
		Args:    takes(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := parseKey(args[1])
			if err != nil {
				return usage(cmd, "%v", err)
			}
			cl, p, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			h, err := cl.History(cmd.Context(), args[0], key, from, limit, prove)
			if err != nil {
				return err
			}
			var complete bool
			proven := prove && len(h.Proof) > 0
			if proven {
				t, err := a.trust(cmd.Context(), cl, p, "")
				if err != nil {
					return err
				}
				if complete, err = cl.CheckHistory(cmd.Context(), h, t); err != nil {
					return err
				}
				a.warnUnpinned(cl)
			}
			return a.print(h, func(w io.Writer) { a.writeHistory(w, h, proven, complete) })
		},
	}
	c.Flags().Uint64Var(&from, "from", 0, "height of the writing to begin with; 0: the newest")
	c.Flags().IntVar(&limit, "limit", 20, "how many")
	c.Flags().BoolVar(&prove, "prove", false, "fetch a proof and check it")
	return c
}

func (a *app) writeHistory(w io.Writer, h *rest.History, proven, complete bool) {
	for _, it := range h.Items {
		at, value := a.say("创世", "genesis"), printable(it.Value)
		if it.BlockTime != nil {
			at = it.BlockTime.Format(time.RFC3339)
		}
		if it.Deleted {
			value = a.say("已删除", "deleted")
		}
		fmt.Fprintf(w, "%d/%d\t%s\t%s\n", it.Height, it.TxIndex, at, value)
	}
	switch {
	case len(h.Items) == 0:
		fmt.Fprintln(w, a.say("从未写入", "it was never written"))
	case h.Next > 0:
		fmt.Fprintf(w, "%s --from %d\n", a.say("更多：", "more:"), h.Next)
	}
	if proven && complete {
		fmt.Fprintln(w, a.say("证明有效，且没有更早的写入", "proven, and nothing came before"))
	} else if proven {
		fmt.Fprintln(w, a.say("证明有效", "proven"))
	}
}
