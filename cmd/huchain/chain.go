package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/chain"
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
		a.fields(w, field{"候选文件", "candidate", r.Candidate})
		if r.Genesis == "" {
			fmt.Fprintln(w, a.say("创世文件就绪后，再次运行 huchain init --genesis FILE", "once there is a genesis file: huchain init --genesis FILE"))
		} else {
			fmt.Fprintf(w, "%s huchain start --home %s\n", a.say("启动：", "start it:"), r.Home)
		}
	})
}

func chainCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "chain", Short: "chains of a node, and genesis files"}
	genesis := &cobra.Command{Use: "genesis", Short: "look at genesis files"}
	genesis.AddCommand(genesisShowCmd(a), genesisFetchCmd(a))
	c.AddCommand(chainListCmd(a), genesis)
	return c
}

func chainListCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "the chains of a running node", Example: "  huchain chain list --node http://127.0.0.1:7100", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			list, err := cl.Chains(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) {
				for _, c := range list.Items {
					fmt.Fprintf(w, "%s\t%s %d\t%s\n", c.Chain, a.say("高度", "height"), c.Height, c.Genesis)
				}
			})
		},
	}
}

func genesisShowCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show FILE", Short: "check a genesis file and show its hash, founders and contracts",
		Long:    "Checks a genesis file. Its hash is SM3 of the file: openssl dgst -sm3 FILE shows the same.",
		Example: "  huchain chain genesis show genesis.json", Args: takes(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			raw, err := os.ReadFile(args[0])
			if err != nil {
				return types.Errorf(types.CodeGenesisInvalid, "%w", err)
			}
			g, err := chain.ParseGenesis(raw)
			if err != nil {
				return err
			}
			v := struct {
				Hash    string `json:"hash"`
				ChainID string `json:"chainId"`
				*chain.Genesis
			}{g.Hash().String(), g.CometChainID(), g}
			return a.print(v, func(w io.Writer) {
				a.fields(w, field{"创世哈希", "hash", g.Hash()}, field{"链", "chain", g.CometChainID()}, field{"时间", "time", g.Time})
				for _, o := range g.Organisations {
					fmt.Fprintf(w, "%s\t%s\n", a.say("机构", "organisation"), o.Name)
				}
				for _, v := range g.Validators {
					fmt.Fprintf(w, "%s\t%s/%s (%d)\n", a.say("共识节点", "validator"), v.Org, v.Name, v.Power)
				}
				for _, b := range g.Bundles {
					fmt.Fprintf(w, "%s\t%s %s %s\n", a.say("合约", "contract"), b.Name, b.Version, b.Package)
				}
			})
		},
	}
}

func genesisFetchCmd(a *app) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "fetch", Short: "fetch the genesis file of a running chain", Example: "  huchain chain genesis fetch --out genesis.json",
		Long: "Fetches the genesis file and checks it against the genesis hash. Compare the hash with another operator's\nbefore you trust it.",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usage(cmd, "--out is required")
			}
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			raw, err := cl.GenesisFile(cmd.Context())
			if err != nil {
				return err
			}
			if err := node.WriteFile(out, raw, 0o644); err != nil {
				return err
			}
			return a.print(map[string]any{"file": out, "genesis": cl.Genesis()}, func(w io.Writer) {
				a.fields(w, field{"文件", "file", out}, field{"创世哈希", "genesis", cl.Genesis()})
			})
		},
	}
	c.Flags().StringVar(&out, "out", "", "file to write")
	return c
}
