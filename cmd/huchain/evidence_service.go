package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/ledger/archive/target"
	"github.com/huchain/huchain/node"
	service "github.com/huchain/huchain/services/evidence"
	"github.com/huchain/huchain/services/filestore"
	"github.com/huchain/huchain/services/gateway"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// evidencing is an evidence service with its file store, as a node hosts it.
type evidencing struct {
	*service.Service
	files *filestore.Store
}

// Run implements node.Evidence.
func (e *evidencing) Run(ctx context.Context) {
	if err := e.files.Start(ctx); err == nil {
		defer e.files.Stop(context.WithoutCancel(ctx)) //nolint:errcheck // its context has no end
	}
	e.Service.Run(ctx)
}

// newEvidence makes the evidence service of a chain.
func newEvidence(of node.EvidenceOf) (node.Evidence, error) {
	c := &of.Config
	passphrase, err := keystore.ReadPassphrase(c.PassphraseFile)
	if err != nil {
		return nil, err
	}
	who, err := client.LoadMember(c.Members, c.Member, func() ([]byte, error) { return passphrase, nil })
	if err != nil {
		return nil, err
	}
	secrets, err := openSecrets(of.Dir, passphrase)
	if err != nil {
		return nil, err
	}
	files, err := openFiles(&of, secrets)
	if err != nil {
		return nil, err
	}
	notary, err := notaryOf(&c.Notary)
	if err != nil {
		return nil, err
	}
	var certify service.Certifier
	if c.Stamp != "" {
		clock, err := client.LoadMember(c.Members, c.Stamp, func() ([]byte, error) { return passphrase, nil })
		if err != nil {
			return nil, err
		}
		certify = &certifier{who: who, clock: clock, page: c.Verifier}
	}
	queue := gateway.DefaultParams()
	queue.Workers = c.Workers
	s, err := service.New(service.Params{
		Chain: of.Chain, Genesis: of.Genesis, Dir: of.Dir, Identity: who, Files: originals{files}, Keys: of.Keys, Record: of.Record,
		Connect: func(ctx context.Context) (*client.Client, error) {
			p := client.DefaultParams(of.Node)
			p.Chain, p.Genesis, p.HTTP = of.Chain, of.Genesis, of.HTTP
			return client.New(ctx, p)
		},
		Certify: certify, Notary: notary, Settings: evidenceSettings(&of), Secret: secrets.fields, Queue: queue, Wait: c.Wait, Log: of.Log,
	})
	if err != nil {
		return nil, err
	}
	return &evidencing{s, files}, nil
}

// originals is a file store as the evidence service uses it.
type originals struct{ s *filestore.Store }

// Put implements evidence.Files.
func (o originals) Put(ctx context.Context, r io.Reader) (*service.Stored, error) {
	f, err := o.s.Put(ctx, r)
	if err != nil {
		return nil, err
	}
	return &service.Stored{Hash: f.ID, SHA256: f.SHA256, Size: f.SizeBytes}, nil
}

// Open implements evidence.Files.
func (o originals) Open(ctx context.Context, hash crypto.Hash) (io.ReadCloser, error) {
	r, err := o.s.Open(ctx, hash)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(r), nil
}

// openFiles opens the store of originals.
func openFiles(of *node.EvidenceOf, k *evidenceKeys) (*filestore.Store, error) {
	var places []filestore.Place
	for i, dir := range of.Config.Targets {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
		}
		t, err := target.OpenFolder(dir)
		if err != nil {
			return nil, err
		}
		places = append(places, filestore.Place{Name: fmt.Sprintf("target-%d", i), Target: t})
	}
	p := filestore.DefaultParams()
	p.Copies = of.Config.Copies
	return filestore.New(p, k.files, places, of.Log, nil)
}

// evidenceKeys are the secrets of a service: without them fields and originals are lost.
type evidenceKeys struct {
	fields []byte // of encrypted fields, tokens and secrets
	files  *crypto.PrivateKey
}

// The files of the keys: an SM2 key under the passphrase, and an SM4 key under the SM2 key.
const (
	filesKeyFile  = "files.key"
	fieldsKeyFile = "fields.key"
)

// openSecrets reads the keys of a service, made when it first starts.
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
	files, err := keystore.Load(path, passphrase)
	if err != nil {
		return nil, err
	}
	sealed, err := os.ReadFile(filepath.Join(dir, fieldsKeyFile))
	if err != nil {
		return nil, types.Errorf(types.CodeKeyFile, "%w", err)
	}
	fields, err := files.Decrypt(sealed)
	if err != nil || len(fields) != envelope.KeySize {
		return nil, types.Errorf(types.CodeKeyFile, "%s does not open", filepath.Join(dir, fieldsKeyFile))
	}
	return &evidenceKeys{fields, files}, nil
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
	sealed, err := files.Public().Encrypt(rand.Reader, fields)
	if err != nil {
		return err
	}
	if err := node.WriteFile(filepath.Join(dir, fieldsKeyFile), sealed, 0o600); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return keystore.Save(filepath.Join(dir, filesKeyFile), files, passphrase)
}

func notaryOf(c *node.NotaryConfig) (*service.Notary, error) {
	if c.URL == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.Roots)
	if err != nil {
		return nil, types.Errorf(types.CodeCertFile, "evidence.notary.roots: %w", err)
	}
	root, err := cert.ParsePEM(pem)
	if err != nil {
		return nil, types.Errorf(types.CodeCertFile, "%s: %w", c.Roots, err)
	}
	out := &service.Notary{URL: c.URL, Org: c.Org, Roots: []*cert.Certificate{root}}
	if c.TokenFile != "" {
		raw, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return nil, types.Errorf(types.CodeConfig, "evidence.notary.tokenFile: %w", err)
		}
		out.Token = strings.TrimSpace(string(raw))
	}
	return out, nil
}

// evidenceSettings is the running configuration for people, without secrets.
func evidenceSettings(of *node.EvidenceOf) []rest.Setting {
	now, then := settingsOf(&of.Config), settingsOf(&of.Defaults)
	out := make([]rest.Setting, len(now))
	for i, s := range now {
		out[i] = rest.Setting{Name: "evidence." + s[0], Value: s[1], Default: then[i][1], Changed: s[1] != then[i][1]}
	}
	return out
}

func settingsOf(c *node.EvidenceConfig) [][2]string {
	secret := func(s string) string {
		if s == "" {
			return ""
		}
		return "••••"
	}
	return [][2]string{
		{"enabled", fmt.Sprint(c.Enabled)}, {"member", c.Member}, {"stamp", c.Stamp}, {"passphraseFile", secret(c.PassphraseFile)}, {"targets", strings.Join(c.Targets, " ")},
		{"copies", fmt.Sprint(c.Copies)}, {"workers", fmt.Sprint(c.Workers)}, {"wait", c.Wait.Round(time.Millisecond).String()},
		{"notary.url", c.Notary.URL}, {"notary.org", c.Notary.Org}, {"notary.token", secret(c.Notary.TokenFile)}, {"verifier", c.Verifier},
	}
}
