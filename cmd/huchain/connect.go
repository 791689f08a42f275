package main

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/types"
)

// profileOf resolves the connection of the invocation: --node alone, or a named
// profile whose values --node and --chain override.
func (a *app) profileOf() (client.Profile, error) {
	name := a.profile
	if name == "" {
		name = "devnet"
	}
	p, err := client.LoadProfile(a.home, name)
	switch {
	case err == nil:
	case a.node != "" && a.profile == "" && types.CodeOf(err) == types.CodeNotFound:
		p = client.Profile{}
	case a.profile == "" && types.CodeOf(err) == types.CodeNotFound:
		return p, types.Errorf(types.CodeNotFound,
			"no connection: %s holds no profile; name a node with --node, or start a devnet with \"huchain devnet up\"", a.home)
	default:
		return p, err
	}
	p.Select(a.chain)
	if a.node != "" {
		p.Nodes = strings.Split(a.node, ",")
	}
	if a.connectAs != "" {
		p.ConnectAs = a.connectAs
	}
	return p, nil
}

// connect opens a client for the invocation.
func (a *app) connect(ctx context.Context) (*client.Client, client.Profile, error) {
	p, err := a.profileOf()
	if err != nil {
		return nil, p, err
	}
	c, err := p.Connect(ctx)
	return c, p, err
}

// identity loads the member that --as names.
func (a *app) identity(p client.Profile, as, passphraseFile string) (*client.Identity, error) {
	if as == "" {
		return nil, types.Errorf(types.CodeUsage, "who signs? name a member with --as ORG/NAME, or NAME where it is unique")
	}
	return client.LoadMember(p.Members, as, func() ([]byte, error) { return p.Passphrase(passphraseFile) })
}

// asFlag adds --as, which completes to the members of the profile.
func (a *app) asFlag(c *cobra.Command, to *string, what string) {
	c.Flags().StringVar(to, "as", os.Getenv("HUCHAIN_AS"), what+": ORG/NAME, or NAME where it is unique (HUCHAIN_AS)")
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		if p, err := a.profileOf(); err == nil {
			for _, m := range client.Members(p.Members) {
				names = append(names, string(m))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	if err := c.RegisterFlagCompletionFunc("as", complete); err != nil {
		panic(err) // the flag was added two lines above
	}
}
