package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/timestamp"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/services/certificate"
	"github.com/huchain/huchain/types"
)

func proofCertifyCmd(a *app) *cobra.Command {
	var as, stamp, out, page, passphraseFile string
	c := &cobra.Command{
		Use: "certify HASH", Short: "issue a certificate of evidence: a signed PDF that carries its proof",
		Long: "Writes a PDF that prints what the chain holds of a deposited file: title, holder, hashes, transaction, block, the\n" +
			"validators' signatures and a QR code. The proof is attached to it; the member of --as signs all of it with SM2, and\n" +
			"the member of --stamp, who must be another, stamps the time of that signature. Both must have joined the chain with\n" +
			"their certificates (tx call membership register). It is verified before it is written. HASH is SM3 of the file.",
		Example: "  huchain proof certify 66c7f0f4… --as notary/officer --stamp court/clock --out certificate.pdf\n" +
			"  huchain proof certify 66c7f0f4… --as officer --stamp clock --page https://evidence.example/verify --out certificate.pdf",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			hash, err := crypto.ParseHash(args[0])
			if err != nil || out == "" || stamp == "" {
				return usage(cmd, "SM3 of the file, --stamp and --out are needed")
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
			issuer, issuerCert, err := a.certified(p, as, passphraseFile)
			if err != nil {
				return err
			}
			clock, clockCert, err := a.certified(p, stamp, passphraseFile)
			if err != nil {
				return err
			}
			i, err := certificate.NewIssuer(certificate.Params{
				Trust: t, Key: issuer.Signer, Certificate: issuerCert, Page: page, Now: time.Now, Authority: clockCert,
				Stamper: &timestamp.Authority{Key: clock.Signer, Certificate: clockCert, Now: time.Now},
			})
			if err != nil {
				return err
			}
			made, err := i.Issue(ctx, cl, hash)
			if err != nil {
				return err
			}
			a.warnUnpinned(cl)
			if err := node.WriteFile(out, made.PDF, 0o644); err != nil {
				return err
			}
			return a.print(made.Facts, func(w io.Writer) {
				a.fields(w, field{"证书", "certificate", out}, field{"编号", "number", made.Facts.Number}, field{"名称", "title", made.Facts.Title},
					field{"高度", "height", made.Facts.Height}, field{"字节", "bytes", len(made.PDF)})
			})
		},
	}
	a.asFlag(c, &as, "who issues")
	c.Flags().StringVar(&stamp, "stamp", "", "whose clock stamps the time: another member, ORG/NAME or NAME")
	c.Flags().StringVar(&out, "out", "", "file to write")
	c.Flags().StringVar(&page, "page", "", "address of the page of verification, for the QR code")
	passphraseFlag(c, &passphraseFile)
	return c
}

// certified loads a member with its certificate.
func (a *app) certified(p client.Profile, as, passphraseFile string) (*client.Identity, *cert.Certificate, error) {
	id, err := a.identity(p, as, passphraseFile)
	if err != nil {
		return nil, nil, err
	}
	c, err := cert.Parse(id.Certificate)
	if err != nil {
		return nil, nil, types.Errorf(types.CodeCertFile, "%s: %w", as, err)
	}
	return id, c, nil
}

// isOriginal checks that a file is the one that a certificate is about.
func isOriginal(path string, f *certificate.Facts) (err error) {
	in, err := os.Open(path)
	if err != nil {
		return types.Errorf(types.CodeUsage, "%w", err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	h := crypto.NewHash()
	n, err := io.Copy(h, in)
	if err != nil {
		return types.Errorf(types.CodeUsage, "%w", err)
	}
	if got := crypto.Hash(h.Sum(nil)); got != f.SM3 || f.SizeBytes != nil && n != *f.SizeBytes {
		return types.Errorf(types.CodeProofInvalid, "%s is another file than the certificate is about: its SM3 is %s", path, got)
	}
	return nil
}

func (a *app) printCertificate(r *certificate.Report, file, original string) error {
	return a.print(r, func(w io.Writer) {
		f := r.Facts
		fmt.Fprintln(w, a.say("证书有效：所载各项与所附证明一致，签名覆盖全文", "the certificate is valid: it prints what its proof shows, and is signed as a whole"))
		if original != "" {
			fmt.Fprintln(w, a.say("所给文件就是存证的文件：", "the file given is the one deposited:"), original)
		}
		a.fields(w, field{"文件", "file", file}, field{"编号", "number", f.Number}, field{"名称", "title", f.Title}, field{"存证主体", "holder", f.Holder},
			field{"提交成员", "depositor", f.Depositor}, field{"文件名", "file name", f.File})
		if f.SizeBytes != nil {
			a.fields(w, field{"大小", "size", fmt.Sprintf(a.say("%d 字节", "%d bytes"), *f.SizeBytes)})
		}
		a.fields(w, field{"SM3", "SM3", f.SM3}, field{"SHA-256", "SHA-256", f.SHA256}, field{"交易", "transaction", f.TxID}, field{"高度", "height", f.Height},
			field{"上链时间", "time", f.Time.Format(time.RFC3339)}, field{"签名", "signatures", fmt.Sprintf("%d/%d", len(f.Attestations), f.Validators)},
			field{"出证方", "issued by", member(r.Issuer)}, field{"时间戳", "time stamp", r.Stamped.Format(time.RFC3339) + " " + member(r.Authority)},
			field{"创世哈希", "genesis", f.Genesis}, field{"信任起点距今", "trust begins", ago(a, r.Proof.Anchor.AgeSeconds)})
	})
}

func member(s *client.ProvenSigner) string {
	return fmt.Sprintf("%s (%s) %s", s.Member, strings.Join(s.Roles, ", "), s.Serial)
}
