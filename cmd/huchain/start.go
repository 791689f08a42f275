package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/node"
)

func startCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "start", Short: "run the node of a home folder",
		Long: "Runs the node whose folder --home names, with every chain under chains/, until SIGTERM or SIGINT. It ends\n" +
			"with a non-zero status if it cannot go on: consensus has failed, the ledger is damaged, the disk is full.",
		Example: "  huchain start\n  huchain start --home ~/.huchain/devnet/node2",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := filepath.Abs(a.home)
			if err != nil {
				return err
			}
			return node.Run(cmd.Context(), node.Home{Dir: dir}, node.Options{
				Stderr: a.err,
				Ready: func(name, web string, chains []string) {
					fmt.Fprintf(a.out, a.say("节点 %s 已就绪：%s，链 %s\n", "node %s is ready: %s, chain %s\n"), name, web, strings.Join(chains, ", "))
				},
			})
		},
	}
}

func initCmd(a *app) *cobra.Command {
	var genesis, name, org, p2p, web, pass, bundles, link string
	var peers []string
	var follower bool
	c := &cobra.Command{
		Use: "init", Short: "make the home of a node that joins a chain",
		Long: "Makes the home folder of a node for the chain of a genesis file: configuration, keys, and the contract packages\n" +
			"the genesis names. A validator's public keys are printed: they have to stand in the genesis file, so without\n" +
			"--genesis only keys are made, and the genesis is added by running init again with it. To join a chain that runs already,\n" +
			"name --org too: candidate.json is written, with which governance takes the node in (governance.addValidator).\n" +
			"The certificates of its links come from its organisation (cert issue --roles node); their keys must be under this\n" +
			"node's passphrase.",
		Example: "  huchain init --chain gov                      # keys of a future validator\n" +
			"  huchain init --genesis genesis.json --bundles bundles --link archives/node1 --peer archives/node0@10.0.0.2:7200\n" +
			"  huchain init --genesis genesis.json --bundles bundles --org court --name node5 --link court/node5 --peer court/node0@10.0.0.2:7200\n" +
			"  huchain init --genesis genesis.json --bundles bundles --follower",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := filepath.Abs(a.home)
			if err != nil {
				return err
			}
			out, err := node.Init(node.InitOptions{
				Home: node.Home{Dir: dir}, Name: name, Org: org, Chain: a.chain, GenesisFile: genesis, BundlesDir: bundles,
				Peers: peers, P2P: p2p, Web: web, Follower: follower, Link: link, Passphrase: newPassphrase(pass), PassphraseFile: pass,
			})
			if err != nil {
				return err
			}
			return a.printInit(out)
		},
	}
	f := c.Flags()
	f.StringVar(&genesis, "genesis", "", "genesis file of the chain")
	f.StringVar(&bundles, "bundles", "", "folder of the contract packages (*.hcp) the genesis names")
	f.StringVar(&name, "name", "node", "name of the node")
	f.StringVar(&org, "org", "", "organisation of the node; with --genesis, writes candidate.json for \"huchain gov propose\"")
	f.StringSliceVar(&peers, "peer", nil, "peer to link to: ORGANISATION/NODE@HOST:PORT; may be repeated")
	f.StringVar(&link, "link", "", "keys and certificates of the node's links, as cert issue --roles node made them: folder/name without .pem")
	f.StringVar(&p2p, "p2p", "", "listen address for peers (default 127.0.0.1:7200)")
	f.StringVar(&web, "web", "", "listen address of the HTTP API, loopback (default 127.0.0.1:7100)")
	f.BoolVar(&follower, "follower", false, "make no validator key: the node follows and votes on nothing")
	passphraseFlag(c, &pass)
	return c
}
