package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/node"
)

func keyAPICmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "api", Short: "keys for applications that use the HTTP API"}
	c.AddCommand(keyAPICreateCmd(a), keyAPIListCmd(a), keyAPIRevokeCmd(a))
	return c
}

func keyAPICreateCmd(a *app) *cobra.Command {
	var roles []string
	var days int
	c := &cobra.Command{
		Use: "create NAME", Short: "make a key, shown this once",
		Long: "Has the running node of --home make a key for an application. It is sent as \"Authorization: Bearer KEY\" and kept by\n" +
			"the node as a hash alone. Roles say what it may do at the API: client, admin and validator may submit signed\n" +
			"transactions, auditor, light and node only read. With --chain it sees that chain alone.",
		Example: "  huchain key api create portal --roles client --days 90 --home ~/.huchain/devnet/node0", Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			k, err := node.NewAPIKey(cmd.Context(), home, args[0], a.chain, roles, days)
			if err != nil {
				return err
			}
			return a.print(k, func(w io.Writer) {
				a.fields(w, field{"编号", "id", k.ID}, field{"密钥", "key", k.Token}, field{"有效至", "until", k.Expires.Format(time.DateOnly)})
			})
		},
	}
	c.Flags().StringSliceVar(&roles, "roles", []string{"client"}, "what the key may do")
	c.Flags().IntVar(&days, "days", 90, "how long it is good for")
	return c
}

func keyAPIListCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "the keys of a running node", Example: "  huchain key api list --home ~/.huchain/devnet/node0", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			list, err := node.APIKeys(cmd.Context(), home)
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) {
				for _, k := range list {
					state := a.say("有效至 ", "until ") + k.Expires.Format(time.DateOnly)
					if k.Revoked != nil {
						state = a.say("已吊销", "revoked")
					}
					var roles []string
					for _, r := range k.Roles {
						roles = append(roles, string(r))
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, k.Chain, strings.Join(roles, ","), state)
				}
			})
		},
	}
}

func keyAPIRevokeCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "end a key at once", Example: "  huchain key api revoke 1f0c… --home ~/.huchain/devnet/node0", Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			k, err := node.RevokeAPIKey(cmd.Context(), home, args[0])
			if err != nil {
				return err
			}
			return a.print(k, func(w io.Writer) { fmt.Fprintf(w, "%s\t%s\t%s\n", k.ID, k.Name, a.say("已吊销", "revoked")) })
		},
	}
}

func keySessionCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "session", Short: "who is logged in to a node's web listener"}
	c.AddCommand(&cobra.Command{
		Use: "list", Short: "open sessions", Example: "  huchain key session list --home ~/.huchain/devnet/node0", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			list, err := node.WebSessions(cmd.Context(), home)
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) {
				for _, s := range list {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.ID, s.Member, s.Chain, s.Used.Format(time.RFC3339))
				}
			})
		},
	}, &cobra.Command{
		Use: "revoke ID|MEMBER", Short: "end a session, or all of a member, at once",
		Example: "  huchain key session revoke archives/clerk --home ~/.huchain/devnet/node0", Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			if err := node.EndSessions(cmd.Context(), home, args[0]); err != nil {
				return err
			}
			return a.print(map[string]string{"ended": args[0]}, func(w io.Writer) { fmt.Fprintln(w, a.say("已结束", "ended")) })
		},
	})
	return c
}
