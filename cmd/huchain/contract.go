package main

import (
	"github.com/spf13/cobra"
)

func contractCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "contract", Short: "write, build, test and install contracts"}
	c.AddCommand(contractListCmd(a), contractShowCmd(a))
	return c
}

func contractListCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "the contracts installed on the chain", Example: "  huchain contract list", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.showContracts(cmd, nil) },
	}
}

func contractShowCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "an installed contract: version, methods, permissions", Example: "  huchain contract show evidence", Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.showContracts(cmd, args) },
	}
}
