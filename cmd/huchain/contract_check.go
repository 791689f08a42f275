package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types"
)

func contractCheckCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "check DIR", Short: "check a bundle as the chain would, writing nothing",
		Long: "Checks bundle.yaml, that it and the code agree, that generated files are up to date, and that the compiled module is\n" +
			"one the chain admits and imports what capabilities declares. Every finding is shown with file and line, what is\n" +
			"wrong and what to do.",
		Example: "  huchain contract check contracts/base/evidence\n  huchain contract check . -o json", Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := build.Check(cmd.Context(), args[0])
			var bad *bundle.Invalid
			switch {
			case err == nil:
				return a.print(checked{Bundle: args[0], OK: true, Findings: []bundle.Finding{}}, func(w io.Writer) {
					fmt.Fprintln(w, a.say("检查通过：", "sound:"), args[0])
				})
			case errors.As(err, &bad):
				return a.showFindings(args[0], bad.Findings)
			default:
				return err
			}
		},
	}
}

// checked is the answer of contract check.
type checked struct {
	Bundle   string           `json:"bundle"`
	OK       bool             `json:"ok"`
	Findings []bundle.Finding `json:"findings"`
}

func (a *app) showFindings(dir string, list []bundle.Finding) error {
	for i := range list {
		list[i].File = filepath.Join(dir, list[i].File)
	}
	err := a.print(checked{Bundle: dir, Findings: list}, func(w io.Writer) {
		for i := range list {
			f := &list[i]
			fmt.Fprintf(w, "%s:%d: %s\n  %s%s\n", f.File, f.Line, a.text(f.Message), a.say("处理：", "fix: "), a.text(f.Fix))
		}
	})
	if err != nil {
		return err
	}
	return types.Errorf(types.CodeManifestInvalid, "%s: %d findings", dir, len(list))
}

func contractSchemaCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "print the JSON Schema of bundle.yaml",
		Long: "Prints the JSON Schema (2020-12) of bundle.yaml, made of what the loader itself enforces. Editors check and complete\n" +
			"with it, for example by a first line \"# yaml-language-server: $schema=bundle.schema.json\".",
		Example: "  huchain contract schema > bundle.schema.json", Args: takes(0, 0),
		RunE: func(*cobra.Command, []string) error {
			raw, err := bundle.SpecSchema()
			if err != nil {
				return err
			}
			_, err = a.out.Write(raw)
			return err
		},
	}
}
