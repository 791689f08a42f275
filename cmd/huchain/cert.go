package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

func orgCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "org", Short: "found an organisation with its certificate authority, and renew its root"}
	var dir, pass string
	var years int
	create := &cobra.Command{
		Use: "create NAME", Short: "make the CA of an organisation",
		Long:    "Makes the key and the self-signed root certificate of an organisation: <dir>/<name>/ca.key and ca.pem.",
		Example: "  huchain org create archives --dir members --passphrase-file pass.txt",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !types.ValidName(args[0]) {
				return usage(cmd, "%q is no organisation name (lower-case letters, digits, hyphens)", args[0])
			}
			secret, err := keystore.ReadNewPassphrase(pass)
			if err != nil {
				return err
			}
			key, err := crypto.GenerateKey(rand.Reader)
			if err != nil {
				return err
			}
			now := time.Now()
			ca, err := cert.NewCA(args[0], key, now.Add(-time.Hour), now.AddDate(years, 0, 0))
			if err != nil {
				return err
			}
			return a.saveCert(filepath.Join(dir, args[0], "ca"), key, secret, ca.Root())
		},
	}
	create.Flags().StringVar(&dir, "dir", ".", "folder of the organisations")
	create.Flags().IntVar(&years, "years", 20, "validity of the root certificate")
	passphraseFlag(create, &pass)
	c.AddCommand(create, orgRotateCmd(a), orgRetireCmd(a))
	return c
}

func certCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "cert", Short: "issue, renew, revoke and inspect certificates"}
	c.AddCommand(certIssueCmd(a), certRenewCmd(a), certRevokeCmd(a), certListCmd(a), certInspectCmd(a), certVerifyCmd(a))
	return c
}

func certIssueCmd(a *app) *cobra.Command {
	var dir, roles, pass, keyFile string
	var days int
	c := &cobra.Command{
		Use: "issue ORG/NAME", Short: "issue a member's key and certificate",
		Long: "Makes a key for a member and issues its certificate with the organisation's CA, which lies in\n" +
			"<dir>/<org>/ca.key and ca.pem. Key and certificate go to <dir>/<org>/<name>.key and .pem.\n" +
			"With --key an existing key is certified: renewal keeps the member's address.\n" +
			"With --roles node a second key for encryption is made and certified, <name>-enc.key and .pem, as the links of a\n" +
			"node need it (GB/T 38636).",
		Example: "  huchain cert issue archives/clerk --roles client --dir members\n" +
			"  huchain cert issue archives/boss --roles admin,client --days 365\n" +
			"  huchain cert issue archives/node0 --roles node --dir members",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := types.ParseMemberID(args[0])
			if err != nil {
				return usage(cmd, "%v", err)
			}
			list := strings.Split(roles, ",")
			for _, r := range list {
				if !types.ValidRole(types.Role(r)) {
					return usage(cmd, "%q is no role: admin, validator, node, client, auditor, light", r)
				}
			}
			secret, err := keystore.ReadPassphrase(pass)
			if err != nil {
				return err
			}
			ca, err := loadCA(filepath.Join(dir, id.Org()), secret)
			if err != nil {
				return err
			}
			now := time.Now()
			return a.issue(ca, filepath.Join(dir, id.Org(), id.Name()), keyFile, secret, cert.Request{
				Name: id.Name(), Roles: list, NotBefore: now.Add(-5 * time.Minute), NotAfter: now.AddDate(0, 0, days),
			})
		},
	}
	c.Flags().StringVar(&dir, "dir", ".", "folder of the organisations")
	c.Flags().StringVar(&roles, "roles", "client", "roles, separated by commas: admin, validator, node, client, auditor, light")
	c.Flags().IntVar(&days, "days", 730, "validity in days")
	c.Flags().StringVar(&keyFile, "key", "", "certify this existing key instead of making one")
	passphraseFlag(c, &pass)
	return c
}

// issue certifies a key, an existing one or a new one, and writes what is new. Nodes get
// the pair of link certificates.
func (a *app) issue(ca *cert.CA, base, keyFile string, secret []byte, r cert.Request) error {
	if slices.Contains(r.Roles, string(types.RoleNode)) {
		if keyFile != "" || len(r.Roles) > 1 {
			return types.Errorf(types.CodeUsage, "the role node stands alone, and its keys are made anew at each renewal")
		}
		id, err := tlcp.Issue(ca, r)
		if err != nil {
			return types.Errorf(types.CodeUsage, "%w", err)
		}
		if err := (node.LinkFiles{Base: base}).Save(id, secret); err != nil {
			return err
		}
		return a.printCert(base+".pem", id.Sign)
	}
	key, err := memberKey(keyFile, secret)
	if err != nil {
		return err
	}
	r.PublicKey = key.Public()
	crt, err := ca.Issue(r)
	if err != nil {
		return types.Errorf(types.CodeUsage, "%w", err)
	}
	if keyFile != "" {
		key = nil
	}
	return a.saveCert(base, key, secret, crt)
}

func loadCA(dir string, secret []byte) (*cert.CA, error) {
	root, err := readCert(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, err
	}
	key, err := keystore.Load(filepath.Join(dir, "ca.key"), secret)
	if err != nil {
		return nil, err
	}
	ca, err := cert.LoadCA(root.Raw, key)
	if err != nil {
		return nil, types.Errorf(types.CodeCertFile, "%s: %w", dir, err)
	}
	return ca, nil
}

func memberKey(file string, secret []byte) (*crypto.PrivateKey, error) {
	if file != "" {
		return keystore.Load(file, secret)
	}
	return crypto.GenerateKey(rand.Reader)
}

func readCert(path string) (*cert.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, types.Errorf(types.CodeCertFile, "%w", err)
	}
	c, err := cert.ParsePEM(text)
	if err != nil {
		return nil, types.Errorf(types.CodeCertFile, "%s: %w", path, err)
	}
	return c, nil
}

// saveCert writes a new key, unless nil, and the certificate that goes with it.
func (a *app) saveCert(base string, key *crypto.PrivateKey, secret []byte, c *cert.Certificate) error {
	if err := os.MkdirAll(filepath.Dir(base), 0o700); err != nil {
		return err
	}
	if key != nil {
		if err := keystore.Save(base+".key", key, secret); err != nil {
			return err
		}
	}
	if err := node.WriteFile(base+".pem", cert.EncodePEM(c.Raw), 0o644); err != nil {
		return err
	}
	return a.printCert(base+".pem", c)
}

func (a *app) printCert(file string, c *cert.Certificate) error {
	v := map[string]any{
		"file": file, "org": c.Org, "name": c.Name, "roles": c.Roles, "isCA": c.IsCA, "encryption": c.Encryption, "serial": c.Serial,
		"publicKey": c.PublicKey, "address": types.AddressOf(c.PublicKey), "notBefore": c.NotBefore, "notAfter": c.NotAfter,
	}
	return a.print(v, func(w io.Writer) {
		a.fields(w, field{"文件", "file", file}, field{"成员", "member", c.Org + "/" + c.Name},
			field{"角色", "roles", strings.Join(c.Roles, ", ")})
		if c.IsCA {
			fmt.Fprintln(w, a.say("机构根证书", "root certificate of an organisation"))
		}
		a.fields(w, field{"地址", "address", types.AddressOf(c.PublicKey)}, field{"序列号", "serial", c.Serial},
			field{"有效期", "valid", c.NotBefore.Format(time.DateOnly) + " – " + c.NotAfter.Format(time.DateOnly)},
			field{"剩余天数", "days left", daysLeft(c.NotAfter)})
	})
}

func certInspectCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "inspect FILE", Short: "show a certificate", Example: "  huchain cert inspect members/archives/clerk.pem",
		Args: takes(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := readCert(args[0])
			if err != nil {
				return err
			}
			return a.printCert(args[0], c)
		},
	}
}

func certVerifyCmd(a *app) *cobra.Command {
	var root string
	c := &cobra.Command{
		Use: "verify FILE --root CA.pem", Short: "check that a certificate was issued by a CA and is valid now",
		Example: "  huchain cert verify clerk.pem --root ca.pem",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if root == "" {
				return usage(cmd, "--root is required")
			}
			c, err := readCert(args[0])
			if err != nil {
				return err
			}
			r, err := readCert(root)
			if err != nil {
				return err
			}
			if err := r.CheckRoot(time.Now()); err != nil {
				return certError(root, err)
			}
			check := c.Check
			if c.Encryption {
				check = c.CheckEncryption
			}
			if err := check([]*cert.Certificate{r}, time.Now()); err != nil {
				return certError(args[0], err)
			}
			return a.printCert(args[0], c)
		},
	}
	c.Flags().StringVar(&root, "root", "", "root certificate of the organisation")
	return c
}

func certError(file string, err error) error {
	code := types.CodeBadCertificate
	switch {
	case errors.Is(err, cert.ErrExpired):
		code = types.CodeCertExpired
	case errors.Is(err, cert.ErrForeignCA):
		code = types.CodeForeignCA
	}
	return types.Errorf(code, "%s: %w", file, err)
}
