package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/chain/founding"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

func archiveRestartCmd(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "restart", Short: "go on with a chain of which only genesis and archive are left, by act of its validators",
		Long: "A chain that was rebuilt from its archive (archive restore --chain-from-genesis) can be read. Its validators restart\n" +
			"it by an act that names the newest block: each signs it on a home where it rebuilt the chain itself, and once\n" +
			"validators with more than two thirds of the voting power have signed, every node applies it and starts. Blocks go\n" +
			"on above that one, headers link on, and proofs of before and after hold by the same genesis. Blocks that the old\n" +
			"chain had above are given up: restart only where no node that has them can be brought back.\n\n" +
			"propose begins the act, sign adds a signature, show looks at it, apply puts copies together, verifies, and installs.",
		Example: "  huchain archive restart propose --home node0 --out gov.restart\n  huchain archive restart sign gov.restart --home node0\n" +
			"  huchain archive restart apply gov.restart gov-2.restart gov-3.restart --home node0",
	}
	c.AddCommand(restartProposeCmd(a), restartSignCmd(a), restartShowCmd(a), restartApplyCmd(a))
	return c
}

// restartView is an act as it is shown.
type restartView struct {
	File     string             `json:"file"`
	ID       crypto.Hash        `json:"id"`
	Short    string             `json:"short"`
	ChainID  string             `json:"chainId"` // inside consensus, from the act on
	SignedBy []crypto.PublicKey `json:"signedBy"`
	founding.RestartTerms
}

func (a *app) showRestart(path string, d *founding.RestartDraft) error {
	id := d.Terms().ID()
	v := restartView{File: path, ID: id, Short: founding.Short(id), ChainID: d.Restart.Chain + "-" + id.String()[:16], RestartTerms: d.Restart, SignedBy: []crypto.PublicKey{}}
	for i := range d.Signatures {
		v.SignedBy = append(v.SignedBy, d.Signatures[i].Key)
	}
	return a.print(v, func(w io.Writer) {
		a.fields(w, field{"文件", "file", path}, field{"短哈希（电话核对）", "short hash, to be compared by telephone", v.Short}, field{"链", "chain", d.Restart.Chain},
			field{"创世哈希", "genesis", d.Restart.Genesis}, field{"保留至高度", "kept up to height", d.Restart.Height}, field{"该高度区块头", "header of that height", d.Restart.Header},
			field{"下一区块时间", "time of the next block", d.Restart.Time.Format(time.RFC3339)}, field{"重启后的链标识", "chain id from then on", v.ChainID})
		for _, k := range v.SignedBy {
			fmt.Fprintf(w, "%s\t%s\n", a.say("已签署", "signed by"), k)
		}
	})
}

func readRestart(path string) (*founding.RestartDraft, error) {
	raw, err := readFile(path)
	if err != nil {
		return nil, types.Errorf(types.CodeRestartRefused, "%w", err)
	}
	return founding.ParseRestart(raw)
}

func (a *app) saveRestart(path string, d *founding.RestartDraft) error {
	text, err := d.Encode()
	if err != nil {
		return err
	}
	if err := node.WriteFile(path, text, 0o644); err != nil {
		return err
	}
	return a.showRestart(path, d)
}

func restartProposeCmd(a *app) *cobra.Command {
	var out, at string
	c := &cobra.Command{
		Use: "propose", Short: "begin the act that restarts a rebuilt chain",
		Long:    "Writes an act without signatures that stands on the newest block of the chain as it was rebuilt here. One node begins\nit; the others sign the same file or copies of it. The node must be stopped.",
		Example: "  huchain archive restart propose --home ~/.huchain/node0 --out gov.restart", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usage(cmd, "--out is required")
			}
			when := time.Now()
			if at != "" {
				var err error
				if when, err = time.Parse(time.RFC3339, at); err != nil {
					return usage(cmd, "--time: %v", err)
				}
			}
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			d, err := node.ProposeRestart(home, a.chain, when)
			if err != nil {
				return err
			}
			if _, err := os.Stat(out); err == nil {
				return types.Errorf(types.CodeAlreadyExists, "%s", out)
			}
			return a.saveRestart(out, d)
		},
	}
	c.Flags().StringVar(&out, "out", "", "act to write")
	c.Flags().StringVar(&at, "time", "", "time of the next block, RFC 3339 (default now): later than the newest block, and not to come")
	return c
}

func restartSignCmd(a *app) *cobra.Command {
	var out string
	var key node.ActKey
	var dev device
	c := &cobra.Command{
		Use: "sign ACT", Short: "agree to an act of restarting as a validator",
		Long: "Signs with the validator's key, if the act stands on the newest block of the chain as it was rebuilt in this home,\n" +
			"from the archive, by this operator. Compare the short hash with the other validators by telephone first.\n" +
			"A validator that signs gives up every block above the one named: sign one act alone.\n" +
			"A signing process (key serve) signs no act by itself: its operator names its key by --key, or the device by --sdf.",
		Example: "  huchain archive restart sign gov.restart --home ~/.huchain/node1 --out gov-1.restart\n" +
			"  huchain archive restart sign gov.restart --home ~/.huchain/node1 --key /srv/keys/validator.key", Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if key.File != "" && dev.library != "" {
				return usage(cmd, "--key or --sdf, not both")
			}
			d, err := readRestart(args[0])
			if err != nil {
				return err
			}
			if key.Device, err = dev.open(); err != nil {
				return err
			}
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			if err := node.SignRestart(home, a.chain, d, key); err != nil {
				return err
			}
			if out == "" {
				out = args[0]
			}
			return a.saveRestart(out, d)
		},
	}
	c.Flags().StringVar(&out, "out", "", "write the signed copy here instead of over the act")
	c.Flags().StringVar(&key.File, "key", "", "validator's key (default keys/validator.key of the chain's folder)")
	dev.flags(c, "the act")
	passphraseFlag(c, &key.PassphraseFile)
	return c
}

func restartShowCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show ACT", Short: "show an act of restarting and who signed it",
		Long:    "Shows what the act says. Whether its signatures hold, and are enough, says apply, which knows the chain's validators.",
		Example: "  huchain archive restart show gov.restart", Args: takes(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := readRestart(args[0])
			if err != nil {
				return err
			}
			return a.showRestart(args[0], d)
		},
	}
}

func restartApplyCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "apply ACT [SIGNED…]", Short: "have a node go on from a signed act",
		Long: "Puts the signatures of the copies together and verifies them against the chain as it was rebuilt in this home: more\n" +
			"than two thirds of the validators' power, on the newest block here. The act then lies beside the genesis file as\n" +
			"restart.json, and is verified again at every start. Nodes that join later need it as they need genesis.json.",
		Example: "  huchain archive restart apply gov.restart gov-1.restart gov-2.restart --home ~/.huchain/node0", Args: takes(1, -1),
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := readRestart(args[0])
			if err != nil {
				return err
			}
			for _, path := range args[1:] {
				o, err := readRestart(path)
				if err != nil {
					return err
				}
				if err := d.Merge(o); err != nil {
					return err
				}
			}
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			if _, err := node.ApplyRestart(home, a.chain, d); err != nil {
				return err
			}
			return a.showRestart(args[0], d)
		},
	}
}
