package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/consensus"
	"github.com/huchain/huchain/consensus/links"
	"github.com/huchain/huchain/consensus/signer"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/types"
)

// unixPrefix begins the address of a signer on the same machine.
const unixPrefix = "unix:"

// signerAddress reads keys.signer: unix:PATH, or organisation/name@host:port.
func signerAddress(s string) (network, address, peer string, err error) {
	if path, ok := strings.CutPrefix(s, unixPrefix); ok {
		if path == "" {
			return "", "", "", fmt.Errorf("%q names no socket", s)
		}
		return "unix", path, "", nil
	}
	id, address, err := links.ParseAddress(s)
	if err != nil {
		return "", "", "", fmt.Errorf("%q: want unix:PATH or organisation/name@host:port", s)
	}
	return "tcp", address, string(id), nil
}

// SignerRoots returns the CA certificates under which the two ends of a signing
// connection judge each other: those of a PEM file, read anew at each handshake so that
// a root can be exchanged, or those of the genesis where file is empty.
func SignerRoots(file string, g *chain.Genesis, log *slog.Logger) func(org string) []*cert.Certificate {
	return func(org string) []*cert.Certificate {
		all, err := readRoots(file, g)
		if err != nil {
			log.Error("roots of signing connections not read", "err", err)
		}
		var out []*cert.Certificate
		for _, c := range all {
			if c.Org == org {
				out = append(out, c)
			}
		}
		return out
	}
}

func readRoots(file string, g *chain.Genesis) (out []*cert.Certificate, err error) {
	if file == "" {
		for i := range g.Organisations {
			for _, der := range g.Organisations[i].Roots {
				if c, err := cert.Parse(der); err == nil { // the genesis was checked
					out = append(out, c)
				}
			}
		}
		return out, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, types.Errorf(types.CodeCertFile, "%w", err)
	}
	const end = "-----END CERTIFICATE-----"
	for _, part := range strings.SplitAfter(string(text), end) {
		if strings.TrimSpace(part) == "" {
			continue
		}
		c, err := cert.ParsePEM([]byte(strings.TrimSpace(part) + "\n"))
		if err != nil || !c.IsCA {
			return nil, types.Errorf(types.CodeCertFile, "%s holds something else than root certificates: %v", file, err)
		}
		out = append(out, c)
	}
	return out, nil
}

// remoteSigner connects to the signer that chain.toml names. Its public keys are noted in
// keys/signer.json at the first contact, so that the node starts without it later, and
// takes no other.
func remoteSigner(ctx context.Context, home ChainHome, cfg KeysConfig, g *chain.Genesis, act *types.Restart, identity func() (*tlcp.Identity, error), log *slog.Logger) (*signer.Remote, error) {
	network, address, peer, err := signerAddress(cfg.Signer)
	if err != nil {
		return nil, types.Errorf(types.CodeConfig, "keys.signer: %w", err)
	}
	p := signer.Params{Chain: g.RestartedChainID(act), Logger: log}
	if network == "unix" {
		if !filepath.IsAbs(address) {
			address = filepath.Join(home.Dir, address)
		}
		p.Dial = func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, network, address) }
	} else {
		roots := cfg.SignerRoots
		if roots != "" && !filepath.IsAbs(roots) {
			roots = filepath.Join(home.Dir, roots)
		}
		d := &tlcp.Dialer{Config: signer.Secure(identity, SignerRoots(roots, g, log), peer)}
		p.Dial = func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, network, address) }
	}
	pin := filepath.Join(home.KeysDir(), "signer.json")
	raw, err := os.ReadFile(pin)
	if err == nil {
		p.Keys = new(signer.PublicKeys)
		if err := json.Unmarshal(raw, p.Keys); err != nil {
			return nil, types.Errorf(types.CodeKeyFile, "%s: %w", pin, err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, types.Errorf(types.CodeKeyFile, "%w", err)
	}
	r, err := signer.NewRemote(ctx, p)
	if err != nil || p.Keys != nil {
		return r, err
	}
	if raw, err = json.MarshalIndent(r.PublicKeys(), "", "  "); err == nil {
		err = WriteFile(pin, append(raw, '\n'), 0o600)
	}
	if err != nil {
		r.Close() //nolint:errcheck // the cause is what counts
		return nil, types.Errorf(types.CodeKeyFile, "%w", err)
	}
	return r, nil
}

// validatorKeys opens the keys that chain.toml names: those in keys/, or a signer's. A node
// with neither follows.
func (r *running) validatorKeys(ctx context.Context, home ChainHome, restart *consensus.Restart, secret []byte, identity func() (*tlcp.Identity, error), log *slog.Logger) (consensus.Keys, error) {
	cfg := r.cfg.Keys
	own, err := headerKey(home, secret)
	keys := ConsensusKeys(home.KeysDir(), own)
	var act *types.Restart
	if restart != nil {
		act = restart.Act
		keys.VoteFile, _ = voteFiles(home.KeysDir(), act)
	}
	if err != nil || cfg.Signer == "" {
		return keys, err
	}
	if own != nil {
		return keys, types.Errorf(types.CodeConfig, "keys.signer is set and %s holds validator.key: move the keys to the signer, or unset it", home.KeysDir())
	}
	away, err := remoteSigner(ctx, home, cfg, r.genesis, act, identity, log)
	if err != nil {
		return keys, err
	}
	keys.Header, keys.Votes = away, away
	return keys, nil
}
