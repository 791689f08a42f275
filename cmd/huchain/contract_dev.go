package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/contracts/testkit"
)

func contractNewCmd(a *app) *cobra.Command {
	var language, dir string
	c := &cobra.Command{
		Use: "new NAME", Short: "begin a bundle that already passes its tests",
		Long: "Writes a small working contract with bundle.yaml and transcripts into a folder. Outside this repository the\n" +
			"SDK's sources are written beside it, so that it builds with the language's toolchain alone.",
		Example: "  huchain contract new land-register\n  huchain contract test land-register",
		Args:    takes(1, 1),
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.lang == "go" || a.lang == "rust" { // --lang go is what one types first
				language, a.lang = a.lang, ""
			}
			return a.checkGlobals()
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if dir == "" {
				dir = args[0]
			}
			if err := build.New(dir, args[0], language); err != nil {
				return err
			}
			return a.print(map[string]any{"bundle": args[0], "dir": dir}, func(w io.Writer) {
				fmt.Fprintln(w, a.say("已创建：", "begun:"), dir)
				fmt.Fprintln(w, a.say("下一步：", "next:"), "huchain contract test", dir)
			})
		},
	}
	c.Flags().StringVar(&language, "language", "go", "language of the contract: go or rust")
	c.Flags().StringVar(&dir, "dir", "", "folder to write (default: the name)")
	return c
}

func contractTestCmd(a *app) *cobra.Command {
	var rewrite bool
	var root string
	c := &cobra.Command{
		Use: "test DIR", Short: "play a bundle's transcripts",
		Long: "Builds the bundle and plays testdata/*.txt on an in-memory chain: Go contracts natively and in WASM side by side,\n" +
			"which must agree on results, events and state; Rust contracts in WASM. Prints the gas of every call.",
		Example: "  huchain contract test contracts/base/evidence\n  huchain contract test . --rewrite",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if root == "" {
				root = filepath.Dir(filepath.Clean(args[0]))
			}
			opt := testkit.Options{Rewrite: rewrite, Root: root}
			if cache, err := os.UserCacheDir(); err == nil {
				opt.CacheDir = filepath.Join(cache, "huchain", "contracts")
				if err := os.MkdirAll(opt.CacheDir, 0o700); err != nil {
					opt.CacheDir = "" // slower, no worse
				}
			}
			if a.output != "json" {
				opt.Out = a.out
			}
			r, err := testkit.Run(cmd.Context(), args[0], opt)
			if err != nil {
				return err
			}
			return a.print(r, func(w io.Writer) {
				fmt.Fprintf(w, "%s %d %s, %d %s\n", a.say("通过：", "passed:"), r.Transcripts, a.say("个脚本", "transcripts"), r.Calls, a.say("次调用", "calls"))
			})
		},
	}
	c.Flags().BoolVar(&rewrite, "rewrite", false, "write expectations, gas and generated files as they are instead of comparing")
	c.Flags().StringVar(&root, "root", "", "where to look for bundles that this one uses (default: the folder's parent)")
	return c
}
