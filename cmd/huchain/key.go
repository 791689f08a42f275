package main

import (
	"crypto/rand"
	"io"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/types"
)

func keyCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "key", Short: "make and show SM2 keys, hold a validator's, and let applications and members in"}
	c.AddCommand(keyNewCmd(a), keyShowCmd(a), keyServeCmd(a), keyAPICmd(a), keySessionCmd(a))
	return c
}

type keyInfo struct {
	File    string           `json:"file"`
	Public  crypto.PublicKey `json:"publicKey"`
	Address types.Address    `json:"address"`
}

func keyNewCmd(a *app) *cobra.Command {
	var pass string
	c := &cobra.Command{
		Use: "new FILE", Short: "make an SM2 key in an encrypted file",
		Long: "Makes an SM2 key and writes it to FILE as PKCS#8, encrypted with SM4 under a passphrase.\n" +
			"An existing file is never replaced.",
		Example: "  huchain key new clerk.key\n  huchain key new clerk.key --passphrase-file pass.txt",
		Args:    takes(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			secret, err := keystore.ReadNewPassphrase(pass)
			if err != nil {
				return err
			}
			k, err := crypto.GenerateKey(rand.Reader)
			if err != nil {
				return err
			}
			if err := keystore.Save(args[0], k, secret); err != nil {
				return err
			}
			return a.printKey(args[0], k.Public())
		},
	}
	passphraseFlag(c, &pass)
	return c
}

func keyShowCmd(a *app) *cobra.Command {
	var pass string
	c := &cobra.Command{
		Use: "show FILE", Short: "show public key and address of a key file",
		Example: "  huchain key show clerk.key",
		Args:    takes(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			k, err := loadKey(args[0], pass)
			if err != nil {
				return err
			}
			return a.printKey(args[0], k.Public())
		},
	}
	passphraseFlag(c, &pass)
	return c
}

func (a *app) printKey(file string, pub crypto.PublicKey) error {
	info := keyInfo{File: file, Public: pub, Address: types.AddressOf(pub)}
	return a.print(info, func(w io.Writer) {
		a.fields(w, field{"文件", "file", file}, field{"公钥", "public key", pub}, field{"地址", "address", info.Address})
	})
}

func loadKey(path, passphraseFile string) (*crypto.PrivateKey, error) {
	secret, err := keystore.ReadPassphrase(passphraseFile)
	if err != nil {
		return nil, err
	}
	return keystore.Load(path, secret)
}

func passphraseFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "passphrase-file", "", "file that holds the passphrase (HUCHAIN_PASSPHRASE_FILE; default: ask)")
}
