package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/contracts/clientgen"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

func contractClientCmd(a *app) *cobra.Command {
	var language, out string
	c := &cobra.Command{
		Use: "client NAME", Short: "write a typed client of an installed contract",
		Long: "Writes a Go package with a method for each method of the contract, types for its arguments, results and events, and\n" +
			"names for its errors. It is made of the installed package alone; write it again after an upgrade.",
		Example: "  huchain contract client evidence --lang go --out internal/evidence",
		Args:    takes(1, 1), ValidArgsFunction: a.completeMethod(),
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.lang == "go" { // --lang go is what one types first
				a.lang = ""
			}
			return a.checkGlobals()
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if language != "go" {
				return usage(cmd, "--language: only go, not %q", language)
			}
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			face, x, err := a.face(cmd.Context(), cl, args[0])
			if err != nil {
				return err
			}
			hash, err := crypto.ParseHash(face.Package)
			if err != nil {
				return types.Errorf(types.CodeUnreachable, "the node's answer: %w", err)
			}
			code, err := clientgen.Go(clientgen.Source{Interface: x, Package: hash})
			if err != nil {
				return err
			}
			name := clientgen.PackageName(face.Name)
			if out == "" {
				out = name
			}
			file := filepath.Join(out, name+".go")
			if err := node.WriteFile(file, code, 0o644); err != nil {
				return err
			}
			return a.print(map[string]any{"contract": face.Name, "version": face.Version, "package": name, "file": file}, func(w io.Writer) {
				fmt.Fprintln(w, a.say("已写入：", "written:"), file)
				fmt.Fprintf(w, "%s\tx := %s.New(chain, member)\n", a.say("用法", "use"), strings.ReplaceAll(name, "-", ""))
			})
		},
	}
	c.Flags().StringVar(&language, "language", "go", "language of the client: go")
	c.Flags().StringVar(&out, "out", "", "folder of the Go package (default: its name)")
	return c
}
