package main

import (
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/node"
	service "github.com/huchain/huchain/services/evidence"
	"github.com/huchain/huchain/services/filestore"
	"github.com/huchain/huchain/types"
)

// evidenceKeys are the secrets of a service: without them fields and originals are lost.
type evidenceKeys struct {
	fields []byte // of encrypted fields, tokens and secrets
	files  *crypto.PrivateKey
	old    []filestore.Key // of before files, newest first
}

// The files of the keys: an SM2 key under the passphrase, and what that opens: an SM4 key of
// envelope.KeySize bytes, and the SM2 keys of before, of keyBytes each. A backup that has the
// two has all. While a key is changed the next one is in a file of its own.
const (
	filesKeyFile  = "files.key"
	fieldsKeyFile = "fields.key"
	nextKeyFile   = "files-next.key"
	keyBytes      = 32
	maxOldKeys    = 16
)

// openSecrets reads the keys of a service, made when it first starts. A change of keys that
// was cut is brought to its end, or undone where it had not begun to count.
func openSecrets(dir string, passphrase []byte) (*evidenceKeys, error) {
	path := filepath.Join(dir, filesKeyFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, service.DatabaseFile)); err == nil {
			return nil, types.Errorf(types.CodeKeyFile, "%s is gone, and nothing of the service's can be read without it: restore it from a backup", path)
		}
		if err := makeSecrets(dir, passphrase); err != nil {
			return nil, err
		}
	}
	keys, err := readSecrets(dir, filesKeyFile, passphrase)
	next := filepath.Join(dir, nextKeyFile)
	if _, serr := os.Stat(next); errors.Is(serr, os.ErrNotExist) {
		return keys, err
	}
	if err == nil { // the next key opens nothing yet
		if rerr := os.Remove(next); rerr != nil {
			return nil, types.Errorf(types.CodeDiskFailure, "%w", rerr)
		}
		return keys, nil
	}
	if keys, err = readSecrets(dir, nextKeyFile, passphrase); err != nil {
		return nil, err
	}
	return keys, renameKey(dir)
}

// renameKey puts the next key into its place.
func renameKey(dir string) error {
	err := os.Rename(filepath.Join(dir, nextKeyFile), filepath.Join(dir, filesKeyFile))
	if err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return nil
}

// readSecrets opens what is kept under the key of a file.
func readSecrets(dir, file string, passphrase []byte) (*evidenceKeys, error) {
	files, err := keystore.Load(filepath.Join(dir, file), passphrase)
	if err != nil {
		return nil, err
	}
	sealed, err := os.ReadFile(filepath.Join(dir, fieldsKeyFile))
	if err != nil {
		return nil, types.Errorf(types.CodeKeyFile, "%w", err)
	}
	plain, err := files.Decrypt(sealed)
	if err != nil || len(plain) < envelope.KeySize || (len(plain)-envelope.KeySize)%keyBytes != 0 {
		return nil, types.Errorf(types.CodeKeyFile, "%s does not open", filepath.Join(dir, fieldsKeyFile))
	}
	out := &evidenceKeys{fields: plain[:envelope.KeySize:envelope.KeySize], files: files}
	for rest := plain[envelope.KeySize:]; len(rest) > 0; rest = rest[keyBytes:] {
		k, err := crypto.NewPrivateKey(rest[:keyBytes])
		if err != nil {
			return nil, types.Errorf(types.CodeKeyFile, "%s: a key of before: %w", filepath.Join(dir, fieldsKeyFile), err)
		}
		out.old = append(out.old, k)
	}
	return out, nil
}

// makeSecrets writes the key of fields first: a folder with the other key has both.
func makeSecrets(dir string, passphrase []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	files, err := crypto.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	fields := make([]byte, envelope.KeySize)
	if _, err := rand.Read(fields); err != nil {
		return err
	}
	if err := sealFields(dir, fields, files.Public()); err != nil {
		return err
	}
	return keystore.Save(filepath.Join(dir, filesKeyFile), files, passphrase)
}

// sealFields replaces the file of what the key of originals opens.
func sealFields(dir string, plain []byte, to crypto.PublicKey) error {
	sealed, err := to.Encrypt(rand.Reader, plain)
	if err != nil {
		return err
	}
	if err := node.WriteFile(filepath.Join(dir, fieldsKeyFile), sealed, 0o600); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return nil
}

// changeKey gives a service another key of originals; that of before is kept under it. It
// counts once the file of fields is replaced.
func changeKey(dir string, passphrase []byte) (*crypto.PrivateKey, error) {
	if _, err := os.Stat(filepath.Join(dir, filesKeyFile)); err != nil {
		return nil, types.Errorf(types.CodeNotFound, "no keys of originals in %s: the service has not run yet", dir)
	}
	now, err := openSecrets(dir, passphrase)
	if err != nil {
		return nil, err
	}
	if len(now.old) >= maxOldKeys {
		return nil, types.Errorf(types.CodeLimitExceeded, "%d keys of before", len(now.old))
	}
	key, err := crypto.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	if err := keystore.Save(filepath.Join(dir, nextKeyFile), key, passphrase); err != nil {
		return nil, err
	}
	plain := now.fields
	for _, k := range append([]filestore.Key{now.files}, now.old...) {
		plain = append(plain, k.(*crypto.PrivateKey).Unwrap().D.FillBytes(make([]byte, keyBytes))...)
	}
	if err := sealFields(dir, plain, key.Public()); err != nil {
		return nil, err
	}
	return key, renameKey(dir)
}

func evidenceRotateCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "rotate", Short: "give the evidence service a new key of originals", Args: takes(0, 0),
		Long: "Changes the key of the evidence service of --chain in the node of --home, which must not run. From its next start the node\n" +
			"seals new originals under it and wraps the keys of all others anew beside its work; the originals themselves are not\n" +
			"written again. The log says when nothing needs the keys of before any more: a backup from before still does.",
		Example: "  huchain evidence rotate --chain gov --home ~/.huchain/devnet/node0",
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			if a.chain == "" {
				return usage(cmd, "--chain is required")
			}
			if pid, running := node.Holder(home.LockFile()); running {
				return types.Errorf(types.CodeNotReady, "the node of %s runs (%v); stop it first", home.Dir, pid)
			}
			at := home.Chain(a.chain)
			cfg, err := node.LoadChainConfig(at.ConfigFile())
			if err != nil {
				return err
			}
			phrase := cfg.Evidence.PassphraseFile
			if phrase != "" && !filepath.IsAbs(phrase) {
				phrase = filepath.Join(at.Dir, phrase)
			}
			passphrase, err := keystore.ReadPassphrase(phrase)
			if err != nil {
				return err
			}
			key, err := changeKey(at.EvidenceDir(), passphrase)
			if err != nil {
				return err
			}
			return a.print(map[string]any{"publicKey": key.Public()}, func(w io.Writer) {
				a.fields(w, field{"公钥", "public key", key.Public()})
			})
		},
	}
}
