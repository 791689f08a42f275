package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func contractShowCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME [METHOD]", Short: "an installed contract, or one of its methods",
		Long: "Shows what an installed contract says of itself: methods with their permissions, records, events, errors, workflows,\n" +
			"views, statistics; or of one method arguments, result, errors and an example. All of it comes from the installed package.",
		Example: "  huchain contract show evidence\n  huchain contract show evidence deposit", Args: takes(1, 2),
		ValidArgsFunction: a.completeMethod(true, false),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			face, x, err := a.face(cmd.Context(), cl, args[0])
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return a.print(face, func(w io.Writer) { a.writeFace(w, face, x) })
			}
			if _, ok := x.Schema.Methods[args[1]]; !ok {
				return types.Errorf(types.CodeUnknownMethod, "contract %s has no method %q; it has: %s", args[0], args[1], strings.Join(x.Methods(), ", "))
			}
			help, err := newMethodHelp(face.Name, args[1], x)
			if err != nil {
				return err
			}
			return a.print(help, func(w io.Writer) { a.writeMethod(w, help) })
		},
	}
}

// face fetches and reads what a contract says of itself.
func (a *app) face(ctx context.Context, cl *client.Client, name string) (*rest.Interface, *bundle.Interface, error) {
	face, err := cl.Interface(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	x, err := bundle.ReadInterface(face.Bundle, face.Schema)
	return face, x, err
}

func (a *app) words(t bundle.Text) string { return a.say(t.ZH, t.EN) }

func (a *app) writeFace(w io.Writer, face *rest.Interface, x *bundle.Interface) {
	s := x.Spec
	a.fields(w, field{"合约", "contract", face.Name + " " + face.Version}, field{"名称", "title", a.words(s.Title)},
		field{"说明", "summary", a.words(s.Summary)}, field{"状态", "state", face.State}, field{"语言", "language", s.Language},
		field{"包哈希", "package", face.Package}, field{"使用合约", "uses", strings.Join(s.Uses, ", ")})
	section := func(zh, en string, names []string, line func(name string) []string) {
		if len(names) == 0 {
			return
		}
		fmt.Fprintf(w, "\n%s\n", a.say(zh, en))
		for _, n := range names {
			fmt.Fprintf(w, "  %s\n", strings.TrimRight(strings.Join(append([]string{n}, line(n)...), "\t"), "\t"))
		}
	}
	section("方法", "Methods", x.Methods(), func(n string) []string {
		kind := a.say("只读", "reads")
		if x.Schema.Methods[n].Writes {
			kind = a.say("写入", "writes")
		}
		return []string{kind, s.Methods[n].Allow, a.words(s.Methods[n].Title)}
	})
	section("记录", "Records", names(s.Records), func(n string) []string { return []string{s.Records[n].Key, a.words(s.Records[n].Title)} })
	section("事件", "Events", names(s.Events), func(n string) []string { return []string{a.words(s.Events[n].Title)} })
	section("错误", "Errors", names(s.Errors), func(n string) []string { return []string{a.say(s.Errors[n].ZH, s.Errors[n].EN)} })
	section("流程", "Workflows", names(s.Workflows), func(n string) []string {
		return []string{s.Workflows[n].Record, strings.Join(s.Workflows[n].States, " → ")}
	})
	section("视图", "Views", names(s.Views), func(n string) []string {
		return []string{s.Views[n].Record, strings.Join(s.Views[n].Columns, ", "), a.words(s.Views[n].Title)}
	})
	section("统计", "Statistics", names(s.Statistics), func(n string) []string {
		st := s.Statistics[n]
		what := "count " + st.Count
		if st.Sum != "" {
			what = "sum " + st.Sum
		}
		return []string{what, strings.TrimSuffix("by "+st.By, "by "), a.words(st.Title)}
	})
	section("大屏", "Dashboards", names(s.Dashboards), func(n string) []string {
		return []string{strings.Join(s.Dashboards[n].Cards, ", "), a.words(s.Dashboards[n].Title)}
	})
}

func names[V any](m map[string]V) []string {
	var out []string
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// methodHelp is what a person is told of a method.
type methodHelp struct {
	Contract string            `json:"contract"`
	Method   string            `json:"method"`
	Title    bundle.Text       `json:"title,omitzero"`
	Doc      string            `json:"doc,omitempty"`
	Writes   bool              `json:"writes"`
	Allow    string            `json:"allow"`
	Args     []bundle.Argument `json:"args"`
	Result   string            `json:"result"`
	Errors   []methodError     `json:"errors"`
	Example  json.RawMessage   `json:"example"`
}

type methodError struct {
	Name  string           `json:"name"`
	Words bundle.ErrorSpec `json:"words"`
}

func newMethodHelp(contract, method string, x *bundle.Interface) (*methodHelp, error) {
	m, words := x.Schema.Methods[method], x.Spec.Methods[method]
	example, err := x.Example(method)
	if err != nil {
		return nil, err
	}
	h := &methodHelp{Contract: contract, Method: method, Title: words.Title, Doc: m.Doc, Writes: m.Writes, Allow: words.Allow,
		Args: x.Arguments(method), Result: x.Schema.TypeWords(m.Result), Example: example}
	for _, name := range names(x.Spec.Errors) {
		h.Errors = append(h.Errors, methodError{contract + "." + name, x.Spec.Errors[name]})
	}
	return h, nil
}

func (a *app) writeMethod(w io.Writer, h *methodHelp) {
	kind := a.say("只读", "reads")
	if h.Writes {
		kind = a.say("写入", "writes")
	}
	fmt.Fprintf(w, "%s.%s\t%s\n", h.Contract, h.Method, a.words(h.Title))
	if h.Doc != "" {
		fmt.Fprintf(w, "%s\n", h.Doc)
	}
	fmt.Fprintf(w, "\n%s\t%s\n%s\t%s\n%s\t%s\n", a.say("方式", "Kind:"), kind, a.say("许可", "Allowed to:"), h.Allow, a.say("结果", "Result:"), h.Result)
	if len(h.Args) > 0 {
		fmt.Fprintf(w, "\n%s\n", a.say("参数", "Arguments"))
	}
	for _, arg := range h.Args {
		need := a.say("可选", "optional")
		if arg.Required {
			need = a.say("必填", "required")
		}
		if arg.Max > 0 {
			need += fmt.Sprintf(", ≤ %d", arg.Max)
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", arg.Name, arg.Type, need, a.words(arg.Title))
	}
	if len(h.Errors) > 0 {
		fmt.Fprintf(w, "\n%s\n", a.say("合约的错误", "Errors of the contract"))
	}
	for _, e := range h.Errors {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", e.Name, a.say(e.Words.ZH, e.Words.EN), a.words(e.Words.Fix))
	}
	call := "query view"
	if h.Writes {
		call = "tx call"
	}
	as := " --as ORG/NAME"
	if !h.Writes && h.Allow == "public" {
		as = ""
	}
	fmt.Fprintf(w, "\n%s\n  huchain %s %s %s '%s'%s\n", a.say("示例", "Example"), call, h.Contract, h.Method, h.Example, as)
}

// briefly bounds what help and completion wait for a node.
const briefly = 3 * time.Second

// helpOfMethod lets --help of a command that calls CONTRACT METHOD tell of the method.
func (a *app) helpOfMethod(c *cobra.Command) {
	stock := c.HelpFunc()
	c.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		stock(cmd, args)
		named := cmd.Flags().Args()
		if len(named) < 2 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), briefly)
		defer cancel()
		h, err := a.methodHelp(ctx, named[0], named[1])
		if err != nil {
			fmt.Fprintf(a.out, "\n%s.%s: %v\n", named[0], named[1], err)
			return
		}
		w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w)
		a.writeMethod(w, h)
		w.Flush() //nolint:errcheck // standard output is closed: nobody to tell
	})
}

func (a *app) methodHelp(ctx context.Context, contract, method string) (*methodHelp, error) {
	cl, _, err := a.connect(ctx)
	if err != nil {
		return nil, err
	}
	face, x, err := a.face(ctx, cl, contract)
	if err != nil {
		return nil, err
	}
	if _, ok := x.Schema.Methods[method]; !ok {
		return nil, types.Errorf(types.CodeUnknownMethod, "%s has: %s", contract, strings.Join(x.Methods(), ", "))
	}
	return newMethodHelp(face.Name, method, x)
}

// completeMethod completes contract names, then methods of the kinds given: true for
// those that write.
func (a *app) completeMethod(kinds ...bool) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(context.Background(), briefly)
		defer cancel()
		cl, _, err := a.connect(ctx)
		if err != nil || len(args) > 1 {
			return nil, cobra.ShellCompDirectiveDefault // the third argument may be a file
		}
		var out []string
		if len(args) == 0 {
			list, err := cl.Contracts(ctx)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			for _, c := range list.Items {
				out = append(out, c.Name+"\t"+c.Version)
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		}
		if _, x, err := a.face(ctx, cl, args[0]); err == nil {
			for _, m := range x.Methods() {
				if slices.Contains(kinds, x.Schema.Methods[m].Writes) {
					out = append(out, m+"\t"+a.words(x.Spec.Methods[m].Title))
				}
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}
