package main

import (
	"io"
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/node"
)

func keyServeCmd(a *app) *cobra.Command {
	var o node.SignerOptions
	var pass, level string
	var key device
	c := &cobra.Command{
		Use: "serve KEYS", Short: "hold a validator's keys in a process of their own",
		Long: "Signs for a validator whose keys are in the folder KEYS: validator.key, consensus.json and vote.json, as\n" +
			"\"huchain init\" makes them in a chain's keys folder, from where they are moved; of a chain that was restarted, all\n" +
			"files vote-*.json too, and --restart names the act. The process holds the vote state, so that no two nodes get\n" +
			"contradicting votes of it, however many are started with this key; without that file it refuses to start (HC-6106).\n" +
			"There is none yet at the first start after a restart: --begin-votes, once, says that these keys signed nothing since.\n" +
			"It signs votes, and headers of one chain, and nothing else; header.json beside the keys remembers the newest header.\n" +
			"The node names it in chain.toml, keys.signer: as \"unix:PATH\", a socket for processes of the same user, or as\n" +
			"\"ORGANISATION/NAME@HOST:PORT\", the name in the certificates of --link. While it is away the node follows its\n" +
			"chain without voting. It runs until SIGTERM or SIGINT.",
		Example: "  huchain key serve /srv/keys --genesis genesis.json --listen unix:/run/huchain/gov.sock\n" +
			"  huchain key serve /srv/keys --genesis genesis.json --listen 10.0.0.9:7600 --link archives/signer0 --allow archives/node0\n" +
			"  huchain key serve /srv/keys --genesis genesis.json --restart restart.json --begin-votes --listen unix:/run/huchain/gov.sock",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.GenesisFile == "" || o.Listen == "" {
				return usage(cmd, "--genesis and --listen are required")
			}
			if o.BeginVotes && o.RestartFile == "" {
				return usage(cmd, "--begin-votes goes with --restart")
			}
			lv := slog.LevelInfo
			if err := lv.UnmarshalText([]byte(level)); err != nil {
				return usage(cmd, "--log: %v", err)
			}
			var err error
			if o.Keys, err = filepath.Abs(args[0]); err != nil {
				return err
			}
			if o.Secret, err = keystore.ReadPassphrase(pass); err != nil {
				return err
			}
			if o.Key, err = key.open(); err != nil {
				return err
			}
			o.Logger = slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: lv}))
			var perr error
			o.Ready = func(i node.SignerInfo) {
				perr = a.print(i, func(w io.Writer) {
					a.fields(w, field{"链", "chain", i.Chain}, field{"监听", "listening", i.Listening}, field{"公钥", "public key", i.Key},
						field{"投票公钥", "voting key", i.Ed25519}, field{"最近投票高度", "newest vote at height", i.Height})
				})
			}
			if err := node.ServeSigner(cmd.Context(), o); err != nil {
				return err
			}
			return perr
		},
	}
	f := c.Flags()
	f.StringVar(&o.GenesisFile, "genesis", "", "genesis file of the chain the keys are for")
	f.StringVar(&o.RestartFile, "restart", "", "act that the chain was restarted with (huchain archive restart), if it was")
	f.BoolVar(&o.BeginVotes, "begin-votes", false, "with --restart, at the first start after it: these keys signed nothing since, here or elsewhere")
	f.StringVar(&o.Listen, "listen", "", "unix:PATH, or HOST:PORT for TLCP")
	f.StringVar(&o.Link, "link", "", "keys and certificates shown over TLCP, as cert issue --roles node made them: folder/name without .pem")
	f.StringVar(&o.Roots, "roots", "", "PEM file of the roots that certify the nodes (default: those of the genesis)")
	f.StringSliceVar(&o.Allow, "allow", nil, "node that is served over TLCP: ORGANISATION/NODE; may be repeated")
	f.StringVar(&level, "log", "info", "what is logged on standard error: debug, info, warn, error")
	key.flags(c, "headers")
	passphraseFlag(c, &pass)
	return c
}
