package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

func daysLeft(end time.Time) int { return int(time.Until(end).Hours() / 24) }

func certRenewCmd(a *app) *cobra.Command {
	var dir, pass string
	var days int
	var publish bool
	c := &cobra.Command{
		Use: "renew ORG/NAME", Short: "extend a member's certificate; key, address and roles stay",
		Long: "Issues a new certificate over the member's present key with <dir>/<org>/ca.key and replaces <dir>/<org>/<name>.pem.\n" +
			"Nothing stops meanwhile: the old one holds until it ends. With --publish the member registers the new one on the\n" +
			"chain at once; without, it does so with the first call after the old one has ended.\n" +
			"Of a node (role node) both certificates are renewed. Copy them over link.pem and link-enc.pem in the keys folder of the\n" +
			"node's chain, as it runs: it shows them at its next handshakes.",
		Example: "  huchain cert renew archives/clerk --dir members --days 730\n  huchain cert renew archives/clerk --dir members --publish\n" +
			"  huchain cert renew archives/node0 --dir members",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := types.ParseMemberID(args[0])
			if err != nil {
				return usage(cmd, "%v", err)
			}
			base := filepath.Join(dir, id.Org(), id.Name())
			old, err := readCert(base + ".pem")
			if err != nil {
				return err
			}
			secret, err := keystore.ReadPassphrase(pass)
			if err != nil {
				return err
			}
			ca, err := loadCA(filepath.Join(dir, id.Org()), secret)
			if err != nil {
				return err
			}
			crt, err := reissue(ca, old, days)
			if err != nil {
				return err
			}
			if slices.Contains(old.Roles, string(types.RoleNode)) {
				if publish {
					return usage(cmd, "--publish: the certificates of nodes are not registered on the chain")
				}
				if err := renewEncryption(ca, base, days); err != nil {
					return err
				}
			}
			if publish {
				key, err := keystore.Load(base+".key", secret)
				if err != nil {
					return err
				}
				if err := a.register(cmd.Context(), &client.Identity{Signer: key, Certificate: crt.Raw, Member: id}); err != nil {
					return err
				}
			}
			return a.saveCert(base, nil, nil, crt)
		},
	}
	c.Flags().StringVar(&dir, "dir", ".", "folder of the organisations")
	c.Flags().IntVar(&days, "days", 730, "validity in days")
	c.Flags().BoolVar(&publish, "publish", false, "register the new certificate on the chain now")
	passphraseFlag(c, &pass)
	return c
}

// reissue certifies the same key for the same name and use anew, from now on.
func reissue(ca *cert.CA, old *cert.Certificate, days int) (*cert.Certificate, error) {
	now := time.Now()
	crt, err := ca.Issue(cert.Request{
		Name: old.Name, Roles: old.Roles, PublicKey: old.PublicKey, Encryption: old.Encryption,
		NotBefore: now.Add(-5 * time.Minute), NotAfter: now.AddDate(0, 0, days),
	})
	if err != nil {
		return nil, types.Errorf(types.CodeUsage, "%w", err)
	}
	return crt, nil
}

// renewEncryption renews the encryption certificate beside a signing one.
func renewEncryption(ca *cert.CA, base string, days int) error {
	old, err := readCert(base + "-enc.pem")
	if err != nil {
		return err
	}
	crt, err := reissue(ca, old, days)
	if err != nil {
		return err
	}
	return node.WriteFile(base+"-enc.pem", cert.EncodePEM(crt.Raw), 0o644)
}

// register tells the chain a member's certificate.
func (a *app) register(ctx context.Context, by *client.Identity) error {
	cl, _, err := a.connect(ctx)
	if err != nil {
		return err
	}
	tx, err := cl.Sign(by, "membership", "register", nil)
	if err != nil {
		return err
	}
	with, err := tx.WithCertificate(by.Certificate)
	if err != nil {
		return err
	}
	_, err = cl.Submit(ctx, nil, with)
	return err
}

func certRevokeCmd(a *app) *cobra.Command {
	var s signing
	var reason string
	c := &cobra.Command{
		Use: "revoke FILE|ORG:SERIAL", Short: "put a certificate on its organisation's revocation list on the chain",
		Long: "Revokes a certificate for good, by an admin of its organisation. A member registered with it can do nothing any more;\n" +
			"the organisation may certify the name anew, with another key. To stop a member rather than a key, freeze it:\n" +
			"huchain tx call membership freeze.",
		Example: "  huchain cert revoke members/archives/clerk.pem --as archives/admin --reason \"key lost\"\n" +
			"  huchain cert revoke archives:4f1c… --as archives/admin",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			org, serial, ok := strings.Cut(args[0], ":")
			if !ok || strings.ContainsAny(org, "/.") {
				crt, err := readCert(args[0])
				if err != nil {
					return err
				}
				org, serial = crt.Org, crt.Serial
			}
			return s.call(cmd, a, "membership", "revokeCertificates", map[string]any{"org": org, "serials": []string{serial}, "reason": reason})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for everyone to see")
	s.flags(a, c)
	return c
}

// call makes one call as a member and shows that it is committed.
func (s *signing) call(cmd *cobra.Command, a *app, contract, method string, args any) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), s.wait)
	defer cancel()
	cl, by, err := s.connect(ctx, a)
	if err != nil {
		return err
	}
	out, err := cl.Call(ctx, by, contract, method, args)
	if err != nil {
		return a.notCommitted(out, err)
	}
	return a.printCommitted(out)
}

func certListCmd(a *app) *cobra.Command {
	var org string
	var revoked bool
	c := &cobra.Command{
		Use: "list", Short: "members and their certificates as the chain knows them",
		Long: "Lists the members that have registered, with the end of their certificates; those that end within 30 days are marked.\n" +
			"With --revoked, the revocation lists.",
		Example: "  huchain cert list --org archives\n  huchain cert list --revoked",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			if revoked {
				list, err := cl.Revoked(cmd.Context(), org)
				if err != nil {
					return err
				}
				return a.print(map[string]any{"items": list}, func(w io.Writer) {
					for _, r := range list {
						fmt.Fprintf(w, "%s\t%s\t%s %d\t%s\n", r.Org, r.Serial, a.say("高度", "height"), r.Height, r.Reason)
					}
				})
			}
			list, err := cl.MemberList(cmd.Context(), org)
			if err != nil {
				return err
			}
			return a.print(map[string]any{"items": list}, func(w io.Writer) {
				for _, m := range list {
					note := ""
					switch left := time.Until(m.NotAfter); {
					case m.Status != "active":
						note = map[string]string{"frozen": a.say("已冻结", "frozen"), "revoked": a.say("已吊销", "revoked")}[m.Status]
					case left <= 0:
						note = a.say("已过期：huchain cert renew", "ended: huchain cert renew")
					case left < node.CertificateWarning:
						note = a.say("即将到期：huchain cert renew", "ends soon: huchain cert renew")
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.Member, strings.Join(m.Roles, ","), m.NotAfter.Format(time.DateOnly), note)
				}
			})
		},
	}
	c.Flags().StringVar(&org, "org", "", "only this organisation")
	c.Flags().BoolVar(&revoked, "revoked", false, "the revocation lists instead")
	return c
}

func orgRotateCmd(a *app) *cobra.Command {
	var s signing
	var dir string
	var years int
	c := &cobra.Command{
		Use: "rotate NAME", Short: "introduce the next root of an organisation beside the present one",
		Long: "Makes a new root, has the present root's key sign it, and puts it on the chain. Both certify from then on. The files\n" +
			"ca.key and ca.pem become the new root's; the old ones are kept as ca-<serial>.key and .pem. Renew every member's\n" +
			"certificate (huchain cert renew --publish), then end the old root with huchain org retire.",
		Example: "  huchain org rotate archives --dir members --as archives/admin",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), s.wait)
			defer cancel()
			cl, p, err := a.connect(ctx)
			if err != nil {
				return err
			}
			by, err := a.identity(p, s.as, s.passphraseFile)
			if err != nil {
				return err
			}
			if s.passphraseFile == "" {
				s.passphraseFile = p.PassphraseFile
			}
			secret, err := keystore.ReadPassphrase(s.passphraseFile)
			if err != nil {
				return err
			}
			folder := filepath.Join(dir, args[0])
			next, err := nextRoot(folder, args[0], secret, years)
			if err != nil {
				return err
			}
			present, err := keystore.Load(filepath.Join(folder, "ca.key"), secret)
			if err != nil {
				return err
			}
			sig, err := present.Sign(types.RootSignBytes(cl.Genesis(), next.Raw))
			if err != nil {
				return err
			}
			out, err := cl.Call(ctx, by, "membership", "addRoot", map[string]any{"org": args[0], "root": next.Raw, "signature": sig})
			// A run that ended between the commit and the renaming is taken up again.
			if err != nil && types.CodeOf(err) != types.CodeAlreadyExists {
				return a.notCommitted(out, err)
			}
			if err := promoteRoot(folder); err != nil {
				return err
			}
			return a.printCert(filepath.Join(folder, "ca.pem"), next)
		},
	}
	c.Flags().StringVar(&dir, "dir", ".", "folder of the organisations")
	c.Flags().IntVar(&years, "years", 20, "validity of the new root")
	s.flags(a, c)
	return c
}

// nextRoot makes ca-next.key and ca-next.pem, or finds those of an attempt before.
func nextRoot(folder, org string, secret []byte, years int) (*cert.Certificate, error) {
	base := filepath.Join(folder, "ca-next")
	if _, err := os.Stat(base + ".pem"); err == nil {
		return readCert(base + ".pem")
	}
	key, err := keystore.Load(base+".key", secret)
	if err != nil {
		if key, err = crypto.GenerateKey(rand.Reader); err == nil {
			err = keystore.Save(base+".key", key, secret)
		}
		if err != nil {
			return nil, err
		}
	}
	now := time.Now()
	ca, err := cert.NewCA(org, key, now.Add(-5*time.Minute), now.AddDate(years, 0, 0))
	if err != nil {
		return nil, err
	}
	return ca.Root(), node.WriteFile(base+".pem", cert.EncodePEM(ca.Root().Raw), 0o644)
}

// promoteRoot makes the next root's files the present ones and keeps the old ones. It may
// be repeated after it was interrupted anywhere: each file is kept before it is replaced,
// and ca.pem, which names what is kept, is replaced last.
func promoteRoot(folder string) error {
	old, err := readCert(filepath.Join(folder, "ca.pem"))
	if err != nil {
		return err
	}
	for _, ext := range []string{".key", ".pem"} {
		present, next := filepath.Join(folder, "ca"+ext), filepath.Join(folder, "ca-next"+ext)
		if _, err := os.Stat(next); errors.Is(err, os.ErrNotExist) {
			continue // an attempt before got this far
		}
		err := os.Link(present, filepath.Join(folder, "ca-"+old.Serial+ext))
		if err == nil || errors.Is(err, os.ErrExist) {
			err = os.Rename(next, present)
		}
		if err != nil {
			return types.Errorf(types.CodeCertFile, "%w", err)
		}
	}
	return nil
}

func orgRetireCmd(a *app) *cobra.Command {
	var s signing
	var after time.Duration
	c := &cobra.Command{
		Use: "retire NAME ROOT.pem", Short: "end an old root of an organisation at a time",
		Long:    "Members who have not registered a certificate of another root by then end with it. The organisation stays.",
		Example: "  huchain org retire archives members/archives/ca-5f03….pem --after 720h --as archives/admin",
		Args:    takes(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, err := readCert(args[1])
			if err != nil {
				return err
			}
			at := time.Now().Add(after).UTC().Truncate(time.Second)
			return s.call(cmd, a, "membership", "retireRoot", map[string]any{"org": args[0], "root": crypto.Sum(root.Raw), "at": json.RawMessage(fmt.Sprintf("%q", at.Format(time.RFC3339)))})
		},
	}
	c.Flags().DurationVar(&after, "after", 30*24*time.Hour, "how long it still certifies")
	s.flags(a, c)
	return c
}
