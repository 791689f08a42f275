package testkit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// With returns the bundles that a transcript has installed beside the tested one.
func (t *Transcript) With() []string { return t.named("with", 0) }

// Deploys returns the bundles that it deploys on the way.
func (t *Transcript) Deploys() []string { return t.named("deploy", 1) }

// supervisor returns the chain's supervision contract: the one named, or the tested one.
func (t *Transcript) supervisor(contract string) string {
	for _, s := range t.steps {
		if s.verb == "supervised" && s.rest != "" {
			return s.rest
		}
		if s.verb == "supervised" {
			return contract
		}
	}
	return ""
}

func (t *Transcript) named(verb string, word int) (out []string) {
	for _, s := range t.steps {
		if w := strings.Fields(s.rest); s.verb == verb && len(w) > word && !slices.Contains(out, w[word]) {
			out = append(out, w[word])
		}
	}
	return out
}

// params are what a transcript's chain starts with: packages installed, and extra ones
// by bundle name for with and deploy.
func (t *Transcript) params(contract string, packages [][]byte, extra map[string][]byte, lanes []Lane) Params {
	p := Params{Start: t.Start(), Orgs: t.Orgs(), Packages: slices.Clone(packages), Extra: extra, Lanes: lanes}
	if len(p.Orgs) == 0 {
		p.Orgs = DefaultParams().Orgs
	}
	for _, name := range t.With() {
		p.Packages = append(p.Packages, extra[name])
	}
	p.Policy = t.supervisor(contract)
	return p
}

// Deploy has a member with role admin upload, stage and create a package of Params.Extra.
// The outcome is that of the first call refused, or of create.
func (c *Chain) Deploy(ctx context.Context, member, name string) (*Outcome, error) {
	raw := c.extra[name]
	if raw == nil {
		return nil, fmt.Errorf("deploy: no bundle %q", name)
	}
	return c.install(ctx, member, "create", raw)
}

// install uploads, stages and installs a package; method is create or upgrade.
func (c *Chain) install(ctx context.Context, member, method string, raw []byte) (*Outcome, error) {
	m, err := c.member(member)
	if err != nil {
		return nil, err
	}
	h := crypto.Sum(raw)
	parts := slices.Collect(slices.Chunk(raw, chain.PartBytes))
	sums := make([]crypto.Hash, len(parts))
	for i := range parts {
		sums[i] = crypto.Sum(parts[i])
	}
	out, err := c.native(ctx, member, "begin", map[string]any{"package": h, "bytes": len(raw), "parts": sums})
	if err != nil || out.Code != "" {
		return out, err
	}
	var begun struct {
		Missing []int `json:"missing"`
		Staged  bool  `json:"staged"`
	}
	if err := json.Unmarshal(out.Result, &begun); err != nil {
		return nil, types.Errorf(types.CodeInternal, "answer of begin: %w", err)
	}
	for _, n := range begun.Missing {
		out, err := c.native(ctx, member, "upload", map[string]any{"package": h, "part": n, "data": parts[n]})
		if err != nil || out.Code != "" {
			return out, err
		}
	}
	if !begun.Staged {
		sig, err := m.Key.Sign(chain.PackageSignBytes(h))
		if err != nil {
			return nil, err
		}
		out, err := c.native(ctx, member, "stage", map[string]any{"package": h, "signature": sig})
		if err != nil || out.Code != "" {
			return out, err
		}
	}
	return c.native(ctx, member, method, map[string]any{"package": h})
}

func (c *Chain) native(ctx context.Context, member, method string, args any) (*Outcome, error) {
	raw, err := json.Marshal(args)
	if err != nil {
		return nil, types.Errorf(types.CodeInternal, "%w", err)
	}
	m, err := c.member(member)
	if err != nil {
		return nil, err
	}
	body := c.body(m, chain.NSContracts, method, string(raw))
	body.GasLimit = c.genesis.Params.MaxTxGas
	return c.send(ctx, chaintest.Sign(body, m, false))
}
