package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/founding"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

// readFile reads a file of a ceremony, of bounded size.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, founding.MaxFileBytes+1))
	if err != nil {
		return nil, types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	return raw, nil
}

func readDraft(path string) (*founding.Draft, error) {
	raw, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return founding.ParseDraft(raw)
}

// changeDraft reads a draft, has it changed, and writes it back to out, or to its place.
func (a *app) changeDraft(path, out string, change func(*founding.Draft) error) error {
	d, err := readDraft(path)
	if err != nil {
		return err
	}
	if err := change(d); err != nil {
		return err
	}
	if out == "" {
		out = path
	}
	return a.saveDraft(d, out)
}

func (a *app) saveDraft(d *founding.Draft, path string) error {
	text, err := d.Encode()
	if err != nil {
		return err
	}
	if err := node.WriteFile(path, text, 0o644); err != nil {
		return err
	}
	raw, err := d.Render()
	if err != nil {
		return err
	}
	return a.showGenesis(path, crypto.Sum(raw), &d.Genesis, d.Signatures, "draft")
}

// genesisView is a draft, sealed or bare genesis as it is shown.
type genesisView struct {
	File    string   `json:"file"`
	Form    string   `json:"form"` // draft, sealed, genesis
	Hash    string   `json:"hash"`
	Short   string   `json:"short"`
	ChainID string   `json:"chainId"`
	Signed  []string `json:"signedBy"`
	*chain.Genesis
}

func (a *app) showGenesis(path string, hash crypto.Hash, g *chain.Genesis, signatures []founding.Signature, form string) error {
	v := genesisView{File: path, Form: form, Hash: hash.String(), Short: founding.Short(hash), ChainID: g.Chain + "-" + hash.String()[:16], Signed: []string{}, Genesis: g}
	for _, s := range signatures {
		v.Signed = append(v.Signed, s.Org)
	}
	forms := map[string]string{"draft": a.say("草案", "draft"), "sealed": a.say("已封存，签名有效", "sealed, all signatures hold"), "genesis": a.say("创世文件", "genesis file")}
	return a.print(v, func(w io.Writer) {
		a.fields(w, field{"文件", "file", path}, field{"形式", "form", forms[form]}, field{"短哈希（电话核对）", "short hash, to be compared by telephone", v.Short},
			field{"创世哈希", "hash", v.Hash}, field{"链", "chain", v.ChainID}, field{"时间", "time", g.Time})
		for _, o := range g.Organisations {
			fmt.Fprintf(w, "%s\t%s\n", a.say("机构", "organisation"), o.Name)
		}
		for _, v := range g.Validators {
			fmt.Fprintf(w, "%s\t%s/%s (%d)\n", a.say("共识节点", "validator"), v.Org, v.Name, v.Power)
		}
		for _, p := range g.Peers {
			fmt.Fprintf(w, "%s\t%s\n", a.say("地址", "address"), p)
		}
		for _, b := range g.Bundles {
			fmt.Fprintf(w, "%s\t%s %s %s\n", a.say("合约", "contract"), b.Name, b.Version, b.Package)
		}
		if form != "genesis" {
			fmt.Fprintf(w, "%s\t%s\n", a.say("已签署", "signed by"), strings.Join(v.Signed, ", "))
		}
	})
}

func genesisNewCmd(a *app) *cobra.Command {
	var out, at, bundles, params string
	c := &cobra.Command{
		Use: "new", Short: "begin the draft of a chain",
		Long: "Writes a draft without organisations and validators. --bundles names the folder of the contract packages the chain\n" +
			"begins with; the packages themselves go to every node beside the sealed file. --params is a JSON file of chain\n" +
			"parameters that differ from the defaults, such as {\"policy\":\"supervision\"}.",
		Example: "  huchain chain genesis new --chain gov --bundles bin/bundles --out gov.draft", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" || a.chain == "" {
				return usage(cmd, "--chain and --out are required")
			}
			when := time.Now()
			if at != "" {
				var err error
				if when, err = time.Parse(time.RFC3339, at); err != nil {
					return usage(cmd, "--time: %v", err)
				}
			}
			d, err := newDraft(a.chain, when, params, bundles)
			if err != nil {
				return err
			}
			if _, err := os.Stat(out); err == nil {
				return types.Errorf(types.CodeAlreadyExists, "%s", out)
			}
			return a.saveDraft(d, out)
		},
	}
	c.Flags().StringVar(&out, "out", "", "draft to write")
	c.Flags().StringVar(&at, "time", "", "time of the genesis, RFC 3339 (default now); blocks are later")
	c.Flags().StringVar(&bundles, "bundles", "", "folder of the contract packages (*.hcp) the chain begins with")
	c.Flags().StringVar(&params, "params", "", "JSON file of parameters that differ from the defaults")
	return c
}

// genesisBundles names the packages of a folder, in order of file name.
func genesisBundles(dir string) ([]chain.GenesisBundle, error) {
	if dir == "" {
		return nil, nil
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.hcp"))
	if err != nil || len(files) == 0 {
		return nil, types.Errorf(types.CodeNotFound, "%s holds no contract package (*.hcp)", dir)
	}
	var out []chain.GenesisBundle
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return nil, types.Errorf(types.CodePackageInvalid, "%w", err)
		}
		p, err := bundle.Open(raw)
		if err != nil {
			return nil, err
		}
		out = append(out, chain.GenesisBundle{Name: p.Manifest.Name, Version: p.Manifest.Version, Package: p.Hash, Code: p.CodeHash, Params: p.Manifest.Params})
	}
	return out, nil
}

func genesisAddOrgCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "add-org DRAFT CA.pem", Short: "add an organisation by the root certificate of its CA",
		Long:    "Adds an organisation. Signatures that the draft bears are dropped: they were of another content.",
		Example: "  huchain chain genesis add-org gov.draft archives/ca.pem", Args: takes(2, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			root, err := readCert(args[1])
			if err != nil {
				return err
			}
			return a.changeDraft(args[0], "", func(d *founding.Draft) error { return d.AddOrganisation(root, time.Now()) })
		},
	}
}

func genesisAddValidatorCmd(a *app) *cobra.Command {
	var power int64
	var address string
	c := &cobra.Command{
		Use: "add-validator DRAFT VALIDATOR.json", Short: "add a node that will vote from the beginning",
		Long: "Adds a validator by the file that huchain init --org wrote on its machine: public keys, the proof that it holds them,\n" +
			"and where others reach it. Signatures that the draft bears are dropped.",
		Example: "  huchain chain genesis add-validator gov.draft node0/validator.json --address 10.0.0.1:7200", Args: takes(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := readFile(args[1])
			if err != nil {
				return err
			}
			var v founding.Validator
			if err := json.Unmarshal(raw, &v); err != nil {
				return types.Errorf(types.CodeGenesisInvalid, "%s: %w", args[1], err)
			}
			if cmd.Flags().Changed("power") {
				v.Power = power
			}
			if address != "" {
				v.Address = address
			}
			return a.changeDraft(args[0], "", func(d *founding.Draft) error { return d.AddValidator(&v) })
		},
	}
	c.Flags().Int64Var(&power, "power", 1, "weight of its votes")
	c.Flags().StringVar(&address, "address", "", "host:port under which others reach it, instead of the file's")
	return c
}

func genesisSignCmd(a *app) *cobra.Command {
	var as, dir, pass, out string
	c := &cobra.Command{
		Use: "sign DRAFT", Short: "agree to a draft for an organisation",
		Long: "Signs the content of the draft by an admin of an organisation, or by its CA (--as ORG/ca). Look at it first with\n" +
			"\"chain genesis show\", and compare the short hash with the others by telephone. Copies that were signed apart are put\n" +
			"together by \"chain genesis seal\".",
		Example: "  huchain chain genesis sign gov.draft --as archives/admin --dir members", Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := types.ParseMemberID(as)
			if err != nil {
				return usage(cmd, "--as: %v", err)
			}
			base := filepath.Join(dir, id.Org(), id.Name())
			crt, err := readCert(base + ".pem")
			if err != nil {
				return err
			}
			secret, err := keystore.ReadPassphrase(pass)
			if err != nil {
				return err
			}
			key, err := keystore.Load(base+".key", secret)
			if err != nil {
				return err
			}
			return a.changeDraft(args[0], out, func(d *founding.Draft) error {
				_, err := d.Sign(key, crt, time.Now())
				return err
			})
		},
	}
	c.Flags().StringVar(&as, "as", "", "who signs: ORG/NAME of an admin, or ORG/ca")
	c.Flags().StringVar(&dir, "dir", ".", "folder of the organisations")
	c.Flags().StringVar(&out, "out", "", "write the signed copy here instead of over the draft")
	passphraseFlag(c, &pass)
	return c
}

func genesisSealCmd(a *app) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "seal DRAFT [SIGNED…]", Short: "close the ceremony once every organisation has signed",
		Long: "Puts the signatures of the copies together, verifies them, and writes the sealed genesis. Refused until every\n" +
			"organisation in the draft has signed this very content.",
		Example: "  huchain chain genesis seal gov.draft court.draft --out gov.sealed", Args: takes(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usage(cmd, "--out is required")
			}
			d, err := readDraft(args[0])
			if err != nil {
				return err
			}
			for _, path := range args[1:] {
				o, err := readDraft(path)
				if err != nil {
					return err
				}
				if err := d.Merge(o); err != nil {
					return err
				}
			}
			s, err := d.Seal()
			if err != nil {
				return err
			}
			text, err := s.Encode()
			if err != nil {
				return err
			}
			if err := node.WriteFile(out, text, 0o644); err != nil {
				return err
			}
			return a.showGenesis(out, s.Hash, &d.Genesis, s.Signatures, "sealed")
		},
	}
	c.Flags().StringVar(&out, "out", "", "sealed genesis to write")
	return c
}

func genesisShowCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show FILE", Short: "check a draft, sealed or bare genesis and show its hash, founders and contracts",
		Long: "Checks a file of a founding. Of a sealed genesis every signature is verified. The hash is SM3 of the genesis file:\n" +
			"openssl dgst -sm3 FILE shows the same for a bare one.",
		Example: "  huchain chain genesis show genesis.json\n  huchain chain genesis show gov.sealed", Args: takes(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			raw, err := readFile(args[0])
			if err != nil {
				return err
			}
			switch {
			case founding.IsSealed(raw):
				s, g, err := founding.ParseSealed(raw)
				if err != nil {
					return err
				}
				return a.showGenesis(args[0], g.Hash(), g, s.Signatures, "sealed")
			case founding.IsDraft(raw):
				d, err := founding.ParseDraft(raw)
				if err != nil {
					return err
				}
				content, err := d.Render()
				if err != nil {
					return err
				}
				return a.showGenesis(args[0], crypto.Sum(content), &d.Genesis, d.Signatures, "draft")
			}
			g, err := chain.ParseGenesis(raw)
			if err != nil {
				return err
			}
			return a.showGenesis(args[0], g.Hash(), g, nil, "genesis")
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
