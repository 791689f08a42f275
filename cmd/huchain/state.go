package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
)

func queryStateCmd(a *app) *cobra.Command {
	var prove proveFlags
	var prefix string
	var limit int
	c := &cobra.Command{
		Use: "state NAMESPACE [KEY]", Short: "a row of the state, or the rows of a namespace",
		Long: "Shows what a contract stored under a key; without KEY, the first rows of the contract's namespace.\n" +
			"KEY is text, in which \\x00 stands for a byte, or 0x and hex digits. With --prove the row, or its absence, is proven and the proof checked here.",
		Example: "  huchain query state evidence\n  huchain query state evidence 0x65… --prove --out row.proof\n  huchain query state contracts record/evidence --prove",
		Args:    takes(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, p, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			if len(args) == 1 {
				if prove.prove {
					return usage(cmd, "--prove needs a KEY")
				}
				return a.listState(cmd, cl, args[0], prefix, limit)
			}
			key, err := parseKey(args[1])
			if err != nil {
				return usage(cmd, "%v", err)
			}
			st, err := cl.State(cmd.Context(), args[0], key, prove.prove)
			if err != nil {
				return err
			}
			checked, err := a.check(cmd.Context(), cl, p, prove, st.Proof, func(v *client.Proven) error { return v.IsState(st) })
			if err != nil {
				return err
			}
			return a.print(withProof(st, checked), func(w io.Writer) {
				a.fields(w, field{"键", "key", printable(st.Key)}, field{"高度", "height", st.Height})
				if st.Found {
					a.fields(w, field{"值", "value", printable(st.Value)})
				} else {
					fmt.Fprintln(w, a.say("不存在", "there is no such row"))
				}
				a.writeProven(w, checked)
			})
		},
	}
	prove.add(c)
	c.Flags().StringVar(&prefix, "prefix", "", "only keys that begin so: text, or 0x and hex digits")
	c.Flags().IntVar(&limit, "limit", 20, "how many rows")
	return c
}

func (a *app) listState(cmd *cobra.Command, cl *client.Client, ns, prefix string, limit int) error {
	from, err := parseKey(prefix)
	if err != nil {
		return usage(cmd, "%v", err)
	}
	list, err := cl.States(cmd.Context(), ns, from, nil, limit)
	if err != nil {
		return err
	}
	return a.print(list, func(w io.Writer) {
		for _, r := range list.Items {
			fmt.Fprintf(w, "%s\t%s\n", printable(r.Key), printable(r.Value))
		}
		if len(list.Items) == 0 {
			fmt.Fprintln(w, a.say("没有记录", "no rows"))
		}
		if len(list.Next) > 0 {
			fmt.Fprintf(w, "%s 0x%s\n", a.say("下一键：", "next key:"), list.Next)
		}
	})
}

func queryContractCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "contract [NAME]", Short: "the installed contracts, or one of them", Example: "  huchain query contract\n  huchain query contract evidence",
		Args: takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.showContracts(cmd, args) },
	}
}

func (a *app) showContracts(cmd *cobra.Command, args []string) error {
	cl, _, err := a.connect(cmd.Context())
	if err != nil {
		return err
	}
	if len(args) == 0 {
		list, err := cl.Contracts(cmd.Context())
		if err != nil {
			return err
		}
		return a.print(list, func(w io.Writer) {
			for _, c := range list.Items {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.Name, c.Version, c.State, c.Code)
			}
		})
	}
	c, err := cl.Contract(cmd.Context(), args[0])
	if err != nil {
		return err
	}
	return a.print(c, func(w io.Writer) {
		a.fields(w, field{"合约", "contract", c.Name + " " + c.Version}, field{"状态", "state", c.State}, field{"语言", "language", c.Language},
			field{"包哈希", "package", c.Package}, field{"代码哈希", "code", c.Code}, field{"安装高度", "installed at", c.Height},
			field{"参数", "params", compact(c.Params)})
		for _, m := range c.Methods {
			kind := a.say("只读", "reads")
			if m.Writes {
				kind = a.say("写入", "writes")
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", m.Name, kind, m.Allow)
		}
	})
}
