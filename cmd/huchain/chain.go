package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

func newPassphrase(file string) func() ([]byte, error) {
	return func() ([]byte, error) { return keystore.ReadNewPassphrase(file) }
}

func (a *app) printInit(r *node.InitResult) error {
	return a.print(r, func(w io.Writer) {
		a.fields(w, field{"目录", "home", r.Home}, field{"链", "chain", r.Chain}, field{"创世哈希", "genesis", r.Genesis}, field{"节点号", "node id", r.NodeID})
		if r.Key != nil {
			a.fields(w, field{"验证公钥", "validator key", *r.Key}, field{"投票公钥", "ed25519", r.Ed25519})
		}
		a.fields(w, field{"候选文件", "candidate", r.Candidate}, field{"监听", "listens for peers at", r.P2P}, field{"对等节点", "peers", strings.Join(r.Peers, ", ")})
		if r.Genesis == "" {
			fmt.Fprintln(w, a.say("把候选文件交给创世仪式（huchain chain genesis add-validator）；创世文件封存后运行 huchain chain join FILE", "hand the candidate file to the ceremony (huchain chain genesis add-validator); once the genesis is sealed: huchain chain join FILE"))
		} else {
			fmt.Fprintf(w, "%s huchain start --home %s\n", a.say("启动：", "start it:"), r.Home)
		}
	})
}

func chainCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "chain", Short: "chains of a node, and their founding",
		Long: "A node hosts any number of chains, each with its own organisations, keys, ports and data. They are started and\n" +
			"stopped one by one while the node runs, and none notices what becomes of another."}
	genesis := &cobra.Command{Use: "genesis", Short: "found a chain together: draft, signatures, sealed genesis",
		Long: "The founding of a chain: one organisation begins a draft; organisations and validators are added; each organisation\n" +
			"signs the same content; the sealed file is what nodes join by. The short hash is compared by telephone."}
	genesis.AddCommand(genesisNewCmd(a), genesisAddOrgCmd(a), genesisAddValidatorCmd(a), genesisSignCmd(a), genesisSealCmd(a), genesisShowCmd(a), genesisFetchCmd(a))
	c.AddCommand(chainCreateCmd(a), chainJoinCmd(a), chainLeaveCmd(a), chainListCmd(a), chainStartCmd(a), chainStopCmd(a), genesis)
	return c
}

func chainListCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "the chains of a node",
		Long: "With --home of a node, the chains in it and how each is doing, whether the node runs or not. Else the chains that the\n" +
			"node of --node, or of the profile, serves.",
		Example: "  huchain chain list --home ~/.huchain/devnet/node0\n  huchain chain list --node http://127.0.0.1:7100", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			if a.node == "" && home.Exists() {
				list, err := node.ListChains(cmd.Context(), home)
				if err != nil {
					return err
				}
				return a.print(list, func(w io.Writer) {
					for i := range list {
						a.writeChainState(w, &list[i])
					}
				})
			}
			p, err := a.profileOf()
			if err != nil {
				return err
			}
			list, err := p.List(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) {
				for _, c := range list.Items {
					fmt.Fprintf(w, "%s\t%s %d\t%s\n", c.Chain, a.say("高度", "height"), c.Height, c.Genesis)
				}
				for _, name := range list.Starting {
					fmt.Fprintf(w, "%s\t%s\n", name, a.say("启动中", "starting"))
				}
			})
		},
	}
}

func (a *app) writeChainState(w io.Writer, s *node.ChainState) {
	states := map[string]string{
		node.ChainStarting: a.say("启动中", "starting"), node.ChainRunning: a.say("运行中", "running"),
		node.ChainStopped: a.say("已停止", "stopped"), node.ChainFailed: a.say("故障", "failed"),
	}
	fmt.Fprintf(w, "%s\t%s\t%s %d\t%s %d\t%s\t%s\t%s\n", s.Chain, states[s.State], a.say("高度", "height"), s.Height, a.say("对等节点", "peers"), s.Peers,
		s.P2P, s.Genesis[:min(16, len(s.Genesis))], strings.Join(s.Orgs, ","))
	if s.ReadOnly {
		fmt.Fprintf(w, "\t%s\n", a.say("只读：由归档重建", "can only be read: rebuilt from its archive"))
	}
	if s.Error != "" {
		fmt.Fprintf(w, "\t%s\n", s.Error)
	}
}

func chainStartCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "start NAME", Short: "start a chain in a running node", Example: "  huchain chain start apps --home ~/.huchain/devnet/node0", Args: takes(1, 1),
		Long: "Has the running node of --home start a chain of its folder: one that was stopped, has failed, or was put there.",
		RunE: func(cmd *cobra.Command, args []string) error {
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			s, err := node.StartChain(cmd.Context(), home, args[0])
			if err != nil {
				return err
			}
			return a.print(s, func(w io.Writer) { a.writeChainState(w, s) })
		},
	}
}

func chainStopCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "stop NAME", Short: "stop a chain in a running node", Example: "  huchain chain stop apps --home ~/.huchain/devnet/node0", Args: takes(1, 1),
		Long: "Has the running node of --home stop one of its chains; the others go on. It starts again with the node, or by chain start.",
		RunE: func(cmd *cobra.Command, args []string) error {
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			s, err := node.StopChain(cmd.Context(), home, args[0])
			if err != nil {
				return err
			}
			return a.print(s, func(w io.Writer) { a.writeChainState(w, s) })
		},
	}
}

func chainLeaveCmd(a *app) *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use: "leave NAME", Short: "take a chain out of a node", Example: "  huchain chain leave apps --home ~/.huchain/node4", Args: takes(1, 1),
		Long: "Stops the chain, if the node runs, and moves its folder with keys and data to <home>/left. Nothing is deleted. A node\n" +
			"that is a validator of the chain is refused: governance removes it first (governance.removeValidator).",
		RunE: func(cmd *cobra.Command, args []string) error {
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			if !types.ValidName(args[0]) {
				return usage(cmd, "%q is no chain name", args[0])
			}
			to, err := node.LeaveChain(cmd.Context(), home, args[0], force)
			if err != nil {
				return err
			}
			return a.print(map[string]any{"chain": args[0], "movedTo": to}, func(w io.Writer) {
				a.fields(w, field{"已退出", "left", args[0]}, field{"文件夹移至", "folder moved to", to})
			})
		},
	}
	c.Flags().BoolVar(&force, "force", false, "leave although the chain counts on this validator's votes")
	return c
}
