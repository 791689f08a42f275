package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func explainCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "explain [CODE]", Short: "say what an error code means and what to do",
		Example: "  huchain explain HC-2104\n  huchain explain          # the whole table",
		Args:    takes(0, 1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var out []string
			for _, x := range types.Explanations() {
				out = append(out, x.Code.String()+"\t"+a.text(x.Message))
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.explainAll()
			}
			x, ok := types.Explain(rest.ParseCode(args[0]))
			if !ok || rest.ParseCode(args[0]) == types.CodeInternal && args[0] != "1001" && args[0] != "HC-1001" {
				return usage(c, "%q is no error code of this release; codes look like HC-2104", args[0])
			}
			return a.print(explanation(x), func(w io.Writer) {
				fmt.Fprintf(w, "%s: %s\n", x.Code, a.text(x.Message))
				fmt.Fprintf(w, "%s%s\n", a.say("原因：", "cause: "), a.text(x.Cause))
				fmt.Fprintf(w, "%s%s\n", a.say("处理：", "fix:   "), a.text(x.Fix))
				if x.Retry {
					fmt.Fprintln(w, a.say("同一请求稍后可重试。", "the same request may succeed later"))
				}
			})
		},
	}
}

func (a *app) explainAll() error {
	list := []map[string]any{}
	for _, x := range types.Explanations() {
		list = append(list, explanation(x))
	}
	return a.print(list, func(w io.Writer) {
		for _, x := range types.Explanations() {
			fmt.Fprintf(w, "%s\t%s\n", x.Code, a.text(x.Message))
		}
	})
}

func explanation(x types.Explanation) map[string]any {
	return map[string]any{"code": x.Code.String(), "message": x.Message, "cause": x.Cause, "fix": x.Fix, "retry": x.Retry}
}
