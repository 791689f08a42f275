package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
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
	renew bool // there are keys of before
	log   *slog.Logger
}

// Run implements node.Evidence.
func (e *evidencing) Run(ctx context.Context) {
	if err := e.files.Start(ctx); err == nil {
		defer e.files.Stop(context.WithoutCancel(ctx)) //nolint:errcheck // its context has no end
	}
	var renewing sync.WaitGroup
	defer renewing.Wait()
	if e.renew {
		renewing.Go(func() { e.rotate(ctx) })
	}
	e.Service.Run(ctx)
}

// rotate brings what keys of before sealed under the newest one.
func (e *evidencing) rotate(ctx context.Context) {
	r, err := e.files.Rotate(ctx)
	switch {
	case ctx.Err() != nil: // the next start goes on
	case err != nil:
		e.log.Warn("keys of originals are not renewed; the next start tries again", "code", types.CodeOf(err).String(), "error", err)
	case !r.Done():
		e.log.Warn("some originals still need a key of before; the next start tries again", "left", r.Left, "unreachable", r.Unreachable, "renewed", r.Renewed)
	default:
		e.log.Info("no original needs a key of before any more", "objects", r.Objects, "renewed", r.Renewed)
	}
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
		Certify: certify, Notary: notary, Settings: evidenceSettings(&of), Secret: secrets.fields, Queue: queue, Wait: c.Wait, Restart: of.Restart, Log: of.Log,
	})
	if err != nil {
		return nil, err
	}
	return &evidencing{s, files, len(secrets.old) > 0, of.Log}, nil
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
	for _, name := range slices.Sorted(maps.Keys(of.Config.Targets)) {
		dir := of.Config.Targets[name]
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
		}
		t, err := target.OpenFolder(dir)
		if err != nil {
			return nil, err
		}
		places = append(places, filestore.Place{Name: name, Target: t})
	}
	p := filestore.DefaultParams()
	p.Copies, p.OldKeys, p.ProgressFile = of.Config.Copies, k.old, filepath.Join(of.Dir, "scrub.json")
	p.ScrubEvery, p.ScrubBytesPerSecond = of.Config.ScrubEvery, int64(of.Config.ScrubMiBPerSecond)<<20
	s, err := filestore.New(p, k.files, places, of.Log, nil)
	if err != nil {
		return nil, err
	}
	return s, s.Check(context.Background())
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
		{"enabled", fmt.Sprint(c.Enabled)}, {"member", c.Member}, {"stamp", c.Stamp}, {"passphraseFile", secret(c.PassphraseFile)}, {"targets", targetsText(c.Targets)},
		{"copies", fmt.Sprint(c.Copies)}, {"scrubEvery", c.ScrubEvery.String()}, {"scrubMiBPerSecond", fmt.Sprint(c.ScrubMiBPerSecond)}, {"workers", fmt.Sprint(c.Workers)}, {"wait", c.Wait.Round(time.Millisecond).String()},
		{"notary.url", c.Notary.URL}, {"notary.org", c.Notary.Org}, {"notary.token", secret(c.Notary.TokenFile)}, {"verifier", c.Verifier},
	}
}

func targetsText(of map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		out = append(out, name+"="+of[name])
	}
	return strings.Join(out, " ")
}
