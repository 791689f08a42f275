package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/node/api"
	"github.com/huchain/huchain/types"
)

// EvidenceConfig is the evidence service of a chain on this node.
type EvidenceConfig struct {
	Enabled bool `koanf:"enabled"`
	// Member signs deposits: org/name, of role client. Its key and certificate lie under
	// Members as <org>/<name>.key and .pem; paths are relative to the chain's folder.
	Member         string `koanf:"member"`
	Members        string `koanf:"members"`
	PassphraseFile string `koanf:"passphraseFile"`
	// Stamp is the member whose clock stamps certificates, another one, under Members as well.
	// Empty: no certificates.
	Stamp string `koanf:"stamp"`
	// Targets are the folders that keep originals, encrypted, each on a disk of its own, by
	// name; Copies of every original are kept. A folder is marked with its name. Empty: three
	// folders beside the service's database.
	Targets map[string]string `koanf:"targets"`
	Copies  int               `koanf:"copies"`
	// ScrubEvery is how often all copies are read and mended, at ScrubMiBPerSecond; 0: never.
	ScrubEvery        time.Duration `koanf:"scrubEvery"`
	ScrubMiBPerSecond int           `koanf:"scrubMiBPerSecond"`
	Workers           int           `koanf:"workers"` // deposits that are brought onto the chain at a time
	Wait              time.Duration `koanf:"wait"`    // for a commit, before a deposit is answered as accepted
	Notary            NotaryConfig  `koanf:"notary"`
	// Verifier is the address of the public verification page that certificates name.
	Verifier string `koanf:"verifier"`
}

// NotaryConfig is an outside notary that attests deposits.
type NotaryConfig struct {
	URL       string `koanf:"url"`
	Org       string `koanf:"org"`       // that its certificate names
	Roots     string `koanf:"roots"`     // PEM file of roots that certify it
	TokenFile string `koanf:"tokenFile"` // credential, sent as Bearer; empty: none
}

// defaultEvidence is the service's configuration where chain.toml says nothing.
func defaultEvidence() EvidenceConfig {
	return EvidenceConfig{Copies: 2, ScrubEvery: 24 * time.Hour, ScrubMiBPerSecond: 64, Workers: 64, Wait: 20 * time.Second}
}

func (c *EvidenceConfig) validate() error {
	if !c.Enabled {
		return nil
	}
	switch {
	case c.Member == "" || c.Members == "":
		return errors.New("evidence.member and evidence.members: who signs deposits, and where its key lies")
	case c.Copies < 1 || len(c.Targets) > 0 && c.Copies > len(c.Targets) || len(c.Targets) == 0 && c.Copies > defaultTargets:
		return errors.New("evidence.copies: at least 1, and no more than there are targets")
	case c.ScrubEvery < 0 || c.ScrubMiBPerSecond < 1 || c.ScrubMiBPerSecond > 64<<10:
		return errors.New("evidence.scrubEvery: not negative; evidence.scrubMiBPerSecond: between 1 and 65536")
	case c.Workers < 1 || c.Workers > 1024:
		return errors.New("evidence.workers: between 1 and 1024")
	case c.Wait < time.Second || c.Wait > 5*time.Minute:
		return errors.New("evidence.wait: between 1s and 5m")
	case c.Notary.URL != "" && (c.Notary.Org == "" || c.Notary.Roots == ""):
		return errors.New("evidence.notary: org and roots say whose answers hold")
	}
	if _, err := types.ParseMemberID(c.Member); err != nil {
		return fmt.Errorf("evidence.member: %w", err)
	}
	if _, err := types.ParseMemberID(c.Stamp); c.Stamp != "" && err != nil || c.Stamp == c.Member {
		return fmt.Errorf("evidence.stamp: another member than evidence.member, org/name")
	}
	return nil
}

const defaultTargets = 3

// Evidence serves an evidence service while Run runs.
type Evidence interface {
	api.Evidence
	Run(ctx context.Context)
}

// EvidenceOf says what an evidence service is of, and what it gets of the node.
type EvidenceOf struct {
	Chain    string
	Genesis  crypto.Hash
	Node     string       // address of the HTTP API
	HTTP     *http.Client // through which it reaches the chain within the node
	Dir      string       // of its database, and of originals where Config names no targets
	Config   EvidenceConfig
	Defaults EvidenceConfig
	Keys     EvidenceKeys
	Record   func(actor, action, subject, outcome string) error
	Restart  *types.Restart // by which the chain was restarted last, nil if it never was
	Log      *slog.Logger
}

// EvidenceKeys makes and ends API keys of the node for a chain's applications.
type EvidenceKeys interface {
	Create(name string, days int) (token, id string, expires time.Time, err error)
	Revoke(id string) error
}

// chainKeys are the API keys of a node's applications on one chain.
type chainKeys struct {
	n     *node
	chain string
}

// Create implements EvidenceKeys.
func (k chainKeys) Create(name string, days int) (token, id string, expires time.Time, err error) {
	token, key, err := k.n.access.Keys.Create(name, k.chain, []types.Role{types.RoleClient}, time.Duration(days)*24*time.Hour, time.Now())
	return token, key.ID, key.Expires, err
}

// Revoke implements EvidenceKeys.
func (k chainKeys) Revoke(id string) error {
	_, err := k.n.access.Keys.Revoke(id, time.Now())
	return err
}

// evidenceOf makes the evidence service of a chain that is about to be served; nil if this
// node offers none.
func (n *node) evidenceOf(r *running, home ChainHome, log *slog.Logger) (Evidence, error) {
	if !r.cfg.Evidence.Enabled || n.newEvidence == nil {
		return nil, nil
	}
	c := r.cfg.Evidence
	in := func(path string) string {
		if path == "" || filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(home.Dir, path)
	}
	c.Members, c.PassphraseFile, c.Notary.Roots, c.Notary.TokenFile = in(c.Members), in(c.PassphraseFile), in(c.Notary.Roots), in(c.Notary.TokenFile)
	targets := map[string]string{}
	for name, dir := range c.Targets {
		targets[name] = in(dir)
	}
	if len(targets) == 0 {
		for i := range defaultTargets {
			targets[fmt.Sprint("target-", i)] = filepath.Join(home.EvidenceDir(), "originals", fmt.Sprint(i))
		}
	}
	c.Targets = targets
	if c.Verifier == "" {
		c.Verifier = strings.TrimRight(n.cfg.Web.url(), "/") + "/console/verify"
	}
	return n.newEvidence(EvidenceOf{
		Chain: home.Name, Genesis: r.genesis.Hash(), Node: n.cfg.Web.url(), HTTP: n.api.Inside(), Dir: home.EvidenceDir(), Config: c, Defaults: defaultEvidence(),
		Keys: chainKeys{n, home.Name}, Record: n.record, Restart: r.act, Log: log,
	})
}

// runBeside runs a part of the node until its chain or the node ends.
func (n *node) runBeside(r *running, run func(context.Context)) {
	ctx, cancel := context.WithCancel(n.mirrors)
	n.watch.Go(func() {
		<-r.ended
		cancel()
	})
	r.tending.Go(func() {
		defer cancel()
		run(ctx)
	})
}
