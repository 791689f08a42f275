package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/services/certificate"
	"github.com/huchain/huchain/services/pdf"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func proofCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "proof", Short: "export proofs and check them without a node"}
	c.AddCommand(proofExportCmd(a), proofVerifyCmd(a), proofCertifyCmd(a))
	return c
}

func proofExportCmd(a *app) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "export tx ID | state NS KEY", Short: "write everything that proves a transaction or a record into one file",
		Long: "Writes one file that stands on its own: the transaction with its inclusion and outcome, the rows it wrote or the\n" +
			"record asked for, membership and certificates of the signers, the hash of the contract's code, block headers with\n" +
			"their finality certificates, and the changes of validators since genesis that lead there. It is checked before\n" +
			"it is written. An absent record can be exported too.",
		Example: "  huchain proof export tx 4be1… --out tx.proof\n  huchain proof export state evidence 0x65… --out row.proof",
		Args:    takes(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usage(cmd, "--out is required")
			}
			ctx := cmd.Context()
			cl, p, err := a.connect(ctx)
			if err != nil {
				return err
			}
			t, err := a.trust(ctx, cl, p, "")
			if err != nil {
				return err
			}
			var d *light.Dossier
			switch {
			case args[0] == "tx" && len(args) == 2:
				id, perr := crypto.ParseHash(args[1])
				if perr != nil {
					return usage(cmd, "transaction id: %v", perr)
				}
				d, err = cl.TxDossier(ctx, t, id)
			case args[0] == "state" && len(args) == 3:
				key, kerr := parseKey(args[2])
				if kerr != nil {
					return usage(cmd, "%v", kerr)
				}
				d, err = cl.StateDossier(ctx, t, args[1], key)
			default:
				return usage(cmd, "%q: export tx ID, or export state NS KEY", strings.Join(args, " "))
			}
			if err != nil {
				return err
			}
			report, err := client.VerifyDossier(d, t)
			if err != nil {
				return err
			}
			a.warnUnpinned(cl)
			if err := writeDossier(out, d); err != nil {
				return err
			}
			return a.printReport(report, out)
		},
	}
	c.Flags().StringVar(&out, "out", "", "file to write")
	return c
}

func proofVerifyCmd(a *app) *cobra.Command {
	var genesis, trust, header, original, restart string
	c := &cobra.Command{
		Use: "verify FILE", Short: "check a proof or a certificate, without a node",
		Long: "Checks a file of proof export, a certificate of evidence (PDF), or a proof from an answer of the HTTP API, without\n" +
			"any network. Of a certificate the attached proof is checked, that every byte of the document is what follows from\n" +
			"it, the issuer's signature over all of the file, and the time stamp of that signature. With --trust genesis\n" +
			"trust begins at the genesis file: from its validators each change is followed to the block headers in the file, and\n" +
			"more than two thirds of the validators must have signed those. With --trust header it begins at a block header\n" +
			"that stands in the file and whose hash you know from somebody you trust. The age of the beginning is shown.\n" +
			"Of a chain that was restarted from its archive, --restart names the act: a proof from a block that the act gave up,\n" +
			"which by its signatures looks like any other, is refused.",
		Example: "  huchain proof verify tx.proof --genesis genesis.json\n" +
			"  huchain proof verify tx.proof                      # genesis file of the profile\n" +
			"  huchain proof verify certificate.pdf --genesis genesis.json --file contract.pdf\n" +
			"  huchain proof verify tx.proof --trust header --header 3f9a…",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readProof(args[0], a.in)
			if err != nil {
				return err
			}
			var d *light.Dossier
			if certificate.Is(text) {
				d, err = certificate.Proof(text)
			} else {
				d, err = readDossier(args[0], text)
			}
			if err != nil {
				return err
			}
			var t *client.Trust
			switch {
			case trust == "header" && header != "" && genesis == "":
				h, perr := crypto.ParseHash(header)
				if perr != nil {
					return usage(cmd, "--header: %v", perr)
				}
				t, err = d.Anchor(h)
			case trust == "genesis" && header == "":
				t, err = a.genesisTrust(cmd.Context(), genesis)
			default:
				return usage(cmd, "--trust genesis with --genesis FILE, or --trust header with --header HASH")
			}
			if err != nil {
				return err
			}
			if err := heldAgainst(d, t, restart); err != nil {
				return err
			}
			if certificate.Is(text) {
				report, err := certificate.Verify(text, t, time.Now())
				if err == nil && original != "" {
					err = isOriginal(original, report.Facts)
				}
				if err != nil {
					return err
				}
				return a.printCertificate(report, args[0], original)
			}
			if original != "" {
				return usage(cmd, "--file is for certificates")
			}
			report, err := client.VerifyDossier(d, t)
			if err != nil {
				return err
			}
			return a.printReport(report, args[0])
		},
	}
	c.Flags().StringVar(&trust, "trust", "genesis", "where trust begins: genesis or header")
	c.Flags().StringVar(&genesis, "genesis", "", "genesis file of the chain (default: the profile's)")
	c.Flags().StringVar(&original, "file", "", "of a certificate: the file that it is said to be about")
	c.Flags().StringVar(&restart, "restart", "", "act that the chain was restarted with (huchain archive restart), if it was")
	c.Flags().StringVar(&header, "header", "", "hash of the trusted block header, with --trust header")
	return c
}

// heldAgainst refuses a dossier that does not hold any more after a restart of the chain, by
// the file of the act; an empty name holds it against nothing.
func heldAgainst(d *light.Dossier, t *client.Trust, file string) error {
	if file == "" {
		return nil
	}
	act, err := readRestart(file)
	if err != nil {
		return err
	}
	if err := d.Verify(t); err != nil {
		return err
	}
	return d.HoldAgainst(t, act.Terms(), act.ByKey())
}

func (a *app) genesisTrust(ctx context.Context, file string) (*client.Trust, error) {
	var p client.Profile
	if file == "" {
		var err error
		if p, err = a.profileOf(); err != nil {
			return nil, types.Errorf(types.CodeUsage, "name the chain's genesis file with --genesis: %w", err)
		}
	}
	return a.trust(ctx, nil, p, file)
}

// readProof reads a file of bounded size; "-" is standard input.
func readProof(path string, in io.Reader) (_ []byte, err error) {
	if path != "-" {
		f, oerr := os.Open(path)
		if oerr != nil {
			return nil, types.Errorf(types.CodeUsage, "%w", oerr)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, pdf.MaxFileBytes+1))
	switch {
	case err != nil:
		return nil, types.Errorf(types.CodeUsage, "%w", err)
	case len(text) > pdf.MaxFileBytes:
		return nil, types.Errorf(types.CodeUsage, "%s: more than %d bytes", path, pdf.MaxFileBytes)
	}
	return text, nil
}

// readDossier reads a proof file: a dossier, or a single proof in any form ParseProof knows.
func readDossier(path string, text []byte) (*light.Dossier, error) {
	var err error
	d := &light.Dossier{}
	if light.IsDossier(text) {
		err = json.Unmarshal(text, d)
	} else {
		var raw []byte
		var p *proof.Proof
		if raw, err = client.ParseProof(text); err == nil {
			if p, err = proof.Decode(raw); err == nil {
				d.Proofs = append(d.Proofs, p)
			}
		}
	}
	if err != nil {
		if e, ok := rest.AsError(err); ok {
			err = &types.Error{Code: e.Code, Detail: path + ": " + e.Detail, Err: err}
		}
		return nil, err
	}
	return d, nil
}

func (a *app) printReport(r *client.Report, file string) error {
	return a.print(r, func(w io.Writer) {
		fmt.Fprintln(w, a.say("证明有效", "the proof is valid"))
		a.fields(w, field{"文件", "file", file}, field{"创世哈希", "genesis", r.Anchor.Genesis})
		if r.Anchor.Height == 0 {
			a.fields(w, field{"信任起点", "trust begins at", a.say("创世文件", "the genesis file")})
		} else {
			a.fields(w, field{"信任起点", "trust begins at", fmt.Sprintf(a.say("高度 %d 的区块头", "header %d"), r.Anchor.Height)})
		}
		a.fields(w, field{"起点距今", "which is", ago(a, r.Anchor.AgeSeconds)}, field{"其间验证者变更", "headers between", r.Links})
		for i, v := range r.Facts {
			if i == 0 {
				a.writeFact(w, v)
				continue
			}
			fmt.Fprintf(w, "%s\t%s (%s %d)\n", a.say("另证", "also"), v, a.say("高度", "height"), v.Height)
		}
		for _, s := range r.Signers {
			fmt.Fprintf(w, "%s\t%s (%s) %s %s\n", a.say("签署人", "signed by"), s.Member, strings.Join(s.Roles, ", "), a.say("证书", "certificate"), s.Serial)
		}
		if r.Code != nil {
			a.fields(w, field{"合约代码", "code", fmt.Sprintf("%s %s %s", r.Contract, r.Version, r.Code)})
		}
	})
}

func (a *app) writeFact(w io.Writer, p *client.Proven) {
	a.fields(w, field{"事实", "fact", p})
	if p.Fact == "state" {
		a.fields(w, field{"值", "value", printable(p.Value)}, field{"写入高度", "written at", p.WrittenAt})
	}
	if p.Receipt != nil {
		a.fields(w, field{"结论", "outcome", p.Receipt.Code + " " + p.Receipt.Error})
	}
	a.fields(w, field{"高度", "height", p.Height}, field{"区块头", "header", p.Header}, field{"时间", "time", p.Time.Format(time.RFC3339)},
		field{"区块距今", "anchor age", ago(a, p.AgeSeconds)}, field{"签名", "signatures", fmt.Sprintf("%d/%d", p.Signatures, p.Validators)})
}

func ago(a *app, seconds int64) string {
	return fmt.Sprintf(a.say("%s 前", "%s old"), (time.Duration(seconds) * time.Second).String())
}
