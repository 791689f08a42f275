package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/node"
)

func contractCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "contract", Short: "write, build, test and install contracts"}
	c.AddCommand(contractNewCmd(a), contractBuildCmd(a), contractCheckCmd(a), contractSchemaCmd(a), contractTestCmd(a), contractMutateCmd(a), contractDeployCmd(a), contractUpgradeCmd(a), contractConfigureCmd(a))
	c.AddCommand(contractStatusCmds(a)...)
	c.AddCommand(contractListCmd(a), contractShowCmd(a), contractClientCmd(a))
	return c
}

// sources finds the base contracts of a devnet, and can build them.
func sources() devnet.Sources {
	s := devnet.FindSources()
	s.Build = func(ctx context.Context, dir string) ([]byte, error) {
		p := build.DefaultParams()
		p.Write = false
		r, err := build.Build(ctx, dir, p)
		if err != nil {
			return nil, err
		}
		return r.Package, nil
	}
	return s
}

func contractBuildCmd(a *app) *cobra.Command {
	var all, verify bool
	var out, root string
	c := &cobra.Command{
		Use: "build [DIR]", Short: "compile a bundle and pack it",
		Long: "Generates what follows from the contract's source (codec, schema), compiles it with the pinned toolchain and packs it.\n" +
			"With --all every bundle under --root is built and compared with its bundles.lock: a difference is an error,\n" +
			"so that the same source gives the same code hash everywhere.",
		Example: "  huchain contract build contracts/base/evidence --out bin/bundles\n  huchain contract build --all --out bin/bundles",
		Args:    takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p := build.DefaultParams()
			p.Write = !verify
			if all {
				if len(args) > 0 {
					return usage(cmd, "--all and a folder exclude each other")
				}
				return a.buildAll(cmd.Context(), root, out, p)
			}
			if len(args) == 0 {
				return usage(cmd, "which bundle? name its folder, or --all")
			}
			r, err := build.Build(cmd.Context(), args[0], p)
			if err != nil {
				return err
			}
			file := filepath.Join(out, build.PackageName(r.Manifest.Name, r.Manifest.Version))
			if err := node.WriteFile(file, r.Package, 0o644); err != nil {
				return err
			}
			v := map[string]any{"name": r.Manifest.Name, "version": r.Manifest.Version, "file": file, "package": r.Hash, "code": r.CodeHash,
				"packageBytes": len(r.Package), "codeBytes": len(r.Code)}
			return a.print(v, func(w io.Writer) {
				a.fields(w, field{"合约", "contract", r.Manifest.Name + " " + r.Manifest.Version}, field{"文件", "file", file},
					field{"包哈希", "package", r.Hash}, field{"代码哈希", "code", r.CodeHash},
					field{"大小", "size", fmt.Sprintf("%d KiB (%d KiB wasm)", len(r.Package)>>10, len(r.Code)>>10)})
			})
		},
	}
	c.Flags().BoolVar(&all, "all", false, "build every bundle under --root")
	c.Flags().StringVar(&root, "root", "contracts", "with --all: folder of the bundles and bundles.lock")
	c.Flags().StringVar(&out, "out", ".", "folder for the package files")
	c.Flags().BoolVar(&verify, "verify", false, "write nothing into the sources: generated files and the lock must be up to date")
	return c
}

func (a *app) buildAll(ctx context.Context, root, out string, p build.Params) error {
	lock, err := build.All(ctx, root, out, p)
	if err != nil {
		return err
	}
	return a.print(lock, func(w io.Writer) {
		for _, b := range lock.Bundles {
			fmt.Fprintf(w, "%s\t%s\t%s\n", b.Dir, b.Version, b.CodeHash)
		}
	})
}

func contractListCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "the contracts installed on the chain", Example: "  huchain contract list", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.showContracts(cmd, nil) },
	}
}
