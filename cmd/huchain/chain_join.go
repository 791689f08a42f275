package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/founding"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

// joining is what init, join and create ask about a node.
type joining struct {
	name, org, p2p, advertise, web, api, pass, bundles, link string
	peers                                                    []string
	follower                                                 bool
}

func (j *joining) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&j.bundles, "bundles", "", "folder of the contract packages (*.hcp) the genesis names")
	f.StringVar(&j.name, "name", "node", "name of the node")
	f.StringVar(&j.p2p, "p2p", "", "listen address for peers (default: as --advertise or the genesis say, else a free port from 127.0.0.1:7200 on)")
	f.StringVar(&j.advertise, "advertise", "", "host:port under which other nodes reach this one, where it differs from --p2p")
	f.StringVar(&j.web, "web", "", "listen address of the HTTP API, loopback (default 127.0.0.1:7100)")
	f.StringVar(&j.api, "api", "", "listen address of the API for members of the chain over TLCP, such as 10.0.0.1:7400 (default: none)")
	passphraseFlag(c, &j.pass)
}

func (j *joining) peerFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&j.org, "org", "", "organisation of the node: writes the file by which it becomes a validator")
	f.StringSliceVar(&j.peers, "peer", nil, "peer to link to: ORGANISATION/NODE@HOST:PORT; may be repeated (default: those in the genesis)")
	f.StringVar(&j.link, "link", "", "keys and certificates of the node's links, as cert issue --roles node made them: folder/name without .pem")
	f.BoolVar(&j.follower, "follower", false, "make no validator key: the node follows and votes on nothing")
}

func (j *joining) options(home node.Home, chainName string) node.InitOptions {
	return node.InitOptions{
		Home: home, Name: j.name, Org: j.org, Chain: chainName, BundlesDir: j.bundles, Peers: j.peers, P2P: j.p2p, Advertise: j.advertise,
		Web: j.web, API: j.api, Follower: j.follower, Link: j.link, Passphrase: newPassphrase(j.pass), PassphraseFile: j.pass,
	}
}

func initCmd(a *app) *cobra.Command {
	var j joining
	var genesis string
	c := &cobra.Command{
		Use: "init", Short: "make the home of a node that founds or joins a chain",
		Long: "Makes the home folder of a node: configuration and keys, and with --genesis the chain's folder as \"chain join\" does. A\n" +
			"founding validator runs it before there is a genesis: with --org, validator.json is written, which goes to the\n" +
			"ceremony (chain genesis add-validator). To become a validator of a chain that runs already, name --genesis and\n" +
			"--org: candidate.json is written, with which governance takes the node in (governance.addValidator).\n" +
			"The certificates of its links come from its organisation (cert issue --roles node); their keys must be under this\n" +
			"node's passphrase.",
		Example: "  huchain init --chain gov --org archives --name node0 --link archives/node0 --advertise 10.0.0.1:7200\n" +
			"  huchain init --genesis genesis.json --bundles bundles --org court --name node5 --link court/node5 --peer court/node0@10.0.0.2:7200\n" +
			"  huchain init --genesis genesis.json --bundles bundles --follower",
		Args: takes(0, 0),
		RunE: func(*cobra.Command, []string) error {
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			o := j.options(home, a.chain)
			o.GenesisFile = genesis
			out, err := node.Init(o)
			if err != nil {
				return err
			}
			return a.printInit(out)
		},
	}
	c.Flags().StringVar(&genesis, "genesis", "", "genesis file of the chain")
	j.flags(c)
	j.peerFlags(c)
	return c
}

func chainJoinCmd(a *app) *cobra.Command {
	var j joining
	var expect string
	c := &cobra.Command{
		Use: "join FILE", Short: "set a chain up in a node by its sealed genesis",
		Long: "Verifies that every founding organisation has signed the sealed genesis FILE, and sets the chain up in the home: its\n" +
			"genesis, contract packages, keys that are still missing, and the addresses of the founding nodes as peers. A running\n" +
			"node starts the chain at once, beside those it hosts. --expect is the hash that you were told by telephone; a bare\n" +
			"genesis file (chain genesis fetch) is taken only with it.",
		Example: "  huchain chain join gov.sealed --bundles bundles --link archives/node0 --name node0\n" +
			"  huchain chain join apps.sealed --home ~/.huchain --expect \"4f1c 09aa …\" --follower",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			o := j.options(home, a.chain)
			o.GenesisFile, o.Sealed, o.Expect = args[0], true, expect
			out, err := node.Init(o)
			if err != nil {
				return err
			}
			if err := startIfRunning(cmd.Context(), home, out.Chain); err != nil {
				return err
			}
			return a.printInit(out)
		},
	}
	c.Flags().StringVar(&expect, "expect", "", "hash, or short hash, that the genesis must have")
	j.flags(c)
	j.peerFlags(c)
	return c
}

// startIfRunning has the node of a home start a chain, if it runs.
func startIfRunning(ctx context.Context, home node.Home, name string) error {
	if _, running := node.Holder(home.LockFile()); !running {
		return nil
	}
	_, err := node.StartChain(ctx, home, name)
	return err
}

func chainCreateCmd(a *app) *cobra.Command {
	var j joining
	var dir, params string
	var orgs []string
	c := &cobra.Command{
		Use: "create NAME", Short: "found a chain alone, of organisations whose CA keys lie here",
		Long: "Founds a chain whose only validator is this node, of the organisations --org, whose CA keys and certificates lie under\n" +
			"--dir and sign the genesis; the node belongs to the first. Further nodes join by the sealed genesis that is written to\n" +
			"<home>/chains/NAME/founding.json, and governance makes them validators. Organisations with keys of their own found a\n" +
			"chain by ceremony instead (chain genesis). All keys are under one passphrase. A running node starts the chain at once.",
		Example: "  huchain org create archives --dir members\n  huchain chain create apps --org archives --dir members --bundles bin/bundles",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(orgs) == 0 || !types.ValidName(args[0]) {
				return usage(cmd, "a chain name and --org are required")
			}
			home, err := a.nodeHome()
			if err != nil {
				return err
			}
			if _, err := os.Stat(home.Chain(args[0]).GenesisFile()); err == nil {
				return types.Errorf(types.CodeAlreadyExists, "chain %s in %s", args[0], home.Dir)
			}
			secret, err := keystore.ReadPassphrase(j.pass)
			if err != nil {
				return err
			}
			j.org = orgs[0]
			out, err := j.create(home, args[0], dir, params, orgs, secret)
			if err != nil {
				return err
			}
			if err := startIfRunning(cmd.Context(), home, out.Chain); err != nil {
				return err
			}
			return a.printInit(out)
		},
	}
	c.Flags().StringVar(&dir, "dir", ".", "folder of the organisations")
	c.Flags().StringSliceVar(&orgs, "org", nil, "founding organisation; may be repeated, the node is the first one's")
	c.Flags().StringVar(&params, "params", "", "JSON file of parameters that differ from the defaults")
	j.flags(c)
	return c
}

// create runs a whole ceremony with the CA keys at hand.
func (j *joining) create(home node.Home, name, dir, params string, orgs []string, secret []byte) (*node.InitResult, error) {
	var cas []*cert.CA
	for _, org := range orgs {
		ca, err := loadCA(filepath.Join(dir, org), secret)
		if err != nil {
			return nil, err
		}
		cas = append(cas, ca)
	}
	if err := j.ownLink(cas[0], filepath.Join(dir, orgs[0], j.name), secret); err != nil {
		return nil, err
	}
	o := j.options(home, name)
	o.Passphrase = func() ([]byte, error) { return secret, nil }
	keys, err := node.Init(o)
	if err != nil {
		return nil, err
	}
	d, err := newDraft(name, time.Now(), params, j.bundles)
	if err != nil {
		return nil, err
	}
	for _, ca := range cas {
		if err := d.AddOrganisation(ca.Root(), time.Now()); err != nil {
			return nil, err
		}
	}
	raw, err := readFile(keys.Candidate)
	if err != nil {
		return nil, err
	}
	var v founding.Validator
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, types.Errorf(types.CodeGenesisInvalid, "%s: %w", keys.Candidate, err)
	}
	if v.Address == "" {
		v.Address = keys.P2P
	}
	if err := d.AddValidator(&v); err != nil {
		return nil, err
	}
	for i, ca := range cas {
		key, err := keystore.Load(filepath.Join(dir, orgs[i], "ca.key"), secret)
		if err != nil {
			return nil, err
		}
		if _, err := d.Sign(key, ca.Root(), time.Now()); err != nil {
			return nil, err
		}
	}
	s, err := d.Seal()
	if err != nil {
		return nil, err
	}
	text, err := s.Encode()
	if err != nil {
		return nil, err
	}
	o.GenesisFile, o.Org, o.Link = filepath.Join(home.Chain(name).Dir, "founding.json"), "", ""
	if err := node.WriteFile(o.GenesisFile, text, 0o644); err != nil {
		return nil, err
	}
	return node.Init(o)
}

// ownLink issues the certificates of the node's links, unless they lie there.
func (j *joining) ownLink(ca *cert.CA, base string, secret []byte) error {
	j.link = base
	if _, err := os.Stat(base + ".pem"); err == nil {
		return nil
	}
	now := time.Now()
	id, err := tlcp.Issue(ca, cert.Request{
		Name: j.name, Roles: []string{string(types.RoleNode)}, NotBefore: now.Add(-5 * time.Minute), NotAfter: now.AddDate(2, 0, 0),
	})
	if err != nil {
		return fmt.Errorf("issue link certificates: %w", err)
	}
	return node.LinkFiles{Base: base}.Save(id, secret)
}

// newDraft begins a draft with the parameters of a file and the packages of a folder.
func newDraft(name string, at time.Time, params, bundles string) (*founding.Draft, error) {
	p := chain.DefaultParams()
	if params != "" {
		raw, err := readFile(params)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, types.Errorf(types.CodeUsage, "parameters in %s: %w", params, err)
		}
	}
	list, err := genesisBundles(bundles)
	if err != nil {
		return nil, err
	}
	return founding.New(name, at, p, list)
}
